"""Chinese working days: a published year as oracle, and identities that any calendar keeps."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.workdays.calendar import WorkCalendar, add_working_days, working_days_between

DECREED = WorkCalendar()

# 国办发明电〔2025〕7号: the days off of 2026 that fall on weekdays, and the Saturdays and Sundays
# that are worked for them.
DAYS_OFF_2026 = [
    (date(2026, 1, 1), date(2026, 1, 3)),
    (date(2026, 2, 15), date(2026, 2, 23)),
    (date(2026, 4, 4), date(2026, 4, 6)),
    (date(2026, 5, 1), date(2026, 5, 5)),
    (date(2026, 6, 19), date(2026, 6, 21)),
    (date(2026, 9, 25), date(2026, 9, 27)),
    (date(2026, 10, 1), date(2026, 10, 7)),
]
WORKED_2026 = {
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
}

days = st.dates(date(2018, 1, 1), date(2030, 12, 31))
counts = st.integers(0, 60)
set_days = st.dictionaries(days, st.booleans(), max_size=20)
calendars = st.builds(WorkCalendar, set_days)


def test_every_day_of_2026_is_as_the_state_council_decreed_it() -> None:
    wrong = []
    for offset in range(365):
        day = date(2026, 1, 1) + timedelta(days=offset)
        off = any(first <= day <= last for first, last in DAYS_OFF_2026)
        worked = day in WORKED_2026 or (day.weekday() < 5 and not off)
        if DECREED.is_working_day(day) is not worked:
            wrong.append(day)

    assert wrong == []


def test_five_days_across_national_day_end_on_the_make_up_saturday_and_after() -> None:
    # After Wednesday 30 September come 8, 9 and Saturday 10 October, then Monday the 12th, 13th.
    eve = date(2026, 9, 30)

    assert [add_working_days(DECREED, eve, n) for n in range(1, 6)] == [
        date(2026, 10, 8),
        date(2026, 10, 9),
        date(2026, 10, 10),
        date(2026, 10, 12),
        date(2026, 10, 13),
    ]


def test_a_clock_started_on_a_holiday_begins_to_count_with_the_next_working_day() -> None:
    assert add_working_days(DECREED, date(2026, 10, 3), 1) == date(2026, 10, 8)


def test_a_year_nobody_has_decreed_is_provisional_until_the_authority_enters_it() -> None:
    assert not DECREED.is_provisional(2026)
    assert DECREED.is_provisional(2035)
    assert DECREED.spans_provisional(date(2026, 12, 30), date(2035, 1, 4))
    assert not WorkCalendar(settled_years=frozenset({2035})).is_provisional(2035)


def test_the_authority_s_day_wins_over_the_library_s() -> None:
    storm = date(2026, 11, 24)
    calendar = WorkCalendar({storm: False, date(2026, 11, 28): True})

    assert DECREED.is_working_day(storm)
    assert not calendar.is_working_day(storm)
    assert calendar.is_working_day(date(2026, 11, 28))
    assert add_working_days(calendar, date(2026, 11, 23), 1) == date(2026, 11, 25)


@pytest.mark.parametrize("count", [-1, 1001])
def test_a_count_that_no_service_level_has_is_refused(count: int) -> None:
    with pytest.raises(FieldRefused):
        add_working_days(DECREED, date(2026, 11, 23), count)


@given(calendars, days, counts)
def test_counting_back_what_was_added_gives_the_same_number(
    calendar: WorkCalendar, start: date, count: int
) -> None:
    end = add_working_days(calendar, start, count)

    assert working_days_between(calendar, start, end) == count
    assert working_days_between(calendar, end, start) == -count
    assert count == 0 or calendar.is_working_day(end)


@given(calendars, days, counts, counts)
def test_adding_twice_is_adding_the_sum(
    calendar: WorkCalendar, start: date, first: int, then: int
) -> None:
    midway = add_working_days(calendar, start, first)

    assert add_working_days(calendar, midway, then) == add_working_days(
        calendar, start, first + then
    )


@given(calendars, days, days, days)
def test_the_count_over_two_stretches_is_the_sum_of_theirs(
    calendar: WorkCalendar, one: date, two: date, three: date
) -> None:
    first, middle, last = sorted([one, two, three])
    middle = min(middle, first + timedelta(days=400))
    last = min(last, middle + timedelta(days=400))

    assert working_days_between(calendar, first, last) == working_days_between(
        calendar, first, middle
    ) + working_days_between(calendar, middle, last)


@given(calendars, days, counts)
def test_one_more_day_off_never_brings_a_due_day_forward(
    calendar: WorkCalendar, start: date, count: int
) -> None:
    due = add_working_days(calendar, start, count)
    fewer = WorkCalendar({**calendar.set_days, due: False})

    assert add_working_days(fewer, start, count) >= due
