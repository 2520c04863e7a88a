"""From decision to claw-back: each step by other people than the last, each payment once."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.lifecycle.grants import APPLICATION, ApplicationEvent, ApplicationStatus
from app.models.grants import GrantApplication, GrantObjection, GrantReview
from app.schemas.grant_desk import (
    AgreementIn,
    AuditIn,
    ClawBackIn,
    ClawedBackIn,
    GrantPaymentIn,
)
from app.services import (
    grant_applications,
    grant_budgets,
    grant_checks,
    grant_duplicates,
    grant_rules,
    history,
)
from app.services.actor import Actor
from app.services.grant_applications import Locked
from app.services.grant_rules import DoneOtherwise, OnePersonTwice, person


@dataclass(eq=False)
class NoticeRunning(Conflict):
    message = "The award is on public notice until {until}."

    until: date | None


@dataclass(eq=False)
class ObjectionsOpen(Conflict):
    message = "{count} objections are not answered."

    count: int


class NothingToPay(Conflict):
    message = "The measure gives a place and no money: the decision is the last step."


class NoAgreement(Conflict):
    message = "The authority has not drawn up an agreement yet."


@dataclass(eq=False)
class ClawedBackAbove(Conflict):
    message = "{paid} was paid; {amount} cannot be clawed back."

    paid: Money
    amount: Money


async def approve(
    session: AsyncSession, *, actor: Actor, application_id: UUID, now: datetime
) -> GrantApplication:
    """The decision, after the notice: what was reserved is committed.

    By a manager who neither checked, nor recommended, nor reviewed the application.
    """
    locked = await _lock(session, actor, application_id, manager=True)
    application, decider = locked.application, person(actor)
    reviewers = await session.scalars(
        select(GrantReview.filed_by).where(GrantReview.application_id == application.id)
    )
    if decider in {application.checked_by, application.recommended_by, *reviewers}:
        raise OnePersonTwice
    history.move(session, application, APPLICATION, ApplicationEvent.APPROVE, actor=actor, now=now)
    if application.notice_until is None or business_date(now) <= application.notice_until:
        raise NoticeRunning(application.notice_until)
    count = await session.scalar(
        select(func.count()).where(
            GrantObjection.application_id == application.id, GrantObjection.answered_at.is_(None)
        )
    )
    if count:
        raise ObjectionsOpen(count)
    await grant_duplicates.refuse_duplicate(session, application, locked.rules)
    assert application.hold_id is not None
    await grant_budgets.lock_budget(session, locked.programme.budget_id)
    stake = grant_rules.stake_of_row(application)
    await grant_budgets.commit(session, application.hold_id, stake, application.id)
    application.hold_id = None
    application.approved_by, application.approved_at = decider, now
    grant_checks.tell(session, application, "approved", now=now)
    await session.flush()
    return application


async def draw_up(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: AgreementIn, now: datetime
) -> GrantApplication:
    """The agreement's number and terms. The same again answers what is there."""
    application = (await _lock(session, actor, application_id)).application
    if application.slots is not None:
        raise NothingToPay
    if application.status is ApplicationStatus.AGREED:
        stored = (application.agreement_reference, application.agreement_terms)
        if stored == (data.reference, data.terms):
            return application
        raise DoneOtherwise(application.agreement_reference or "")
    APPLICATION.after(application.status, ApplicationEvent.AGREE)  # raises unless it is approved
    application.agreement_reference = data.reference
    application.agreement_terms = data.terms
    history.note(session, APPLICATION.name, application.id, "draw up", actor=actor, now=now)
    grant_checks.tell(session, application, "agreement_ready", now=now)
    await session.flush()
    return application


async def agree(
    session: AsyncSession, *, actor: Actor, application_id: UUID, reference: str, now: datetime
) -> GrantApplication:
    """The applicant confirms the agreement that it names. Said again it changes nothing."""
    locked = await grant_applications.lock_own(session, actor=actor, application_id=application_id)
    application = locked.application
    if application.agreement_reference is None:
        raise NoAgreement
    if application.agreement_reference != reference:
        raise DoneOtherwise(application.agreement_reference)
    if application.agreed_at is not None:
        return application
    history.move(session, application, APPLICATION, ApplicationEvent.AGREE, actor=actor, now=now)
    application.agreed_at = now
    await session.flush()
    return application


