"""What share of a year lies between two days, by the conventions that loan contracts name."""

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
    match day_count:
        case DayCount.THIRTY_360:
            return _thirty_e(end) - _thirty_e(start)
        case DayCount.ACT_360 | DayCount.ACT_365F:
            return (end - start).days
        case DayCount.ACT_ACT:
            return _isda(start, end)


def _thirty_e(day: date) -> int:
    """The number of ``day`` in a calendar of twelve months of thirty days (30E/360)."""
    return day.year * DAYS_360 + day.month * 30 + min(day.day, 30)


def _isda(start: date, end: date) -> int:
    if start > end:
        return -_isda(end, start)
    if start.year == end.year:
        return (end - start).days * _part_of_day(start.year)
    first = (date(start.year + 1, 1, 1) - start).days * _part_of_day(start.year)
    last = (end - date(end.year, 1, 1)).days * _part_of_day(end.year)
    return first + (end.year - start.year - 1) * DAYS_365 * DAYS_366 + last


def _part_of_day(year: int) -> int:
    """One day of ``year`` in 1/(365·366) of a year: the length that the year does not have."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return DAYS_365 if leap else DAYS_366
