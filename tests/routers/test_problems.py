"""Bad input anywhere gets a problem document that names field and reason."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.main import create_app
from app.services.actor import Actor
from tests.conftest import ActorClient

OpenClient = Callable[[Actor | None], ActorClient]

SCHEDULE = "/v1/calculators/repayment-schedule"


async def test_an_unknown_path_is_a_problem(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        reply = await client.get("/v1/nowhere")

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["instance"] == "/v1/nowhere"


async def test_a_wrong_method_says_which_are_allowed(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        reply = await client.delete("/health")

    assert reply.status_code == 405
    assert reply.headers["allow"] == "GET"
    assert reply.json()["type"] == "/problems/method-not-allowed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'"\\ud800"', "body"),
        (b'{"principal": 5000}', "principal"),
        (b'{"principal": "1e400", "term_months": 1e400}', "term_months"),
        (b'{"principal": "-1.00"}', "principal"),
        (b"\xff\xfe", "body"),
    ],
)
async def test_malformed_bodies_name_the_field(
    client_of: OpenClient, body: bytes, field: str
) -> None:
    async with client_of(None) as client:
        reply = await client.post(
            SCHEDULE, content=body, headers={"Content-Type": "application/json"}
        )

    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert field in {error["field"] for error in reply.json()["errors"]}


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not declared."""
    for start in range(0, len(body), 512):
        yield body[start : start + 512]


async def test_an_oversized_body_is_a_413_problem(database: str) -> None:
    app = create_app(Settings(database_url=database, max_body_bytes=2048, calculator_rate=0))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        declared = await client.post(SCHEDULE, content=b" " * 4096)
        chunked = await client.post(
            SCHEDULE, content=in_pieces(b" " * 4096), headers={"Content-Type": "application/json"}
        )

    for reply in (declared, chunked):
        assert reply.status_code == 413
        assert reply.headers["content-type"] == "application/problem+json"
        assert "2048 bytes" in reply.json()["detail"]
        assert reply.json()["type"] == "/problems/content-too-large"
        assert reply.json()["title"] == "Content Too Large"


async def test_a_foreign_site_cannot_use_the_cookie(client_of: OpenClient, app: FastAPI) -> None:
    async with client_of(None) as client:
        client.cookies.set("zhirong_session", "whatever")
        reply = await client.post(
            "/v1/organisation/users", headers={"Sec-Fetch-Site": "cross-site"}
        )

    assert reply.status_code in {403, 404, 405}


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("/v1/lender/requests?park=%00", "park"),
        ("/v1/company/rights?number=a%1b", "number"),
        ("/v1/public/parks?x=%E2%80%AE", "x"),
        ("/v1/session/answers/a%00b", "path"),
    ],
)
async def test_hidden_characters_in_an_address_are_named(
    client_of: OpenClient, address: str, field: str
) -> None:
    async with client_of(None) as client:
        reply = await client.get(address)

    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in reply.json()["errors"]] == [field]


async def test_a_hidden_character_in_a_body_names_its_field(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        reply = await client.post("/v1/session/sign-up", json={"name": "a\u202eb"})

    assert "name" in {error["field"] for error in reply.json()["errors"]}
