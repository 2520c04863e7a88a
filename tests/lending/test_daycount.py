"""Day counts against the published table (risk.md §2) and QuantLib."""

from datetime import date
from fractions import Fraction

import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

from app.lending.daycount import DayCount, year_fraction

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))

# Days of common and of leap years (ACT/ACT), actual days, 30E/360 days.
TABLE = [
    (date(2007, 12, 28), date(2008, 2, 28), (4, 58), 62, 60),
    (date(2007, 12, 28), date(2008, 2, 29), (4, 59), 63, 61),
    (date(2007, 10, 31), date(2008, 11, 30), (62, 334), 396, 390),
    (date(2008, 2, 1), date(2009, 5, 31), (150, 335), 485, 479),
]


@pytest.mark.parametrize(("start", "end", "isda", "actual", "thirty"), TABLE)
def test_the_published_table_holds(
    start: date, end: date, isda: tuple[int, int], actual: int, thirty: int
) -> None:
    common, leap = isda

    assert year_fraction(DayCount.ACT_ACT, start=start, end=end) == (
        Fraction(common, 365) + Fraction(leap, 366)
    )
    assert year_fraction(DayCount.ACT_365F, start=start, end=end) == Fraction(actual, 365)
    assert year_fraction(DayCount.ACT_360, start=start, end=end) == Fraction(actual, 360)
    assert year_fraction(DayCount.THIRTY_360, start=start, end=end) == Fraction(thirty, 360)


ORACLE = {
    DayCount.THIRTY_360: ql.Thirty360(ql.Thirty360.European),
    DayCount.ACT_360: ql.Actual360(),
    DayCount.ACT_365F: ql.Actual365Fixed(),
    DayCount.ACT_ACT: ql.ActualActual(ql.ActualActual.ISDA),
}


@pytest.mark.parametrize("day_count", DayCount)
@given(start=DAYS, end=DAYS)
def test_every_convention_agrees_with_quantlib(day_count: DayCount, start: date, end: date) -> None:
    start, end = sorted([start, end])

    ours = year_fraction(day_count, start=start, end=end)

    theirs = ORACLE[day_count].yearFraction(
        ql.Date(start.day, start.month, start.year), ql.Date(end.day, end.month, end.year)
    )
    assert float(ours) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("day_count", DayCount)
@given(days=st.tuples(DAYS, DAYS, DAYS))
def test_fractions_add_up_over_any_middle_day(
    day_count: DayCount, days: tuple[date, date, date]
) -> None:
    start, middle, end = days

    parts = year_fraction(day_count, start=start, end=middle) + year_fraction(
        day_count, start=middle, end=end
    )

    assert parts == year_fraction(day_count, start=start, end=end)
