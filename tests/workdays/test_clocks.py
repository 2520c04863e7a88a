"""A clock's reading, worked out by hand across the National Day holiday of 2026."""

from datetime import date

from app.workdays.calendar import WorkCalendar
from app.workdays.clocks import Outcome, Reading, read_clock

CALENDAR = WorkCalendar()
EVE = date(2026, 9, 30)


def read(
    *, on: date, stopped_on: date | None = None, done: bool = True, due_on: date | None = None
) -> Reading:
    """Three working days from the eve of the holiday: the 8th, the 9th, Saturday the 10th."""
    return read_clock(
        CALENDAR,
        started_on=EVE,
        level_days=3,
        stopped_on=stopped_on,
        done=done,
        on=on,
        due_on=due_on,
    )


def test_nothing_is_late_during_the_holiday() -> None:
    found = read(on=date(2026, 10, 7))

    assert found == Reading(date(2026, 10, 10), Outcome.RUNNING, 0, provisional=False)


def test_the_make_up_saturday_is_the_last_day_in_time() -> None:
    assert read(on=date(2026, 10, 10)).outcome is Outcome.RUNNING
    assert read(on=date(2026, 10, 11)).outcome is Outcome.LATE
    assert read(on=date(2026, 11, 1), stopped_on=date(2026, 10, 10)).outcome is Outcome.ON_TIME


def test_the_day_after_is_late_and_says_how_many_days_it_took() -> None:
    found = read(on=date(2026, 11, 1), stopped_on=date(2026, 10, 12))

    assert (found.outcome, found.working_days) == (Outcome.DONE_LATE, 4)


def test_a_step_that_fell_away_in_time_is_nobody_s_fault_and_one_that_was_late_stays_late() -> None:
    assert read(on=EVE, stopped_on=date(2026, 10, 9), done=False).outcome is Outcome.ENDED
    late = read(on=date(2026, 11, 1), stopped_on=date(2026, 10, 20), done=False)
    assert late.outcome is Outcome.DONE_LATE


def test_a_due_day_that_was_judged_stays() -> None:
    found = read(on=date(2026, 10, 9), due_on=date(2026, 10, 8))

    assert (found.due_on, found.outcome) == (date(2026, 10, 8), Outcome.LATE)
