"""Wire shapes of financing requests: the firm's own, and the lender's anonymous view."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from app.core.messages import say
from app.core.money import Money
from app.identifiers.enterprise_size import EnterpriseSize
from app.identifiers.rights import Register, RightKind
from app.lending.eligibility import Outcome
from app.lending.periods import Frequency
from app.lending.terms import TERM_MONTHS_MAX, RepaymentMethod
from app.lifecycle.financing import RequestStatus
from app.schemas.base import Input, LongText, Output, Reference, shape
from app.schemas.fields import PositiveAmount, Whole

Purpose = Annotated[
    str,
    StringConstraints(
        pattern=shape(
            r"^[a-z][a-z_]{0,63}$", say("must be a code: small letters and _, a letter first")
        )
    ),
]


class RequestIn(Input):
    """A draft, written or rewritten as a whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "R-2026-0001",
                    "portfolio_id": "01934c2e-7c00-7000-8000-000000000001",
                    "amount": "5000000.00",
                    "term_months": 12,
                    "purpose": "working_capital",
                    "purpose_text": "采购原材料",
                    "method": "interest_only",
                    "frequency": "monthly",
                }
            ]
        }
    )

    reference: Reference | None = None
    portfolio_id: UUID
    amount: PositiveAmount
    term_months: Annotated[Whole, Field(ge=1, le=TERM_MONTHS_MAX)]
    purpose: Purpose = Field(description="A code of the dated list of uses of funds.")
    purpose_text: LongText
    method: RepaymentMethod
    frequency: Frequency = Frequency.MONTHLY


class IdentityConsentIn(Input):
    """Which institution may see who the firm is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"institution_id": "01934c2e-7c00-7000-8000-000000000002"}]}
    )

    institution_id: UUID


class IdentityConsentOut(Output):
    request_id: UUID
    institution_id: UUID
    consented_at: datetime


class RightsSummary(Output):
    """What a lender may know of rights and firm before the firm consents: no name, no number."""

    counts: dict[RightKind, int]
    total_value: Money
    lendable: Money
    shortest_life_months: int | None  # None: none of the rights has a term that ends
    key_park: bool
    field: str | None  # a code of the dated list of key industries


def _none_if_empty(summary: Any) -> Any:
    """A draft's column holds an empty object."""
    return summary or None


class VerdictOut(Output):
    rule: str
    field: str
    outcome: Outcome
    reason_zh: str
    reason_en: str


class RequestOut(Output):
    """A request as its firm sees it. ``summary`` is there from submission on."""

    id: UUID
    reference: str | None
    renews_deal_id: UUID | None  # the deal whose loan this one would replace
    status: RequestStatus
    park_code: str
    portfolio_id: UUID
    valuation_id: UUID | None
    amount: Money
    term_months: int
    purpose: str
    purpose_text: str
    method: RepaymentMethod
    frequency: Frequency
    industry: str | None
    size: EnterpriseSize | None
    key_industry: bool
    summary: Annotated[RightsSummary | None, BeforeValidator(_none_if_empty)]
    eligibility: list[VerdictOut]
    created_at: datetime
    opened_at: datetime | None
    expires_at: datetime | None


class OpenRequestOut(Output):
    """An open request as every lender sees it: no name, no number, no free text of the firm's."""

    id: UUID
    park_code: str
    amount: Money
    term_months: int
    purpose: str
    method: RepaymentMethod
    frequency: Frequency
    industry: str | None
    size: EnterpriseSize | None
    key_industry: bool
    summary: RightsSummary
    recommended: bool  # by a park, and the firm consents that this is shown
    renewal: bool  # of a loan: only its bank, and its guarantor or none, can quote
    opened_at: datetime
    expires_at: datetime


class Cursor(Output):
    """Where the next page starts: send both as query parameters."""

    after_opened_at: datetime
    after_id: UUID


class OpenRequestPage(Output):
    items: list[OpenRequestOut]
    next: Cursor | None


class ProfileOut(Output):
    industry: str
    field: str | None
    employees: int | None
    revenue: Money | None
    assets: Money | None
    registered_on: date
    credit_authorised_on: date | None
    dishonest: bool
    abnormal: bool


class RequestRightOut(Output):
    right_id: UUID
    kind: RightKind
    register_: Register = Field(serialization_alias="register")
    number: str
    title: str
    expires_on: date | None
    value: Money
    lendable: Money


class FirmOut(Output):
    """Who asks, shown to an institution that the firm let see it."""

    id: UUID
    name: str
    uscc: str
    purpose_text: str
    profile: ProfileOut
    rights: list[RequestRightOut]


class LenderRequestOut(OpenRequestOut):
    """One request for a lender; ``firm`` is null until the firm consents."""

    status: RequestStatus
    firm: FirmOut | None
