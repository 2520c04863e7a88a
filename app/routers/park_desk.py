"""The park's desk: renewals ahead, and what it does for the firms that lie in it (入园惠企)."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.park_desk import Recommendation
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page
from app.schemas.green_channel import GreenChannelsOut
from app.schemas.park_desk import (
    AttendanceIn,
    AttendeeNamedOut,
    FunnelOut,
    MatchmakingIn,
    MatchmakingOut,
    RecommendationIn,
    RecommendationOut,
    VisitIn,
    VisitOut,
)
from app.schemas.renewals import ParkRenewalsOut
from app.services import (
    funnel,
    green_channel,
    matchmaking,
    park_visits,
    recommendations,
    renewals,
)
from app.services.matchmaking import EventNotYet
from app.services.recommendations import AlreadyRecommended

router = APIRouter(prefix="/park", tags=["park"], route_class=KeyedRoute)

READS = may(OrganisationKind.PARK, scope="organisation:read")
ACTS = may(OrganisationKind.PARK)

DayQuery = Annotated[Day | None, Query(description="A day, such as 2026-01-01.")]


@router.get(
    "/renewals",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Loans on the park's account that mature soon",
)
async def list_renewals(actor: CurrentActor, session: Session, now: Now) -> ParkRenewalsOut:
    """By name where the firm lets the park follow it; the others are counted."""
    return await renewals.list_for_park(session, actor=actor, now=now)


@router.get(
    "/green-channel",
    dependencies=[READS],
    responses=problems(NotFound, FieldRefused),
    summary="How the green channel is kept for the park's firms",
)
async def show_green_channel(
    actor: CurrentActor, session: Session, now: Now, since: DayQuery = None, until: DayQuery = None
) -> GreenChannelsOut:
    """Per step: ended, in time, median working days, running, late now; by the day of the start."""
    return await green_channel.show_park(session, actor=actor, since=since, until=until, now=now)


@router.post(
    "/visits",
    status_code=201,
    dependencies=[ACTS],
    responses=problems(NotFound, FieldRefused),
    summary="Record a visit in the park",
)
async def record_visit(given: VisitIn, actor: CurrentActor, session: Session, now: Now) -> VisitOut:
    """Who came when, to which certified firms, and what came of it."""
    return await park_visits.record_visit(session, actor=actor, data=given, now=now)


@router.get(
    "/visits", dependencies=[READS], responses=problems(NotFound), summary="Visits in the park"
)
async def list_visits(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[VisitOut]:
    """The latest recorded first."""
    items = await park_visits.list_visits(session, actor=actor, limit=limit, after=after)
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.post(
    "/recommendations",
    status_code=201,
    response_model=list[RecommendationOut],
    dependencies=[ACTS],
    responses=problems(NotFound, FieldRefused, AlreadyRecommended),
    summary="Recommend firms to the lenders",
)
async def recommend(
    given: RecommendationIn, actor: CurrentActor, session: Session, now: Now
) -> Sequence[Recommendation]:
    """Each firm is asked; lenders see nothing of it before the firm consents."""
    return await recommendations.recommend(session, actor=actor, data=given, now=now)


@router.get(
    "/recommendations",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="The park's recommendation list",
)
async def list_recommendations(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[RecommendationOut]:
    """Newest first, with what each firm said."""
    rows = await recommendations.list_recommendations(
        session, actor=actor, limit=limit, after=after
    )
    return Page(
        items=[RecommendationOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/recommendations/{recommendation_id}/withdrawal",
    response_model=RecommendationOut,
    dependencies=[ACTS],
    responses=problems(NotFound, IllegalMove),
    summary="Take a recommendation back",
)
async def withdraw_recommendation(
    recommendation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Recommendation:
    """Lenders see it no more."""
    return await recommendations.withdraw(
        session, actor=actor, recommendation_id=recommendation_id, now=now
    )


@router.post(
    "/events",
    status_code=201,
    dependencies=[ACTS],
    responses=problems(NotFound, FieldRefused),
    summary="Announce a matchmaking event",
)
async def announce_event(
    given: MatchmakingIn, actor: CurrentActor, session: Session, now: Now
) -> MatchmakingOut:
    """Firms and institutions register themselves, while places are left."""
    return await matchmaking.announce_event(session, actor=actor, data=given, now=now)


@router.post(
    "/events/{event_id}/cancellation",
    dependencies=[ACTS],
    responses=problems(NotFound, IllegalMove),
    summary="Cancel an event",
)
async def cancel_event(
    event_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> MatchmakingOut:
    """Whoever registered is told."""
    return await matchmaking.cancel_event(session, actor=actor, event_id=event_id, now=now)


@router.get(
    "/events/{event_id}/attendees",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Who comes to an event",
)
async def list_attendees(
    event_id: UUID, actor: CurrentActor, session: Session
) -> list[AttendeeNamedOut]:
    """By name, those who gave their places back included."""
    return await matchmaking.list_attendees(session, actor=actor, event_id=event_id)


@router.post(
    "/events/{event_id}/attendance",
    dependencies=[ACTS],
    responses=problems(NotFound, IllegalMove, FieldRefused, EventNotYet),
    summary="Record who came",
)
async def record_attendance(
    event_id: UUID, given: AttendanceIn, actor: CurrentActor, session: Session, now: Now
) -> list[AttendeeNamedOut]:
    """From the day of the event on; recording it again corrects it."""
    return await matchmaking.record_attendance(
        session, actor=actor, event_id=event_id, organisation_ids=given.organisation_ids, now=now
    )


@router.get(
    "/funnel",
    dependencies=[READS],
    responses=problems(NotFound, FieldRefused),
    summary="From the visit to the money",
)
async def show_funnel(
    actor: CurrentActor, session: Session, now: Now, since: DayQuery = None, until: DayQuery = None
) -> FunnelOut:
    """Firms visited, recommended, requested, quoted, accepted, drawn in the period, each once."""
    return await funnel.show_park(session, actor=actor, since=since, until=until, now=now)
