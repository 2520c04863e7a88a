"""Due days: the oracle of risk.md §2, settlement days, quarters."""

from datetime import date

import pytest
from hypothesis import given

from app.lending.daycount import DayCount
from app.lending.periods import Frequency, due_days, months_after, period_parts
from app.lending.schedule import schedule
from app.lending.terms import ScheduleTerms
from tests.lending.make import any_terms


def days_of(
    first_day: date, months: int, frequency: Frequency = Frequency.MONTHLY, on: int | None = None
) -> list[str]:
    maturity = months_after(first_day, months)
    days = due_days(first_day, maturity=maturity, frequency=frequency, settlement_day=on)
    return [day.isoformat() for day in days]


def test_month_ends_are_clipped_but_not_stuck() -> None:
    days = days_of(date(2023, 1, 31), 13)

    assert days[:3] == ["2023-02-28", "2023-03-31", "2023-04-30"]
    assert days[-1] == "2024-02-29"


def test_the_thirtieth_comes_back_after_february() -> None:
    assert days_of(date(2023, 1, 30), 3) == ["2023-02-28", "2023-03-30", "2023-04-30"]


def test_a_settlement_day_makes_the_first_and_the_last_period_short() -> None:
    days = days_of(date(2025, 1, 15), 3, on=20)

    assert days == ["2025-01-20", "2025-02-20", "2025-03-20", "2025-04-15"]


def test_the_first_period_may_be_one_day_long() -> None:
    assert days_of(date(2025, 1, 19), 1, on=20) == ["2025-01-20", "2025-02-19"]


def test_a_loan_drawn_on_the_settlement_day_starts_with_a_whole_period() -> None:
    assert days_of(date(2025, 1, 20), 2, on=20) == ["2025-02-20", "2025-03-20"]


def test_a_settlement_day_past_the_months_end_is_clipped() -> None:
    assert days_of(date(2025, 1, 31), 3, on=31) == ["2025-02-28", "2025-03-31", "2025-04-30"]


@pytest.mark.parametrize(
    ("first_day", "first_due"),
    [
        (date(2025, 1, 15), "2025-03-20"),
        (date(2025, 3, 19), "2025-03-20"),
        (date(2025, 3, 20), "2025-06-20"),
        (date(2025, 12, 21), "2026-03-20"),
    ],
)
def test_quarters_settle_in_the_last_month_of_the_calendar_quarter(
    first_day: date, first_due: str
) -> None:
    assert days_of(first_day, 12, Frequency.QUARTERLY, on=20)[0] == first_due


def test_a_term_that_quarters_do_not_fill_ends_with_a_short_period() -> None:
    days = days_of(date(2025, 1, 31), 8, Frequency.QUARTERLY)

    assert days == ["2025-04-30", "2025-07-31", "2025-09-30"]


def test_a_whole_month_counts_a_twelfth_and_a_broken_one_by_30e() -> None:
    whole = period_parts(
        DayCount.THIRTY_360, start=date(2023, 1, 31), ends=[date(2023, 2, 28)], anchor_day=31
    )
    broken = period_parts(
        DayCount.THIRTY_360, start=date(2023, 1, 31), ends=[date(2023, 2, 28)], anchor_day=15
    )

    assert (whole, broken) == ([30], [28])


@given(terms=any_terms())
def test_due_days_rise_to_maturity_and_days_fill_the_term(terms: ScheduleTerms) -> None:
    plan = schedule(terms)

    days = [instalment.due_on for instalment in plan]
    assert days == sorted(set(days))
    assert days[-1] == terms.maturity
    assert sum(instalment.days for instalment in plan) == (terms.maturity - terms.first_day).days
    assert all(instalment.days > 0 for instalment in plan)
