"""On which days a loan's instalments fall due, and how long each period counts."""

from calendar import monthrange
from datetime import date
from enum import StrEnum

from app.lending.daycount import DayCount, year_parts

MONTHS_PER_YEAR = 12
THIRTY = 30
SHORTEST_MONTH = 28


class Frequency(StrEnum):
    """How often interest is settled."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"

    @property
    def months(self) -> int:
        return 1 if self is Frequency.MONTHLY else 3


def months_after(start: date, months: int, *, day: int | None = None) -> date:
    """The ``day`` (by default that of ``start``) of a later month, or that month's last day."""
    years, month0 = divmod(start.month - 1 + months, MONTHS_PER_YEAR)
    return _clipped(start.year + years, month0 + 1, day or start.day)


def due_days(
    first_day: date, *, maturity: date, frequency: Frequency, settlement_day: int | None
) -> list[date]:
    """The due days after ``first_day``, in order; the last is ``maturity``.

    Without a settlement day they keep the first day's day of month, clipped to the month's end
    and not stuck there. With one (结息日, for example the 20th), periods end on that day: every
    month, or in March, June, September and December if quarterly, as banks settle. The first
    settlement is the first one strictly after the first day, however near: a loan drawn on the
    19th has a first period of one day. It is not merged into the next, because interest up to a
    settlement day is owed on it. The last period ends at maturity and may be short too.
    """
    step = frequency.months
    if settlement_day is None:
        months, day = step, first_day.day
    else:
        months, day = -first_day.month % step, settlement_day
        if months_after(first_day, months, day=day) <= first_day:
            months += step
    days = []
    while (due_on := months_after(first_day, months, day=day)) < maturity:
        days.append(due_on)
        months += step
    days.append(maturity)
    return days


def period_parts(day_count: DayCount, *, start: date, end: date, anchor_day: int) -> int:
    """The length of one period of a schedule, in ``YEAR_PARTS[day_count]``.

    Under 30/360 a period between two days that both fall on ``anchor_day`` (clipped to the
    month's end) is whole months of a twelfth each; any other is broken and counts by 30E/360.
    """
    if day_count is not DayCount.THIRTY_360:
        return year_parts(day_count, start=start, end=end)
    if _falls_on(start, anchor_day) and _falls_on(end, anchor_day):
        months = (end.year - start.year) * MONTHS_PER_YEAR + end.month - start.month
        return months * THIRTY
    return year_parts(day_count, start=start, end=end)


def _falls_on(day: date, anchor_day: int) -> bool:
    return day.day == anchor_day or (
        day.day < anchor_day
        and day.day >= SHORTEST_MONTH
        and day.day == monthrange(day.year, day.month)[1]
    )


def _clipped(year: int, month: int, day: int) -> date:
    if day > SHORTEST_MONTH:
        day = min(day, monthrange(year, month)[1])
    return date(year, month, day)
