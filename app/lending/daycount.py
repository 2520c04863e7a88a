"""What share of a year lies between two days, by the conventions that loan contracts name."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from fractions import Fraction

DAYS_360 = 360
DAYS_365 = 365
DAYS_366 = 366


class DayCount(StrEnum):
    """A day-count convention (计息基础). Daily interest in China is ACT/360 by default."""

    THIRTY_360 = "30/360"
    ACT_360 = "ACT/360"
    ACT_365F = "ACT/365F"
    ACT_ACT = "ACT/ACT"  # ISDA: each calendar year's days over that year's length


# Every fraction of a convention is a whole number of these parts of a year.
YEAR_PARTS = {
    DayCount.THIRTY_360: DAYS_360,
    DayCount.ACT_360: DAYS_360,
    DayCount.ACT_365F: DAYS_365,
    DayCount.ACT_ACT: DAYS_365 * DAYS_366,
}


def year_fraction(day_count: DayCount, *, start: date, end: date) -> Fraction:
    """The exact share of a year from ``start`` (included) to ``end`` (excluded).

    30/360 is counted as 30E/360 here: only a schedule knows which periods are whole months.
    """
    return Fraction(year_parts(day_count, start=start, end=end), YEAR_PARTS[day_count])


def year_parts(day_count: DayCount, *, start: date, end: date) -> int:
    """``year_fraction`` as a number of ``YEAR_PARTS[day_count]``."""
    place = PLACE[day_count]
    return place(end) - place(start)


def _thirty_e(day: date) -> int:
    """The number of ``day`` in a calendar of twelve months of thirty days (30E/360)."""
    return day.year * DAYS_360 + day.month * 30 + min(day.day, 30)


def _isda(day: date) -> int:
    """A day of a leap year is 1/366 of it, of any other 1/365: every year is 365·366 parts."""
    year = day.year
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    into_year = day.toordinal() - date(year, 1, 1).toordinal()
    return year * DAYS_365 * DAYS_366 + into_year * (DAYS_365 if leap else DAYS_366)


# Where a day stands on the convention's own axis, in ``YEAR_PARTS`` from an arbitrary origin.
PLACE: dict[DayCount, Callable[[date], int]] = {
    DayCount.THIRTY_360: _thirty_e,
    DayCount.ACT_360: date.toordinal,
    DayCount.ACT_365F: date.toordinal,
    DayCount.ACT_ACT: _isda,
}
