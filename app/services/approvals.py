"""Decisions of the institutions on a deal (批复, 保审, 承保), and the conditions they name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.core.money import Money
from app.lifecycle.deals import (
    APPROVAL,
    BEFORE_CASH,
    DEAL,
    ApprovalEvent,
    ApprovalStatus,
    DealEvent,
    DealStatus,
)
from app.lifecycle.parties import LENDERS
from app.models.deals import Approval, Condition, Deal
from app.services import documents, failures, fund_exposure, history, old_loans, outbox, room
from app.services.actor import Actor
from app.services.deals import ReleaseOut, has_release, lock_deal, must_be_in
from app.services.packages import WHOLE_PCT
from app.services.tasks import Task, enqueue


@dataclass(eq=False)
class ConditionMet(Conflict):
    message = "The condition was recorded as met on {met_at}."

    met_at: datetime


async def approve(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    principal: Money | None,
    reference: str | None,
    valid_days: int,
    conditions: Sequence[str] = (),
    now: datetime,
) -> Deal:
    """Approve the deal, perhaps for less, perhaps with conditions, for so many days.

    Less than the deal's principal is a revision of the package: the hold shrinks with it. Once
    every institution has approved, the contracts are due.
    """
    deal, approval = await _lock_own(session, actor, deal_id)
    must_be_in(deal, DealStatus.APPROVING)
    if principal is not None and principal > deal.principal:
        raise FieldRefused(
            "principal", say("must not exceed the deal's {principal}", principal=deal.principal)
        )
    history.move(session, approval, APPROVAL, ApprovalEvent.APPROVE, actor=actor, now=now)
    approval.principal = principal or deal.principal
    approval.reference = reference
    approval.decided_at = now
    approval.expires_at = now + timedelta(days=valid_days)
    session.add_all(
        Condition(id=new_id(), approval_id=approval.id, text=condition) for condition in conditions
    )
    await session.flush()
    if approval.principal < deal.principal:
        await _revise(session, deal, principal=approval.principal, actor=actor, now=now)
    if await _all_approved(session, deal):
        history.move(session, deal, DEAL, DealEvent.APPROVE, actor=actor, now=now)
    outbox.announce(session, "deal.approved", deal.id, organisation_id=deal.firm_id, now=now)
    return deal


async def decline(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, note: str, now: datetime
) -> Deal:
    """Decline the deal, even after having approved it; everything is undone.

    Until cash moves: a release that is out must be reported first (ReleaseOut).
    """
    deal, approval = await _lock_own(session, actor, deal_id)
    must_be_in(deal, *BEFORE_CASH)
    if await has_release(session, deal.id):
        raise ReleaseOut
    history.move(session, approval, APPROVAL, ApprovalEvent.DECLINE, actor=actor, now=now)
    approval.note = note
    approval.decided_at = now
    await session.flush()
    await failures.fail(
        session,
        deal,
        reason=f"declined by the {approval.role}",
        actor=actor,
        now=now,
        decliner=actor.organisation_id,
    )
    return deal


async def meet_condition(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    condition_id: UUID,
    document_id: UUID | None,
    now: datetime,
) -> Condition:
    """The approver records that a condition of its approval is met, with what proves it."""
    _, approval = await _lock_own(session, actor, deal_id)
    condition: Condition | None = await session.scalar(
        select(Condition)
        .where(Condition.id == condition_id, Condition.approval_id == approval.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if condition is None:
        raise NotFound
    if condition.met_at is not None:
        raise ConditionMet(condition.met_at)
    if document_id is not None:
        try:
            await documents.get_document(session, actor=actor, document_id=document_id)
        except NotFound:
            raise FieldRefused("document_id", say("is no document that you may read")) from None
    condition.met_at = now
    condition.met_by = actor.user_id
    condition.document_id = document_id
    history.note(session, "condition", condition.id, "meet", actor=actor, now=now)
    return condition


async def _lock_own(session: AsyncSession, actor: Actor, deal_id: UUID) -> tuple[Deal, Approval]:
    """The deal under its lock, and the actor's own approval on it."""
    actor.must_be(*LENDERS)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    approval = (
        await session.scalars(
            select(Approval)
            .where(Approval.deal_id == deal.id, Approval.institution_id == actor.organisation_id)
            .execution_options(populate_existing=True)
        )
    ).one()
    return deal, approval


async def _revise(
    session: AsyncSession, deal: Deal, *, principal: Money, actor: Actor, now: datetime
) -> None:
    deal.principal = principal
    deal.loan_terms = deal.loan_terms | {"amount": str(principal)}
    deal.liability = principal.times(deal.guarantee_share_pct / WHOLE_PCT)
    if deal.hold_id is not None:
        excess = await old_loans.excess_of(session, deal)
        await room.reduce(session, deal, to=min(deal.held, excess))
        history.note(session, "hold", deal.id, "reduce", actor=actor, now=now)
        await enqueue(session, Task.PROMOTE_QUEUE)
    await fund_exposure.follow(session, [deal.id], now=now)


async def _all_approved(session: AsyncSession, deal: Deal) -> bool:
    missing = await session.scalar(
        select(Approval.id)
        .where(Approval.deal_id == deal.id, Approval.status != ApprovalStatus.APPROVED)
        .limit(1)
    )
    return missing is None