async def pay(
    session: AsyncSession,
    *,
    actor: Actor,
    application_id: UUID,
    data: GrantPaymentIn,
    now: datetime,
) -> GrantApplication:
    """Paid once, whoever clicks, by another person than decided. The same again answers it."""
    locked = await _lock(session, actor, application_id)
    application = locked.application
    if application.paid_at is not None:
        if (application.paid_on, application.payment_reference) != (data.paid_on, data.reference):
            raise DoneOtherwise(application.payment_reference or "")
        return application
    if application.slots is not None:
        raise NothingToPay
    if person(actor) == application.approved_by:
        raise OnePersonTwice
    history.move(session, application, APPLICATION, ApplicationEvent.PAY, actor=actor, now=now)
    assert application.agreed_at is not None
    _within("paid_on", data.paid_on, since=application.agreed_at, now=now)
    budget = await grant_budgets.lock_budget(session, locked.programme.budget_id)
    stake = grant_rules.stake_of_row(application)
    await grant_budgets.pay(session, budget, stake, application.id)
    application.paid_on, application.payment_reference = data.paid_on, data.reference
    application.paid_by, application.paid_at = person(actor), now
    grant_checks.tell(session, application, "paid", now=now)
    await session.flush()
    return application


async def audit(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: AuditIn, now: datetime
) -> GrantApplication:
    """What the follow-up audit found; a claw-back may follow."""
    application = (await _lock(session, actor, application_id)).application
    history.move(session, application, APPLICATION, ApplicationEvent.AUDIT, actor=actor, now=now)
    application.audit_passed, application.audit_findings = data.passed, data.findings
    application.audited_at = now
    grant_checks.tell(session, application, "audited", now=now)
    await session.flush()
    return application


async def claw_back(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: ClawBackIn, now: datetime
) -> GrantApplication:
    """Ask for the money back, or a part of it, and say why."""
    application = (await _lock(session, actor, application_id, manager=True)).application
    paid = application.award
    history.move(
        session, application, APPLICATION, ApplicationEvent.CLAW_BACK, actor=actor, now=now
    )
    assert paid is not None
    amount = paid if data.amount is None else data.amount
    if amount > paid:
        raise ClawedBackAbove(paid, amount)
    application.clawed_back, application.claw_back_reason = amount, data.reason
    application.claw_back_by = person(actor)
    grant_checks.tell(session, application, "claw_back", now=now)
    await session.flush()
    return application


async def recover(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: ClawedBackIn, now: datetime
) -> GrantApplication:
    """The money came back, says another person than asked for it; the budget has it again."""
    locked = await _lock(session, actor, application_id)
    application = locked.application
    if application.recovered_at is not None:
        if application.recovery_reference != data.reference:
            raise DoneOtherwise(application.recovery_reference or "")
        return application
    if person(actor) == application.claw_back_by:
        raise OnePersonTwice
    history.move(session, application, APPLICATION, ApplicationEvent.RECOVER, actor=actor, now=now)
    assert application.clawed_back is not None
    assert application.paid_at is not None
    _within("received_on", data.received_on, since=application.paid_at, now=now)
    budget = await grant_budgets.lock_budget(session, locked.programme.budget_id)
    await grant_budgets.take_back(session, budget, application.clawed_back, application.id)
    application.recovery_reference, application.recovered_at = data.reference, now
    grant_checks.tell(session, application, "clawed_back", now=now)
    await session.flush()
    return application


async def _lock(
    session: AsyncSession, actor: Actor, application_id: UUID, *, manager: bool = False
) -> Locked:
    return await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id, manager=manager
    )


def _within(field: str, day: date, *, since: datetime, now: datetime) -> None:
    first = business_date(since)
    if not first <= day <= business_date(now):
        raise FieldRefused(field, say("must be from {earliest} to today", earliest=first))
