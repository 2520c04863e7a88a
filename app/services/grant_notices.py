"""Public notice (公示): the award is reserved and told to all, and objections are answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.lifecycle.grants import APPLICATION, ApplicationEvent, ApplicationStatus
from app.models.grants import GrantApplication, GrantObjection
from app.services import (
    grant_applications,
    grant_budgets,
    grant_checks,
    grant_duplicates,
    grant_endings,
    grant_rules,
    history,
    outbox,
    work_calendar,
)
from app.services.actor import Actor, as_platform


@dataclass(eq=False)
class NoticeOver(Conflict):
    message = "The notice ran until {until}."

    until: date | None


class AnsweredAlready(Conflict):
    message = "The objection is answered."


async def notice(
    session: AsyncSession, *, actor: Actor, application_id: UUID, now: datetime
) -> GrantApplication:
    """Reserve the award as the budget stands now, and put it on notice for the rules' period.

    BudgetSpent if nothing is left, or less than a fixed award needs: whoever comes first has it.
    """
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id
    )
    application, rules = locked.application, locked.rules
    history.move(session, application, APPLICATION, ApplicationEvent.NOTICE, actor=actor, now=now)
    await grant_duplicates.refuse_duplicate(session, application, rules)
    calendar = await work_calendar.load(session)
    budget = await grant_budgets.lock_budget(session, locked.programme.budget_id)
    left = await grant_budgets.left_of(session, budget)
    award = grant_rules.decide(rules, application.facts, left=left)
    if refused := grant_rules.refused_by_rules(award):
        raise grant_rules.NotEligible(refused)
    if award.refused_by and left is not None:
        raise grant_budgets.spent(budget, left)
    stake = grant_rules.stake_of(award)
    application.hold_id = await grant_budgets.reserve(session, budget, stake, application.id)
    grant_rules.settle(application, rules, award)
    application.notice_from = business_date(now)
    application.notice_until = grant_rules.end_of_period(
        rules, "public_notice", start=application.notice_from, calendar=calendar
    )
    grant_checks.tell(session, application, "noticed", now=now)
    await session.flush()
    return application


async def list_noticed(
    session: AsyncSession, *, measure: int | None = None, after: UUID | None = None, limit: int
) -> Sequence[GrantApplication]:
    """What is or was on public notice and still stands, newest first: whose, for what, how much."""
    rows = (
        select(GrantApplication)
        .where(GrantApplication.notice_from.is_not(None))
        .where(GrantApplication.status.in_(STANDING))
        .order_by(GrantApplication.id.desc())
        .limit(limit)
    )
    if measure is not None:
        rows = rows.where(GrantApplication.measure == measure)
    if after is not None:
        rows = rows.where(GrantApplication.id < after)
    async with as_platform(session):
        return (await session.scalars(rows)).all()


_S = ApplicationStatus
STANDING = (
    _S.NOTICED,
    _S.APPROVED,
    _S.AGREED,
    _S.PAID,
    _S.AUDITED,
    _S.CLAWING_BACK,
    _S.CLAWED_BACK,
)


async def object_to(
    session: AsyncSession, *, actor: Actor, application_id: UUID, text: str, now: datetime
) -> GrantObjection:
    """Anybody of an organisation here may object while the notice runs."""
    async with as_platform(session):
        application = await session.get(GrantApplication, application_id, populate_existing=True)
    if application is None or application.notice_from is None:
        raise NotFound
    running = application.status is ApplicationStatus.NOTICED
    if (
        not running
        or application.notice_until is None
        or (business_date(now) > application.notice_until)
    ):
        raise NoticeOver(application.notice_until)
    objection = GrantObjection(
        id=new_id(),
        application_id=application.id,
        organisation_id=actor.organisation_id,
        text=text,
        objected_at=now,
    )
    session.add(objection)
    outbox.announce(session, "grant.objected", application.id, now=now)
    await session.flush()
    return objection


async def list_objections(
    session: AsyncSession, *, actor: Actor, application_id: UUID | None = None, limit: int
) -> Sequence[GrantObjection]:
    """One's own, newest first; the authority sees all."""
    rows = select(GrantObjection).order_by(GrantObjection.id.desc()).limit(limit)
    if not actor.is_staff:
        rows = rows.where(GrantObjection.organisation_id == actor.organisation_id)
    if application_id is not None:
        rows = rows.where(GrantObjection.application_id == application_id)
    return (await session.scalars(rows)).all()


async def answer(
    session: AsyncSession,
    *,
    actor: Actor,
    objection_id: UUID,
    upheld: bool,
    words: str,
    now: datetime,
) -> GrantObjection:
    """With reasons. One that is upheld ends the notice; the freed place goes to the next best."""
    seen = await session.get(GrantObjection, objection_id)
    if seen is None:
        raise NotFound
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=seen.application_id
    )
    objection = await session.get_one(
        GrantObjection, objection_id, with_for_update=True, populate_existing=True
    )
    if objection.answered_at is not None:
        raise AnsweredAlready
    objection.upheld, objection.answer = upheld, words
    objection.answered_by, objection.answered_at = grant_rules.person(actor), now
    if upheld:
        await grant_endings.uphold_objection(session, locked, actor=actor, now=now)
    outbox.announce(
        session,
        "grant.objection_answered",
        objection.application_id,
        organisation_id=objection.organisation_id,
        now=now,
    )
    await session.flush()
    return objection
