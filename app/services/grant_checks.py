"""The authority's desk: the check of completeness, returns for correction, rejection's appeals."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lifecycle.grants import APPLICATION, ApplicationEvent
from app.models.grants import GrantApplication
from app.services import (
    grant_applications,
    grant_duplicates,
    grant_rules,
    history,
    outbox,
    work_calendar,
)
from app.services.actor import Actor


async def accept(
    session: AsyncSession,
    *,
    actor: Actor,
    application_id: UUID,
    facts: Mapping[str, object],
    now: datetime,
) -> GrantApplication:
    """The papers are complete and show the facts, corrected by ``facts``; it goes to review."""
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id
    )
    application = locked.application
    history.move(session, application, APPLICATION, ApplicationEvent.ACCEPT, actor=actor, now=now)
    application.facts = application.facts | dict(facts)
    grant_applications.work_out(locked, complete=True)
    await grant_duplicates.refuse_duplicate(session, application, locked.rules)
    application.checked_by, application.checked_at = grant_rules.person(actor), now
    tell(session, application, "accepted", now=now)
    await session.flush()
    return application


async def send_back(
    session: AsyncSession, *, actor: Actor, application_id: UUID, reason: str, now: datetime
) -> GrantApplication:
    """Returned for correction, with the reason and the last day; reviewed anew afterwards."""
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id
    )
    application = locked.application
    history.move(session, application, APPLICATION, ApplicationEvent.RETURN, actor=actor, now=now)
    application.return_reason = reason
    application.correct_by = grant_rules.end_of_period(
        locked.rules,
        "correction",
        start=business_date(now),
        calendar=await work_calendar.load(session),
    )
    begin_anew(application)
    tell(session, application, "returned", now=now)
    await session.flush()
    return application


async def decide_appeal(
    session: AsyncSession,
    *,
    actor: Actor,
    application_id: UUID,
    overturn: bool,
    answer: str,
    now: datetime,
) -> GrantApplication:
    """By another person than rejected it: rejected for good, or reviewed by others."""
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id, manager=True
    )
    application = locked.application
    if application.rejected_by == grant_rules.person(actor):
        raise grant_rules.OnePersonTwice
    event = ApplicationEvent.OVERTURN if overturn else ApplicationEvent.UPHOLD
    history.move(session, application, APPLICATION, event, actor=actor, now=now)
    application.appeal_answer = answer
    if overturn:
        await grant_duplicates.refuse_duplicate(session, application, locked.rules)
        begin_anew(application)
        if application.checked_by is None:
            application.checked_by, application.checked_at = grant_rules.person(actor), now
    tell(session, application, "appeal_decided", now=now)
    await session.flush()
    return application


def begin_anew(application: GrantApplication) -> None:
    """Another round of review: what was found in the last one counts no more."""
    application.round += 1
    application.score = application.place = None
    application.recommended_by = application.recommended_at = None
    application.notice_from = application.notice_until = None


def tell(session: AsyncSession, application: GrantApplication, what: str, *, now: datetime) -> None:
    """Announce to the applicant what became of its application."""
    outbox.announce(
        session,
        f"grant.{what}",
        application.id,
        organisation_id=application.applicant_id,
        now=now,
    )
