"""Idempotency as deal.md has it: same key, same answer, one effect."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from structlog.testing import capture_logs

from app.core.errors import Conflict
from app.core.settings import Settings
from app.lifecycle.parties import OrganisationKind
from app.main import create_app
from app.models.organisations import Park
from app.models.records import IdempotencyKey
from app.routers.access import may
from app.routers.deps import Session
from app.routers.keyed import KeyedRoute
from app.schemas.base import Input
from app.services import passwords
from app.services.actor import Actor, as_platform
from tests.conftest import ActorClient
from tests.make.accounts import sign_up_form
from tests.make.parties import make_actor, make_organisation

OpenClient = Callable[[Actor | None], ActorClient]

router = APIRouter(route_class=KeyedRoute, dependencies=[may(OrganisationKind.ENTERPRISE)])


class ParkIn(Input):
    code: str


@dataclass(eq=False)
class ParkRefused(Conflict):
    message = "No more parks than {code}."

    code: str


@router.post("/parks", status_code=201)
async def make_park(park: ParkIn, session: Session) -> dict[str, str]:
    """Makes a park, slowly; refuses one called REFUSED after having written it."""
    async with as_platform(session):  # the platform alone makes parks
        session.add(Park(code=park.code, name_zh="", name_en="", city="", key_park=False))
        await session.flush()
    if park.code == "REFUSED":
        raise ParkRefused(park.code)
    if park.code == "CRASH":
        raise RuntimeError("nobody foresaw this")
    await asyncio.sleep(0.2 if park.code == "SLOW" else 0)
    return {"made": park.code, "call": str(uuid4())}


async def count(session: AsyncSession, code: str) -> int:
    counted = await session.scalar(select(func.count()).where(Park.code == code))
    assert counted is not None
    return counted


@pytest.fixture
async def firm(app: FastAPI, session: AsyncSession) -> Actor:
    app.include_router(router)
    return await make_actor(session, await make_organisation(session, OrganisationKind.ENTERPRISE))


async def post(client: httpx.AsyncClient, key: str | None, code: str) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/parks", json={"code": code}, headers=headers)


async def test_the_same_key_gives_the_same_answer_and_one_effect(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    async with client_of(firm) as client:
        first = await post(client, "k1", "NEW")
        again = await post(client, "k1", "NEW")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert await count(session, "NEW") == 1


async def test_the_same_key_with_other_input_is_refused(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    async with client_of(firm) as client:
        await post(client, "k1", "NEW")
        other = await post(client, "k1", "OTHER")

    assert other.status_code == 422
    assert other.json()["type"] == "/problems/key-reused"
    assert await count(session, "OTHER") == 0


async def test_two_keys_are_none(firm: Actor, client_of: OpenClient) -> None:
    headers = [("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")]
    async with client_of(firm) as client:
        reply = await client.post("/parks", json={"code": "NEW"}, headers=headers)

    assert reply.status_code == 400
    assert "once" in reply.json()["detail"]


async def test_a_caller_that_hangs_up_is_no_failure(app: FastAPI, firm: Actor) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/parks",
        "raw_path": b"/parks",
        "query_string": b"",
        "headers": [(b"idempotency-key", b"k1"), (b"content-length", b"20")],
        "state": {},
    }
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    with capture_logs() as logs:
        await app(scope, receive, send)

    assert [line["log_level"] for line in logs] == ["info"]
    assert sent[0]["status"] == 400


async def test_the_same_json_written_another_way_is_the_same_input(
    firm: Actor, client_of: OpenClient
) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    async with client_of(firm) as client:
        first = await client.post("/parks", content=b'{"code":"NEW"}', headers=headers)
        again = await client.post("/parks", content=b'{ "code" : "\\u004eEW" }', headers=headers)

    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_who_has_not_signed_in_needs_a_key_too(client_of: OpenClient) -> None:
    form = sign_up_form()
    path, headers = "/v1/session/sign-up", {"Idempotency-Key": "k1"}
    async with client_of(None) as client:
        first = await client.post(path, json=form, headers=headers)
        again = await client.post(path, json=form, headers=headers)
        other = await client.post(path, json=form | {"name": "另一家"}, headers=headers)
        keyless = await client.post(path, json=form, headers={"Idempotency-Key": ""})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert other.json()["type"] == "/problems/key-reused"
    assert keyless.status_code == 400


async def test_what_is_kept_of_a_password_cannot_be_guessed_fast(
    session: AsyncSession, client_of: OpenClient
) -> None:
    form = sign_up_form()
    body = json.dumps(form).encode()
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    async with client_of(None) as client:
        await client.post("/v1/session/sign-up", content=body, headers=headers)

    kept = await session.scalar(select(IdempotencyKey.digest).where(IdempotencyKey.key == "k1"))

    canonical = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
    fast = hashlib.sha256(b"/v1/session/sign-up\0\0" + canonical).digest()
    assert kept == await passwords.slow_digest(fast, salt="k1")
    assert kept != fast


async def test_a_refusal_is_stored_and_leaves_nothing_behind(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    async with client_of(firm) as client:
        first = await post(client, "k1", "REFUSED")
        again = await post(client, "k1", "REFUSED")

    assert first.status_code == again.status_code == 409
    assert first.json() == again.json()
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"
    assert await count(session, "REFUSED") == 0


async def test_a_crash_is_not_stored_and_leaves_nothing_behind(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    async with client_of(firm) as client:
        crash = await post(client, "k1", "CRASH")
        other = await post(client, "k1", "NEW")

    assert crash.status_code == 500
    assert crash.json()["type"] == "/problems/internal"
    assert other.status_code == 201
    assert await count(session, "CRASH") == 0


@pytest.mark.parametrize("key", ["", "two words", "键", "x" * 65])
async def test_a_missing_or_bad_key_is_a_400(firm: Actor, client_of: OpenClient, key: str) -> None:
    async with client_of(firm) as client:
        reply = await client.post(
            "/parks", json={"code": "NEW"}, headers={b"Idempotency-Key": key.encode()}
        )

    assert reply.status_code == 400
    assert "Idempotency-Key" in reply.json()["detail"]


async def test_malformed_input_does_not_use_up_the_key(firm: Actor, client_of: OpenClient) -> None:
    async with client_of(firm) as client:
        bad = await client.post("/parks", json={}, headers={"Idempotency-Key": "k1"})
        good = await post(client, "k1", "NEW")

    assert bad.status_code == 422
    assert bad.json()["errors"][0]["field"] == "code"
    assert good.status_code == 201


async def test_another_organisation_may_use_the_same_key(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    other = await make_actor(session, await make_organisation(session, OrganisationKind.ENTERPRISE))
    async with client_of(firm) as client:
        await post(client, "k1", "NEW")
    async with client_of(other) as client:
        reply = await post(client, "k1", "OTHER")

    assert reply.status_code == 201


async def test_who_may_not_call_leaves_the_key_free(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
    async with client_of(bank) as client:
        reply = await post(client, "k1", "NEW")
    async with client_of(None) as client:
        anonymous = await post(client, "k1", "NEW")

    assert reply.status_code == 403
    assert reply.json()["type"] == "/problems/kind-refused"
    assert anonymous.status_code == 401


@pytest.fixture
async def live(fresh_database: str) -> AsyncIterator[tuple[FastAPI, Actor]]:
    """The service on a database of its own, with real commits."""
    engine = create_async_engine(fresh_database)
    app = create_app(Settings(database_url=fresh_database))
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    app.include_router(router)
    async with app.state.sessions.begin() as session:
        firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
        actor = await make_actor(session, firm)
    yield app, actor
    await engine.dispose()


async def test_two_at_once_have_one_effect(live: tuple[FastAPI, Actor]) -> None:
    app, actor = live
    async with app.state.sessions() as session:
        async with ActorClient(app, session, actor) as client:
            await session.commit()
            first, second = await asyncio.gather(
                post(client, "k1", "SLOW"), post(client, "k1", "SLOW")
            )

        statuses = sorted([first.status_code, second.status_code])
        assert statuses == [201, 409]
        refused = first if first.status_code == 409 else second
        assert refused.json()["type"] == "/problems/key-in-flight"
        assert refused.headers["retry-after"] == "1"
        assert await count(session, "SLOW") == 1


async def test_a_secret_is_shown_once_and_kept_nowhere(
    session: AsyncSession, firm: Actor, client_of: OpenClient
) -> None:
    made = {"name": "核心系统", "scopes": ["quotes:read"]}
    async with client_of(firm) as client:
        path, headers = "/v1/organisation/clients", {"Idempotency-Key": "k1"}
        first = await client.post(path, json=made, headers=headers)
        again = await client.post(path, json=made, headers=headers)
        found = await client.get("/v1/session/answers/k1")

    assert first.status_code == again.status_code == 201
    assert len(first.json()["secret"]) > 30
    assert again.json() == first.json() | {"secret": None}
    assert [(answer["route"], answer["body"]["secret"]) for answer in found.json()] == [
        (f"POST {path}", None)
    ]


async def test_an_escaped_character_in_a_path_is_no_crash(
    firm: Actor, client_of: OpenClient
) -> None:
    async with client_of(firm) as client:
        reply = await client.post("/v1/company/deals/%C3%8AW/contracts/loan", json={})

    assert reply.status_code == 422
