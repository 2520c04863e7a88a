"""Interest between two days, penalty interest on what is late, and how late it is."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money, Rounding
from app.lending.daycount import DayCount, year_fraction


def interest_between(
    principal: Money,
    *,
    annual_rate_pct: Decimal,
    day_count: DayCount,
    start: date,
    end: date,
    rounding: Rounding = Rounding.HALF_UP,
) -> Money:
    """Simple interest from ``start`` (included) to ``end`` (excluded), rounded once to the fen."""
    if end < start:
        raise FieldRefused("end", say("{end} is before {start}", end=end, start=start))
    years = year_fraction(day_count, start=start, end=end)
    return principal.times(Fraction(annual_rate_pct) / 100 * years, rounding)


def penalty_interest(
    overdue: Money,
    *,
    annual_rate_pct: Decimal,
    multiple: Decimal,
    day_count: DayCount,
    from_day: date,
    to_day: date,
    rounding: Rounding = Rounding.HALF_UP,
) -> Money:
    """Penalty interest (罚息) on ``overdue``: ``multiple`` (1.3 to 1.5 by habit) times the rate.

    It stands in the place of ordinary interest on that amount, so it is due from the day after
    which nothing was paid (the due day, included) to ``to_day`` (excluded).
    """
    return interest_between(
        overdue,
        annual_rate_pct=annual_rate_pct * multiple,
        day_count=day_count,
        start=from_day,
        end=to_day,
        rounding=rounding,
    )
