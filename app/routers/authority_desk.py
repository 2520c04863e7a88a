"""The authority's desk: the working calendar, and how the parks fare."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page
from app.schemas.green_channel import CalendarIn, CalendarOut, GreenChannelsOut
from app.schemas.park_desk import FunnelOut, VisitOut
from app.services import funnel, green_channel, park_visits, work_calendar
from app.services.work_calendar import YearDecreed
from app.workdays.calendar import YEAR_MAX, YEAR_MIN

router = APIRouter(prefix="/authority", tags=["authority"], route_class=KeyedRoute)

READS = may(OrganisationKind.AUTHORITY, scope="programme:read")

DayQuery = Annotated[Day | None, Query(description="A day, such as 2026-01-01.")]


@router.post(
    "/calendar/{year}",
    dependencies=[may(OrganisationKind.AUTHORITY, manager=True)],
    responses=problems(FieldRefused, YearDecreed),
    summary="Set days of the working calendar",
)
async def set_days(
    year: Annotated[int, Path(ge=YEAR_MIN, le=YEAR_MAX)],
    given: CalendarIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> CalendarOut:
    """Of a year that nobody has decreed yet. A clock that was judged stays as it was judged.

    The days of a decreed year are changed by two people, as a programme change.
    """
    return await work_calendar.set_days(session, actor=actor, year=year, body=given, now=now)


@router.get(
    "/green-channel",
    dependencies=[READS],
    responses=problems(FieldRefused),
    summary="How the green channel is kept, park by park",
)
async def show_green_channel(
    actor: CurrentActor, session: Session, now: Now, since: DayQuery = None, until: DayQuery = None
) -> GreenChannelsOut:
    """Per step: ended, in time, median working days, running, late now; by the day of the start."""
    return await green_channel.show_all(session, actor=actor, since=since, until=until, now=now)


@router.get(
    "/funnel",
    dependencies=[READS],
    responses=problems(FieldRefused),
    summary="From the visit to the money, park by park",
)
async def show_funnel(
    actor: CurrentActor, session: Session, now: Now, since: DayQuery = None, until: DayQuery = None
) -> list[FunnelOut]:
    """Firms visited, recommended, requested, quoted, accepted, drawn in the period, each once."""
    return await funnel.show_all(session, actor=actor, since=since, until=until, now=now)


@router.get("/visits", dependencies=[READS], summary="Visits in the parks")
async def list_visits(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[VisitOut]:
    """The latest recorded first."""
    items = await park_visits.list_visits(session, actor=actor, limit=limit, after=after)
    return Page(items=items, next=items[-1].id if len(items) == limit else None)
