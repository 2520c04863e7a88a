"""Money that comes in on a loan: what it settles, and the room that its principal frees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Unprocessable
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.allocation import Allocation, Bucket, allocate
from app.lending.reschedule import PrepaymentChoice, after_prepayment
from app.lending.tranches import accrued_interest
from app.lifecycle.deals import LOAN, QUEUE, LoanEvent, LoanStatus, QueueEvent
from app.lifecycle.funds import ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.loans import Instalment, Loan, Repayment
from app.schemas.loans import RepaymentIn, RepaymentKind
from app.services import endings, exposures, history, liability, loans, outbox, schedules
from app.services.actor import Actor, as_platform
from app.services.deals import parties_of
from app.services.loans import visible_loans
from app.services.schedules import Statement
from app.services.tasks import Task, enqueue


@dataclass(eq=False)
class ReceiptReused(Unprocessable):
    message = "The receipt {reference} was recorded with another content."

    reference: str


@dataclass(eq=False)
class ReceiptReversed(Conflict):
    """Answering with the reversed row would read as if the money had been booked."""

    message = "The receipt {reference} was recorded and reversed; record it under a new one."

    reference: str


class RecoveryNotRepayment(Conflict):
    """deal.md: what comes in on a called principal is recovery, and frees no quota."""

    message = (
        "A claim on the loan was made: withdraw it, or, once it was paid, record what came in as a"
        " recovery."
    )


@dataclass(eq=False)
class MoreThanDue(Conflict):
    message = "Only {due} is due on {on}; more must be recorded as a prepayment."

    due: Money
    on: date


@dataclass(eq=False)
class MoreThanOwed(Conflict):
    message = "{payoff} pays the loan off on {on}; more cannot be taken."

    payoff: Money
    on: date


@dataclass(eq=False)
class NothingPrepaid(Conflict):
    message = "What is due and accrued on {on} is {owed}; a prepayment must be more than that."

    owed: Money
    on: date


def visible_repayments(actor: Actor) -> Select[Repayment]:
    """The repayments on the loans that ``actor`` may see."""
    return select(Repayment).where(
        Repayment.loan_id.in_(visible_loans(actor).with_only_columns(Loan.id))
    )


async def record(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: RepaymentIn, now: datetime
) -> Repayment:
    """Settle what is due in the loan's order, prepay with the rest, free the guarantor's room.

    The same receipt recorded again answers the row that is there.
    """
    actor.must_be(OrganisationKind.BANK)
    deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    if (stored := await _find_receipt(session, loan, data)) is not None:
        return stored
    on = await _check_day(session, loan, data, now=now)
    lines = await schedules.list_lines(session, loan)
    _check_amount(schedules.statement_on(loan, lines, on=on), data)
    before, outstanding = schedules.before_change(loan), loan.outstanding
    settled, undo = settle(loan, lines, amount=data.amount, on=on)
    interest = settled.total(Bucket.INTEREST)
    if data.choice is not None:
        interest += await prepay(
            session, loan, lines, rest=settled.unallocated, on=on, choice=data.choice
        )
    repayment = Repayment(
        id=new_id(),
        loan_id=loan.id,
        kind=data.kind,
        choice=data.choice,
        reference=data.reference,
        amount=data.amount,
        fees=ZERO,
        penalty=settled.total(Bucket.PENALTY),
        interest=interest,
        principal=outstanding - loan.outstanding,
        freed=ZERO,
        withdrawn=ZERO,
        spared=ZERO,
        applied=undo,
        loan_before=before,
        version_after=loan.schedule_version,
        received_on=on,
        confirmed_at=now,
    )
    session.add(repayment)
    history.note(session, "repayment", repayment.id, "record", actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "loan.repayment", repayment.id, now=now)
    await _free_room(session, deal, loan, repayment, actor=actor, now=now)
    ended = await endings.end_if_settled(session, deal, loan, actor=actor, now=now)
    late = schedules.days_past_due(lines, on=business_date(now))
    is_late = loan.status in {LoanStatus.OVERDUE, LoanStatus.DEFAULTED}
    if is_late and not ended and not late:
        history.move(session, loan, LOAN, LoanEvent.CURE, actor=actor, now=now)
    await exposures.refresh(session, loan, now=now)
    return repayment


async def _find_receipt(session: AsyncSession, loan: Loan, data: RepaymentIn) -> Repayment | None:
    stored: Repayment | None = await session.scalar(
        select(Repayment).where(Repayment.loan_id == loan.id, Repayment.reference == data.reference)
    )
    if stored is not None:
        was = (stored.amount, stored.received_on, stored.kind, stored.choice)
        if was != (data.amount, data.received_on, data.kind, data.choice):
            raise ReceiptReused(data.reference)
        if stored.reversed_at is not None:
            raise ReceiptReversed(data.reference)
    return stored


async def _check_day(
    session: AsyncSession, loan: Loan, data: RepaymentIn, *, now: datetime
) -> date:
    if loan.status is LoanStatus.REPAID:
        raise loans.LoanRepaid
    if loan.status is LoanStatus.WRITTEN_OFF or await _is_claimed(session, loan):
        raise RecoveryNotRepayment
    earliest = await loans.earliest_day(session, loan)
    if not earliest <= data.received_on <= business_date(now):
        raise FieldRefused(
            "received_on", say("must be from {earliest} to today", earliest=earliest)
        )
    return data.received_on


async def _is_claimed(session: AsyncSession, loan: Loan) -> bool:
    """Whether a guarantor, insurer or fund has paid on the loan, or is about to."""
    async with as_platform(session):
        claim = await session.scalar(
            select(Claim.id)
            .where(
                Claim.loan_id == loan.id,
                Claim.status.not_in((ClaimStatus.REFUSED, ClaimStatus.WITHDRAWN)),
            )
            .limit(1)
        )
    return claim is not None


def _check_amount(statement: Statement, data: RepaymentIn) -> None:
    on, due = statement.on, statement.due_amount
    if data.kind is RepaymentKind.SCHEDULED:
        if data.amount > due:
            raise MoreThanDue(due, on)
    elif data.amount > statement.payoff:
        raise MoreThanOwed(statement.payoff, on)
    elif data.amount <= due + statement.accrued_interest:
        raise NothingPrepaid(due + statement.accrued_interest, on)


def settle(
    loan: Loan, lines: Sequence[Instalment], *, amount: Money, on: date
) -> tuple[Allocation, list[Any]]:
    """Put ``amount`` on what has fallen due; the second answer says how to undo it."""
    dues = schedules.dues_on(loan, lines, on=on)
    order = [Bucket(name) for name in loan.allocation_order]
    allocation = allocate(amount, dues=dues, order=order)
    undo = []
    by_number = {line.number: line for line in lines}
    for due in dues:
        line = by_number[due.number]
        paid = dict.fromkeys(Bucket, ZERO)
        for part in allocation.settled:
            if part.number == due.number:
                paid[part.bucket] += part.amount
        undo.append(
            {
                "version": line.version,
                "number": line.number,
                "penalty": paid[Bucket.PENALTY].fen,
                "interest": paid[Bucket.INTEREST].fen,
                "principal": paid[Bucket.PRINCIPAL].fen,
                "charged": line.penalty.fen,
                "charged_through": line.penalty_through and line.penalty_through.isoformat(),
            }
        )
        # Penalty interest is charged up to the day, before less is overdue.
        line.penalty = schedules.penalty_on(loan, line, on=on)
        line.penalty_through = max(on, line.due_on)
        line.paid_penalty += paid[Bucket.PENALTY]
        line.paid_interest += paid[Bucket.INTEREST]
        line.paid_principal += paid[Bucket.PRINCIPAL]
    loan.outstanding -= allocation.total(Bucket.PRINCIPAL)
    return allocation, undo


async def prepay(
    session: AsyncSession,
    loan: Loan,
    lines: Sequence[Instalment],
    *,
    rest: Money,
    on: date,
    choice: PrepaymentChoice,
) -> Money:
    """Interest accrued to the day, then principal; a new schedule. Answers the interest."""
    terms = schedules.terms_of(loan)
    position = schedules.position_on(loan, lines, on=on)
    accrued = accrued_interest(terms, position, on=on)
    principal = rest - accrued
    clean = replace(position, accrues_from=on, carried_interest=ZERO)
    after = after_prepayment(terms, clean, on=on, amount=principal, choice=choice)
    await schedules.write_version(session, loan, lines, after)
    loan.outstanding -= principal
    return accrued


async def _free_room(
    session: AsyncSession,
    deal: Deal,
    loan: Loan,
    repayment: Repayment,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Liability falls with principal. What still waits to be re-taken is given up first."""
    waiting = await liability.find_waiting(session, deal.id) if loan.retake_waiting else None
    owed = loan.liability + (waiting.amount if waiting else ZERO)
    unsettled = max(ZERO, loan.outstanding - loan.settled_by_calls)
    target = schedules.share_of(unsettled, loan.guarantee_share_pct)
    # Rounded tranche by tranche, the parts may differ from the whole by a fen: never rise for it.
    drop = owed - min(owed, target)
    if waiting is not None:
        repayment.spared = min(drop, waiting.amount)
        if repayment.spared == waiting.amount:
            history.move(session, waiting, QUEUE, QueueEvent.LEAVE, actor=actor, now=now)
            waiting.left_at = now
            loan.retake_waiting, loan.marked = False, None
        else:
            waiting.amount -= repayment.spared
        await session.flush()
    repayment.freed = drop - repayment.spared
    if repayment.freed:
        repayment.withdrawn = await liability.free(
            session, deal, amount=repayment.freed, reference=repayment.id
        )
        loan.liability -= repayment.freed
    if drop:
        await enqueue(session, Task.PROMOTE_QUEUE)


async def list_repayments(
    session: AsyncSession,
    *,
    actor: Actor,
    loan_id: UUID | None = None,
    reference: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Repayment]:
    """Visible repayments, newest first, from the one after ``after``; NotFound of a hidden loan."""
    repayments = visible_repayments(actor).order_by(Repayment.id.desc()).limit(limit)
    if loan_id is not None:
        await loans.must_be_visible(session, actor=actor, loan_id=loan_id)
        repayments = repayments.where(Repayment.loan_id == loan_id)
    if reference is not None:
        repayments = repayments.where(Repayment.reference == reference)
    if after is not None:
        repayments = repayments.where(Repayment.id < after)
    return (await session.scalars(repayments)).all()
