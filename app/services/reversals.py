"""Takes back a repayment that was recorded by mistake, and the room it had freed."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, NotFound
from app.core.money import ZERO, Money
from app.lifecycle.deals import (
    DEAL,
    LOAN,
    QUEUE,
    DealEvent,
    LoanEvent,
    LoanStatus,
    QueueEvent,
    QueueStatus,
    RegistrationStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, Milestone, QueueEntry, Registration
from app.models.loans import Instalment, Loan, Repayment
from app.schemas.loans import RepaymentKind
from app.services import exposures, history, liability, loans, outbox, schedules
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import parties_of
from app.services.repayments import visible_repayments
from app.services.tasks import Task, enqueue

MARK = "retake_waiting"
DISCHARGES = ("discharge_bank", "discharge_guarantor")
"""Kinds of milestone by which a pledgee has discharged the pledge."""


class AlreadyReversed(Conflict):
    message = "The repayment is reversed already."


@dataclass(eq=False)
class NotTheLatest(Conflict):
    # What later receipts settled depends on this one, so they are undone first.
    message = "Only the latest repayment can be reversed; that is the receipt {latest}."

    latest: str


class ScheduleMovedOn(Conflict):
    message = "A tranche or an extension has changed the schedule since; it cannot be undone."


class SettledByRenewal(Conflict):
    message = "A renewal has settled the loan and taken its pledge over; it stays repaid."


class PledgeDischarged(Conflict):
    message = "The pledge is discharged, so the loan stays repaid."


async def reverse(
    session: AsyncSession, *, actor: Actor, repayment_id: UUID, reason: str, now: datetime
) -> Repayment:
    """Undo the latest repayment exactly; its room is re-taken ahead of the queue, or waits there.

    The later ones come first because each receipt was settled on what the one before left.
    """
    actor.must_be(OrganisationKind.BANK)
    loan_id = await session.scalar(
        visible_repayments(actor)
        .where(Repayment.id == repayment_id)
        .with_only_columns(Repayment.loan_id)
    )
    if loan_id is None:
        raise NotFound
    deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    repayment = await _check(session, deal, loan, repayment_id)
    await _undo(session, loan, repayment)
    repayment.reversed_at, repayment.reversal_reason = now, reason
    history.note(session, "repayment", repayment.id, "reverse", actor=actor, now=now)
    if loan.status is LoanStatus.REPAID:
        history.move(session, loan, LOAN, LoanEvent.REVERSE, actor=actor, now=now)
        history.move(session, deal, DEAL, DealEvent.REVERSE, actor=actor, now=now)
        await _revoke_discharges(session, deal, now=now)
    await _mark_late(session, loan, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "loan.repayment_reversed", repayment.id, now=now)
    await session.flush()
    await _retake(session, deal, loan, repayment, actor=actor, now=now)
    await exposures.refresh(session, loan, now=now)
    return repayment


async def _check(session: AsyncSession, deal: Deal, loan: Loan, repayment_id: UUID) -> Repayment:
    repayment = await session.get_one(Repayment, repayment_id, populate_existing=True)
    if repayment.reversed_at is not None:
        raise AlreadyReversed
    latest = await session.scalar(
        select(Repayment)
        .where(Repayment.loan_id == loan.id, Repayment.reversed_at.is_(None))
        .order_by(Repayment.id.desc())
        .limit(1)
    )
    assert latest is not None
    if latest.kind == RepaymentKind.RENEWAL:
        raise SettledByRenewal
    if latest.id != repayment.id:
        raise NotTheLatest(latest.reference)
    if loan.schedule_version != repayment.version_after:
        raise ScheduleMovedOn
    discharged = await session.scalar(
        select(Registration.id)
        .where(
            Registration.deal_id == deal.id,
            Registration.status.in_([RegistrationStatus.CANCELLING, RegistrationStatus.CANCELLED]),
        )
        .limit(1)
    )
    if discharged is not None:
        raise PledgeDischarged
    return repayment


async def _revoke_discharges(session: AsyncSession, deal: Deal, *, now: datetime) -> None:
    """A discharge was given for a loan that was repaid; whoever gave it is told that it is void."""
    revoked = await session.scalars(
        delete(Milestone)
        .where(Milestone.deal_id == deal.id, Milestone.kind.in_(DISCHARGES))
        .returning(Milestone.recorded_by)
    )
    for organisation_id in revoked.all():
        outbox.announce(
            session, "pledge.discharge_void", deal.id, organisation_id=organisation_id, now=now
        )


async def _undo(session: AsyncSession, loan: Loan, repayment: Repayment) -> None:
    schedules.put_back(loan, repayment.loan_before)
    loan.outstanding += repayment.principal
    lines = await schedules.list_lines(session, loan)
    by_number: dict[int, Instalment] = {line.number: line for line in lines}
    for item in repayment.applied:
        assert item["version"] == loan.schedule_version
        line = by_number[item["number"]]
        through = item["charged_through"]
        line.paid_penalty -= Money(item["penalty"])
        line.paid_interest -= Money(item["interest"])
        line.paid_principal -= Money(item["principal"])
        line.penalty = Money(item["charged"])
        line.penalty_through = through and date.fromisoformat(through)


async def _mark_late(session: AsyncSession, loan: Loan, *, actor: Actor, now: datetime) -> None:
    """The loan may be late again at once, without waiting for the daily job."""
    lines = await schedules.list_lines(session, loan)
    late = schedules.days_past_due(lines, on=business_date(now))
    if late and loan.status is LoanStatus.PERFORMING:
        history.move(session, loan, LOAN, LoanEvent.FALL_OVERDUE, actor=actor, now=now)


async def _retake(
    session: AsyncSession,
    deal: Deal,
    loan: Loan,
    repayment: Repayment,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    needed = repayment.freed + repayment.spared
    if not needed:
        return
    await bind(session, SYSTEM)  # the queue is not the bank's
    waiting = await liability.find_waiting(session, deal.id)
    if waiting is None and await liability.retake(
        session, deal, amount=needed, restored=repayment.withdrawn, reference=repayment.id
    ):
        loan.liability += needed
        return
    if waiting is None:
        await liability.wait_for_room(session, deal, amount=needed, actor=actor, now=now)
    else:
        await liability.restore(session, deal, amount=repayment.withdrawn, reference=repayment.id)
        waiting.amount += needed
    loan.retake_waiting, loan.marked = True, MARK
    await enqueue(session, Task.PROMOTE_QUEUE)


async def complete_retake(
    session: AsyncSession, *, entry: QueueEntry, actor: Actor, now: datetime
) -> bool:
    """Take the room that ``entry`` waits for, if all of it is there; whether it is in (or gone).

    For the queue's promotion, which brings the figures of parks in line when all are through.
    """
    deal = await session.get_one(Deal, entry.deal_id, with_for_update=True, populate_existing=True)
    loan = (
        await session.scalars(
            select(Loan)
            .where(Loan.deal_id == deal.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one()
    await session.refresh(entry, with_for_update=True)
    if entry.status is not QueueStatus.WAITING:
        return True
    if not await liability.retake(
        session, deal, amount=entry.amount, restored=ZERO, reference=entry.id, promoted=True
    ):
        return False
    history.move(session, entry, QUEUE, QueueEvent.PROMOTE, actor=actor, now=now)
    entry.left_at = now
    loan.liability += entry.amount
    loan.retake_waiting, loan.marked = False, None
    outbox.announce_to(session, parties_of(deal), "loan.retake_completed", loan.id, now=now)
    await session.flush()
    return True
