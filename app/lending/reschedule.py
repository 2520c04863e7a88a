"""What remains to be paid after a prepayment (提前还款) or an extension (展期)."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.amortisation import Span
from app.lending.daycount import year_parts
from app.lending.periods import months_after, period_parts
from app.lending.schedule import Instalment, instalments, planned_days, span_of
from app.lending.terms import METHOD_NAMES, TERM_MONTHS_MAX, RepaymentMethod, ScheduleTerms


class PrepaymentChoice(StrEnum):
    """What a borrower who prepays a part wants to become less."""

    KEEP_TERM = "keep_term"  # lower instalments, same maturity
    KEEP_INSTALMENT = "keep_instalment"  # same instalments, earlier maturity


@dataclass(frozen=True, slots=True)
class Position:
    """Where a live loan stands inside the period that ends on ``due_days[0]``.

    ``outstanding`` has borne interest since ``accrues_from``: the period's start, or the last
    prepayment inside it. What accrued before, on more principal, is ``carried_interest`` and
    falls due with the next instalment. ``level`` is what the schedule in force repays each time:
    the equal instalment, or the equal part of principal; 0.00 for the other methods.
    """

    outstanding: Money
    next_number: int
    period_start: date
    accrues_from: date
    due_days: tuple[date, ...]
    level: Money
    carried_interest: Money = ZERO


def opening(terms: ScheduleTerms) -> Position:
    """The position of a loan on its first day."""
    start = terms.first_day
    days = tuple(planned_days(terms, maturity=terms.maturity))
    position = Position(terms.principal, 1, start, start, days, ZERO)
    return _relevelled(terms, position)


def remaining_schedule(terms: ScheduleTerms, position: Position) -> tuple[Instalment, ...]:
    """The instalments still to come, at the position's level, numbered on.

    They end early if the level repays the loan early. Principal sums to ``outstanding``, the
    last balance is 0.00 and the last instalment takes the rest.
    """
    if not position.outstanding:
        return ()
    rows = _span(terms, position).repay(**_repaying(terms, position.level))
    while len(rows) > 1 and rows[-1] == (0, 0):
        rows.pop()
    return instalments(
        rows,
        balance=position.outstanding.fen,
        start=position.period_start,
        days=position.due_days,
        number=position.next_number,
    )


def after_prepayment(
    terms: ScheduleTerms, position: Position, *, on: date, amount: Money, choice: PrepaymentChoice
) -> Position:
    """The position after ``amount`` of principal came in on ``on``, inside the running period.

    The interest that accrued up to ``on`` is rounded once and carried to the next instalment.
    Prepaying all that is owed leaves no due days: what is carried is due at once. Where principal
    is repaid at the end, instalments cannot be kept: ``FieldRefused("choice", …)``.
    """
    if not position.due_days or not position.accrues_from <= on <= position.due_days[0]:
        raise FieldRefused("on", say("must lie inside the running period"))
    if not ZERO < amount <= position.outstanding:
        raise FieldRefused(
            "amount",
            say(
                "must be more than nothing, at most {outstanding}", outstanding=position.outstanding
            ),
        )
    span, rest = _span(terms, position), _span(terms, replace(position, accrues_from=on))
    accrued = span.divide(span.balance * (span.weights[0] - rest.weights[0]), span.base)
    after = replace(
        position,
        outstanding=position.outstanding - amount,
        accrues_from=on,
        carried_interest=position.carried_interest + Money(accrued),
    )
    if not after.outstanding:
        return replace(after, due_days=(), level=ZERO)
    if choice is PrepaymentChoice.KEEP_TERM:
        return _relevelled(terms, after)
    if not _repaying(terms, position.level):
        raise FieldRefused(
            "choice",
            say(
                "a loan repaid by {method} has no instalment to keep",
                method=METHOD_NAMES[terms.method],
            ),
        )
    kept = remaining_schedule(terms, after)
    return replace(after, due_days=after.due_days[: len(kept)])


def after_extension(terms: ScheduleTerms, position: Position, *, extra_months: int) -> Position:
    """The position once the maturity is moved ``extra_months`` later.

    Due days go on in the loan's own rhythm and the level is worked out anew over all of them.
    """
    if not position.due_days:
        raise FieldRefused("extra_months", say("nothing is outstanding"))
    old = position.due_days[-1]
    original = months_after(old, 0, day=terms.first_day.day) == old
    day = terms.first_day.day if original else old.day
    if extra_months < 1:
        raise FieldRefused("extra_months", say("must be at least 1"))
    maturity = months_after(old, extra_months, day=day)
    if maturity > months_after(terms.first_day, TERM_MONTHS_MAX):
        raise FieldRefused(
            "extra_months", say("the term would pass {months} months", months=TERM_MONTHS_MAX)
        )
    days = planned_days(terms, maturity=maturity)
    later = tuple(due_on for due_on in days if due_on > position.period_start)
    return _relevelled(terms, replace(position, due_days=later))


def _relevelled(terms: ScheduleTerms, position: Position) -> Position:
    """``position`` with the level that repays it exactly on its due days.

    Where little is left to repay, an instalment in the contract's multiple may pay nothing, or
    end the loan before its last day; it is then rounded to the fen.
    """
    span = _span(terms, position)
    level = _level(terms, span, multiple=terms.instalment_multiple)
    if terms.instalment_multiple is not None and not span.fits(payment=level.fen):
        level = _level(terms, span, multiple=None)
    return replace(position, level=level)


def _span(terms: ScheduleTerms, position: Position) -> Span:
    """The periods still to run; of the first one only what has not accrued yet bears interest."""
    start, due_on = position.period_start, position.due_days[0]
    [elapsed] = period_parts(
        terms.day_count, start=start, ends=[due_on], anchor_day=terms.anchor_day
    )
    if position.accrues_from < due_on:
        # 30E/360 can count more days inside a whole month than the month's thirty.
        so_far = year_parts(terms.day_count, start=start, end=position.accrues_from)
        elapsed = min(elapsed, so_far)
    return span_of(
        terms,
        balance=position.outstanding.fen,
        start=start,
        days=position.due_days,
        elapsed=elapsed,
        carried=position.carried_interest.fen,
    )


def _level(terms: ScheduleTerms, span: Span, *, multiple: Money | None) -> Money:
    match terms.method:
        case RepaymentMethod.EQUAL_INSTALMENT:
            return Money(span.equal_instalment(multiple=multiple.fen if multiple else None))
        case RepaymentMethod.EQUAL_PRINCIPAL:
            return Money(span.equal_part())
        case RepaymentMethod.INTEREST_ONLY | RepaymentMethod.BULLET:
            return ZERO


def _repaying(terms: ScheduleTerms, level: Money) -> dict[str, int]:
    match terms.method:
        case RepaymentMethod.EQUAL_INSTALMENT:
            return {"payment": level.fen}
        case RepaymentMethod.EQUAL_PRINCIPAL:
            return {"part": level.fen}
        case RepaymentMethod.INTEREST_ONLY | RepaymentMethod.BULLET:
            return {}
