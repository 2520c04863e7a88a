"""What a loan contract says about its repayment."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from app.core.errors import FieldRefused
from app.core.messages import Text, say
from app.core.money import ZERO, Money, Rounding
from app.lending.daycount import DayCount
from app.lending.periods import Frequency, months_after

TERM_MONTHS_MAX = 360
RATE_PCT_MAX = 1000
FIRST_DAY_MIN = date(1900, 1, 1)
FIRST_DAY_MAX = date(2999, 12, 31)
SETTLEMENT_DAY_MAX = 31


class RepaymentMethod(StrEnum):
    """How principal and interest come back."""

    EQUAL_INSTALMENT = "equal_instalment"  # 等额本息
    EQUAL_PRINCIPAL = "equal_principal"  # 等额本金
    INTEREST_ONLY = "interest_only"  # 先息后本: interest each period, principal at the end
    BULLET = "bullet"  # 利随本清: all at the end, simple interest


METHOD_NAMES: dict[RepaymentMethod, Text] = {
    RepaymentMethod.EQUAL_INSTALMENT: say("equal instalments"),
    RepaymentMethod.EQUAL_PRINCIPAL: say("equal parts of the principal"),
    RepaymentMethod.INTEREST_ONLY: say("interest first, principal at the end"),
    RepaymentMethod.BULLET: say("one payment at the end"),
}
"""What people call the methods, in the sentences that name them."""


@dataclass(frozen=True, slots=True)
class ScheduleTerms:
    """The terms of one loan. Terms that no schedule can follow are refused, naming the field.

    ``grace_months`` defers principal at the start, so it changes nothing where principal is
    repaid at the end anyway; ``instalment_multiple`` rounds equal instalments and nothing else.
    """

    principal: Money
    annual_rate_pct: Decimal
    term_months: int
    method: RepaymentMethod
    day_count: DayCount
    first_day: date
    grace_months: int = 0
    instalment_multiple: Money | None = None
    rounding: Rounding = Rounding.HALF_UP
    frequency: Frequency = Frequency.MONTHLY
    settlement_day: int | None = None

    def __post_init__(self) -> None:
        if self.principal <= ZERO:
            raise FieldRefused("principal", say("must be more than nothing"))
        if not (self.annual_rate_pct.is_finite() and 0 <= self.annual_rate_pct <= RATE_PCT_MAX):
            raise FieldRefused(
                "annual_rate_pct", say("must be from 0 to {highest}", highest=RATE_PCT_MAX)
            )
        if not 1 <= self.term_months <= TERM_MONTHS_MAX:
            raise FieldRefused(
                "term_months", say("must be from 1 to {months}", months=TERM_MONTHS_MAX)
            )
        if not 0 <= self.grace_months < self.term_months:
            raise FieldRefused("grace_months", say("must be inside the term and less than it"))
        if self.instalment_multiple is not None and self.instalment_multiple <= ZERO:
            raise FieldRefused("instalment_multiple", say("must be more than nothing"))
        if not FIRST_DAY_MIN <= self.first_day <= FIRST_DAY_MAX:
            raise FieldRefused(
                "first_day",
                say(
                    "must be from {lowest} to {highest}",
                    lowest=FIRST_DAY_MIN,
                    highest=FIRST_DAY_MAX,
                ),
            )
        if self.settlement_day is not None and not 1 <= self.settlement_day <= SETTLEMENT_DAY_MAX:
            raise FieldRefused(
                "settlement_day", say("must be from 1 to {highest}", highest=SETTLEMENT_DAY_MAX)
            )

    @property
    def maturity(self) -> date:
        return months_after(self.first_day, self.term_months)

    @property
    def grace_ends_on(self) -> date:
        """Principal is first repaid with the first instalment after this day."""
        return months_after(self.first_day, self.grace_months)

    @property
    def anchor_day(self) -> int:
        """The day of month on which a regular period starts and ends."""
        if self.settlement_day is None or self.method is RepaymentMethod.BULLET:
            return self.first_day.day
        return self.settlement_day
