"""When a deal fails before cash: both holds are voided and everything returns to where it was."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lifecycle.deals import (
    APPROVAL,
    BEFORE_CASH,
    DEAL,
    QUEUE,
    REGISTRATION,
    ApprovalEvent,
    ApprovalStatus,
    DealEvent,
    DrawdownStatus,
    QueueEvent,
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
from app.services import fund_exposure, history, outbox, room, rules
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import ReleaseOut, has_release, lock_deal, must_be_in, parties_of
from app.services.tasks import Task, enqueue

_NOT_YET_MADE = (RegistrationStatus.PREPARED, RegistrationStatus.REFUSED)


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

    The decliner's quote lapses; the others come back if they are unexpired. The reason is stored,
    so it is English (app/core/messages.py).
    """
    await bind(session, SYSTEM)
    history.move(session, deal, DEAL, DealEvent.FAIL, actor=actor, now=now)
    deal.failure = reason
    request = await session.get_one(
        FinancingRequest, deal.request_id, with_for_update=True, populate_existing=True
    )
    history.move(session, request, REQUEST, RequestEvent.REOPEN, actor=actor, now=now)
    rule = await rules.get(session, "eligibility", on=business_date(now))
    anew = now + timedelta(days=rule["reopen_days"])
    request.expires_at = max(request.expires_at or anew, anew)
    await _return_quotes(session, deal, decliner=decliner, actor=actor, now=now)
    await _lapse_approvals(session, deal, actor=actor, now=now)
    code = "expire" if expired else "fail"
    freed = await room.give_back(session, deal, expired=expired, code=code)
    if freed:
        event = "expire" if expired else "void"
        history.note(session, "hold", deal.id, event, actor=actor, now=now)
    left = await _leave_queue(session, deal, actor=actor, now=now)
    await _unlock_rights(session, deal, actor=actor, now=now)
    await fund_exposure.follow(session, [deal.id], now=now)
    outbox.announce_to(session, parties_of(deal), "deal.failed", deal.id, now=now)
    if freed or left:
        await enqueue(session, Task.PROMOTE_QUEUE)


async def expire_due(session: AsyncSession, *, now: datetime) -> int:
    """Fail a deal whose hold ran out on the database clock; 0 if there is none.

    One in a transaction, for each takes locks that would cross those of the next. A deal that
    somebody is working on is left for the next round.
    """
    await bind(session, SYSTEM)
    clock = await session.scalar(select(func.clock_timestamp()))
    deal = await lock_failing(
        session,
        before_cash().where(Deal.hold_expires_at <= clock).order_by(Deal.hold_expires_at),
    )
    if deal is None:
        return 0
    await fail(session, deal, reason="hold expired", actor=SYSTEM, now=now, expired=True)
    return 1


async def lapse_due(session: AsyncSession, *, now: datetime) -> int:
    """Fail a deal of which an approval ran out; 0 if there is none."""
    await bind(session, SYSTEM)
    lapsed = select(Approval.deal_id).where(
        Approval.status == ApprovalStatus.APPROVED, Approval.expires_at <= now
    )
    deal = await lock_failing(session, before_cash().where(Deal.id.in_(lapsed)).order_by(Deal.id))
    if deal is None:
        return 0
    await fail(session, deal, reason="approval lapsed", actor=SYSTEM, now=now)
    return 1


async def lock_failing(session: AsyncSession, deals: Select[Deal]) -> Deal | None:
    """The first of ``deals`` that is free, locked, and waits for no report of the bank.

    Looked at once more under the lock: a release that was passed meanwhile is not in the
    snapshot by which the row was found.
    """
    deal: Deal | None = await session.scalar(
        deals.where(~_released())
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if deal is None or await has_release(session, deal.id):
        return None
    return deal


def before_cash() -> Select[Deal]:
    """Deals that can still fail."""
    return select(Deal).where(Deal.status.in_(BEFORE_CASH))


def _released() -> ColumnElement[bool]:
    return exists().where(Drawdown.deal_id == Deal.id, Drawdown.status == DrawdownStatus.RELEASED)


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


async def _leave_queue(session: AsyncSession, deal: Deal, *, actor: Actor, now: datetime) -> bool:
    entries = await session.scalars(
        select(QueueEntry)
        .where(QueueEntry.deal_id == deal.id, QueueEntry.status == QueueStatus.WAITING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    left = entries.all()
    for entry in left:
        history.move(session, entry, QUEUE, QueueEvent.LEAVE, actor=actor, now=now)
        entry.left_at = now
    return bool(left)


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
