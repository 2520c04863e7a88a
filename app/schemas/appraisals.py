"""Wire shapes of external appraisals: accreditations, orders, reports, and the comparison."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import Money
from app.identifiers.rights import Register, RightKind
from app.lifecycle.appraisals import AppraisalStatus
from app.schemas.base import Input, LongText, Output, ShortText, Told
from app.schemas.fields import Amount, IsoDay, Pct, PctOut, PositiveAmount
from app.schemas.portfolios import RIGHTS_MAX

_ID = "0193a1b2-0000-7000-8000-000000000001"
YEARS_MAX = 100


class AccreditationIn(Input):
    """The authority's word that an agency may appraise; its last day is one of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "certificate_number": "宁财资评备〔2024〕12号",
                    "starts_on": "2026-01-01",
                    "expires_on": "2027-12-31",
                }
            ]
        }
    )

    certificate_number: ShortText
    starts_on: IsoDay
    expires_on: IsoDay


class RevocationIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "备案已被注销"}]})

    reason: LongText


class AccreditationOut(Output):
    id: UUID
    appraiser_id: UUID
    certificate_number: str
    starts_on: date
    expires_on: date
    granted_at: datetime
    revoked_at: datetime | None
    revocation: str | None


class AppraiserOut(Output):
    """An agency that may be ordered from today."""

    id: UUID
    name: str
    certificate_number: str
    expires_on: date


class AppraisalOrderIn(Input):
    """Without ``right_ids`` the scope is every right there is to see."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "appraiser_id": _ID,
                    "instructions": "质押融资用途,评估基准日 2026-10-31",
                    "price": "48000.00",
                    "due_on": "2026-12-20",
                }
            ]
        }
    )

    appraiser_id: UUID
    instructions: LongText
    price: PositiveAmount
    due_on: IsoDay = Field(description="The last day for the report.")
    right_ids: Annotated[list[UUID], Field(min_length=1, max_length=RIGHTS_MAX)] | None = None


class OrderReasonIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "人手不足"}]})

    reason: LongText


class SignerIn(Input):
    """An appraiser in person (资产评估师) who signed the report."""

    name: ShortText
    certificate_number: ShortText


class ReportIn(Input):
    """The signed report: upload it first as a document of kind `report`, then name it here.

    The figures behind the value are told where the report states them, so that a difference from
    the model can be explained.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "report_number": "宁评报字〔2026〕第 118 号",
                    "document_id": _ID,
                    "value": "12000000.00",
                    "method": "income",
                    "valued_on": "2026-10-31",
                    "expires_on": "2027-10-30",
                    "signers": [
                        {"name": "张示例", "certificate_number": "64000011"},
                        {"name": "李示例", "certificate_number": "64000012"},
                    ],
                    "discount_rate_pct": "14.2",
                    "royalty_rate_pct": "3.5",
                    "life_years": 8,
                    "annual_revenue": "46000000.00",
                }
            ]
        }
    )

    report_number: ShortText
    document_id: UUID
    value: PositiveAmount
    method: ShortText = Field(description="income, market, cost, income_and_cost or other.")
    valued_on: IsoDay
    expires_on: IsoDay = Field(description="The last day on which the report may be used.")
    signers: Annotated[list[SignerIn], Field(min_length=1, max_length=10)]
    discount_rate_pct: Pct | None = None
    royalty_rate_pct: Pct | None = None
    life_years: Annotated[int, Field(ge=0, le=YEARS_MAX)] | None = None
    annual_revenue: Amount | None = None
    assumptions: LongText | None = None


class DisputeIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "折现率未反映专利剩余年限"}]}
    )

    reason: LongText
    document_id: UUID | None = None


class ScopeRightOut(Output):
    """A right as its register named it on the day of the order."""

    right_id: UUID
    kind: RightKind
    register_: Annotated[
        Register, Field(validation_alias="register", serialization_alias="register")
    ]
    number: str
    title: str
    holder_name: str
    expires_on: date | None


class SignerOut(Output):
    name: str
    certificate_number: str


class AnswerOut(Output):
    verdict: str
    reason: str | None
    document_id: UUID | None
    answered_at: datetime


class ReportOut(Output):
    """``expired`` is as of today: an expired report does not count in drawing up a value."""

    id: UUID
    version: int
    report_number: str
    document_id: UUID
    value: Money
    method: str
    valued_on: date
    expires_on: date
    expired: bool
    signers: list[SignerOut]
    discount_rate_pct: PctOut | None
    royalty_rate_pct: PctOut | None
    life_years: int | None
    annual_revenue: Money | None
    assumptions: str | None
    delivered_at: datetime
    answers: list[AnswerOut]


class AppraisalOrderOut(Output):
    id: UUID
    portfolio_id: UUID
    request_id: UUID | None
    firm_id: UUID
    orderer_id: UUID
    appraiser_id: UUID
    instructions: str
    price: Money
    due_on: date
    status: AppraisalStatus
    reason: str | None
    ordered_at: datetime
    ended_at: datetime | None


class AppraisalOrderDetailOut(AppraisalOrderOut):
    """With its scope, and every version of its report with what was answered to it."""

    rights: list[ScopeRightOut]
    reports: list[ReportOut]


class InputsOut(Output):
    discount_rate_pct: PctOut | None
    royalty_rate_pct: PctOut | None
    life_years: int | None
    annual_revenue: Money | None


class SideOut(Output):
    """``out_of_use`` says why the value does not count today, where it does not."""

    name: str
    value: Money
    valued_on: date
    method: str
    method_name: Told
    inputs: InputsOut
    expires_on: date | None
    out_of_use: Told | None


class DifferenceOut(Output):
    code: str
    text: Told


class LeftOutOut(Output):
    name: str
    reason: Told


class ComparisonOut(Output):
    """The model's value and the report's, side by side; the model's is no 资产评估报告."""

    order_id: UUID
    model: SideOut | None
    model_missing: Told | None = Field(description="Why there is no model value to compare with.")
    engine: str | None = Field(description="That made the model's value.")
    report: SideOut
    ratio: PctOut | None = Field(description="The report's value over the model's.")
    difference_pct: PctOut | None = Field(description="Of the lower of the two values.")
    level_pct: PctOut = Field(description="From where on a difference must be explained.")
    beyond_level: bool
    findings: list[DifferenceOut]
    drawn_up: Money | None = Field(description="The least of the values that count today.")
    counted: list[str]
    left_out: list[LeftOutOut]
    uncalibrated: bool = Field(description="Nobody publishes the level.")
