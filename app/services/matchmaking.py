"""Matchmaking events (银企对接会): announced by a park, with places for so many people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.park_desk import MATCHMAKING, EventEvent, EventStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.organisations import Organisation
from app.models.park_desk import EventRegistration, MatchmakingEvent
from app.schemas.park_desk import AttendeeNamedOut, AttendeeOut, MatchmakingIn, MatchmakingOut
from app.services import history, outbox
from app.services.actor import Actor, as_platform
from app.services.park_visits import park_of


@dataclass(eq=False)
class EventFull(Conflict):
    message = "Only {places_left} places are left."

    places_left: int

    def __str__(self) -> str:
        match self.places_left:
            case 0:
                return str(say("No place is left."))
            case 1:
                return str(say("Only one place is left."))
        return super().__str__()


class EventOver(Conflict):
    message = "The event takes no more registrations."


@dataclass(eq=False)
class EventNotYet(Conflict):
    message = "The event is on {held_on}; who came is recorded from then on."

    held_on: date


async def announce_event(
    session: AsyncSession, *, actor: Actor, data: MatchmakingIn, now: datetime
) -> MatchmakingOut:
    park_code = await park_of(session, actor)
    if data.held_on < business_date(now):
        raise FieldRefused("held_on", say("must not be in the past"))
    event = MatchmakingEvent(
        id=new_id(),
        park_code=park_code,
        status=EventStatus.ANNOUNCED,
        announced_at=now,
        **dict(data),
    )
    session.add(event)
    history.begin(session, event, MATCHMAKING, actor=actor, now=now)
    outbox.announce(session, "event.announced", event.id, now=now)
    await session.flush()
    return _out(event, taken=0)


async def cancel_event(
    session: AsyncSession, *, actor: Actor, event_id: UUID, now: datetime
) -> MatchmakingOut:
    """The event does not take place; whoever registered is told."""
    event = await _lock_own(session, actor, event_id)
    history.move(session, event, MATCHMAKING, EventEvent.CANCEL, actor=actor, now=now)
    for row in await session.scalars(_coming(event.id)):
        outbox.announce(
            session, "event.cancelled", event.id, organisation_id=row.organisation_id, now=now
        )
    return _out(event, taken=await _taken(session, event.id))


async def list_events(
    session: AsyncSession, *, since: date | None, limit: int, after: UUID | None = None
) -> list[MatchmakingOut]:
    """Events that are open to all who are signed in, newest first."""
    statement = select(MatchmakingEvent).order_by(MatchmakingEvent.id.desc()).limit(limit)
    if since is not None:
        statement = statement.where(MatchmakingEvent.held_on >= since)
    if after is not None:
        statement = statement.where(MatchmakingEvent.id < after)
    events = (await session.scalars(statement)).all()
    async with as_platform(session):  # of others' registrations only the sum is told
        return [_out(event, taken=await _taken(session, event.id)) for event in events]


async def register(
    session: AsyncSession, *, actor: Actor, event_id: UUID, people: int, now: datetime
) -> AttendeeOut:
    """Come with so many people; registering again changes the number."""
    actor.must_be(OrganisationKind.ENTERPRISE, *LENDERS)
    async with as_platform(session):  # the event is the park's, most registrations are others'
        event = await _lock(session, event_id)
        taken = await _taken(session, event.id, besides=actor.organisation_id)
    _must_be_open(event, now=now)
    if people > event.capacity - taken:
        raise EventFull(event.capacity - taken)
    statement = insert(EventRegistration).values(
        event_id=event.id,
        organisation_id=actor.organisation_id,
        people=people,
        registered_at=now,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["event_id", "organisation_id"],
            set_={"people": people, "registered_at": now, "withdrawn_at": None},
        )
    )
    return await _own(session, actor, event)


async def withdraw(
    session: AsyncSession, *, actor: Actor, event_id: UUID, now: datetime
) -> AttendeeOut:
    """Give the places back. Doing it twice changes nothing."""
    actor.must_be(OrganisationKind.ENTERPRISE, *LENDERS)
    async with as_platform(session):  # only the park may change its event, or lock it
        event = await _lock(session, event_id)
    _must_be_open(event, now=now)
    row = await session.get(EventRegistration, (event.id, actor.organisation_id))
    if row is None:
        raise NotFound
    row.withdrawn_at = row.withdrawn_at or now
    await session.flush()
    return await _own(session, actor, event)


async def record_attendance(
    session: AsyncSession,
    *,
    actor: Actor,
    event_id: UUID,
    organisation_ids: Collection[UUID],
    now: datetime,
) -> list[AttendeeNamedOut]:
    """Who came of those who registered; the event is held. It can be corrected afterwards."""
    event = await _lock_own(session, actor, event_id)
    if business_date(now) < event.held_on:
        raise EventNotYet(event.held_on)
    if event.status is not EventStatus.HELD:
        history.move(session, event, MATCHMAKING, EventEvent.HOLD, actor=actor, now=now)
    rows = {row.organisation_id: row for row in await session.scalars(_coming(event.id))}
    if unknown := sorted(set(organisation_ids) - rows.keys()):
        raise FieldRefused(
            "organisation_ids",
            say("{organisation_id} is not registered", organisation_id=unknown[0]),
        )
    for organisation_id, row in rows.items():
        row.attended = organisation_id in set(organisation_ids)
    await session.flush()
    return await list_attendees(session, actor=actor, event_id=event.id)


async def list_attendees(
    session: AsyncSession, *, actor: Actor, event_id: UUID
) -> list[AttendeeNamedOut]:
    """Who registered for the park's own event, by name."""
    event = await _get_own(session, actor, event_id)
    rows = await session.execute(
        select(EventRegistration, Organisation.name, Organisation.kind)
        .join(Organisation, Organisation.id == EventRegistration.organisation_id)
        .where(EventRegistration.event_id == event.id)
        .order_by(Organisation.kind, Organisation.id)
    )
    return [
        AttendeeNamedOut(**AttendeeOut.model_validate(row).model_dump(), name=name, kind=kind)
        for row, name, kind in rows
    ]


