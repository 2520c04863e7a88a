"""Windows and events: booked while places are left, attended, counted."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.openings import OpeningStatus
from app.models.openings import Booking, Opening
from app.schemas.openings import BookingIn, HoursIn
from app.services import bookings, openings
from app.services.actor import Actor, bind
from app.services.bookings import AlreadyBooked, BookingOver, NoPlaceLeft, NotBegun
from app.services.openings import HoursTaken
from tests.make.market import make_firm
from tests.make.parties import NOW
from tests.make.services import make_event, make_two_people

WEEK = NOW + timedelta(days=7)


async def book(session: AsyncSession, actor: Actor, opening: Opening, **given: Any) -> Booking:
    now = given.pop("now", NOW)
    await bind(session, actor)
    return await bookings.book(
        session, actor=actor, opening_id=opening.id, data=BookingIn(**given), now=now
    )


async def hours(session: AsyncSession, **changes: Any) -> list[Opening]:
    clerk, _ = await make_two_people(session)
    await bind(session, clerk)
    fields: dict[str, Any] = {
        "starts_at": WEEK,
        "ends_at": WEEK + timedelta(hours=1),
        "minutes": 30,
        "capacity": 1,
        "place": "二楼",
    }
    data = HoursIn(**(fields | changes))
    return list(await openings.open_hours(session, actor=clerk, code="WUZHONG", data=data, now=NOW))


class TestAtAWindow:
    async def test_hours_are_cut_into_openings_once(self, session: AsyncSession) -> None:
        made = await hours(session)
        with pytest.raises(HoursTaken):
            await hours(session)
        for changes in ({"minutes": 120}, {"starts_at": NOW}, {"ends_at": WEEK}):
            with pytest.raises(FieldRefused):
                await hours(session, **changes)

        assert [row.starts_at - WEEK for row in made] == [timedelta(0), timedelta(minutes=30)]

    async def test_a_place_is_taken_once_and_comes_back(self, session: AsyncSession) -> None:
        [first, _] = await hours(session)
        one, other = await make_firm(session), await make_firm(session)
        taken = await book(session, one, first, matter="fee-reduction")
        with pytest.raises(NoPlaceLeft):
            await book(session, other, first, matter="fee-reduction")
        with pytest.raises(NotFound):
            await bookings.cancel_booking(session, actor=other, booking_id=taken.id, now=NOW)
        await bind(session, one)
        for _ in range(2):
            await bookings.cancel_booking(session, actor=one, booking_id=taken.id, now=NOW)

        again = await book(session, other, first, matter="fee-reduction")
        assert again.cancelled_at is None

    async def test_a_window_takes_what_it_accepts_only(self, session: AsyncSession) -> None:
        [first, _] = await hours(session)
        firm = await make_firm(session)
        for matter in (None, "pledge-registration"):
            with pytest.raises(FieldRefused):
                await book(session, firm, first, matter=matter)


class TestEvents:
    async def test_nobody_books_twice_or_after_the_beginning(self, session: AsyncSession) -> None:
        clerk, _ = await make_two_people(session)
        event = await openings.announce(session, actor=clerk, data=make_event(), now=NOW)
        firm = await make_firm(session)
        booked = await book(session, firm, event, people=3)
        with pytest.raises(AlreadyBooked):
            await book(session, firm, event)
        with pytest.raises(BookingOver):
            await book(session, await make_firm(session), event, now=WEEK)
        await bind(session, firm)
        with pytest.raises(BookingOver):
            await bookings.cancel_booking(session, actor=firm, booking_id=booked.id, now=WEEK)
        await session.refresh(event)

        assert event.taken == 3

    async def test_attendance_is_recorded_and_counted(self, session: AsyncSession) -> None:
        clerk, _ = await make_two_people(session)
        event = await openings.announce(session, actor=clerk, data=make_event(), now=NOW)
        came = await book(session, await make_firm(session), event, people=4)
        await book(session, await make_firm(session), event, people=2)
        await bind(session, clerk)
        with pytest.raises(NotBegun):
            await bookings.record_attendance(
                session, actor=clerk, opening_id=event.id, booking_ids=[came.id], now=NOW
            )
        listed = await bookings.record_attendance(
            session, actor=clerk, opening_id=event.id, booking_ids=[came.id], now=WEEK
        )
        figures = await openings.show_figures(
            session, actor=clerk, since=None, until=None, now=WEEK
        )

        assert [(row.name, row.attended) for row in listed] == [
            ("示例enterprise", True),
            ("示例enterprise", False),
        ]
        assert event.status is OpeningStatus.HELD
        [row] = figures.rows
        assert (row.places, row.taken, row.attended, row.used_pct) == (10, 6, 4, Decimal(40))

    async def test_what_was_called_off_is_shown_and_booked_no_more(
        self, session: AsyncSession
    ) -> None:
        clerk, _ = await make_two_people(session)
        event = await openings.announce(session, actor=clerk, data=make_event(), now=NOW)
        await openings.cancel_opening(session, actor=clerk, opening_id=event.id, now=NOW)
        with pytest.raises(BookingOver):
            await book(session, await make_firm(session), event)
        await bind(session, clerk)
        with pytest.raises(IllegalMove):
            await openings.cancel_opening(session, actor=clerk, opening_id=event.id, now=NOW)

        found = await openings.list_openings(session, kind=None, window=None, limit=10, now=NOW)
        assert found == []
