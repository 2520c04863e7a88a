"""Schedules of live loans as rows: what is due on a day, where a loan stands, new versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money, Rounding
from app.lending.accrual import penalty_interest
from app.lending.allocation import Due
from app.lending.daycount import DayCount
from app.lending.periods import Frequency
from app.lending.reschedule import Position, remaining_schedule
from app.lending.schedule import Instalment as Planned
from app.lending.terms import RepaymentMethod, ScheduleTerms
from app.lending.tranches import accrued_interest
from app.models.loans import Instalment, Loan


@dataclass(frozen=True, slots=True)
class Statement:
    """What a loan owes on the day ``on``. ``payoff`` is what would end it that day."""

    on: date
    due: tuple[Due, ...]
    days_past_due: int
    accrued_interest: Money  # of the running period, not due yet
    principal_not_due: Money

    @property
    def due_amount(self) -> Money:
        return Money.sum([due.penalty + due.interest + due.principal for due in self.due])

    @property
    def payoff(self) -> Money:
        return self.due_amount + self.accrued_interest + self.principal_not_due


def terms_of(loan: Loan) -> ScheduleTerms:
    """The terms that the pure package reads."""
    return ScheduleTerms(
        principal=loan.drawn,
        annual_rate_pct=loan.annual_rate_pct,
        term_months=loan.term_months,
        method=RepaymentMethod(loan.method),
        day_count=DayCount(loan.day_count),
        first_day=loan.first_day,
        grace_months=loan.grace_months,
        instalment_multiple=loan.instalment_multiple,
        rounding=Rounding(loan.rounding),
        frequency=Frequency(loan.frequency),
        settlement_day=loan.settlement_day,
    )


async def list_lines(
    session: AsyncSession, loan: Loan, *, version: int | None = None
) -> Sequence[Instalment]:
    """The lines of the version in force (or of another), in order. 360 at most."""
    lines = await session.scalars(
        select(Instalment)
        .where(
            Instalment.loan_id == loan.id,
            Instalment.version == (loan.schedule_version if version is None else version),
        )
        .order_by(Instalment.number)
        .execution_options(populate_existing=True)
    )
    return lines.all()


def unpaid(line: Instalment) -> Money:
    """Principal and interest of the line that nobody paid yet: what penalty interest runs on."""
    return line.principal - line.paid_principal + line.interest - line.paid_interest


def is_settled(line: Instalment) -> bool:
    return not unpaid(line) and line.paid_penalty == line.penalty


def penalty_on(loan: Loan, line: Instalment, *, on: date) -> Money:
    """Penalty interest charged on ``line`` up to the day ``on``, paid or not."""
    since = line.penalty_through or line.due_on
    if on <= since:
        return line.penalty
    return line.penalty + penalty_interest(
        unpaid(line),
        annual_rate_pct=loan.annual_rate_pct,
        multiple=loan.penalty_multiple,
        day_count=DayCount(loan.day_count),
        from_day=since,
        to_day=on,
        rounding=Rounding(loan.rounding),
    )


def dues_on(loan: Loan, lines: Sequence[Instalment], *, on: date) -> tuple[Due, ...]:
    """What every line that has fallen due still owes on ``on``; settled lines are left out."""
    dues = (
        Due(
            line.number,
            penalty=penalty_on(loan, line, on=on) - line.paid_penalty,
            interest=line.interest - line.paid_interest,
            principal=line.principal - line.paid_principal,
        )
        for line in lines
        if line.due_on <= on
    )
    return tuple(due for due in dues if due.penalty or due.interest or due.principal)


def days_past_due(lines: Sequence[Instalment], *, on: date) -> int:
    """Days since the oldest due day before ``on`` that is not settled; 0 if none is late."""
    late = next((line for line in lines if line.due_on < on and not is_settled(line)), None)
    return 0 if late is None else (on - late.due_on).days


def position_on(loan: Loan, lines: Sequence[Instalment], *, on: date) -> Position:
    """Where the loan stands on ``on``, leaving out what has fallen due and was not paid."""
    past = [line for line in lines if line.due_on <= on]
    coming = [line for line in lines if line.due_on > on]
    overdue = Money.sum([line.principal - line.paid_principal for line in past])
    start = past[-1].due_on if past else loan.first_day
    inside = loan.accrues_from > start
    return Position(
        outstanding=loan.outstanding - overdue,
        next_number=(past[-1].number if past else 0) + 1,
        period_start=start,
        accrues_from=loan.accrues_from if inside else start,
        due_days=tuple(line.due_on for line in coming),
        level=loan.level,
        carried_interest=loan.carried_interest if inside else ZERO,
    )


def statement_on(loan: Loan, lines: Sequence[Instalment], *, on: date) -> Statement:
    position = position_on(loan, lines, on=on)
    return Statement(
        on=on,
        due=dues_on(loan, lines, on=on),
        days_past_due=days_past_due(lines, on=on),
        accrued_interest=accrued_interest(terms_of(loan), position, on=on),
        principal_not_due=position.outstanding,
    )


async def write_first(session: AsyncSession, loan: Loan, planned: Sequence[Planned]) -> None:
    """The schedule as agreed: version 1."""
    await session.execute(insert(Instalment), _rows(loan.id, 1, planned))


async def write_version(
    session: AsyncSession, loan: Loan, lines: Sequence[Instalment], position: Position
) -> None:
    """Put a new version in force: the lines due so far as they stand, then what is still to come.

    ``lines`` are those in force, and ``position`` the loan's after the change; versions that a
    reversal left behind are never written over.
    """
    last = await session.scalar(
        select(func.max(Instalment.version)).where(Instalment.loan_id == loan.id)
    )
    version = (last or 0) + 1
    past = [_copy(line, version) for line in lines if line.number < position.next_number]
    coming = remaining_schedule(terms_of(loan), position)
    if rows := past + _rows(loan.id, version, coming):
        await session.execute(insert(Instalment), rows)
    loan.schedule_version = version
    if coming:
        loan.maturity_on = coming[-1].due_on  # a kept instalment ends a prepaid loan early
    loan.level = position.level
    loan.accrues_from = position.accrues_from
    loan.carried_interest = position.carried_interest


def _rows(loan_id: UUID, version: int, planned: Sequence[Planned]) -> list[dict[str, Any]]:
    return [
        {
            "loan_id": loan_id,
            "version": version,
            "number": line.number,
            "due_on": line.due_on,
            "days": line.days,
            "principal": line.principal,
            "interest": line.interest,
            "penalty": ZERO,
            "paid_principal": ZERO,
            "paid_interest": ZERO,
            "paid_penalty": ZERO,
            "penalty_through": None,
        }
        for line in planned
    ]


def _copy(line: Instalment, version: int) -> dict[str, Any]:
    columns = [column.key for column in Instalment.__table__.columns]
    return {name: getattr(line, name) for name in columns} | {"version": version}


def before_change(loan: Loan) -> dict[str, Any]:
    """What a reversal needs to put the schedule in force back as it was."""
    return {
        "schedule_version": loan.schedule_version,
        "maturity_on": loan.maturity_on.isoformat(),
        "level": loan.level.fen,
        "accrues_from": loan.accrues_from.isoformat(),
        "carried_interest": loan.carried_interest.fen,
    }


def put_back(loan: Loan, before: dict[str, Any]) -> None:
    """Undo every change of schedule since ``before`` was noted."""
    loan.schedule_version = before["schedule_version"]
    loan.maturity_on = date.fromisoformat(before["maturity_on"])
    loan.level = Money(before["level"])
    loan.accrues_from = date.fromisoformat(before["accrues_from"])
    loan.carried_interest = Money(before["carried_interest"])


def share_of(principal: Money, share_pct: Decimal) -> Money:
    """A share of a principal, of guarantor, fund or IP, rounded half up (deal.md)."""
    return principal.times(share_pct / 100)
