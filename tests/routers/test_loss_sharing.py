"""The calculator of loss sharing over HTTP: the published figure, defaults, refusals."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.messages import Language, speaking
from app.routers import calculators, problems

PUBLISHED = {
    "scheme": "zhongshan-2021",
    "principal": "1000000.01",
    "loan_amount": "5000000.00",
    "ip_share_pct": "100",
    "facts": {},
}
WEIHAI = {"scheme": "weihai", "principal": "5000000.00"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.settings = SimpleNamespace(calculator_rate=0)
    app.include_router(calculators.router, prefix="/v1")
    problems.install(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test/v1/calculators"
    ) as client:
        yield client


async def refusal(client: httpx.AsyncClient, **asked: Any) -> tuple[str, str]:
    response = await client.post("/loss-sharing", json=asked)
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    return error["field"], str(error)


async def test_the_published_figure(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/loss-sharing", json=PUBLISHED)).json()

    assert answer["shares"] == [
        {"party": "fund", "amount": "540000.01"},
        {"party": "bank", "amount": "260000.00"},
        {"party": "insurer", "amount": "160000.00"},
        {"party": "appraiser", "amount": "40000.00"},
    ]
    assert [step["rule"] for step in answer["trace"]] == [
        "scheme",
        "ip-part",
        "share-fund",
        "share-bank",
        "share-insurer",
        "share-appraiser",
        "bank-rest",
    ]
    assert "54:26:16:4" in answer["trace"][0]["text"]
    assert answer["inputs"] == PUBLISHED | {"lost_on": None}
    assert (answer["version"], answer["uncalibrated"]) == ("loss-sharing-1", False)


async def test_what_is_left_out_is_filled_in(client: httpx.AsyncClient) -> None:
    asked = {"scheme": "example", "principal": "10000000.00"}

    answer = (await client.post("/loss-sharing", json=asked)).json()

    assert answer["inputs"] == asked | {
        "loan_amount": "10000000.00",
        "ip_share_pct": "100",
        "facts": {"key_industry": False},
        "lost_on": None,
    }
    assert [share["amount"] for share in answer["shares"]] == [
        "2000000.00",
        "3000000.00",
        "5000000.00",
    ]


async def test_the_trace_speaks_chinese(client: httpx.AsyncClient) -> None:
    with speaking(Language.CHINESE):
        answer = await client.post("/loss-sharing", json=WEIHAI | {"facts": {"first_year": True}})

    texts = {step["rule"]: step["text"] for step in answer.json()["trace"]}
    assert texts["first-year"] == "单笔补偿第一年不超过 100 万元"
    assert texts["share-city"].startswith("市级补偿资金")


@pytest.mark.parametrize("scheme", ["atlantis", "", "x" * 1000])
async def test_an_unknown_scheme_is_told_the_known_ones(
    client: httpx.AsyncClient, scheme: str
) -> None:
    field, told = await refusal(client, **PUBLISHED | {"scheme": scheme})

    assert field == "scheme"
    assert "zhongshan-2021" in told
    assert "guodan-2019" in told


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (WEIHAI, "facts.first_year"),
        (WEIHAI | {"facts": {"first_year": "yes"}}, "facts.first_year"),
        (WEIHAI | {"facts": {"first_year": 1}}, "facts.first_year"),
        (PUBLISHED | {"facts": {"weather": True}}, "facts.weather"),
        (PUBLISHED | {"principal": "5000000.01"}, "principal"),
        (PUBLISHED | {"principal": "0.00"}, "principal"),
        (PUBLISHED | {"principal": 5}, "principal"),
        (PUBLISHED | {"ip_share_pct": "100.01"}, "ip_share_pct"),
        (PUBLISHED | {"lost_on": "2019-12-31"}, "lost_on"),
        (PUBLISHED | {"scheme": "guangzhou-2025", "lost_on": "2028-10-01"}, "lost_on"),
        (PUBLISHED | {"loans": 1}, "loans"),
    ],
)
async def test_a_bad_field_is_named(
    client: httpx.AsyncClient, asked: dict[str, Any], field: str
) -> None:
    assert (await refusal(client, **asked))[0] == field


async def test_the_schemes_say_what_they_take(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/loss-sharing/schemes")).json()

    schemes = {scheme["id"]: scheme for scheme in answer["schemes"]}
    assert set(schemes) == {
        "zhongshan-2021",
        "qingdao-2021",
        "zhuhai",
        "guangzhou-2025",
        "weihai",
        "guodan-2019",
        "example",
    }
    (fact,) = schemes["weihai"]["versions"][0]["facts"]
    assert (fact["name"], fact["type"], fact["required"]) == ("first_year", "boolean", True)
    assert schemes["guodan-2019"]["model"] == "guarantor"
    assert schemes["example"]["invented"]
    (tier,) = schemes["zhuhai"]["versions"][0]["tiers"]
    assert tier == {"up_to": None, "shares_pct": {"fund": "40", "bank": "60"}}
