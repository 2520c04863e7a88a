"""Windows in the five cities, appointments, public events: announced, booked, attended."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.openings import OpeningKind
from app.lifecycle.parties import OrganisationKind
from app.models.openings import Booking, Opening
from app.routers.access import may, public, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page
from app.schemas.openings import (
    AttendedIn,
    BookingIn,
    BookingNamedOut,
    BookingOut,
    EventIn,
    HoursIn,
    OpeningFiguresOut,
    OpeningOut,
    WindowOut,
)
from app.services import bookings, openings
from app.services.bookings import AlreadyBooked, BookingOver, NoPlaceLeft, NotBegun
from app.services.openings import ORGANISERS, HoursTaken

listed = APIRouter(prefix="/public", tags=["public"], dependencies=[public()])
router = APIRouter(tags=["openings"], route_class=KeyedRoute)

READS = signed_in(scope="organisation:read")
BOOKS = signed_in()
ORGANISES = may(*ORGANISERS)
SEES = may(*ORGANISERS, scope="organisation:read")

DayQuery = Annotated[Day | None, Query(description="A day, such as 2026-01-01.")]


@listed.get("/windows", response_model=list[WindowOut], summary="Service windows")
async def list_windows(session: Session, today: Today) -> list[dict[str, Any]]:
    """The national window and those of the five cities, with the cases that each accepts."""
    return await openings.list_windows(session, on=today)


@listed.get("/openings", summary="Appointments and events to come")
async def list_openings(
    *,
    session: Session,
    now: Now,
    kind: OpeningKind | None = None,
    window: Annotated[str | None, Query(max_length=40)] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[OpeningOut]:
    """The next first, with the places that are taken."""
    rows = await openings.list_openings(
        session, kind=kind, window=window, limit=limit, now=now, after=after
    )
    return Page(
        items=[OpeningOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/windows/{code}/openings",
    status_code=201,
    response_model=list[OpeningOut],
    dependencies=[may(OrganisationKind.AUTHORITY)],
    responses=problems(NotFound, FieldRefused, HoursTaken),
    summary="Open hours of a window for booking",
)
async def open_hours(
    code: Annotated[str, Path(max_length=40)],
    given: HoursIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Sequence[Opening]:
    """Cut into openings of equal length; ``capacity`` people at a time."""
    return await openings.open_hours(session, actor=actor, code=code, data=given, now=now)


@router.post(
    "/openings",
    status_code=201,
    response_model=OpeningOut,
    dependencies=[ORGANISES],
    responses=problems(FieldRefused),
    summary="Announce a public event",
)
async def announce(given: EventIn, actor: CurrentActor, session: Session, now: Now) -> Opening:
    """A talk or fair that everybody may register for, while places are left."""
    return await openings.announce(session, actor=actor, data=given, now=now)


@router.post(
    "/openings/{opening_id}/cancellation",
    response_model=OpeningOut,
    dependencies=[ORGANISES],
    responses=problems(NotFound, IllegalMove),
    summary="Call an opening off",
)
async def cancel_opening(
    opening_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Opening:
    """Whoever booked is told."""
    return await openings.cancel_opening(session, actor=actor, opening_id=opening_id, now=now)


@router.post(
    "/openings/{opening_id}/bookings",
    status_code=201,
    response_model=BookingOut,
    dependencies=[BOOKS],
    responses=problems(NotFound, FieldRefused, NoPlaceLeft, AlreadyBooked, BookingOver),
    summary="Book an appointment, or register for an event",
)
async def book(
    opening_id: UUID, given: BookingIn, actor: CurrentActor, session: Session, now: Now
) -> Booking:
    """Until it begins. At a window say for which kind of case."""
    return await bookings.book(session, actor=actor, opening_id=opening_id, data=given, now=now)


@router.get(
    "/openings/{opening_id}/bookings",
    dependencies=[SEES],
    responses=problems(NotFound),
    summary="Who booked",
)
async def list_bookings(
    opening_id: UUID, actor: CurrentActor, session: Session
) -> list[BookingNamedOut]:
    """By name, for the organiser; those who gave their places back included."""
    return await bookings.list_bookings(session, actor=actor, opening_id=opening_id)


@router.post(
    "/openings/{opening_id}/attendance",
    dependencies=[ORGANISES],
    responses=problems(NotFound, IllegalMove, FieldRefused, NotBegun),
    summary="Record who came",
)
async def record_attendance(
    opening_id: UUID, given: AttendedIn, actor: CurrentActor, session: Session, now: Now
) -> list[BookingNamedOut]:
    """Once it has begun; recording it again corrects it."""
    return await bookings.record_attendance(
        session, actor=actor, opening_id=opening_id, booking_ids=given.booking_ids, now=now
    )


@router.get("/bookings", dependencies=[READS], summary="Your bookings")
async def list_own(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[BookingOut]:
    """Newest first."""
    rows = await bookings.list_own(session, actor=actor, limit=limit, after=after)
    return Page(
        items=[BookingOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/bookings/{booking_id}/cancellation",
    response_model=BookingOut,
    dependencies=[BOOKS],
    responses=problems(NotFound, BookingOver),
    summary="Give the places back",
)
async def cancel_booking(
    booking_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Booking:
    """Before it begins."""
    return await bookings.cancel_booking(session, actor=actor, booking_id=booking_id, now=now)


@router.get(
    "/opening-figures",
    dependencies=[SEES],
    responses=problems(FieldRefused),
    summary="How windows and events were used",
)
async def show_figures(
    actor: CurrentActor, session: Session, now: Now, since: DayQuery = None, until: DayQuery = None
) -> OpeningFiguresOut:
    """By window, and all events together: openings, places, taken, used."""
    return await openings.show_figures(session, actor=actor, since=since, until=until, now=now)
