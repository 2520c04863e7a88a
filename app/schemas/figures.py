"""Wire shapes of a park's figures, of who is stuck, and of an institution's own exposure."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import Money
from app.lifecycle.alerts import AlertStatus
from app.lifecycle.deals import DealStatus, QueueKind
from app.schemas.base import Input, LongText, Output
from app.schemas.fields import PctOut
from app.schemas.public import QuotaOut


class LendingOut(Output):
    """Loans of the park's firms, guaranteed by the programme or not.

    ``outstanding`` is principal drawn and not repaid by the firms: what recoveries brought of a
    lost loan leaves it once all of that loan is back, and stands beside it until then and after.
    A loan written off is neither live nor outstanding here; its liability stays.
    """

    loans: int  # ever drawn
    live_loans: int
    drawn: Money  # ever
    outstanding: Money  # principal
    recovered: Money = Field(description="Principal that recoveries have brought, ever.")
    first_time_borrowers: int


class DaysOut(Output):
    """Calendar days from the opening of a request to the first drawdown."""

    loans: int
    mean: Decimal | None
    median: Decimal | None


class OverdueOut(Output):
    loans: int
    principal: Money  # of the instalments that are late
    share_pct: PctOut  # of the principal outstanding


class DefaultedOut(Output):
    """Loans declared in default; their schedules free no quota, and what was called is not here."""

    loans: int
    liability: Money  # of the programme's guarantors, still outstanding


class SharesOut(Output):
    """A part of the liability of the programme's guarantors."""

    liability: Money
    share_pct: PctOut


class ConcentrationOut(Output):
    """Of the liability of the programme's guarantors: the HHI (10,000 is one alone), the largest.

    A firm is named only with its consent.
    """

    hhi: Decimal
    largest_liability: Money
    largest_share_pct: PctOut
    largest_name: str | None


class ReleaseOut(Output):
    """Liability that the schedules in force free in a month, for the current one: from today.

    Twelve months from the day: the thirteenth and last month counts up to that day in it.
    """

    month: str
    until: date  # the last day that counts
    amount: Money


class WaitingOut(Output):
    """One that waits for room; the firm is named only with its consent."""

    position: int
    kind: QueueKind
    amount: Money
    since: datetime
    room_in: str | None = Field(
        default=None,
        description="The month by whose end repayments due will have freed its room on the"
        " park's account; empty where they will not, or where it waits for another limit.",
        examples=["2027-03"],
    )
    firm_name: str | None


class StepOut(Output):
    """Deals before cash that are in one step."""

    step: DealStatus
    deals: int
    oldest_since: datetime


class FloorShareOut(Output):
    """What the park has brought to the programme's floor of lending; it never falls."""

    cumulative: Money
    target_pct: PctOut | None  # of the whole programme's target


class FiguresOut(Output):
    """A park at an instant."""

    park_code: str
    at: datetime
    quota: QuotaOut
    queued: Money
    queued_deals: int
    utilisation_pct: PctOut
    floor: FloorShareOut
    lending: LendingOut
    days_to_cash: DaysOut
    overdue: OverdueOut
    defaulted: DefaultedOut
    small_micro: SharesOut
    banks: ConcentrationOut
    firms: ConcentrationOut
    concentration_alerts_from_loans: int | None = Field(
        description="Concentration of banks and firms raises alerts from so many live loans on"
        " (lending.live_loans): of fewer, one borrower is always most. Null where no rule was"
        " in force.",
        examples=[10],
    )
    releases: list[ReleaseOut]
    queue: list[WaitingOut]  # the first hundred
    stuck: list[StepOut]


class StuckOut(Output):
    """A deal before cash, in its step since then."""

    deal_id: UUID
    step: DealStatus
    since: datetime
    firm_name: str | None


class ParkConsentOut(Output):
    id: UUID
    given_at: datetime
    withdrawn_at: datetime | None


class ParkExposureOut(Output):
    park_code: str
    loans: int
    outstanding: Money
    liability: Money


class FirmExposureOut(Output):
    firm_id: UUID
    firm_name: str
    loans: int
    outstanding: Money
    liability: Money
    share_pct: PctOut


class OwnLimitOut(Output):
    """A guarantor's own limit = held + outstanding + called + available; queued stands beside."""

    limit: Money
    held: Money
    outstanding: Money
    called: Money
    available: Money = Field(description="The headroom for new guarantees.")
    queued: Money = Field(description="What waits for this limit, alone or with a quota.")
    queued_deals: int
    signed_capacity: Money | None
    capacity: Money | None = Field(
        description="What was signed for, as net assets × multiple bounds it. The limit is above"
        " it where more is used."
    )
    utilisation_pct: PctOut = Field(
        description="Held, outstanding and called, of the capacity: above 100 where it was"
        " lowered below what is used.",
        examples=["133.33"],
    )
    client_cap: Money | None
    net_assets_max: Money | None = Field(description="Net assets × multiple.")


class LenderExposureOut(Output):
    """An institution's own live loans by park and by firm, the largest first.

    Shares and the HHI are of a guarantor's liability, of a bank's outstanding principal, and
    count all firms, not only the 200 that are listed.
    """

    loans: int
    outstanding: Money
    liability: Money  # of the guarantors, called parts left out
    firms_hhi: Decimal
    largest_firm_pct: PctOut
    own_limit: OwnLimitOut | None = Field(description="A guarantor's; null for a bank.")
    parks: list[ParkExposureOut]
    firms: list[FirmExposureOut]


class AlertOut(Output):
    id: UUID
    subject: str  # a park's code, or a guarantor's id
    measure: str = Field(
        description="utilisation_pct; bank_hhi, firm_hhi, largest_bank_pct and largest_firm_pct"
        " (from so many live loans on as the figures tell in concentration_alerts_from_loans);"
        " of a guarantor also small_firms_short_pct, small_tickets_short_pct (points below what"
        " it promised), client_cap_over_pct and net_assets_over_pct (per cent above its terms).",
        examples=["utilisation_pct"],
    )
    level: PctOut
    value: PctOut
    status: AlertStatus
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    note: str | None
    cleared_at: datetime | None


class AcknowledgementIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已联系担保机构增加额度"}]})

    note: LongText


class CallOut(Output):
    """Somebody to call today, and why. Name and contact only with the firm's consent."""

    reason: str  # overdue, hold_expires, approval_lapses, condition_unmet
    day: date | None  # since when it is overdue, or when it ends
    deal_id: UUID
    detail: str | None
    firm_name: str | None
    contact_name: str | None
    contact_email: str | None


class QuotaEvent(Output):
    """One event of the stream: an account's five counters."""

    park_code: str
    allocated: Money
    held: Money
    outstanding: Money
    called: Money
    available: Money
