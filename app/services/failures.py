"""When a deal fails before cash: both holds are voided and everything returns to where it was."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict
from app.lifecycle.deals import (
    APPROVAL,
    BEFORE_CASH,
    DEAL,
    REGISTRATION,
    ApprovalEvent,
    ApprovalStatus,
    DealEvent,
    DrawdownStatus,
    QueueStatus,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.financing import (
    QUOTE,
    REQUEST,
    QuoteEvent,
    QuoteStatus,
    RequestEvent,
)
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Approval, Deal, DealRight, Drawdown, QueueEntry, Registration
from app.models.financing import FinancingRequest, Quote
from app.services import history, outbox, room
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import lock_deal, must_be_in, parties_of
from app.services.tasks import Task, enqueue

EXPIRY_BATCH = 50

_NOT_YET_MADE = (RegistrationStatus.PREPARED, RegistrationStatus.REFUSED)


class ReleaseOut(Conflict):
    message = "A release is out; the bank must report drawn or not drawn first."


async def withdraw_deal(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, reason: str, now: datetime
) -> Deal:
    """The firm takes the deal back before cash; its request is open again."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, *BEFORE_CASH)
    if await has_release(session, deal.id):
        raise ReleaseOut
    await fail(session, deal, reason=f"withdrawn: {reason}", actor=actor, now=now)
    return deal


async def has_release(session: AsyncSession, deal_id: UUID) -> bool:
    """Whether the bank still owes a report on a release; the hold cannot expire meanwhile."""
    found = await session.scalar(
        select(Drawdown.id).where(
            Drawdown.deal_id == deal_id, Drawdown.status == DrawdownStatus.RELEASED
        )
    )
    return found is not None


async def fail(
    session: AsyncSession,
    deal: Deal,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    decliner: UUID | None = None,
    expired: bool = False,
) -> None:
    """Undo the deal, whose lock the caller holds; acts as the platform from here on.

    The decliner's quote lapses; the others come back if they are unexpired.
    """
    await bind(session, SYSTEM)
    history.move(session, deal, DEAL, DealEvent.FAIL, actor=actor, now=now)
    deal.failure = reason
    request = await session.get_one(
        FinancingRequest, deal.request_id, with_for_update=True, populate_existing=True
    )
    history.move(session, request, REQUEST, RequestEvent.REOPEN, actor=actor, now=now)
    await _return_quotes(session, deal, decliner=decliner, actor=actor, now=now)
    await _lapse_approvals(session, deal, actor=actor, now=now)
    code = "expire" if expired else "fail"
    freed = await room.give_back(session, deal, expired=expired, code=code)
    left = await _leave_queue(session, deal, now=now)
    await _unlock_rights(session, deal, actor=actor, now=now)
    for party in parties_of(deal):
        outbox.announce(session, "deal.failed", deal.id, organisation_id=party, now=now)
    if freed or left:
        await enqueue(session, Task.PROMOTE_QUEUE)


async def expire_due(session: AsyncSession, *, now: datetime) -> int:
    """Fail deals whose hold ran out on the database clock; how many, a batch at most.

    Deals that somebody is working on are left for the next round.
    """
    await bind(session, SYSTEM)
    clock = await session.scalar(select(func.clock_timestamp()))
    due = await session.scalars(
        _before_cash()
        .where(Deal.hold_expires_at <= clock)
        .order_by(Deal.hold_expires_at)
        .limit(EXPIRY_BATCH)
    )
    expired = due.all()
    for deal in expired:
        await fail(session, deal, reason="hold expired", actor=SYSTEM, now=now, expired=True)
    return len(expired)


async def lapse_due(session: AsyncSession, *, now: datetime) -> int:
    """Fail deals of which an approval ran out; how many, a batch at most."""
    await bind(session, SYSTEM)
    lapsed = select(Approval.deal_id).where(
        Approval.status == ApprovalStatus.APPROVED, Approval.expires_at <= now
    )
    due = await session.scalars(
        _before_cash().where(Deal.id.in_(lapsed)).order_by(Deal.id).limit(EXPIRY_BATCH)
    )
    failed = due.all()
    for deal in failed:
        await fail(session, deal, reason="approval lapsed", actor=SYSTEM, now=now)
    return len(failed)


def _before_cash() -> Select[Deal]:
    """Deals that can still fail and wait for no report of the bank, locked."""
    released = exists().where(
        Drawdown.deal_id == Deal.id, Drawdown.status == DrawdownStatus.RELEASED
    )
    return (
        select(Deal)
        .where(Deal.status.in_(BEFORE_CASH), ~released)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


async def _return_quotes(
    session: AsyncSession, deal: Deal, *, decliner: UUID | None, actor: Actor, now: datetime
) -> None:
    quotes = await session.scalars(
        select(Quote)
        .where(
            Quote.request_id == deal.request_id,
            Quote.status.in_([QuoteStatus.ACCEPTED, QuoteStatus.STANDING_BY]),
        )
        .order_by(Quote.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for quote in quotes:
        accepted = quote.status is QuoteStatus.ACCEPTED
        over = quote.expires_at <= now
        if accepted and (over or quote.institution_id == decliner):
            event = QuoteEvent.LAPSE
        elif over:
            event = QuoteEvent.EXPIRE
        else:
            event = QuoteEvent.REINSTATE
        history.move(session, quote, QUOTE, event, actor=actor, now=now)


async def _lapse_approvals(
    session: AsyncSession, deal: Deal, *, actor: Actor, now: datetime
) -> None:
    approvals = await session.scalars(
        select(Approval)
        .where(
            Approval.deal_id == deal.id,
            Approval.status.in_([ApprovalStatus.PENDING, ApprovalStatus.APPROVED]),
        )
        .order_by(Approval.id)
    )
    for approval in approvals:
        history.move(session, approval, APPROVAL, ApprovalEvent.LAPSE, actor=actor, now=now)


async def _leave_queue(session: AsyncSession, deal: Deal, *, now: datetime) -> bool:
    left = await session.scalars(
        update(QueueEntry)
        .where(QueueEntry.deal_id == deal.id, QueueEntry.status == QueueStatus.WAITING)
        .values(status=QueueStatus.LEFT, left_at=now)
        .returning(QueueEntry.id)
    )
    return bool(left.all())


async def _unlock_rights(session: AsyncSession, deal: Deal, *, actor: Actor, now: datetime) -> None:
    """Free the rights of every register where nothing was filed; the others wait for that."""
    made = set()
    for registration in await session.scalars(
        select(Registration).where(Registration.deal_id == deal.id).order_by(Registration.id)
    ):
        if registration.status in _NOT_YET_MADE:
            history.move(
                session,
                registration,
                REGISTRATION,
                RegistrationEvent.CANCEL,
                actor=actor,
                now=now,
            )
        elif registration.status is not RegistrationStatus.CANCELLED:
            made.add(registration.register)
    await session.execute(
        update(DealRight)
        .where(
            DealRight.deal_id == deal.id,
            DealRight.released_at.is_(None),
            DealRight.register.not_in(made),
        )
        .values(released_at=now)
    )
