"""On which days a loan's instalments fall due, and how long each period counts."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from operator import sub

from app.lending.daycount import PLACE, DayCount

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
    return _day_of(_month_of(start) + months, day or start.day)


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
    step, first, last = frequency.months, _month_of(first_day), _month_of(maturity)
    if settlement_day is None:
        first, day = first + step, first_day.day
    else:
        first, day = first + -first_day.month % step, settlement_day
        if _day_of(first, day) <= first_day:
            first += step
    days = [_day_of(month, day) for month in range(first, last + 1, step)]
    if days and days[-1] >= maturity:
        days.pop()
    days.append(maturity)
    return days


def period_parts(
    day_count: DayCount, *, start: date, ends: Sequence[date], anchor_day: int
) -> list[int]:
    """The lengths of the periods of a schedule, one after another, in ``YEAR_PARTS[day_count]``.

    Under 30/360 a period between two days that both fall on ``anchor_day`` (clipped to the
    month's end) is whole months of a twelfth each; any other is broken and counts by 30E/360.
    """
    place = PLACE[day_count]
    places = [place(start), *map(place, ends)]
    parts = list(map(sub, places[1:], places))
    if day_count is DayCount.THIRTY_360 and anchor_day > SHORTEST_MONTH:
        # Up to the 28th nothing is clipped, and 30E/360 counts whole months as such.
        for index, (opened, end) in enumerate(pairwise([start, *ends])):
            if _falls_on(opened, anchor_day) and _falls_on(end, anchor_day):
                parts[index] = (_month_of(end) - _month_of(opened)) * THIRTY
    return parts


def _falls_on(day: date, anchor_day: int) -> bool:
    return day.day == anchor_day or (
        day.day < anchor_day
        and day.day >= SHORTEST_MONTH
        and day.day == monthrange(day.year, day.month)[1]
    )


def _month_of(day: date) -> int:
    """Months counted from the year 0, so that a later month is a sum away."""
    return day.year * MONTHS_PER_YEAR + day.month - 1


def _day_of(month: int, day: int) -> date:
    year, month0 = divmod(month, MONTHS_PER_YEAR)
    if day > SHORTEST_MONTH:
        day = min(day, monthrange(year, month0 + 1)[1])
    return date(year, month0 + 1, day)
