"""How an application ends without money: withdrawn, rejected, or objected to with success.

What it held or was awarded is free again, and in a ranked window goes to the next best.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.grants import APPLICATION, ApplicationEvent, ApplicationStatus
from app.models.grants import GrantApplication
from app.services import (
    grant_applications,
    grant_budgets,
    grant_checks,
    grant_ranking,
    grant_rules,
    history,
)
from app.services.actor import Actor, as_platform
from app.services.grant_applications import Locked

COMMITTED = (ApplicationStatus.APPROVED, ApplicationStatus.AGREED)


async def withdraw(
    session: AsyncSession, *, actor: Actor, application_id: UUID, now: datetime
) -> GrantApplication:
    """The applicant takes its application back, before anything was paid."""
    locked = await grant_applications.lock_own(session, actor=actor, application_id=application_id)
    await _end(session, locked, ApplicationEvent.WITHDRAW, actor=actor, now=now)
    return locked.application


async def reject(
    session: AsyncSession, *, actor: Actor, application_id: UUID, reason: str, now: datetime
) -> GrantApplication:
    """The authority says no, and why; the applicant may appeal."""
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id
    )
    locked.application.rejection = reason
    locked.application.rejected_by = grant_rules.person(actor)
    await _end(session, locked, ApplicationEvent.REJECT, actor=actor, now=now)
    grant_checks.tell(session, locked.application, "rejected", now=now)
    await session.flush()
    return locked.application


async def uphold_objection(
    session: AsyncSession, locked: Locked, *, actor: Actor, now: datetime
) -> None:
    """The notice ends, and the application is reviewed anew."""
    await _end(session, locked, ApplicationEvent.OBJECT, actor=actor, now=now)
    grant_checks.tell(session, locked.application, "objected", now=now)
    await session.flush()


async def _end(
    session: AsyncSession, locked: Locked, event: ApplicationEvent, *, actor: Actor, now: datetime
) -> None:
    application = locked.application
    before = application.status
    history.move(session, application, APPLICATION, event, actor=actor, now=now)
    held, stake = application.hold_id, None
    if before in COMMITTED:
        stake = grant_rules.stake_of_row(application)
    application.hold_id = None
    if event is ApplicationEvent.OBJECT:
        grant_checks.begin_anew(application)
    await session.flush()
    async with as_platform(session):
        budget = await grant_budgets.lock_budget(session, locked.programme.budget_id)
        if held is not None:
            await grant_budgets.drop(session, held, application.id)
        if stake is not None:
            await grant_budgets.release(session, budget, stake, application.id)
    await grant_ranking.fill(
        session, locked.window, locked.programme, locked.rules, actor=actor, now=now
    )
