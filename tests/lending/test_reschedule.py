"""Prepayment and extension of a live loan."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.periods import Frequency
from app.lending.reschedule import (
    Position,
    PrepaymentChoice,
    after_extension,
    after_prepayment,
    opening,
    remaining_schedule,
)
from app.lending.schedule import Instalment, schedule
from app.lending.terms import RepaymentMethod, ScheduleTerms
from tests.lending.make import any_terms, terms


def after_paying(terms: ScheduleTerms, count: int) -> Position:
    position = opening(terms)
    for instalment in schedule(terms)[:count]:
        assert (instalment.number, instalment.due_on) == (
            position.next_number,
            position.due_days[0],
        )
        position = replace(
            position,
            outstanding=instalment.closing,
            next_number=instalment.number + 1,
            period_start=instalment.due_on,
            accrues_from=instalment.due_on,
            due_days=position.due_days[1:],
            carried_interest=ZERO,
        )
    return position


def interest_of(plan: tuple[Instalment, ...]) -> Money:
    return Money.sum([row.interest for row in plan])


@given(terms=any_terms(), data=st.data())
def test_a_loan_that_nothing_happened_to_keeps_its_schedule(
    terms: ScheduleTerms, data: st.DataObject
) -> None:
    whole = schedule(terms)
    # Tiny loans are repaid before their last day; nothing remains to be scheduled after that.
    owing = sum(row.closing > ZERO for row in whole)
    paid = data.draw(st.integers(0, owing))

    rest = remaining_schedule(terms, after_paying(terms, paid))

    assert rest == whole[paid : paid + len(rest)]
    assert all(row.payment == ZERO for row in whole[paid + len(rest) :])


def test_keeping_the_term_lowers_the_instalments_from_the_next_on() -> None:
    loan = terms()
    position = after_paying(loan, 6)

    after = after_prepayment(
        loan,
        position,
        on=position.period_start,
        amount=Money.yuan(1000),
        choice=PrepaymentChoice.KEEP_TERM,
    )
    rest = remaining_schedule(loan, after)

    same = schedule(
        terms(
            principal=position.outstanding - Money.yuan(1000),
            term_months=12,
            first_day=position.period_start,
        )
    )
    assert [row[1:] for row in rest] == [row[1:] for row in same]
    assert [row.number for row in rest] == list(range(7, 19))


def test_keeping_the_instalment_ends_the_loan_earlier() -> None:
    loan = terms(instalment_multiple=Money.yuan(1))
    position = after_paying(loan, 6)

    after = after_prepayment(
        loan,
        position,
        on=position.period_start,
        amount=Money.yuan(1000),
        choice=PrepaymentChoice.KEEP_INSTALMENT,
    )
    rest = remaining_schedule(loan, after)

    assert {row.payment for row in rest[:-1]} == {Money.yuan(305)}
    assert ZERO < rest[-1].payment <= Money.yuan(305)
    assert len(rest) == 9
    assert tuple(row.due_on for row in rest) == after.due_days


def test_interest_of_a_split_period_is_on_what_was_owed_on_each_day() -> None:
    loan = terms(method=RepaymentMethod.INTEREST_ONLY)

    after = after_prepayment(
        loan,
        opening(loan),
        on=date(2022, 11, 16),
        amount=Money.yuan(2000),
        choice=PrepaymentChoice.KEEP_TERM,
    )
    rest = remaining_schedule(loan, after)

    assert str(after.carried_interest) == "25.00"  # half a month on 5,000
    assert [str(row.interest) for row in rest[:2]] == ["40.00", "30.00"]
    assert rest[-1].principal == Money.yuan(3000)


def test_prepaying_everything_leaves_the_accrued_interest_to_pay() -> None:
    loan = terms()

    after = after_prepayment(
        loan,
        opening(loan),
        on=date(2022, 11, 16),
        amount=loan.principal,
        choice=PrepaymentChoice.KEEP_TERM,
    )

    assert remaining_schedule(loan, after) == ()
    assert str(after.carried_interest) == "25.00"
    with pytest.raises(FieldRefused, match="on"):
        after_prepayment(
            loan,
            after,
            on=date(2022, 11, 17),
            amount=Money(1),
            choice=PrepaymentChoice.KEEP_TERM,
        )


@pytest.mark.parametrize("method", [RepaymentMethod.INTEREST_ONLY, RepaymentMethod.BULLET])
def test_a_loan_without_instalments_of_principal_cannot_keep_them(method: RepaymentMethod) -> None:
    loan = terms(method=method)

    with pytest.raises(FieldRefused, match="choice"):
        after_prepayment(
            loan,
            opening(loan),
            on=loan.first_day,
            amount=Money(1),
            choice=PrepaymentChoice.KEEP_INSTALMENT,
        )


@pytest.mark.parametrize(
    ("on", "amount", "field"),
    [
        (date(2022, 10, 31), Money(1), "on"),
        (date(2022, 12, 2), Money(1), "on"),
        (date(2022, 11, 1), ZERO, "amount"),
        (date(2022, 11, 1), Money.yuan("5000.01"), "amount"),
    ],
)
def test_impossible_prepayments_are_refused(on: date, amount: Money, field: str) -> None:
    loan = terms()

    with pytest.raises(FieldRefused, match=field):
        after_prepayment(
            loan, opening(loan), on=on, amount=amount, choice=PrepaymentChoice.KEEP_TERM
        )


def test_an_extension_spreads_the_rest_over_more_instalments() -> None:
    loan = terms()
    position = after_paying(loan, 17)

    rest = remaining_schedule(loan, after_extension(loan, position, extra_months=6))

    assert [row.number for row in rest] == list(range(18, 25))
    assert rest[-1].due_on == date(2024, 11, 1)
    assert Money.sum([row.principal for row in rest]) == position.outstanding
    assert max(row.payment for row in rest) < position.level


def test_an_extension_keeps_the_day_of_month_and_the_quarters() -> None:
    loan = terms(first_day=date(2023, 1, 31), term_months=14, frequency=Frequency.QUARTERLY)

    after = after_extension(loan, after_paying(loan, 4), extra_months=3)

    assert [day.isoformat() for day in after.due_days] == ["2024-04-30", "2024-06-30"]


def test_a_bullet_loan_is_extended_in_one_piece() -> None:
    loan = terms(method=RepaymentMethod.BULLET, term_months=12)

    (only,) = remaining_schedule(loan, after_extension(loan, opening(loan), extra_months=6))

    assert (only.due_on, str(only.interest)) == (date(2024, 5, 1), "900.00")


@pytest.mark.parametrize("extra_months", [0, -1, 343])
def test_impossible_extensions_are_refused(extra_months: int) -> None:
    loan = terms()

    with pytest.raises(FieldRefused, match="extra_months"):
        after_extension(loan, opening(loan), extra_months=extra_months)


def test_a_repaid_loan_cannot_be_extended() -> None:
    with pytest.raises(FieldRefused, match="nothing is outstanding"):
        after_extension(terms(), after_paying(terms(), 18), extra_months=1)


@given(terms=any_terms(), data=st.data())
def test_prepaying_lowers_interest_and_the_rest_still_sums(
    terms: ScheduleTerms, data: st.DataObject
) -> None:
    whole = schedule(terms)
    paid = data.draw(st.integers(0, len(whole) - 1))
    position = after_paying(terms, paid)
    length = (position.due_days[0] - position.period_start).days
    on = position.period_start + timedelta(data.draw(st.integers(0, length)))
    if not position.outstanding:
        return
    amount = Money(data.draw(st.integers(1, position.outstanding.fen)))
    keepable = terms.method in {RepaymentMethod.EQUAL_INSTALMENT, RepaymentMethod.EQUAL_PRINCIPAL}
    choice = (
        data.draw(st.sampled_from(PrepaymentChoice)) if keepable else (PrepaymentChoice.KEEP_TERM)
    )

    after = after_prepayment(terms, position, on=on, amount=amount, choice=choice)
    rest = remaining_schedule(terms, after)

    before = interest_of(whole[paid:])
    now = interest_of(rest) if rest else after.carried_interest
    # Each period's interest is rounded by itself, and a lower instalment may repay a fen later.
    assert now <= before + Money(2 * len(whole) + 2)
    assert Money.sum([row.principal for row in rest]) == after.outstanding
    assert after.outstanding + amount == position.outstanding
    assert all(min(row.interest, row.principal, row.closing) >= ZERO for row in rest)
    assert rest[-1].closing == ZERO if rest else after.outstanding == ZERO


def test_a_new_rate_after_an_extension_applies_to_the_rest() -> None:
    loan = terms(method=RepaymentMethod.INTEREST_ONLY)
    position = after_extension(loan, after_paying(loan, 17), extra_months=1)

    rest = remaining_schedule(replace(loan, annual_rate_pct=Decimal(24)), position)

    assert [str(row.interest) for row in rest] == ["100.00", "100.00"]
