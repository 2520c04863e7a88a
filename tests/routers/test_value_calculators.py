"""The calculators of values, options and annual fees over HTTP."""

from collections.abc import AsyncIterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.routers import calculators, problems

RELIEF = {
    "method": "relief_from_royalty",
    "revenues": ["46000000.00"] * 8,
    "royalty_rate_pct": "2",
    "tax_rate_pct": "25",
    "discount_rate_pct": "15",
}
EARNINGS = {
    "method": "excess_earnings",
    "earnings": ["100.00", "100.00"],
    "tax_rate_pct": "25",
    "discount_rate_pct": "10",
}
SPLIT = {
    "method": "profit_split",
    "patent_cost": "1000000.00",
    "patent_return_pct": "500",
    "partner_cost": "40000000.00",
    "partner_return_pct": "12.5",
    "profits": ["1000000.00"],
    "discount_rate_pct": "0",
}
PERPETUITY = {
    "method": "perpetuity",
    "annual_excess": "100.00",
    "discount_rate_pct": "10",
    "growth_pct": "2",
}
REPLACEMENT = {
    "method": "replacement_cost",
    "materials": "200000.00",
    "labour": "400000.00",
    "creative_labour_multiplier": "1.5",
    "risk_rate_pct": "20",
    "return_rate_pct": "10",
    "years_used": "5",
    "years_remaining": "15",
}
LICENCE = {
    "method": "minimum_licence_fee",
    "replacement_cost": "1000000.00",
    "net_share_pct": "25",
    "opportunity_cost": "50000.00",
}
SOFTWARE = {
    "method": "software_cost",
    "kloc": "10",
    "a": "2.4",
    "b": "1.05",
    "adjustment": "1",
    "maintenance_pct": "0",
    "cost_per_person_month": "20000.00",
}
INCREMENTAL = {
    "method": "incremental_income",
    "incomes": ["130.00", "130.00"],
    "asset_base": "100.00",
    "industry_return_pct": "20",
    "discount_rate_pct": "0",
}
OPTION = {
    "asset_value": "3422.00",
    "exercise_cost": "2875.00",
    "years": "17",
    "risk_free_pct": "6.7",
    "volatility_pct": "47.33",
    "carry_cost_pct": "5.88",
    "style": "european",
}
FEES = {
    "right": "invention",
    "filed_on": "2019-03-10",
    "granted_on": "2021-05-07",
    "as_of": "2026-11-23",
    "paid_through_year": 8,
    "reduction_pct": "0",
}


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


async def answer_of(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (RELIEF, {"value": "3096251.84"}),
        (EARNINGS, {"value": "130.17"}),
        (EARNINGS | {"earnings": ["-1.00"]}, {"value": "0.00"}),
        (SPLIT, {"value": "117647.06", "split_rate_pct": "11.764706"}),
        (PERPETUITY, {"value": "1250.00"}),
        (
            REPLACEMENT,
            {"value": "825000.00", "replacement_cost": "1100000.00", "depreciation_pct": "25"},
        ),
        (LICENCE, {"value": "300000.00"}),
        (SOFTWARE, {"value": "538568.86", "person_months": "26.928443"}),
        (INCREMENTAL, {"value": "220.00"}),
    ],
    ids=lambda case: case.get("method"),
)
async def test_each_method_gives_its_value(
    client: httpx.AsyncClient, body: dict[str, Any], found: dict[str, Any]
) -> None:
    answer = await answer_of(client, "/ip-value", body)

    assert {name: answer[name] for name in found} == found
    assert answer["method"] == body["method"]
    assert answer["inputs"].items() >= {"method": body["method"]}.items()
    assert answer["steps"]


async def test_the_first_step_is_the_published_one(client: httpx.AsyncClient) -> None:
    answer = await answer_of(client, "/ip-value", RELIEF)

    assert answer["steps"][0] == {"name": "royalty after tax, year 1", "amount": "690000.00"}
    assert answer["notes"] == []


