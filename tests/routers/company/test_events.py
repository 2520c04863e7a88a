"""Matchmaking events over REST, as whoever comes: under row-level security, as it is in use."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.schemas.park_desk import MatchmakingIn
from app.services import matchmaking
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import make_firm, make_institution
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.renewals import TODAY

ClientOf = Callable[[Actor | None], ActorClient]


@pytest.mark.parametrize("kind", ["enterprise", "bank", "guarantor", "insurer"])
async def test_whoever_comes_registers_and_gives_the_places_back(
    session: AsyncSession, client_of: ClientOf, kind: str
) -> None:
    park = await make_actor(session, await make_organisation(session, OrganisationKind.PARK))
    data = MatchmakingIn(
        title="对接会", held_on=TODAY + timedelta(days=2), place="管委会", capacity=5
    )
    event = await matchmaking.announce_event(session, actor=park, data=data, now=NOW)
    firm = kind == "enterprise"
    guest = await (
        make_firm(session) if firm else make_institution(session, OrganisationKind(kind))
    )
    path = f"/v1/events/{event.id}"

    async with client_of(guest) as client:
        came = await client.post(f"{path}/registration", json={"people": 3})
        more = await client.post(f"{path}/registration", json={"people": 6})
        (listed,) = (await client.get("/v1/events")).json()["items"]
        gone = await client.post(f"{path}/withdrawal")

    assert (came.status_code, came.json()["people"], listed["places_left"]) == (200, 3, 2), (
        came.text
    )
    assert (more.status_code, more.json()["type"]) == (409, "/problems/event-full"), more.text
    assert (gone.status_code, gone.json()["withdrawn_at"] is not None) == (200, True), gone.text
