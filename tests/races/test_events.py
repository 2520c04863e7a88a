"""Many register for one event at once: its places are taken by as many as there are."""

import asyncio
from datetime import timedelta

from app.core.db import connect
from app.lifecycle.parties import OrganisationKind
from app.schemas.park_desk import MatchmakingIn
from app.services import matchmaking
from app.services.actor import Actor, bind
from tests.make.market import make_firm
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.renewals import TODAY
from tests.races.test_references import outcome


async def test_the_places_of_an_event_are_never_oversold(fresh_database: str) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            park = await make_actor(
                session, await make_organisation(session, OrganisationKind.PARK)
            )
            firms = [await make_firm(session) for _ in range(12)]
            await bind(session, park)
            data = MatchmakingIn(
                title="对接会", held_on=TODAY + timedelta(days=2), place="管委会", capacity=5
            )
            event = await matchmaking.announce_event(session, actor=park, data=data, now=NOW)

        async def come(firm: Actor) -> str:
            return await outcome(
                sessions,
                firm,
                lambda session: matchmaking.register(
                    session, actor=firm, event_id=event.id, people=2, now=NOW
                ),
            )

        outcomes = await asyncio.gather(*[come(firm) for firm in firms])
        async with sessions.begin() as session:
            (shown,) = await matchmaking.list_events(session, since=None, limit=10)

    assert sorted(set(outcomes)) == ["done", "event-full"]
    assert (outcomes.count("done"), shown.places_left) == (2, 1)
