"""Bookings of appointments and events: taken while places are left, given back, attended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.openings import OPENING, OpeningEvent, OpeningStatus
from app.models.openings import Booking, Opening
from app.models.organisations import Organisation
from app.schemas.openings import BookingIn, BookingNamedOut, BookingOut
from app.services import history, openings, outbox
from app.services.actor import Actor, as_platform


@dataclass(eq=False)
class NoPlaceLeft(Conflict):
    message = "Only {places_left} places are left."

    places_left: int


class AlreadyBooked(Conflict):
    message = "You have booked this already; cancel that booking first."


class BookingOver(Conflict):
    message = "It has begun or was called off; nothing can be booked or cancelled any more."


class NotBegun(Conflict):
    message = "Who came is recorded once it has begun."


async def book(
    session: AsyncSession, *, actor: Actor, opening_id: UUID, data: BookingIn, now: datetime
) -> Booking:
    """Take places; of two at once for the last one the second is refused."""
    async with as_platform(session):  # the opening is the organiser's
        opening = await openings.lock(session, opening_id)
        if opening.status is not OpeningStatus.ANNOUNCED or now >= opening.starts_at:
            raise BookingOver
        await _check_matter(session, opening, data, on=business_date(now))
        if actor.organisation_id in {
            one.organisation_id for one in await openings.live_bookings(session, opening.id)
        }:
            raise AlreadyBooked
        if data.people > opening.capacity - opening.taken:
            raise NoPlaceLeft(opening.capacity - opening.taken)
        opening.taken += data.people
        await session.flush()
    row = Booking(
        id=new_id(),
        opening_id=opening.id,
        organisation_id=actor.organisation_id,
        booked_at=now,
        **dict(data),
    )
    session.add(row)
    outbox.announce(
        session, "opening.booked", opening.id, organisation_id=opening.organiser_id, now=now
    )
    await session.flush()
    return row


async def cancel_booking(
    session: AsyncSession, *, actor: Actor, booking_id: UUID, now: datetime
) -> Booking:
    """Give the places back before it begins. Doing it twice changes nothing."""
    own = select(Booking).where(
        Booking.id == booking_id, Booking.organisation_id == actor.organisation_id
    )
    found: Booking | None = await session.scalar(own)
    if found is None:
        raise NotFound
    async with as_platform(session):  # the opening first, as everybody locks
        opening = await openings.lock(session, found.opening_id)
        row: Booking = (
            await session.scalars(own.with_for_update().execution_options(populate_existing=True))
        ).one()
        if row.cancelled_at is None:
            if opening.status is not OpeningStatus.ANNOUNCED or now >= opening.starts_at:
                raise BookingOver
            row.cancelled_at = now
            opening.taken -= row.people
        await session.flush()
    return row


async def list_own(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[Booking]:
    """The actor's own bookings, newest first."""
    rows = (
        select(Booking)
        .where(Booking.organisation_id == actor.organisation_id)
        .order_by(Booking.id.desc())
        .limit(limit)
    )
    if after is not None:
        rows = rows.where(Booking.id < after)
    return (await session.scalars(rows)).all()


async def list_bookings(
    session: AsyncSession, *, actor: Actor, opening_id: UUID
) -> list[BookingNamedOut]:
    """Who booked an opening of the actor's own, by name."""
    row = await openings.get_own(session, actor, opening_id)
    async with as_platform(session):  # whoever books tells the organiser who comes
        rows = await session.execute(
            select(Booking, Organisation.name, Organisation.kind)
            .join(Organisation, Organisation.id == Booking.organisation_id)
            .where(Booking.opening_id == row.id)
            .order_by(Booking.id)
        )
    return [
        BookingNamedOut(**BookingOut.model_validate(booking).model_dump(), name=name, kind=kind)
        for booking, name, kind in rows
    ]


async def record_attendance(
    session: AsyncSession,
    *,
    actor: Actor,
    opening_id: UUID,
    booking_ids: Collection[UUID],
    now: datetime,
) -> list[BookingNamedOut]:
    """Who came of those who booked; recording it again corrects it."""
    row = await openings.lock_own(session, actor, opening_id)
    if now < row.starts_at:
        raise NotBegun
    if row.status is not OpeningStatus.HELD:
        history.move(session, row, OPENING, OpeningEvent.HOLD, actor=actor, now=now)
    live = {booking.id: booking for booking in await openings.live_bookings(session, row.id)}
    if unknown := sorted(set(booking_ids) - live.keys()):
        raise FieldRefused(
            "booking_ids", say("{booking_id} is no booking of it", booking_id=unknown[0])
        )
    for booking_id, booking in live.items():
        booking.attended = booking_id in set(booking_ids)
    await session.flush()
    return await list_bookings(session, actor=actor, opening_id=row.id)


async def _check_matter(
    session: AsyncSession, opening: Opening, data: BookingIn, *, on: date
) -> None:
    if opening.window_code is None:
        if data.matter is not None:
            raise FieldRefused("matter", say("is asked at a window only"))
        return
    window = await openings.get_window(session, opening.window_code, on=on)
    if data.matter not in window["accepts"]:
        known = ", ".join(window["accepts"])
        raise FieldRefused("matter", say("is none of {known}", known=known))
