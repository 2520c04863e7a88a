"""What anyone may read."""

from collections.abc import Callable

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
