"""Wire shapes of portfolios, model valuations, and values that others stated."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.messages import say
from app.core.money import Money
from app.schemas.base import Input, Output, ShortText, refused
from app.schemas.documents import Digest
from app.schemas.fields import (
    READ_DECIMAL,
    TELL_DECIMAL,
    Amount,
    IsoDay,
    PositiveAmount,
    SharePct,
    limits,
)
from app.schemas.rights import RightOut

RIGHTS_MAX = 500
Factor = Annotated[Decimal, limits(gt=0, le=100), READ_DECIMAL, TELL_DECIMAL]
Kloc = Annotated[Decimal, limits(gt=0, le=100_000), READ_DECIMAL, TELL_DECIMAL]
Volatility = Annotated[Decimal, limits(le=300), READ_DECIMAL, TELL_DECIMAL]
GrowthPct = Annotated[Decimal, limits(ge=-90, le=100), READ_DECIMAL, TELL_DECIMAL]
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


class ComparableIn(Input):
    """A right that was sold or licensed, and how ours differs: 1 is alike, above 1 is better."""

    price: PositiveAmount
    income: PositiveAmount
    term: Factor = Decimal(1)
    exclusivity: Factor = Decimal(1)
    date: Factor = Decimal(1)
    source: ShortText


class RightInputs(Input):
    """What is stated of one right: yearly sales that use it, what making it cost, and more.

    Amounts are of the last year. ``product`` names what several rights protect together, so that
    its sales count once; ``family`` the rights that stand and fall together. ``evidence`` names
    the document behind an input.
    """

    right_id: UUID
    annual_revenue: Amount | None = None
    materials: Amount | None = None
    labour: Amount | None = None
    attribution_pct: SharePct | None = None
    royalty_rate_pct: SharePct | None = None
    margin_pct: SharePct | None = None
    growth_pct: GrowthPct | None = None
    discount_rate_pct: SharePct | None = None
    valid_pct: SharePct | None = None
    economic_life_years: Annotated[int, Field(ge=1, le=100)] | None = None
    product: ShortText | None = None
    family: ShortText | None = None
    annual_earnings: Amount | None = None
    annual_charges: Amount | None = None
    annual_profit: Amount | None = None
    partner_cost: Amount | None = None
    annual_income: Amount | None = None
    asset_base: Amount | None = None
    annual_excess: Amount | None = None
    kloc: Kloc | None = None
    licensee_share_pct: SharePct | None = None
    opportunity_cost: Amount | None = None
    project_value: Amount | None = None
    project_cost: Amount | None = None
    volatility_pct: Volatility | None = None
    comparables: Annotated[list[ComparableIn], Field(max_length=20)] | None = None
    evidence: Annotated[dict[ShortText, UUID], Field(max_length=30)] = {}

    @model_validator(mode="after")
    def _evidence_is_of_what_is_stated(self) -> Self:
        stated = self.model_fields_set - {"right_id", "evidence"}
        if unknown := sorted(self.evidence.keys() - stated):
            raise refused("evidence", say("{name} is not stated here", name=unknown[0]))
        return self


class ValuationInputs(Input):
    """Rights of the portfolio that are not named here are valued at nothing.

    ``amount`` and ``term_months`` are of the loan in mind, ``yearly_cash`` what the firm has each
    year to serve it: the scenarios test the one, the lendable amount is held to the other.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rights": [
                        {
                            "right_id": _ID,
                            "annual_revenue": "46000000.00",
                            "growth_pct": "4",
                            "product": "枸杞干燥机",
                            "evidence": {"annual_revenue": _ID},
                        }
                    ],
                    "amount": "5000000.00",
                    "term_months": 24,
                    "yearly_cash": "4000000.00",
                }
            ]
        }
    )

    rights: Annotated[list[RightInputs], Field(min_length=1, max_length=RIGHTS_MAX)]
    amount: PositiveAmount | None = None
    term_months: Annotated[int, Field(ge=1, le=360)] | None = None
    yearly_cash: Amount | None = None


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
    """``run_id`` is the run behind it: scenarios, four values, every method (/valuation-runs)."""

    run_id: UUID | None
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
