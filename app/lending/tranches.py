"""What remains to be paid after a further tranche of the same loan was drawn (分次提款)."""

from dataclasses import replace
from datetime import date

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.reschedule import Position, PrepaymentChoice, after_prepayment
from app.lending.schedule import planned_days
from app.lending.terms import ScheduleTerms

_FEN = Money(1)


def accrued_interest(terms: ScheduleTerms, position: Position, *, on: date) -> Money:
    """Interest of the running period up to ``on``, with what was carried into it."""
    if not position.outstanding or not position.due_days:
        return position.carried_interest
    paid_off = after_prepayment(
        terms, position, on=on, amount=position.outstanding, choice=PrepaymentChoice.KEEP_TERM
    )
    return paid_off.carried_interest


def reopened(terms: ScheduleTerms, position: Position, *, on: date, maturity: date) -> Position:
    """The position on ``on`` of a loan that owes nothing and may be drawn again.

    Its schedule ended with what it owed; the due days of the contract go on up to ``maturity``.
    """
    days = planned_days(terms, maturity=maturity)
    past = [day for day in days if day <= on]
    return replace(
        position,
        next_number=len(past) + 1,
        period_start=past[-1] if past else terms.first_day,
        accrues_from=on,
        due_days=tuple(days[len(past) :]),
    )


def after_tranche(terms: ScheduleTerms, position: Position, *, on: date, amount: Money) -> Position:
    """The position once ``amount`` more was drawn on ``on``, inside the running period.

    The interest accrued so far is carried to the next instalment, and the level is worked out
    anew over the due days that are left.
    """
    if not position.due_days or not position.accrues_from <= on < position.due_days[0]:
        raise FieldRefused("on", say("must lie inside the running period"))
    if amount <= ZERO:
        raise FieldRefused("amount", say("must be more than nothing"))
    # Levelling anew is what a prepayment does: so one fen more is drawn and repaid at once.
    larger = replace(
        position,
        outstanding=position.outstanding + amount + _FEN,
        accrues_from=on,
        carried_interest=accrued_interest(terms, position, on=on),
    )
    return after_prepayment(terms, larger, on=on, amount=_FEN, choice=PrepaymentChoice.KEEP_TERM)
