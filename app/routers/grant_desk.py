"""The authority's desk for grants up to the decision: checks, reviewers, notices, objections."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.grants import GrantApplication, GrantObjection, GrantReview
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session, Snapshot
from app.routers.files import CSV_FILE, XLSX_FILE, csv_file, xlsx_file
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.funds import ReasonIn
from app.schemas.grant_desk import (
    AppealAnswerIn,
    AssignmentIn,
    CheckIn,
    ObjectionAnswerIn,
    ObjectionOut,
    ReviewOut,
)
from app.schemas.grants import ApplicationOut
from app.services import (
    grant_checks,
    grant_endings,
    grant_files,
    grant_notices,
    grant_ranking,
    grant_reviews,
)
from app.services.grant_budgets import BudgetSpent
from app.services.grant_duplicates import AwardedTwice
from app.services.grant_notices import AnsweredAlready
from app.services.grant_ranking import BelowPassMark, BetterOnesWait, NotSupported, RankedTogether
from app.services.grant_reviews import (
    AskedAlready,
    NotInReview,
    ReviewerRelated,
    ReviewersEnough,
    SheetsMissing,
)
from app.services.grant_rules import NotEligible, OnePersonTwice

router = APIRouter(prefix="/authority", tags=["grants"], route_class=KeyedRoute)

DESK = may(OrganisationKind.AUTHORITY)
MANAGES = may(OrganisationKind.AUTHORITY, manager=True)

OneMeasure = Annotated[int | None, Query(ge=1, le=999)]


@router.get(
    "/grant-applications.csv",
    dependencies=[DESK],
    response_class=Response,
    responses=CSV_FILE,
    summary="Every grant application, as CSV",
)
async def applications_csv(
    actor: CurrentActor, session: Snapshot, measure: OneMeasure = None
) -> Response:
    """The last line sums what was paid and what was clawed back, as the ledger has it."""
    rows = await grant_files.list_all(session, actor=actor, measure=measure)
    return csv_file(grant_files.applications_sheet(rows), name="grant-applications")


@router.get(
    "/grant-applications.xlsx",
    dependencies=[DESK],
    response_class=Response,
    responses=XLSX_FILE,
    summary="Every grant application, as XLSX",
)
async def applications_xlsx(
    actor: CurrentActor, session: Snapshot, measure: OneMeasure = None
) -> Response:
    """The same as a workbook."""
    rows = await grant_files.list_all(session, actor=actor, measure=measure)
    return xlsx_file([grant_files.applications_sheet(rows)], name="grant-applications")


@router.post(
    "/grant-applications/{application_id}/acceptance",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, FieldRefused, IllegalMove, NotEligible, AwardedTwice),
    summary="Find an application complete",
)
async def accept(
    application_id: UUID, form: CheckIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Its papers show its facts, as corrected here; it goes to review."""
    return await grant_checks.accept(
        session, actor=actor, application_id=application_id, facts=form.facts, now=now
    )


@router.post(
    "/grant-applications/{application_id}/return",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, FieldRefused, IllegalMove),
    summary="Return an application for correction",
)
async def send_back(
    application_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """With the reason, and the last working day for it."""
    return await grant_checks.send_back(
        session, actor=actor, application_id=application_id, reason=form.reason, now=now
    )


@router.post(
    "/grant-applications/{application_id}/reviewers",
    status_code=201,
    response_model=ReviewOut,
    dependencies=[DESK],
    responses=problems(
        NotFound, FieldRefused, NotInReview, ReviewerRelated, AskedAlready, ReviewersEnough
    ),
    summary="Ask an agency to review",
)
async def assign(
    application_id: UUID, form: AssignmentIn, actor: CurrentActor, session: Session, now: Now
) -> GrantReview:
    """Never the applicant or one of its group. Whoever declares a conflict is replaced."""
    return await grant_reviews.assign(
        session,
        actor=actor,
        application_id=application_id,
        organisation_id=form.organisation_id,
        now=now,
    )


@router.post(
    "/grant-applications/{application_id}/recommendation",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(
        NotFound,
        NotInReview,
        SheetsMissing,
        NotSupported,
        RankedTogether,
        BelowPassMark,
        BetterOnesWait,
        NotEligible,
        BudgetSpent,
    ),
    summary="Recommend an application",
)
async def recommend(
    application_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """That every reviewer favours. Scored ones are ranked with their window."""
    return await grant_ranking.recommend(
        session, actor=actor, application_id=application_id, now=now
    )


@router.post(
    "/grant-applications/{application_id}/notice",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, FieldRefused, IllegalMove, NotEligible, AwardedTwice, BudgetSpent),
    summary="Put an award on public notice",
)
async def notice(
    application_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """The award is reserved on the ledger, by what the budget has left, and told to all for the
    working days that the rules state (公示).
    """
    return await grant_notices.notice(session, actor=actor, application_id=application_id, now=now)


@router.post(
    "/grant-applications/{application_id}/rejection",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove),
    summary="Reject an application",
)
async def reject(
    application_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Before the decision, with the reason; the applicant may appeal."""
    return await grant_endings.reject(
        session, actor=actor, application_id=application_id, reason=form.reason, now=now
    )


@router.post(
    "/grant-applications/{application_id}/appeal-decision",
    response_model=ApplicationOut,
    dependencies=[MANAGES],
    responses=problems(NotFound, IllegalMove, OnePersonTwice, AwardedTwice),
    summary="Decide an appeal",
)
async def decide_appeal(
    application_id: UUID, form: AppealAnswerIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """By another person than rejected the application."""
    return await grant_checks.decide_appeal(
        session,
        actor=actor,
        application_id=application_id,
        overturn=form.overturn,
        answer=form.answer,
        now=now,
    )


@router.post(
    "/grant-objections/{objection_id}/answer",
    response_model=ObjectionOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove, AnsweredAlready),
    summary="Answer an objection",
)
async def answer(
    objection_id: UUID, form: ObjectionAnswerIn, actor: CurrentActor, session: Session, now: Now
) -> GrantObjection:
    """One that is upheld ends the notice and frees what it held."""
    return await grant_notices.answer(
        session,
        actor=actor,
        objection_id=objection_id,
        upheld=form.upheld,
        words=form.answer,
        now=now,
    )
