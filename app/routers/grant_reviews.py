"""Grants for reviewers: what they are asked to review, their declarations and their sheets."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.grants import GrantReview
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.grant_desk import DeclarationIn, ReviewOut, SheetIn
from app.services import grant_reviews
from app.services.grant_reviews import DeclaredConflict, DeclareFirst, NotInReview, SheetFiled

router = APIRouter(prefix="/grant-reviews", tags=["grants"], route_class=KeyedRoute)

REVIEWS = may(OrganisationKind.AGENCY)
READS = may(OrganisationKind.AGENCY, OrganisationKind.AUTHORITY, scope="grants:read")


@router.get("", response_model=list[ReviewOut], dependencies=[READS], summary="Reviews")
async def list_reviews(
    actor: CurrentActor,
    session: Session,
    application_id: Annotated[UUID | None, Query()] = None,
    limit: Limit = 50,
) -> Sequence[GrantReview]:
    """Those you are asked for, newest first; the authority sees all, applicants none."""
    return await grant_reviews.list_reviews(
        session, actor=actor, application_id=application_id, limit=limit
    )


@router.post(
    "/{application_id}/declaration",
    response_model=ReviewOut,
    dependencies=[REVIEWS],
    responses=problems(NotFound, NotInReview, DeclaredConflict, SheetFiled),
    summary="Declare your interests",
)
async def declare(
    application_id: UUID, form: DeclarationIn, actor: CurrentActor, session: Session, now: Now
) -> GrantReview:
    """Before your sheet. A conflict ends your review, and another is asked."""
    return await grant_reviews.declare(
        session, actor=actor, application_id=application_id, data=form, now=now
    )


@router.post(
    "/{application_id}/sheet",
    response_model=ReviewOut,
    dependencies=[REVIEWS],
    responses=problems(
        NotFound, FieldRefused, NotInReview, DeclareFirst, DeclaredConflict, SheetFiled
    ),
    summary="File your scoring sheet",
)
async def file_sheet(
    application_id: UUID, form: SheetIn, actor: CurrentActor, session: Session, now: Now
) -> GrantReview:
    """A mark from 0 to 100 for every criterion of the measure, your opinion, and why."""
    return await grant_reviews.file_sheet(
        session, actor=actor, application_id=application_id, data=form, now=now
    )