async def test_a_negative_total_says_so(client: httpx.AsyncClient) -> None:
    answer = await answer_of(client, "/ip-value", EARNINGS | {"earnings": ["-100.00"]})

    assert answer["value"] == "0.00"
    assert answer["notes"] == ["The total is below zero (-68.18), so that the value is 0.00."]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (RELIEF | {"revenues": ["-1.00"]}, "revenues.0"),
        (RELIEF | {"revenues": []}, "revenues"),
        (RELIEF | {"revenues": ["1.00"] * 10_000}, "revenues"),
        (RELIEF | {"revenues": [1]}, "revenues.0"),
        (RELIEF | {"survival": ["1"] * 7}, "survival"),
        (RELIEF | {"survival": ["1.1"] + ["1"] * 7}, "survival.0"),
        (RELIEF | {"survival": ["0.5"] + ["0.6"] * 7}, "survival"),
        (RELIEF | {"tax_rate_pct": "100", "tax_amortisation_years": 10}, "tax_rate_pct"),
        (RELIEF | {"tax_amortisation_years": 0}, "tax_amortisation_years"),
        (RELIEF | {"discount_rate_pct": "NaN"}, "discount_rate_pct"),
        (RELIEF | {"method": "guess"}, "method"),
        ({"revenues": ["1.00"]}, "method"),
        (EARNINGS | {"contributory_charges": ["1.00"]}, "contributory_charges"),
        (PERPETUITY | {"growth_pct": "10"}, "growth_pct"),
        (PERPETUITY | {"annual_excess": "-1.00"}, "annual_excess"),
        (SPLIT | {"patent_cost": "0.00", "partner_cost": "0.00"}, "patent_cost"),
        (REPLACEMENT | {"risk_rate_pct": "100"}, "risk_rate_pct"),
        (LICENCE | {"net_share_pct": "101"}, "net_share_pct"),
        (SOFTWARE | {"kloc": "0"}, "kloc"),
        (INCREMENTAL | {"incomes": []}, "incomes"),
    ],
)
async def test_bad_input_is_refused_by_field(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await client.post("/ip-value", json=body)

    assert response.status_code == 422, response.text
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_the_published_option_and_the_american_one(client: httpx.AsyncClient) -> None:
    european = await answer_of(client, "/option-value", OPTION)
    american = await answer_of(client, "/option-value", OPTION | {"style": "american"})

    assert (european["value"], european["npv_now"]) == ("907.32", "547.00")
    assert abs(Decimal(american["value"]) - Decimal("1604.05")) < Decimal("0.10")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"asset_value": "-1.00"}, "asset_value"),
        ({"years": "10000"}, "years"),
        ({"volatility_pct": "-1"}, "volatility_pct"),
        ({"volatility_pct": "Infinity"}, "volatility_pct"),
        ({"style": "bermudan"}, "style"),
    ],
)
async def test_a_bad_option_is_refused_by_field(
    client: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    response = await client.post("/option-value", json=OPTION | change)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_the_published_fees(client: httpx.AsyncClient) -> None:
    answer = await answer_of(client, "/patent-fees", FEES)

    assert {
        name: answer[name] for name in answer if name not in ("alarms", "schedule", "inputs")
    } == {
        "status": "in_force",
        "expires_on": "2039-03-10",
        "next_due_on": "2027-03-10",
        "next_year": 9,
        "next_fee": "2000.00",
        "surcharge": "0.00",
        "grace_ends_on": "2027-09-10",
        "lapses_on_if_unpaid": "2027-03-10",
        "method": answer["method"],
        "version": "annuity_fees-2022-01-01",
    }
    assert answer["schedule"][0]["due_on"] == "2027-03-10"
    assert [row["year"] for row in answer["schedule"]] == list(range(9, 21))
    assert answer["alarms"][0] == {"on": "2027-01-09", "days": -60, "passed": False}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"right": "trademark"}, "right"),
        ({"as_of": "2020-01-01"}, "as_of"),
        ({"granted_on": "2018-01-01"}, "granted_on"),
        ({"paid_through_year": 21}, "paid_through_year"),
        ({"right": "utility_model", "paid_through_year": 11}, "paid_through_year"),
        ({"reduction_pct": "100.1"}, "reduction_pct"),
        ({"filed_on": "2019-02-29"}, "filed_on"),
    ],
)
async def test_bad_fees_are_refused_by_field(
    client: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    response = await client.post("/patent-fees", json=FEES | change)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
