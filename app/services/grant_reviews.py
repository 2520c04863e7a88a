"""Reviews: agencies are asked, declare what binds them to the applicant, and file their sheets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.grants.measure import MeasureVersion
from app.lifecycle.grants import APPLICATION, ApplicationStatus
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.lifecycle.words import state_of
from app.models.grants import GrantApplication, GrantReview
from app.models.organisations import Organisation
from app.schemas.grant_desk import DeclarationIn, SheetIn
from app.services import (
    documents,
    grant_applications,
    grant_programmes,
    grant_related,
    grant_rules,
    history,
    outbox,
)
from app.services.actor import Actor, as_platform


@dataclass(eq=False)
class NotInReview(Conflict):
    message = "The application {state}; it is not under review."

    state: ApplicationStatus

    def words(self) -> Mapping[str, Any]:
        return {"state": state_of(APPLICATION.name, self.state)}


@dataclass(eq=False)
class ReviewersEnough(Conflict):
    message = "{count} reviewers without a conflict are asked already, as the rules want."

    count: int


class ReviewerRelated(Conflict):
    message = "The reviewer is the applicant, or of its group."


class AskedAlready(Conflict):
    message = "The agency is asked already, or declared a conflict."


class DeclareFirst(Conflict):
    message = "Declare first what binds you to the applicant."


class DeclaredConflict(Forbidden):
    message = "You declared a conflict of interest: you do not review this application."


class SheetFiled(Conflict):
    message = "The sheet is filed; it is not changed."


def visible_reviews(actor: Actor) -> Select[GrantReview]:
    """A reviewer's own; the authority sees all. Applicants are not told who reviews them."""
    reviews = select(GrantReview)
    if actor.is_staff:
        return reviews
    return reviews.where(GrantReview.organisation_id == actor.organisation_id)


async def list_reviews(
    session: AsyncSession, *, actor: Actor, application_id: UUID | None = None, limit: int
) -> Sequence[GrantReview]:
    """Newest first."""
    reviews = visible_reviews(actor).order_by(GrantReview.assigned_at.desc()).limit(limit)
    if application_id is not None:
        reviews = reviews.where(GrantReview.application_id == application_id)
    return (await session.scalars(reviews)).all()


async def assign(
    session: AsyncSession,
    *,
    actor: Actor,
    application_id: UUID,
    organisation_id: UUID,
    now: datetime,
) -> GrantReview:
    """Ask an agency to review; never the applicant or one of its group. It may read the papers."""
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id
    )
    application = locked.application
    if application.status is not ApplicationStatus.REVIEWING:
        raise NotInReview(application.status)
    agency = await session.get(Organisation, organisation_id)
    if (
        agency is None
        or agency.kind is not OrganisationKind.AGENCY
        or agency.status is not OrganisationStatus.VERIFIED
    ):
        raise FieldRefused("organisation_id", say("is no verified agency"))
    if organisation_id in await grant_related.group_of(session, application.applicant_id):
        raise ReviewerRelated
    asked = await reviews_of(session, application)
    if any(review.organisation_id == organisation_id for review in asked):
        raise AskedAlready
    wanted = grant_rules.reviewers_of(locked.rules)
    if sum(not review.conflict for review in asked) >= wanted:
        raise ReviewersEnough(wanted)
    review = GrantReview(
        application_id=application.id,
        round=application.round,
        organisation_id=organisation_id,
        assigned_by=grant_rules.person(actor),
        assigned_at=now,
    )
    session.add(review)
    for document in await grant_applications.papers_of(session, application.id):
        await documents.share(session, document, organisation_ids=[organisation_id])
    outbox.announce(
        session,
        "grant.review_asked",
        application.id,
        organisation_id=organisation_id,
        now=now,
    )
    await session.flush()
    return review


async def reviews_of(session: AsyncSession, application: GrantApplication) -> Sequence[GrantReview]:
    """Those of the present round, whoever looks."""
    async with as_platform(session):
        rows = await session.scalars(
            select(GrantReview)
            .where(
                GrantReview.application_id == application.id,
                GrantReview.round == application.round,
            )
            .order_by(GrantReview.assigned_at, GrantReview.organisation_id)
            .execution_options(populate_existing=True)
        )
        return rows.all()


async def declare(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: DeclarationIn, now: datetime
) -> GrantReview:
    """What binds the reviewer to the applicant. A conflict ends its review for good."""
    review, _ = await _lock_own(session, actor, application_id)
    if review.filed_at is not None:
        raise SheetFiled
    if review.conflict:
        raise DeclaredConflict
    review.conflict, review.statement = data.conflict, data.statement
    review.declared_by, review.declared_at = grant_rules.person(actor), now
    history.note(
        session,
        "grant application",
        application_id,
        "conflict declared" if data.conflict else "no conflict declared",
        actor=actor,
        now=now,
    )
    await session.flush()
    return review


async def file_sheet(
    session: AsyncSession, *, actor: Actor, application_id: UUID, data: SheetIn, now: datetime
) -> GrantReview:
    """A mark for every criterion, an opinion, and words. It stays as it is filed."""
    review, rules = await _lock_own(session, actor, application_id)
    if review.conflict is None:
        raise DeclareFirst
    if review.conflict:
        raise DeclaredConflict
    if review.filed_at is not None:
        raise SheetFiled
    wanted = {criterion.id for criterion in rules.scoring.criteria} if rules.scoring else set()
    if set(data.marks) != wanted:
        raise FieldRefused(
            "marks", say("must be of these, each once: {words}", words=", ".join(sorted(wanted)))
        )
    review.marks, review.supports, review.comment = dict(data.marks), data.supports, data.comment
    review.filed_by, review.filed_at = grant_rules.person(actor), now
    outbox.announce(session, "grant.review_filed", application_id, now=now)
    await session.flush()
    return review


async def _lock_own(
    session: AsyncSession, actor: Actor, application_id: UUID
) -> tuple[GrantReview, MeasureVersion]:
    """The reviewer's review of the present round, while the application is in review."""
    actor.must_be(OrganisationKind.AGENCY)
    application = await grant_applications.get_application(
        session, actor=actor, application_id=application_id
    )
    await grant_programmes.lock_window(session, application.window_id)
    await session.refresh(application)
    review = await session.get(
        GrantReview,
        (application.id, application.round, actor.organisation_id),
        with_for_update=True,
        populate_existing=True,
    )
    if review is None:
        raise NotFound
    if application.status is not ApplicationStatus.REVIEWING:
        raise NotInReview(application.status)
    programme = await grant_programmes.get_programme(session, programme_id=application.programme_id)
    return review, grant_rules.rules_of(programme)


@dataclass(eq=False)
class SheetsMissing(Conflict):
    message = "{filed} of {wanted} sheets are filed."

    filed: int
    wanted: int


async def filed_sheets(
    session: AsyncSession, application: GrantApplication, rules: MeasureVersion
) -> Sequence[GrantReview]:
    """The sheets of the round, all of them; SheetsMissing while one is not filed."""
    filed = [one for one in await reviews_of(session, application) if one.filed_at is not None]
    wanted = grant_rules.reviewers_of(rules)
    if len(filed) != wanted:
        raise SheetsMissing(len(filed), wanted)
    return filed
