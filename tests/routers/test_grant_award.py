"""The calculator of grants over HTTP: the policy's figure, what is assumed, refusals."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.routers import calculators, problems


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.settings = SimpleNamespace(calculator_rate=0)
    app.include_router(calculators.router, prefix="/v1")
    problems.install(app)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test/v1/calculators"
    ) as client:
        yield client


async def test_the_policys_figure_with_what_was_assumed(client: httpx.AsyncClient) -> None:
    asked = {"measure": 4, "facts": {"deal_amount": "19999999.00"}}

    answer = (await client.post("/grant-award", json=asked)).json()

    assert (answer["award"], answer["slots"]) == ("999999.95", None)
    assert answer["assumed"] == ["buyer_size", "buyer_in_region", "kind", "benefit_shown"]
    assert answer["inputs"]["facts"]["deal_amount"] == "19999999.00"
    assert all(step["holds"] for step in answer["trace"])
    assert answer["trace"][0]["text_zh"] == "受让方须为中小微企业"
    assert answer["version"] == "grant-award-1"


async def test_a_place_is_a_slot_and_no_money(client: httpx.AsyncClient) -> None:
    asked = {"measure": 9, "facts": {"application_kind": "invention"}}

    answer = (await client.post("/grant-award", json=asked)).json()

    assert (answer["award"], answer["slots"]) == ("0.00", 1)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"measure": 7}, "measure"),
        ({"measure": True}, "measure"),
        ({"measure": 4, "facts": {"deal_amount": 5}}, "facts.deal_amount"),
        ({"measure": 4, "facts": {"deal_amount": None}}, "facts.deal_amount"),
        ({"measure": 4, "facts": {"deal_amount": "1.00"}, "on": "2021-12-31"}, "on"),
        ({"measure": 1, "facts": {"colour": "red"}}, "facts.colour"),
    ],
)
async def test_refusals_name_the_field(
    client: httpx.AsyncClient, asked: dict[str, Any], field: str
) -> None:
    response = await client.post("/grant-award", json=asked)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


async def test_the_measures_are_listed_with_clauses_and_choices(client: httpx.AsyncClient) -> None:
    measures = (await client.get("/grant-award/measures")).json()["measures"]

    assert [measure["number"] for measure in measures] == list(range(1, 15))
    assert [one["number"] for one in measures if one["pays"]] == [1, 2, 3, 4, 5, 9, 10, 14]
    for measure in measures:
        (version,) = measure["versions"]
        assert version["source"]
        assert version["clauses"]
        assert not measure["pays"] or version["choices"]
