"""Applications for grants: drafted, submitted, corrected, appealed; who may see them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.grants.measure import MeasureVersion
from app.lifecycle.grants import (
    APPLICATION,
    WINDOW,
    ApplicationEvent,
    ApplicationStatus,
    WindowStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.words import state_of
from app.models.documents import Document
from app.models.grants import (
    GrantApplication,
    GrantPaper,
    GrantProgramme,
    GrantReview,
    GrantWindow,
)
from app.models.organisations import Organisation
from app.schemas.grants import ApplicationIn, DraftIn
from app.services import (
    documents,
    grant_duplicates,
    grant_programmes,
    grant_rules,
    history,
    outbox,
)
from app.services.actor import Actor, as_platform

APPLICANTS = (OrganisationKind.ENTERPRISE, OrganisationKind.AGENCY, OrganisationKind.PARK)
WRITABLE = (ApplicationStatus.DRAFT, ApplicationStatus.RETURNED)


@dataclass(eq=False)
class WindowNotOpen(Conflict):
    message = "The application window {state}; it was called for {opens_on} to {closes_on}."

    state: WindowStatus
    opens_on: date
    closes_on: date

    def words(self) -> Mapping[str, Any]:
        return {"state": state_of(WINDOW.name, self.state)}


@dataclass(eq=False)
class NotADraft(Conflict):
    message = "The application {state}; only a draft or a returned one is changed."

    state: ApplicationStatus

    def words(self) -> Mapping[str, Any]:
        return {"state": state_of(APPLICATION.name, self.state)}


@dataclass(eq=False)
class CorrectionOver(Conflict):
    message = "The correction was due by {correct_by}."

    correct_by: date | None


@dataclass(frozen=True, slots=True)
class Locked:
    """An application under its lock and its window's, with the rules it is decided by."""

    application: GrantApplication
    window: GrantWindow
    programme: GrantProgramme
    rules: MeasureVersion


def visible_applications(actor: Actor) -> Select[GrantApplication]:
    """One's own, and those one is asked to review; the authority sees what was submitted."""
    applications = select(GrantApplication)
    own = GrantApplication.applicant_id == actor.organisation_id
    if actor.kind is OrganisationKind.SYSTEM:
        return applications
    if actor.is_staff:
        return applications.where(or_(own, GrantApplication.status != ApplicationStatus.DRAFT))
    asked = exists().where(
        GrantReview.application_id == GrantApplication.id,
        GrantReview.organisation_id == actor.organisation_id,
    )
    return applications.where(or_(own, asked))


