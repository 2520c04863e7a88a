"""Wire shapes of portfolios, model valuations, and values that others stated."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import Money
from app.schemas.base import Input, Output, ShortText
from app.schemas.documents import Digest
from app.schemas.fields import Amount, IsoDay, PositiveAmount
from app.schemas.rights import RightOut

RIGHTS_MAX = 500
_ID = "0193a1b2-0000-7000-8000-000000000001"


class PortfolioIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "枸杞加工专利组合"}]})

    name: ShortText


class PortfolioRightsIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"right_ids": [_ID]}]})

    right_ids: Annotated[list[UUID], Field(min_length=1, max_length=RIGHTS_MAX)]


class PortfolioOut(Output):
    id: UUID
    firm_id: UUID
    name: str
    created_at: datetime


class PortfolioDetailOut(PortfolioOut):
    rights: list[RightOut]


class RightInputs(Input):
    """What the owner states of one right: yearly sales that use it, or what making it cost."""

    right_id: UUID
    annual_revenue: Amount | None = None
    materials: Amount | None = None
    labour: Amount | None = None


class ValuationInputs(Input):
    """Rights of the portfolio that are not named here are valued at nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"rights": [{"right_id": _ID, "annual_revenue": "46000000.00"}]}]
        }
    )

    rights: Annotated[list[RightInputs], Field(min_length=1, max_length=RIGHTS_MAX)]


class ValuationOut(Output):
    """A model value, not an appraisal. Inputs and hash let anyone redo it."""

    id: UUID
    portfolio_id: UUID
    valued_on: date
    engine: str
    inputs: dict[str, Any]
    inputs_sha256: Digest
    value: Money
    liquidation_value: Money
    lendable: Money
    created_at: datetime


class ValuationItemOut(Output):
    right_id: UUID
    income_value: Money | None
    cost_value: Money | None
    value: Money
    liquidation_value: Money
    lendable: Money
    life_years: int
    working: dict[str, Any]


class ValuationDetailOut(ValuationOut):
    items: list[ValuationItemOut]


class AppraisalIn(Input):
    """An external report (评估报告) with who signed it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "value": "12000000.00",
                    "method": "收益法",
                    "appraiser": "宁夏示例资产评估有限公司",
                    "signers": ["张示例", "李示例"],
                    "valued_on": "2026-09-30",
                    "expires_on": "2027-09-29",
                    "document_id": _ID,
                }
            ]
        }
    )

    value: PositiveAmount
    method: ShortText
    appraiser: ShortText
    signers: Annotated[list[ShortText], Field(min_length=1, max_length=10)]
    valued_on: IsoDay
    expires_on: IsoDay
    document_id: UUID


class AgreedValueIn(Input):
    """A value the firm proposes; it is agreed once the other side confirms."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"value": "9000000.00", "valued_on": "2026-11-01", "agreed_with": _ID}]
        }
    )

    value: PositiveAmount
    valued_on: IsoDay
    agreed_with: UUID
    expires_on: IsoDay | None = None
    document_id: UUID | None = None


class StatedValueOut(Output):
    id: UUID
    portfolio_id: UUID
    kind: str
    value: Money
    method: str | None
    appraiser: str | None
    signers: list[str]
    valued_on: date
    expires_on: date | None
    document_id: UUID | None
    agreed_with: UUID | None
    agreed_at: datetime | None
    recorded_at: datetime
