"""Events are read in an order in which nothing is ever put between."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from app.core.db import Sessions, connect, new_id
from app.lifecycle.parties import OrganisationKind
from app.models.records import OutboxEvent
from app.services import outbox
from app.services.actor import SYSTEM, Actor, bind
from tests.make.parties import NOW, make_actor, make_organisation


@pytest.fixture
async def sessions(fresh_database: str) -> AsyncIterator[Sessions]:
    async with connect(fresh_database, pool_size=4) as sessions:
        yield sessions


async def make_bank(sessions: Sessions) -> Actor:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        return await make_actor(session, await make_organisation(session, OrganisationKind.BANK))


async def read(
    sessions: Sessions, actor: Actor, after: UUID | None = None
) -> Sequence[OutboxEvent]:
    async with sessions.begin() as session:
        await bind(session, actor)
        return await outbox.list_events(
            session, organisation_id=actor.organisation_id, after=after, limit=10
        )


async def subjects(sessions: Sessions, actor: Actor, after: UUID | None = None) -> list[UUID]:
    return [event.subject_id for event in await read(sessions, actor, after)]


async def test_what_commits_late_is_not_overtaken(sessions: Sessions) -> None:
    bank = await make_bank(sessions)
    slow, quick, later = new_id(), new_id(), new_id()
    own: dict[str, Any] = {"organisation_id": bank.organisation_id, "now": NOW}

    async with sessions.begin() as first:
        await bind(first, bank)
        outbox.announce(first, "deal.promoted", slow, **own)
        await first.flush()
        async with sessions.begin() as second:
            await bind(second, bank)
            outbox.announce(second, "deal.promoted", quick, **own)
        assert await subjects(sessions, bank) == []  # or a reader would go on behind the slow one

    assert await subjects(sessions, bank) == [slow, quick]
    seen = (await read(sessions, bank))[-1].id
    async with sessions.begin() as third:
        await bind(third, bank)
        outbox.announce(third, "deal.promoted", later, **own)
    assert await subjects(sessions, bank, after=seen) == [later]


async def test_each_reads_what_concerns_it(sessions: Sessions) -> None:
    bank, rival = await make_bank(sessions), await make_bank(sessions)
    subject = new_id()
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        outbox.announce_to(session, [bank.organisation_id], "deal.promoted", subject, now=NOW)

    assert await subjects(sessions, bank) == [subject]
    assert await subjects(sessions, rival) == []
