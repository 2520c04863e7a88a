"""/docs works without the internet, and says of every operation what a caller must know."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from app.services.actor import Actor
from tests.conftest import ActorClient

OpenClient = Callable[[Actor | None], ActorClient]


@pytest.fixture
def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    ]


async def test_the_page_and_all_it_loads_come_from_the_service(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        page = await client.get("/docs")
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        answers = [await client.get(link) for link in links]

    assert links
    assert all(link.startswith("/static/") for link in links)
    assert {answer.status_code for answer in answers} == {200}


def test_every_operation_has_a_summary_and_says_who_may_call(
    operations: list[tuple[str, str, dict[str, Any]]],
) -> None:
    for method, path, operation in operations:
        assert operation["summary"], (method, path)
        assert "**Who may call:**" in operation["description"], (method, path)
        assert not operation["description"].endswith("nobody."), (method, path)


def test_every_body_has_an_example(
    app: FastAPI, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    schemas = app.openapi()["components"]["schemas"]
    without = [
        (method, path)
        for method, path, operation in operations
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if media_type == "application/json" and not _has_example(content, schemas)
    ]

    assert without == []


def _has_example(content: dict[str, Any], schemas: dict[str, Any]) -> bool:
    schema = content.get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    described = schemas.get(name, schema)
    return bool(content.get("examples") or content.get("example") or described.get("examples"))


def test_every_operation_declares_how_it_refuses(
    operations: list[tuple[str, str, dict[str, Any]]],
) -> None:
    for method, path, operation in operations:
        refusals = {status for status in operation["responses"] if status.startswith("4")}
        if "security" in operation:
            assert {"401", "403"} <= refusals, (method, path)
        if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", [])):
            assert {"400", "409", "422"} <= refusals, (method, path)


async def test_the_guide_is_in_the_readers_language(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        english = await client.get("/openapi.json")
        chinese = await client.get("/openapi.json", headers={"Accept-Language": "zh-CN"})

    assert "The road of a deal" in english.json()["info"]["description"]
    assert "一笔业务的全过程" in chinese.json()["info"]["description"]
    assert english.json()["paths"] == chinese.json()["paths"]
