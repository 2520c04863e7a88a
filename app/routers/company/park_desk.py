"""What a firm sees of its park's desk: recommendations of it, and matchmaking events."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.park_desk import Recommendation
from app.routers.access import may, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page
from app.schemas.park_desk import (
    AttendeeIn,
    AttendeeOut,
    MatchmakingOut,
    RecommendationConsentIn,
    RecommendationOut,
)
from app.services import matchmaking, recommendations
from app.services.matchmaking import EventFull, EventOver

router = APIRouter(prefix="/company", tags=["company"], route_class=KeyedRoute)
events = APIRouter(prefix="/events", tags=["organisation"], route_class=KeyedRoute)

READS = may(OrganisationKind.ENTERPRISE, scope="organisation:read")
DECIDES = may(OrganisationKind.ENTERPRISE)
COMES = may(OrganisationKind.ENTERPRISE, *LENDERS)


@router.get(
    "/recommendations",
    response_model=list[RecommendationOut],
    dependencies=[READS],
    summary="Parks that recommend the firm",
)
async def list_recommendations(actor: CurrentActor, session: Session) -> Sequence[Recommendation]:
    """Lenders see one on your open requests only after your consent."""
    return await recommendations.list_recommendations(session, actor=actor, limit=200)


@router.post(
    "/recommendations/{recommendation_id}/consent",
    response_model=RecommendationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Consent to a recommendation",
)
async def consent(
    recommendation_id: UUID,
    given: RecommendationConsentIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Recommendation:
    """From now on your open requests show lenders that a park recommends you."""
    return await recommendations.decide(
        session,
        actor=actor,
        recommendation_id=recommendation_id,
        consents=True,
        by_name=given.by_name,
        now=now,
    )


@router.post(
    "/recommendations/{recommendation_id}/refusal",
    response_model=RecommendationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Refuse a recommendation",
)
async def refuse(
    recommendation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Recommendation:
    """Nobody but the park learns that it wanted to."""
    return await recommendations.decide(
        session, actor=actor, recommendation_id=recommendation_id, consents=False, now=now
    )


@router.post(
    "/recommendations/{recommendation_id}/withdrawal",
    response_model=RecommendationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Take the consent back",
)
async def withdraw_consent(
    recommendation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Recommendation:
    """The mark is gone from your open requests at once."""
    return await recommendations.withdraw(
        session, actor=actor, recommendation_id=recommendation_id, now=now
    )


@events.get(
    "",
    dependencies=[signed_in(scope="organisation:read")],
    summary="Matchmaking events",
)
async def list_events(
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
    since: Annotated[Day | None, Query(description="Held on or after, as 2026-12-01.")] = None,
) -> Page[MatchmakingOut]:
    """Of every park, the newest first, with the places that are left."""
    items = await matchmaking.list_events(session, since=since, limit=limit, after=after)
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@events.post(
    "/{event_id}/registration",
    dependencies=[COMES],
    responses=problems(NotFound, EventFull, EventOver),
    summary="Register for an event",
)
async def register(
    event_id: UUID, given: AttendeeIn, actor: CurrentActor, session: Session, now: Now
) -> AttendeeOut:
    """Firms and institutions, with so many people. Registering again changes the number."""
    return await matchmaking.register(
        session, actor=actor, event_id=event_id, people=given.people, now=now
    )


@events.post(
    "/{event_id}/withdrawal",
    dependencies=[COMES],
    responses=problems(NotFound, EventOver),
    summary="Give the places back",
)
async def withdraw(event_id: UUID, actor: CurrentActor, session: Session, now: Now) -> AttendeeOut:
    """Until the day of the event."""
    return await matchmaking.withdraw(session, actor=actor, event_id=event_id, now=now)