async def list_applications(
    session: AsyncSession,
    *,
    actor: Actor,
    measure: int | None = None,
    window_id: UUID | None = None,
    status: ApplicationStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[GrantApplication]:
    """Visible applications, newest first."""
    rows = visible_applications(actor).order_by(GrantApplication.id.desc()).limit(limit)
    for column, value in (
        (GrantApplication.measure, measure),
        (GrantApplication.window_id, window_id),
        (GrantApplication.status, status),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if after is not None:
        rows = rows.where(GrantApplication.id < after)
    return (await session.scalars(rows)).all()


async def get_application(
    session: AsyncSession, *, actor: Actor, application_id: UUID
) -> GrantApplication:
    application: GrantApplication | None = await session.scalar(
        visible_applications(actor).where(GrantApplication.id == application_id)
    )
    if application is None:
        raise NotFound
    return application


async def lock(session: AsyncSession, *, actor: Actor, application_id: UUID) -> Locked:
    """Window first, then application: whoever holds the window may touch all that stands in it."""
    seen = await get_application(session, actor=actor, application_id=application_id)
    window = await grant_programmes.lock_window(session, seen.window_id)
    application: GrantApplication | None = await session.scalar(
        visible_applications(actor)
        .where(GrantApplication.id == application_id)
        .with_for_update(key_share=True, of=GrantApplication)
        .execution_options(populate_existing=True)
    )
    if application is None:
        raise NotFound
    programme = await grant_programmes.get_programme(session, programme_id=window.programme_id)
    return Locked(application, window, programme, grant_rules.rules_of(programme))


async def lock_own(session: AsyncSession, *, actor: Actor, application_id: UUID) -> Locked:
    actor.must_be(*APPLICANTS)
    locked = await lock(session, actor=actor, application_id=application_id)
    if locked.application.applicant_id != actor.organisation_id:
        raise NotFound
    return locked


async def lock_for_desk(
    session: AsyncSession, *, actor: Actor, application_id: UUID, manager: bool = False
) -> Locked:
    """For the authority, which decides."""
    actor.must_be(OrganisationKind.AUTHORITY, manager=manager)
    return await lock(session, actor=actor, application_id=application_id)


async def draft(
    session: AsyncSession, *, actor: Actor, data: ApplicationIn, now: datetime
) -> GrantApplication:
    """Begin an application in an open window; facts may still be left out."""
    actor.must_be(*APPLICANTS)
    window = await session.get(GrantWindow, data.window_id)
    if window is None:
        raise FieldRefused("window_id", say("is no window here"))
    _must_be_open(window, now)
    programme = await grant_programmes.get_programme(session, programme_id=window.programme_id)
    grant_rules.check_facts(grant_rules.rules_of(programme), data.facts)
    applicant = await session.get_one(Organisation, actor.organisation_id)
    application = GrantApplication(
        id=new_id(),
        programme_id=programme.id,
        window_id=window.id,
        measure=programme.measure,
        year=programme.year,
        applicant_id=applicant.id,
        applicant_name=applicant.name,
        key=grant_duplicates.normal(data.key),
        title=data.title,
        summary=data.summary,
        facts=data.facts,
        status=ApplicationStatus.DRAFT,
        trace=[],
    )
    session.add(application)
    history.begin(session, application, APPLICATION, actor=actor, now=now)
    await session.flush()
    await _attach(session, actor, application, data.document_ids)
    return application


async def change(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: DraftIn
) -> GrantApplication:
    """Write a draft, or one returned for correction, anew."""
    locked = await lock_own(session, actor=actor, application_id=application_id)
    application = locked.application
    if application.status not in WRITABLE:
        raise NotADraft(application.status)
    grant_rules.check_facts(locked.rules, data.facts)
    application.key = grant_duplicates.normal(data.key)
    application.title, application.summary = data.title, data.summary
    application.facts = data.facts
    await session.flush()
    await _attach(session, actor, application, data.document_ids)
    return application


async def submit(
    session: AsyncSession, *, actor: Actor, application_id: UUID, now: datetime
) -> GrantApplication:
    """Every fact stated, every rule met, nothing asked for twice. A corrected one comes in time."""
    locked = await lock_own(session, actor=actor, application_id=application_id)
    application = locked.application
    returned = application.status is ApplicationStatus.RETURNED
    history.move(session, application, APPLICATION, ApplicationEvent.SUBMIT, actor=actor, now=now)
    if not returned:
        _must_be_open(locked.window, now)
    elif application.correct_by is not None and business_date(now) > application.correct_by:
        raise CorrectionOver(application.correct_by)
    work_out(locked, complete=True)
    await grant_duplicates.refuse_duplicate(session, application, locked.rules)
    application.submitted_at = application.submitted_at or now
    outbox.announce(session, "grant.submitted", application.id, now=now)
    await session.flush()
    return application


def work_out(locked: Locked, *, complete: bool) -> None:
    """Write what the rules award for the facts to the application; NotEligible if they do not.

    What the budget has left is seen to later, under its lock.
    """
    application = locked.application
    grant_rules.check_facts(locked.rules, application.facts, complete=complete)
    award = grant_rules.decide(locked.rules, application.facts, left=None)
    if refused := list(award.refused_by):
        raise grant_rules.NotEligible(refused)
    grant_rules.settle(application, locked.rules, award)
    if grant_rules.what_is_left(locked.rules) is not None:  # the award itself is not known yet
        application.award = application.slots = None
        application.trace = application.trace[:-1]


async def appeal(
    session: AsyncSession, *, actor: Actor, application_id: UUID, reason: str, now: datetime
) -> GrantApplication:
    """The applicant asks that a rejection be looked at by somebody else."""
    application = (await lock_own(session, actor=actor, application_id=application_id)).application
    history.move(session, application, APPLICATION, ApplicationEvent.APPEAL, actor=actor, now=now)
    application.appeal = reason
    outbox.announce(session, "grant.appealed", application.id, now=now)
    await session.flush()
    return application


async def papers_of(session: AsyncSession, application_id: UUID) -> Sequence[Document]:
    """The documents of an application; that it may be seen is checked."""
    async with as_platform(session):
        rows = await session.scalars(
            select(Document)
            .join(GrantPaper, GrantPaper.document_id == Document.id)
            .where(GrantPaper.application_id == application_id)
            .order_by(Document.id)
        )
        return rows.all()


async def _attach(
    session: AsyncSession,
    actor: Actor,
    application: GrantApplication,
    document_ids: Collection[UUID],
) -> None:
    """These documents of the actor's, and no others."""
    for document_id in dict.fromkeys(document_ids):
        try:
            await documents.get_document(session, actor=actor, document_id=document_id)
        except NotFound:
            raise FieldRefused("document_ids", say("is no document of yours")) from None
    await session.execute(delete(GrantPaper).where(GrantPaper.application_id == application.id))
    session.add_all(
        GrantPaper(application_id=application.id, document_id=document_id)
        for document_id in dict.fromkeys(document_ids)
    )
    await session.flush()


def _must_be_open(window: GrantWindow, now: datetime) -> None:
    open_today = window.opens_on <= business_date(now) <= window.closes_on
    if window.status is not WindowStatus.OPEN or not open_today:
        raise WindowNotOpen(window.status, window.opens_on, window.closes_on)
