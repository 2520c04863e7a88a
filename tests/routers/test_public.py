"""What anyone may read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.services import sealing
from tests.conftest import ActorClient


async def test_health_answers_without_signing_in(
    client_of: Callable[[None], ActorClient],
) -> None:
    async with client_of(None) as client:
        reply = await client.get("/health")

    assert reply.status_code == 200
    assert reply.json() == {"status": "ok"}


async def test_health_is_asked_for_without_a_body_too(
    client_of: Callable[[None], ActorClient],
) -> None:
    async with client_of(None) as client:
        assert (await client.head("/health")).status_code == 200
        assert (await client.head("/v1/public/parks")).status_code == 405


async def test_the_quota_of_every_account_is_public(
    client_of: Callable[[None], ActorClient],
) -> None:
    async with client_of(None) as client:
        reply = await client.get("/v1/public/programme")

    assert reply.status_code == 200
    assert reply.json()["accounts"][1] == {
        "park_code": "PINGLUO",
        "allocated": "36000000.00",
        "held": "0.00",
        "outstanding": "0.00",
        "called": "0.00",
        "available": "36000000.00",
    }


async def test_the_roots_of_the_ledger_are_public_page_by_page(
    client_of: Callable[[None], ActorClient], session: AsyncSession
) -> None:
    await sealing.seal(session)
    assert await sealing.close_days(session, now=datetime.now(UTC) + timedelta(days=3)) == 3
    expected = [
        {
            "business_on": root.business_on.isoformat(),
            "sequence": root.sequence,
            "hash": root.hash.hex(),
            "transfers": root.transfers,
        }
        for root in await sealing.list_roots(session, limit=3)
    ]

    async with client_of(None) as client:
        first = (await client.get("/v1/public/ledger/roots?limit=2")).json()
        query = f"limit=2&before={first['next']}"
        second = (await client.get(f"/v1/public/ledger/roots?{query}")).json()

    assert [*first["items"], *second["items"]] == expected
    assert second["next"] is None
