"""However many book at once, no more people come than there are places."""

import asyncio

from app.core.db import connect
from app.core.errors import DomainError
from app.models.openings import Opening
from app.schemas.openings import BookingIn
from app.services import bookings, openings
from app.services.actor import SYSTEM, Actor, bind
from tests.make.market import make_firm
from tests.make.parties import NOW
from tests.make.services import make_event, make_two_people

FIRMS = 12
PLACES = 5


async def test_the_last_places_are_not_overbooked(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=FIRMS) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            clerk, _ = await make_two_people(session)
            firms = [await make_firm(session) for _ in range(FIRMS)]
            event = await openings.announce(
                session, actor=clerk, data=make_event(capacity=PLACES), now=NOW
            )

        async def book(firm: Actor) -> str:
            try:
                async with sessions.begin() as session:
                    await bind(session, firm)
                    await bookings.book(
                        session, actor=firm, opening_id=event.id, data=BookingIn(), now=NOW
                    )
            except DomainError as error:
                return error.error_code()
            return "done"

        came = await asyncio.gather(*map(book, firms))

        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            taken = (await session.get_one(Opening, event.id)).taken
        assert sorted(came) == ["done"] * PLACES + ["no-place-left"] * (FIRMS - PLACES)
        assert taken == PLACES
