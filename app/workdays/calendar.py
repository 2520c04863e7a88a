"""Which days are working days in China: the decreed calendar, make-up Saturdays included.

The State Council decrees each year's days in the autumn before. The library ``holidays`` carries
the decrees; of a year it does not know yet it has the statutory holidays only, without a word, so
such a year is *provisional* here. The authority's own days win over the library's.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from holidays.countries.china import China, ChinaStaticHolidays

from app.core.errors import FieldRefused


class Source(StrEnum):
    """Who says whether a day is worked."""

    LIBRARY = "library"  # a published decree, as the library ``holidays`` carries it
    DECREE = "decree"  # one that the authority entered
    PROVISIONAL = "provisional"  # nobody yet: statutory holidays, or a day set in advance


YEAR_MIN, YEAR_MAX = 2001, 2100
"""The library knows decrees from 2001 on."""

DAYS_MAX = 1000
"""More working days than any service level has; a bound for the walk."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The calendar in force: what the authority has set wins over the published decrees."""

    set_days: Mapping[date, bool] = field(default_factory=dict)  # day → whether it is worked
    settled_years: Set[int] = frozenset()  # the authority entered the whole decree of these

    def is_working_day(self, day: date) -> bool:
        _check(day)
        known = self.set_days.get(day)
        return _decreed(day.year).is_working_day(day) if known is None else known

    def is_provisional(self, year: int) -> bool:
        """Whether nobody has decreed the days of ``year`` yet, as far as is known here."""
        return (
            year not in ChinaStaticHolidays.special_public_holidays
            and year not in self.settled_years
        )

    def spans_provisional(self, start: date, end: date) -> bool:
        return any(self.is_provisional(year) for year in range(start.year, end.year + 1))


@cache
def _decreed(year: int) -> China:
    return China(years=year)  # type: ignore[no-untyped-call]


def add_working_days(calendar: WorkCalendar, start: date, days: int) -> date:
    """The ``days``-th working day after ``start``, whose own day is not counted (民法典 201)."""
    if not 0 <= days <= DAYS_MAX:
        raise FieldRefused("days", f"must be from 0 to {DAYS_MAX}")
    day, left = start, days
    while left:
        day += _ONE_DAY
        left -= calendar.is_working_day(day)
    return day


def working_days_between(calendar: WorkCalendar, start: date, end: date) -> int:
    """How many working days lie after ``start``, up to and with ``end``; negative backwards."""
    if end < start:
        return -working_days_between(calendar, end, start)
    return sum(
        calendar.is_working_day(start + timedelta(days=offset + 1))
        for offset in range((end - start).days)
    )


def _check(day: date) -> None:
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise FieldRefused("day", f"must be from {YEAR_MIN} to {YEAR_MAX}")
