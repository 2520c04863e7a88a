"""Repayment schedules: the published example, a slow exact oracle, and what always holds."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money, Rounding, round_fen
from app.lending.daycount import YEAR_PARTS, DayCount
from app.lending.periods import Frequency, period_parts
from app.lending.schedule import schedule
from app.lending.terms import RepaymentMethod, ScheduleTerms
from tests.lending.make import any_terms, terms


def total_interest(terms: ScheduleTerms) -> Money:
    return Money.sum([instalment.interest for instalment in schedule(terms)])


def test_the_published_example() -> None:
    plan = schedule(terms(instalment_multiple=Money.yuan("1.00")))

    first = plan[0]
    assert (first.number, first.due_on, first.days) == (1, date(2022, 12, 1), 30)
    assert [str(amount) for amount in first[3:]] == ["50.00", "255.00", "305.00", "4745.00"]
    assert str(Money.sum([row.interest for row in plan])) == "488.22"
    assert str(Money.sum([row.payment for row in plan])) == "5488.22"
    assert {row.payment for row in plan[:-1]} == {Money.yuan(305)}
    assert plan[-1].closing == ZERO


def test_equal_principal_rounds_each_part_and_lets_the_last_take_the_rest() -> None:
    plan = schedule(
        terms(principal=Money.yuan(100), term_months=3, method=RepaymentMethod.EQUAL_PRINCIPAL)
    )

    assert [str(row.principal) for row in plan] == ["33.33", "33.33", "33.34"]
    assert [str(row.interest) for row in plan] == ["1.00", "0.67", "0.33"]


def test_interest_only_repays_principal_at_the_end() -> None:
    plan = schedule(terms(method=RepaymentMethod.INTEREST_ONLY, term_months=2))

    assert [str(row.payment) for row in plan] == ["50.00", "5050.00"]


def test_a_bullet_pays_simple_interest_once_even_over_clipped_months() -> None:
    (only,) = schedule(
        terms(
            method=RepaymentMethod.BULLET,
            term_months=13,
            first_day=date(2023, 1, 31),
            settlement_day=20,
            frequency=Frequency.QUARTERLY,
        )
    )

    assert (only.due_on, only.days) == (date(2024, 2, 29), 394)
    assert str(only.interest) == "650.00"


def test_no_interest_leaves_equal_parts() -> None:
    plan = schedule(terms(annual_rate_pct=Decimal(0), term_months=3))

    assert [str(row.payment) for row in plan] == ["1666.67", "1666.67", "1666.66"]


def test_grace_defers_principal_and_the_rest_is_level() -> None:
    plan = schedule(terms(grace_months=6))

    assert [str(row.payment) for row in plan[:6]] == ["50.00"] * 6
    # 5,000 at 1 % a month over 12 months
    assert {str(row.payment) for row in plan[6:-1]} == {"444.24"}


def test_grace_counts_months_also_in_quarters() -> None:
    plan = schedule(terms(grace_months=6, frequency=Frequency.QUARTERLY, term_months=12))

    assert [row.principal == ZERO for row in plan] == [True, True, False, False]


def test_a_short_first_period_counts_by_30e() -> None:
    plan = schedule(
        terms(
            method=RepaymentMethod.INTEREST_ONLY,
            term_months=2,
            first_day=date(2025, 1, 15),
            settlement_day=20,
        )
    )

    assert [str(row.interest) for row in plan] == ["8.33", "50.00", "41.67"]


def test_half_even_differs_from_half_up_on_an_exact_half() -> None:
    half = {
        "principal": Money.yuan("0.50"),
        "method": RepaymentMethod.INTEREST_ONLY,
        "term_months": 1,
    }

    assert str(schedule(terms(**half))[0].interest) == "0.01"
    assert str(schedule(terms(**half, rounding=Rounding.HALF_EVEN))[0].interest) == "0.00"


@pytest.mark.parametrize("multiple", ["1000.00", "500.00"])
def test_a_multiple_that_pays_nothing_or_ends_early_is_refused(multiple: str) -> None:
    with pytest.raises(FieldRefused) as refusal:
        schedule(terms(instalment_multiple=Money.yuan(multiple)))

    assert refusal.value.field == "instalment_multiple"


def test_a_multiple_below_the_interest_is_raised_to_it() -> None:
    # 60,000 at 24 %: interest 1,200, exact instalment about 1,201, nearest multiple 1,000.
    plan = schedule(
        terms(
            principal=Money.yuan(60_000),
            annual_rate_pct=Decimal(24),
            term_months=360,
            instalment_multiple=Money.yuan(1000),
        )
    )

    assert {str(row.payment) for row in plan[:-1]} == {"1200.00"}
    assert plan[-1].closing == ZERO


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("principal", ZERO),
        ("annual_rate_pct", Decimal(-1)),
        ("annual_rate_pct", Decimal("NaN")),
        ("annual_rate_pct", Decimal(1001)),
        ("term_months", 0),
        ("term_months", 361),
        ("grace_months", 18),
        ("grace_months", -1),
        ("instalment_multiple", ZERO),
        ("first_day", date(1899, 12, 31)),
        ("first_day", date(3000, 1, 1)),
        ("settlement_day", 0),
        ("settlement_day", 32),
    ],
)
def test_impossible_terms_are_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(FieldRefused) as refusal:
        terms(**{field: value})

    assert refusal.value.field == field


def fractions_of(terms: ScheduleTerms) -> list[Fraction]:
    ends = [row.due_on for row in schedule(terms)]
    parts = period_parts(
        terms.day_count, start=terms.first_day, ends=ends, anchor_day=terms.anchor_day
    )
    shares = [Fraction(part, YEAR_PARTS[terms.day_count]) for part in parts]
    return [Fraction(terms.annual_rate_pct) / 100 * share for share in shares]


def slow_equal_instalment(terms: ScheduleTerms) -> list[tuple[int, int]]:
    """The formula of calculators.md word for word, in fractions."""
    fractions = fractions_of(terms)
    grown, series = 1 + fractions[0], Fraction(1)
    for fraction in fractions[1:]:
        grown *= 1 + fraction
        series = series * (1 + fraction) + 1
    instalment = round_fen(terms.principal.fen * grown / series, terms.rounding)
    owed, rows = terms.principal.fen, []
    for index, fraction in enumerate(fractions):
        interest = round_fen(owed * fraction, terms.rounding)
        last = index == len(fractions) - 1
        principal = owed if last else min(max(instalment - interest, 0), owed)
        rows.append((interest, principal))
        owed -= principal
    return rows


@given(terms=any_terms(method=RepaymentMethod.EQUAL_INSTALMENT, grace_months=0))
def test_integer_arithmetic_is_the_exact_formula(terms: ScheduleTerms) -> None:
    rows = [(row.interest.fen, row.principal.fen) for row in schedule(terms)]

    assert rows == slow_equal_instalment(terms)


@given(terms=any_terms())
def test_sums_are_exact_and_nothing_is_negative(terms: ScheduleTerms) -> None:
    plan = schedule(terms)

    assert Money.sum([row.principal for row in plan]) == terms.principal
    assert plan[-1].closing == ZERO
    owed = terms.principal
    for row in plan:
        assert min(row.interest, row.principal, row.closing) >= ZERO
        assert row.payment == row.interest + row.principal
        owed -= row.principal
        assert row.closing == owed


@given(terms=any_terms())
def test_interest_of_each_period_is_rounded_once(terms: ScheduleTerms) -> None:
    owed = terms.principal

    for row, fraction in zip(schedule(terms), fractions_of(terms), strict=True):
        assert row.interest == owed.times(fraction, terms.rounding)
        owed = row.closing


@given(terms=any_terms(method=RepaymentMethod.EQUAL_INSTALMENT), data=st.data())
def test_a_multiple_is_kept_or_refused(terms: ScheduleTerms, data: st.DataObject) -> None:
    multiple = Money(data.draw(st.integers(1, terms.principal.fen)))
    stepped = ScheduleTerms(
        principal=terms.principal,
        annual_rate_pct=terms.annual_rate_pct,
        term_months=terms.term_months,
        method=terms.method,
        day_count=terms.day_count,
        first_day=terms.first_day,
        instalment_multiple=multiple,
    )

    try:
        plan = schedule(stepped)
    except FieldRefused:
        reject()

    for row in plan[:-1]:
        assert row.payment.fen % multiple.fen == 0 or row.principal == ZERO
    assert plan[-1].principal > ZERO


@settings(max_examples=20)
@given(
    terms=any_terms(
        term_months=360,
        annual_rate_pct=Decimal("999.9999999999"),
        method=RepaymentMethod.EQUAL_INSTALMENT,
    )
)
def test_the_longest_and_dearest_loans_end_at_zero(terms: ScheduleTerms) -> None:
    plan = schedule(terms)

    assert plan[-1].closing == ZERO
    assert all(row.payment >= row.interest for row in plan)


def test_equal_instalment_costs_more_than_equal_principal() -> None:
    by_principal = terms(method=RepaymentMethod.EQUAL_PRINCIPAL, day_count=DayCount.ACT_365F)

    assert total_interest(terms(day_count=DayCount.ACT_365F)) > total_interest(by_principal)
