"""Hours of the desk's windows and public events, as they are announced, called off and counted."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.openings import OPENING, OpeningEvent, OpeningKind, OpeningStatus
from app.lifecycle.parties import OrganisationKind
from app.models.openings import Booking, Opening
from app.schemas.green_channel import share_pct
from app.schemas.openings import (
    SLOTS_MAX,
    EventIn,
    HoursIn,
    OpeningFiguresOut,
    OpeningFiguresRow,
)
from app.services import history, outbox, rules
from app.services.actor import Actor
from app.services.constraints import refusing

WINDOWS = "desk_windows"
ORGANISERS = (OrganisationKind.AUTHORITY, OrganisationKind.AGENCY, OrganisationKind.PARK)
PERIOD = timedelta(days=365)


class HoursTaken(Conflict):
    message = "The window has openings at this time already."


async def list_windows(session: AsyncSession, *, on: date) -> list[dict[str, Any]]:
    """The windows of a day, with the kinds of case that each accepts."""
    found: list[dict[str, Any]] = (await rules.get(session, WINDOWS, on=on))["windows"]
    return found


async def open_hours(
    session: AsyncSession, *, actor: Actor, code: str, data: HoursIn, now: datetime
) -> Sequence[Opening]:
    """Cut a stretch of a window's day into openings that can be booked."""
    actor.must_be(OrganisationKind.AUTHORITY)
    window = await get_window(session, code, on=business_date(now))
    _check_times(data.starts_at, data.ends_at, now=now)
    length = timedelta(minutes=data.minutes)
    count = (data.ends_at - data.starts_at) // length
    if not 1 <= count <= SLOTS_MAX:
        raise FieldRefused("minutes", say("make from 1 to {most} openings", most=SLOTS_MAX))
    rows = [
        Opening(
            id=new_id(),
            kind=OpeningKind.APPOINTMENT,
            window_code=code,
            organiser_id=actor.organisation_id,
            title=window["name_zh"],
            place=data.place,
            starts_at=data.starts_at + length * place,
            ends_at=data.starts_at + length * (place + 1),
            capacity=data.capacity,
            taken=0,
            status=OpeningStatus.ANNOUNCED,
            announced_at=now,
        )
        for place in range(count)
    ]
    async with refusing(session, {"uq_openings_window": HoursTaken()}):
        session.add_all(rows)
    for row in rows:
        history.begin(session, row, OPENING, actor=actor, now=now)
    await session.flush()
    return rows


async def announce(session: AsyncSession, *, actor: Actor, data: EventIn, now: datetime) -> Opening:
    """A public event or policy talk, open to everybody's registration."""
    actor.must_be(*ORGANISERS)
    _check_times(data.starts_at, data.ends_at, now=now)
    row = Opening(
        id=new_id(),
        kind=OpeningKind.EVENT,
        organiser_id=actor.organisation_id,
        taken=0,
        status=OpeningStatus.ANNOUNCED,
        announced_at=now,
        **dict(data),
    )
    session.add(row)
    history.begin(session, row, OPENING, actor=actor, now=now)
    outbox.announce(session, "opening.announced", row.id, now=now)
    await session.flush()
    return row


async def cancel_opening(
    session: AsyncSession, *, actor: Actor, opening_id: UUID, now: datetime
) -> Opening:
    """It does not take place; whoever booked is told."""
    row = await lock_own(session, actor, opening_id)
    history.move(session, row, OPENING, OpeningEvent.CANCEL, actor=actor, now=now)
    for booking in await live_bookings(session, row.id):
        outbox.announce(
            session, "opening.cancelled", row.id, organisation_id=booking.organisation_id, now=now
        )
    await session.flush()
    return row


async def list_openings(
    session: AsyncSession,
    *,
    kind: OpeningKind | None,
    window: str | None,
    limit: int,
    now: datetime,
    after: UUID | None = None,
) -> Sequence[Opening]:
    """What is still to come, the next first; ``after`` is the last one seen."""
    rows = (
        select(Opening)
        .where(Opening.status == OpeningStatus.ANNOUNCED, Opening.starts_at > now)
        .order_by(Opening.starts_at, Opening.id)
        .limit(limit)
    )
    if kind is not None:
        rows = rows.where(Opening.kind == kind)
    if window is not None:
        rows = rows.where(Opening.window_code == window)
    if after is not None:
        last = await session.get(Opening, after)
        if last is not None:
            rows = rows.where(
                (Opening.starts_at > last.starts_at)
                | ((Opening.starts_at == last.starts_at) & (Opening.id > last.id))
            )
    return (await session.scalars(rows)).all()


async def show_figures(
    session: AsyncSession, *, actor: Actor, since: date | None, until: date | None, now: datetime
) -> OpeningFiguresOut:
    """By window, and all events together: places, taken, used. Of what the actor organised."""
    actor.must_be(*ORGANISERS)
    until = until or business_date(now)
    since = since or until - PERIOD
    if since > until:
        raise FieldRefused("since", say("must not be after {until}", until=until))
    day = cast(func.timezone("Asia/Shanghai", Opening.starts_at), Date)
    came = (
        select(func.coalesce(func.sum(Booking.people), 0))
        .where(Booking.opening_id == Opening.id, Booking.attended.is_(True))
        .scalar_subquery()
    )
    rows = (
        select(
            Opening.window_code,
            func.count(),
            func.sum(Opening.capacity),
            func.sum(Opening.taken),
            func.sum(came),
        )
        .where(Opening.status != OpeningStatus.CANCELLED, day.between(since, until))
        .group_by(Opening.window_code)
        .order_by(Opening.window_code)
    )
    if not actor.is_staff:
        rows = rows.where(Opening.organiser_id == actor.organisation_id)
    return OpeningFiguresOut(
        since=since,
        until=until,
        rows=[
            OpeningFiguresRow(
                window_code=window,
                openings=count,
                places=places,
                taken=taken,
                attended=attended,
                used_pct=share_pct(int(attended), int(places)),
            )
            for window, count, places, taken, attended in await session.execute(rows)
        ],
    )


def _check_times(starts_at: datetime, ends_at: datetime, *, now: datetime) -> None:
    if starts_at <= now:
        raise FieldRefused("starts_at", say("must not be in the past"))
    if ends_at <= starts_at:
        raise FieldRefused("ends_at", say("must be after {starts_at}", starts_at=starts_at))


async def get_window(session: AsyncSession, code: str, *, on: date) -> dict[str, Any]:
    for window in await list_windows(session, on=on):
        if window["code"] == code:
            return window
    raise NotFound


async def live_bookings(session: AsyncSession, opening_id: UUID) -> Sequence[Booking]:
    rows = select(Booking).where(Booking.opening_id == opening_id, Booking.cancelled_at.is_(None))
    return (await session.scalars(rows.execution_options(populate_existing=True))).all()


async def lock(session: AsyncSession, opening_id: UUID) -> Opening:
    row = await session.get(Opening, opening_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def get_own(session: AsyncSession, actor: Actor, opening_id: UUID) -> Opening:
    actor.must_be(*ORGANISERS)
    row = await session.get(Opening, opening_id)
    if row is None or not (actor.is_staff or row.organiser_id == actor.organisation_id):
        raise NotFound
    return row


async def lock_own(session: AsyncSession, actor: Actor, opening_id: UUID) -> Opening:
    await get_own(session, actor, opening_id)
    return await lock(session, opening_id)
