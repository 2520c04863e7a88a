"""Wire shapes of compensation funds: what they are, what is filed with them, their figures."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.messages import say
from app.core.money import Money
from app.lifecycle.funds import FilingStatus
from app.lifecycle.programme import ChangeKind
from app.schemas.base import Input, LongText, Output, Reference, ShortText, Told, refused
from app.schemas.calculators.loss_sharing import FactIn
from app.schemas.fields import READ_DECIMAL, TELL_DECIMAL, PctOut, PositiveAmount, limits

PositivePct = Annotated[Decimal, limits(gt=0, le=100), READ_DECIMAL, TELL_DECIMAL]
Leverage = Annotated[Decimal, limits(gt=0, le=1000), READ_DECIMAL, TELL_DECIMAL]


class LeverageIn(Input):
    """Filed IP principal over the fund's money: the level that warns, and the one that stops."""

    leverage_warn: Leverage
    leverage_max: Leverage

    @model_validator(mode="after")
    def _warns_first(self) -> "LeverageIn":
        if self.leverage_warn > self.leverage_max:
            raise refused("leverage_warn", say("must not be above leverage_max"))
        return self


class FundFacts(LeverageIn):
    """A new compensation fund, under one loss-sharing scheme."""

    kind: Literal[ChangeKind.FUND]
    name: ShortText
    owner_id: UUID = Field(description="The park or authority whose money it is.")
    manager_id: UUID = Field(description="The agency that manages it.")
    park_code: ShortText | None = Field(None, description="Its park; null: every park.")
    scheme: ShortText = Field(
        description="GET /v1/calculators/loss-sharing/schemes lists them; not an invented one."
    )


class FundCapitalFacts(Input):
    """Money that the owner paid into a fund."""

    kind: Literal[ChangeKind.FUND_CAPITAL]
    fund_id: UUID
    amount: PositiveAmount
    reference: ShortText = Field(description="Of the payment.")


class FundLeverageFacts(LeverageIn):
    """Other leverage levels of a fund."""

    kind: Literal[ChangeKind.FUND_LEVERAGE]
    fund_id: UUID


class FundResumptionFacts(Input):
    """A fund goes on with what a fuse had stopped."""

    kind: Literal[ChangeKind.FUND_RESUMPTION]
    suspension_id: UUID


class CalledReturnFacts(Input):
    """Called quota that becomes headroom again, by decision under a dated rule."""

    kind: Literal[ChangeKind.CALLED_RETURN]
    loan_id: UUID
    amount: PositiveAmount = Field(description="Of the liability that was called.")


class SuspensionOut(Output):
    """What a fuse stopped, and the ratio that blew it."""

    id: UUID
    fund_id: UUID
    bank_id: UUID | None = Field(description="null: every bank.")
    fuse: str
    stops: str
    ratio_pct: PctOut
    threshold_pct: PctOut
    since: datetime
    ended_at: datetime | None


class FundOut(Output):
    """A fund, its money and what stands against it. ``leverage`` is null while it has no money.

    For all but its manager and the authority, what stands on too few firms, or on one above all,
    is null, and so is what would tell it.
    """

    id: UUID
    name: str
    park_code: str | None
    scheme: str
    scheme_invented: bool = Field(description="For teaching: no city has the scheme.")
    opened_on: date
    leverage_warn: PctOut
    leverage_max: PctOut
    paid_in: Money
    balance: Money | None
    committed: Money | None = Field(description="Approved and not paid yet.")
    paid: Money | None = Field(description="Compensation, less what came back.")
    base_reserved: Money | None = Field(description="IP principal filed and not drawn.")
    base_outstanding: Money | None = Field(description="IP principal drawn and owed.")
    exposure_reserved: Money | None = Field(description="The fund's share of base_reserved.")
    exposure_outstanding: Money | None
    leverage: PctOut | None
    leverage_level: Literal["normal", "warn", "stop"]
    room: Money | None = Field(description="IP principal that may still be filed.")


class FilingIn(Input):
    """A loan to be filed with a fund before it is drawn (入池备案)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fund_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001",
                    "ip_share_pct": "100",
                    "facts": {},
                }
            ]
        }
    )

    fund_id: UUID
    ip_share_pct: PositivePct = Field(
        description="The part of the loan that the pledged IP secures; only it is compensated."
    )
    facts: dict[str, FactIn] = Field(
        default_factory=dict, description="What else the fund's scheme asks."
    )


class FilingAnswerIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reference": "RC-2026-0117"}]})

    reference: Reference = Field(description="The fund's number of the filing receipt.")


class ReasonIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "材料不全"}]})

    reason: LongText


class FilingOut(Output):
    id: UUID
    fund_id: UUID
    deal_id: UUID
    claimant_id: UUID
    bank_id: UUID
    firm_id: UUID
    firm_name: str
    park_code: str
    scheme: str
    scheme_from: date
    facts: dict[str, Any]
    loan_amount: Money
    ip_share_pct: PctOut
    fund_share_pct: PctOut
    status: FilingStatus
    reserved: Money
    outstanding: Money
    compensated: Money
    reference: str | None
    refusal: str | None
    filed_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None


class PaperIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "ip_statement", "document_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001"}
            ]
        }
    )

    code: ShortText = Field(description="Of the scheme's list of papers.")
    document_id: UUID


class PaperOut(Output):
    """A paper of the claim pack. ``there``: attached, or known to the platform already."""

    code: str
    name: Told
    due: str = Field(description="drawdown, or claim.")
    there: bool
    document_ids: list[UUID]


class ReadinessRecordOut(Output):
    number: int
    step: str
    at: datetime
    score_pct: PctOut
    missing: list[Any]


class ReadinessOut(Output):
    """How complete the claim pack is today, and how it was at each step of the loan."""

    filing_id: UUID
    score_pct: PctOut
    papers: list[PaperOut]
    missing_now: list[str] = Field(description="Codes due by the step that the loan is at.")
    missing_for_claim: list[str]
    records: list[ReadinessRecordOut]
