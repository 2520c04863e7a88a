"""A further tranche joins the running schedule: interest so far is carried, the rest levelled."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.daycount import DayCount
from app.lending.reschedule import opening, remaining_schedule
from app.lending.terms import RepaymentMethod, ScheduleTerms
from app.lending.tranches import accrued_interest, after_tranche

TERMS = ScheduleTerms(
    principal=Money.yuan(2_000_000),
    annual_rate_pct=Decimal("3.6"),
    term_months=12,
    method=RepaymentMethod.INTEREST_ONLY,
    day_count=DayCount.ACT_360,
    first_day=date(2026, 5, 20),
)


def test_interest_of_the_period_counts_each_tranche_from_its_day() -> None:
    after = after_tranche(TERMS, opening(TERMS), on=date(2026, 5, 30), amount=Money.yuan(3_000_000))

    # Ten days on 2,000,000, then twenty-one on 5,000,000.
    assert after.carried_interest == Money.yuan(2_000)
    assert remaining_schedule(TERMS, after)[0].interest == Money.yuan(12_500)


@given(
    method=st.sampled_from(RepaymentMethod),
    days=st.integers(min_value=0, max_value=19),
    amount=st.integers(min_value=1, max_value=10**12),
)
def test_the_rest_repays_all_that_was_drawn(
    method: RepaymentMethod, days: int, amount: int
) -> None:
    terms = replace(TERMS, method=method)
    on = terms.first_day + timedelta(days=days)

    after = after_tranche(terms, opening(terms), on=on, amount=Money(amount))

    lines = remaining_schedule(terms, after)
    assert Money.sum([line.principal for line in lines]) == terms.principal + Money(amount)
    assert lines[-1].due_on == terms.maturity
    assert lines[-1].closing == ZERO


@pytest.mark.parametrize("on", [date(2026, 5, 19), date(2026, 6, 20)])
def test_refuses_a_day_outside_the_running_period(on: date) -> None:
    with pytest.raises(FieldRefused, match="on"):
        after_tranche(TERMS, opening(TERMS), on=on, amount=Money(1))


def test_refuses_an_empty_tranche() -> None:
    with pytest.raises(FieldRefused, match="amount"):
        after_tranche(TERMS, opening(TERMS), on=TERMS.first_day, amount=ZERO)


def test_nothing_accrues_once_no_instalment_is_left() -> None:
    ended = replace(opening(TERMS), due_days=(), outstanding=ZERO, carried_interest=Money(7))

    assert accrued_interest(TERMS, ended, on=date(2027, 6, 1)) == Money(7)
