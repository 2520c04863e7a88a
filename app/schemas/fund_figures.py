"""Wire shapes of a compensation fund's figures, for its manager, parks, the authority, and all."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from app.core.money import Money
from app.lifecycle.funds import ClaimStatus
from app.risk.scheme import FuseState, RatioOf, Stops
from app.schemas.base import Output, Told
from app.schemas.fields import PctOut
from app.schemas.funds import FundOut, SuspensionOut


class FundBankOut(Output):
    """What one bank's loans stand for in the fund. The banks' lines sum to the fund's figures."""

    bank_id: UUID
    bank_name: str
    loans: int = Field(description="Filed and not ended.")
    base_reserved: Money
    base_outstanding: Money
    exposure: Money = Field(description="The fund's share of the two before.")
    compensated: Money | None = Field(description="null for a park.")
    recovered: Money | None


class FundFirmOut(Output):
    firm_id: UUID
    firm_name: str
    loans: int
    base_reserved: Money
    base_outstanding: Money
    exposure: Money
    share_pct: PctOut = Field(description="Of the fund's whole exposure.")


class FundClaimOut(Output):
    """A claim on its way. ``days_left`` runs while the manager owes an answer; below 0: late."""

    claim_id: UUID
    bank_id: UUID
    bank_name: str
    firm_name: str
    reference: str
    status: ClaimStatus
    principal: Money
    amount: Money
    approved: Money | None
    submitted_at: datetime
    due_on: date | None
    days_left: int | None


class FundFuseOut(Output):
    """The compensated-loss ratio of the year against one fuse, of the fund or of one bank."""

    fuse: str
    text: Told
    of: RatioOf
    bank_id: UUID | None = Field(description="null: the whole fund.")
    bank_name: str | None
    stops: Stops
    threshold_pct: PctOut
    warn_pct: PctOut | None
    uncalibrated: bool
    lost: Money = Field(description="Principal of the claims that were paid in the year.")
    lent: Money = Field(description="Loans filed with the fund and drawn by the year's end.")
    ratio_pct: PctOut | None = Field(description="null while nothing is lent.")
    state: FuseState


class FundClaimsOut(Output):
    """Claims in flight, in sum."""

    claims: int
    amount: Money = Field(description="Approved, or else asked.")
    late: int = Field(description="Unanswered after their deadline.")
    next_due_on: date | None


class FundFiguresOut(Output):
    """A fund's page: what stands on the ledger, by bank and firm, and what is on its way.

    A park is told no firm. What it is told by bank and of claims is null altogether where behind
    one of these figures stand too few firms, or one above all.
    """

    on: date
    fund: FundOut
    available: Money | None = Field(
        description="The balance, less what is approved and not paid yet."
    )
    compensated: Money | None = Field(description="All that was ever paid on claims.")
    recovered: Money | None = Field(description="Of it, what came back.")
    room_to_warn: Money | None = Field(
        description="IP principal that may be filed before the warning."
    )
    loans: int | None = Field(description="Filed and not ended.")
    firms_behind: int | None
    largest_firm_pct: PctOut | None
    banks: list[FundBankOut] | None
    firms: list[FundFirmOut] | None = Field(description="The largest 200; null for a park.")
    claims: FundClaimsOut | None
    claims_in_flight: list[FundClaimOut] | None = Field(
        description="The nearest deadline first, 200 at most; null for a park."
    )
    fuses: list[FundFuseOut]
    suspensions: list[SuspensionOut] = Field(description="Those open now.")


class PublicFundOut(Output):
    """A fund for everybody: its capital live, its loans and claims as of a quarter's end.

    The latter two are null where too few firms, or one above all, stand behind.
    """

    name: str
    scheme: str
    scheme_name: Told
    scheme_invented: bool = Field(description="For teaching: no city has the scheme.")
    park_code: str | None
    paid_in: Money
    balance: Money | None = Field(
        description="What is paid in, less what claims had cost by the quarter's end."
    )
    quarter: str = Field(examples=["2026Q3"], description="The last whole one.")
    leverage: PctOut | None = Field(description="At its end.")
    loans: int | None = Field(description="Filed and not ended by then.")