def _must_be_open(event: MatchmakingEvent, *, now: datetime) -> None:
    if event.status is not EventStatus.ANNOUNCED or business_date(now) > event.held_on:
        raise EventOver


async def _own(session: AsyncSession, actor: Actor, event: MatchmakingEvent) -> AttendeeOut:
    row = await session.get_one(
        EventRegistration, (event.id, actor.organisation_id), populate_existing=True
    )
    return AttendeeOut.model_validate(row)


def _coming(event_id: UUID) -> Select[EventRegistration]:
    return (
        select(EventRegistration)
        .where(EventRegistration.event_id == event_id, EventRegistration.withdrawn_at.is_(None))
        .order_by(EventRegistration.organisation_id)
    )


async def _taken(session: AsyncSession, event_id: UUID, *, besides: UUID | None = None) -> int:
    statement = select(func.coalesce(func.sum(EventRegistration.people), 0)).where(
        EventRegistration.event_id == event_id, EventRegistration.withdrawn_at.is_(None)
    )
    if besides is not None:
        statement = statement.where(EventRegistration.organisation_id != besides)
    return await session.scalar(statement) or 0


async def _lock(session: AsyncSession, event_id: UUID) -> MatchmakingEvent:
    event = await session.get(
        MatchmakingEvent, event_id, with_for_update=True, populate_existing=True
    )
    if event is None:
        raise NotFound
    return event


async def _get_own(session: AsyncSession, actor: Actor, event_id: UUID) -> MatchmakingEvent:
    park_code = await park_of(session, actor)
    event = await session.get(MatchmakingEvent, event_id)
    if event is None or event.park_code != park_code:
        raise NotFound
    return event


async def _lock_own(session: AsyncSession, actor: Actor, event_id: UUID) -> MatchmakingEvent:
    await _get_own(session, actor, event_id)
    return await _lock(session, event_id)


def _out(event: MatchmakingEvent, *, taken: int) -> MatchmakingOut:
    return MatchmakingOut(
        id=event.id,
        park_code=event.park_code,
        title=event.title,
        held_on=event.held_on,
        place=event.place,
        capacity=event.capacity,
        places_left=event.capacity - taken,
        status=event.status,
    )
