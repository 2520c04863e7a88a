"""Repayment schedules (还款计划): what is due on which day, to the fen."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from app.core.money import DIVIDE, Money
from app.lending.amortisation import Span, refuse_unfit_multiple
from app.lending.daycount import YEAR_PARTS
from app.lending.periods import due_days, period_parts
from app.lending.terms import RepaymentMethod, ScheduleTerms


class Instalment(NamedTuple):
    """One period of a loan: ``days`` actual days long, ``closing`` owed after its payment."""

    number: int
    due_on: date
    days: int
    interest: Money
    principal: Money
    payment: Money
    closing: Money


class Amortised(NamedTuple):
    """A schedule in plain fen: each due day with its interest and principal."""

    due_days: list[date]
    rows: list[tuple[int, int]]


def schedule(terms: ScheduleTerms) -> tuple[Instalment, ...]:
    """Every instalment of a loan, from its first day to its maturity.

    Principal sums to ``terms.principal`` and the last balance is 0.00. Refuses, as
    ``FieldRefused("instalment_multiple", …)``, a multiple that pays nothing or ends the loan
    before its last instalment.
    """
    days, rows = amortise(terms)
    return instalments(rows, balance=terms.principal.fen, start=terms.first_day, days=days)


def amortise(terms: ScheduleTerms) -> Amortised:
    """``schedule`` before its fen become ``Money``: half the price, where thousands are asked."""
    days = planned_days(terms, maturity=terms.maturity)
    span = span_of(terms, balance=terms.principal.fen, start=terms.first_day, days=days)
    if terms.method is RepaymentMethod.EQUAL_INSTALMENT:
        multiple = terms.instalment_multiple
        payment = span.equal_instalment(multiple=multiple.fen if multiple else None)
        rows = span.repay(payment=payment)
        if multiple:
            refuse_unfit_multiple(rows, payment=payment)
    elif terms.method is RepaymentMethod.EQUAL_PRINCIPAL:
        rows = span.repay(part=span.equal_part())
    else:
        rows = span.repay()
    return Amortised(days, rows)


def planned_days(terms: ScheduleTerms, *, maturity: date) -> list[date]:
    """The due days of ``terms`` up to ``maturity``; a bullet loan has that one alone."""
    if terms.method is RepaymentMethod.BULLET:
        return [maturity]
    return due_days(
        terms.first_day,
        maturity=maturity,
        frequency=terms.frequency,
        settlement_day=terms.settlement_day,
    )


def span_of(
    terms: ScheduleTerms,
    *,
    balance: int,
    start: date,
    days: Sequence[date],
    elapsed: int = 0,
    carried: int = 0,
) -> Span:
    """The periods that start on ``start`` and end on each of ``days``, with their interest.

    ``elapsed`` parts of a year of the first period have accrued already, on what was owed then:
    ``carried`` fen.
    """
    numerator, denominator = terms.annual_rate_pct.as_integer_ratio()
    parts = period_parts(terms.day_count, start=start, ends=days, anchor_day=terms.anchor_day)
    weights = [part * numerator for part in parts]
    weights[0] -= elapsed * numerator
    grace = 0
    if terms.grace_months:
        grace = sum(due_on <= terms.grace_ends_on for due_on in days[:-1])
    return Span(
        balance=balance,
        weights=weights,
        base=YEAR_PARTS[terms.day_count] * 100 * denominator,
        grace=grace,
        divide=DIVIDE[terms.rounding],
        carried=carried,
    )


def instalments(
    rows: Sequence[tuple[int, int]],
    *,
    balance: int,
    start: date,
    days: Sequence[date],
    number: int = 1,
) -> tuple[Instalment, ...]:
    """``rows`` of interest and principal in fen, as instalments counted from ``number``."""
    made, opened = [], start
    for due_on, (interest, principal) in zip(days, rows, strict=False):
        balance -= principal
        made.append(
            Instalment(
                number,
                due_on,
                (due_on - opened).days,
                Money(interest),
                Money(principal),
                Money(interest + principal),
                Money(balance),
            )
        )
        number += 1
        opened = due_on
    return tuple(made)
