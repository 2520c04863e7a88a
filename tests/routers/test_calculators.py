"""The calculators over HTTP: published answers, refusals, the limit, the documentation."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.money import Money
from app.lending.schedule import schedule
from app.routers import calculators, problems
from app.routers.calculators.sums import ADDRESSES_MAX, CallRates
from app.schemas.calculators.lending import AllInCostOut, ScheduleIn, ScheduleOut

SCHEDULE = {
    "principal": "5000.00",
    "annual_rate_pct": "12",
    "term_months": 18,
    "method": "equal_instalment",
    "day_count": "30/360",
    "first_day": "2022-11-01",
    "grace_months": 0,
    "instalment_multiple": "1.00",
    "rounding": "half_up",
}
LOAN = {
    "principal": "5000000.00",
    "annual_rate_pct": "4.35",
    "term_months": 12,
    "method": "interest_only",
    "day_count": "30/360",
    "first_day": "2025-01-15",
}
COSTS = [
    {"name": "guarantee fee", "amount_pct_of_principal": "1", "when": "upfront"},
    {"name": "appraisal", "amount": "60000.00", "when": "upfront"},
    {"name": "premium", "amount_pct_of_outstanding": "2", "when": "yearly_in_advance"},
]
SUBSIDIES = [
    {
        "name": "interest subsidy",
        "share_of_interest_pct": "50",
        "cap": None,
        "months_after_maturity": 1,
        "certainty": "likely",
    }
]


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.state.settings = SimpleNamespace(calculator_rate=0)
    app.include_router(calculators.router, prefix="/v1")
    problems.install(app)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test/v1/calculators"
    ) as client:
        yield client


def refused_fields(response: httpx.Response) -> list[str]:
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in response.json()["errors"]]


async def test_the_published_schedule(client: httpx.AsyncClient) -> None:
    response = await client.post("/repayment-schedule", json=SCHEDULE)

    answer = response.json()
    assert response.headers["content-type"] == "application/json"
    assert answer["instalments"][0] == {
        "number": 1,
        "due_on": "2022-12-01",
        "days": 30,
        "interest": "50.00",
        "principal": "255.00",
        "payment": "305.00",
        "closing": "4745.00",
    }
    assert (answer["total_interest"], answer["total_payment"]) == ("488.22", "5488.22")
    assert answer["inputs"] == SCHEDULE | {"frequency": "monthly", "settlement_day": None}
    assert answer["method"]
    assert answer["version"] == "lending-1"


@pytest.mark.parametrize(
    "method", ["equal_instalment", "equal_principal", "interest_only", "bullet"]
)
@pytest.mark.parametrize("principal", ["0.01", "123456.78", "10000000000.00"])
async def test_the_text_of_a_schedule_is_its_documented_shape(
    client: httpx.AsyncClient, method: str, principal: str
) -> None:
    asked = {
        **SCHEDULE,
        "principal": principal,
        "method": method,
        "day_count": "ACT/ACT",
        "instalment_multiple": None,
        "settlement_day": 20,
    }

    response = await client.post("/repayment-schedule", json=asked)

    answer = ScheduleOut.model_validate_json(response.content)
    plan = schedule(ScheduleIn.model_validate(asked).terms())
    assert [tuple(vars(row).values()) for row in answer.instalments] == list(map(tuple, plan))
    assert answer.total_interest == Money.sum([row.interest for row in plan])
    assert answer.total_payment == Money.sum([row.payment for row in plan])


@pytest.mark.parametrize("rate", [12, "12", "12.0", 12.0])
async def test_a_rate_may_be_a_number_or_a_string(client: httpx.AsyncClient, rate: Any) -> None:
    response = await client.post("/repayment-schedule", json=SCHEDULE | {"annual_rate_pct": rate})

    assert response.json()["total_interest"] == "488.22"
    assert isinstance(response.json()["inputs"]["annual_rate_pct"], str)


async def test_a_tiny_rate_comes_back_without_an_exponent(client: httpx.AsyncClient) -> None:
    asked = SCHEDULE | {"annual_rate_pct": 1e-7}

    response = await client.post("/repayment-schedule", json=asked)

    assert response.json()["inputs"]["annual_rate_pct"] == "0.0000001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("principal", 5000.0),
        ("principal", 5000),
        ("principal", "5000.001"),
        ("principal", "0.00"),
        ("principal", "-1.00"),
        ("principal", "10000000000.01"),
        ("principal", "9" * 400),
        ("principal", "５０００"),
        ("principal", None),
        ("annual_rate_pct", "NaN"),
        ("annual_rate_pct", "Infinity"),
        ("annual_rate_pct", "1e2"),
        ("annual_rate_pct", "1_0"),
        ("annual_rate_pct", "１２"),
        ("annual_rate_pct", True),
        ("annual_rate_pct", -1),
        ("annual_rate_pct", 1001),
        ("annual_rate_pct", "1.00000000001"),
        ("annual_rate_pct", int("9" * 400)),
        ("term_months", 0),
        ("term_months", 361),
        ("term_months", "18"),
        ("term_months", 18.5),
        ("term_months", True),
        ("method", "balloon"),
        ("day_count", "ACT/364"),
        ("first_day", "2022-02-30"),
        ("first_day", "2022-11-01T00:00:00"),
        ("first_day", 1667260800),
        ("first_day", "9999-12-31"),
        ("grace_months", 18),
        ("grace_months", -1),
        ("instalment_multiple", "1000.00"),
        ("instalment_multiple", "0.00"),
        ("rounding", "down"),
        ("frequency", "weekly"),
        ("settlement_day", 32),
        ("surprise", 1),
    ],
)
async def test_bad_terms_are_refused_by_field(
    client: httpx.AsyncClient, field: str, value: Any
) -> None:
    response = await client.post("/repayment-schedule", json=SCHEDULE | {field: value})

    assert refused_fields(response) == [field]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400"])
async def test_numbers_that_are_none_are_refused(client: httpx.AsyncClient, literal: str) -> None:
    body = json.dumps(SCHEDULE | {"annual_rate_pct": "?"}).replace('"?"', literal)

    response = await client.post(
        "/repayment-schedule",
        content=body,
        headers={"content-type": "application/json"},
    )

    assert refused_fields(response) == ["annual_rate_pct"]


async def test_all_that_is_wrong_is_said_at_once(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/repayment-schedule", json=SCHEDULE | {"principal": 1, "term_months": 0}
    )

    assert refused_fields(response) == ["principal", "term_months"]


async def test_the_published_cost_sheet(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/all-in-cost", json={"loan": LOAN, "costs": COSTS, "subsidies": SUBSIDIES}
    )

    answer = response.json()
    assert AllInCostOut.model_validate(answer)
    assert answer["before_subsidies_pct"] == "9.11"
    assert answer["effective_annual_rate_pct"] == "6.81"
    assert answer["nominal_annual_rate_pct"] == "4.35"
    assert answer["total_cost"] == "318750.00"
    assert answer["items"][0] == {"name": "interest", "amount": "217500.00", "adds_pct": "4.44"}
    assert answer["items"][1] == {
        "name": "guarantee fee",
        "amount": "50000.00",
        "adds_pct": "1.07",
    }
    assert answer["cash_flows"][0] == {
        "on": "2025-01-15",
        "amount": "4790000.00",
        "what": "drawdown less upfront costs",
    }
    assert answer["subsidies"][0]["certainty"] == "likely"
    assert answer["inputs"]["loan"]["rounding"] == "half_up"
    assert answer["method"]
    assert answer["version"]


async def test_a_loan_alone_costs_its_interest(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/all-in-cost", json={"loan": LOAN})).json()

    assert answer["before_subsidies_pct"] == answer["effective_annual_rate_pct"] == "4.44"
    assert (answer["inputs"]["costs"], answer["inputs"]["subsidies"]) == ([], [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"costs": [{"name": "fee", "when": "upfront"}]}, "costs.0.amount"),
        ({"costs": [COSTS[0] | {"amount": "1.00"}]}, "costs.0.amount"),
        ({"costs": [COSTS[1] | {"amount": "-1.00"}]}, "costs.0.amount"),
        ({"costs": [COSTS[1] | {"amount": 1}]}, "costs.0.amount"),
        ({"costs": [COSTS[1] | {"when": "later"}]}, "costs.0.when"),
        ({"costs": [COSTS[1] | {"name": "a\x00b"}]}, "costs.0.name"),
        ({"costs": [COSTS[1]] * 51}, "costs"),
        ({"costs": [COSTS[1] | {"amount": "5000000.00"}]}, "costs"),
        ({"loan": LOAN | {"grace_months": 12}}, "loan.grace_months"),
        (
            {"subsidies": [SUBSIDIES[0] | {"share_of_interest_pct": 101}]},
            "subsidies.0.share_of_interest_pct",
        ),
    ],
)
async def test_bad_costs_are_refused_by_field(
    client: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    response = await client.post("/all-in-cost", json={"loan": LOAN} | changes)

    assert refused_fields(response) == [field]


async def test_an_identifier_is_normalised(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/identifier", json={"kind": "patent", "value": "ZL 2021 1 0000001.6"}
    )

    answer = response.json()
    assert (answer["valid"], answer["normalised"]) == (True, "ZL202110000001.6")
    assert answer["facts"]["right"] == "invention"
    assert answer["facts"]["number_year"] == 2021
    assert answer["reason"] is None


async def test_a_wrong_identifier_is_an_answer(client: httpx.AsyncClient) -> None:
    response = await client.post("/identifier", json={"kind": "patent", "value": "ZL1"})

    answer = response.json()
    assert (response.status_code, answer["valid"], answer["normalised"]) == (200, False, None)
    assert answer["reason"]


async def test_a_firm_is_sized(client: httpx.AsyncClient) -> None:
    asked = {"industry": "工业", "employees": 300, "revenue": "20000000.00", "assets": None}

    answer = (await client.post("/enterprise-size", json=asked)).json()

    assert answer["size"] == "medium"
    assert answer["rule"]
    assert answer["inputs"] == asked


async def test_a_figure_that_the_rule_needs_is_asked_for(client: httpx.AsyncClient) -> None:
    response = await client.post("/enterprise-size", json={"industry": "工业", "employees": 300})

    assert refused_fields(response) == ["revenue"]


async def test_every_listed_code_is_understood(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/enterprise-size/industries")).json()["industries"]

    assert len(listed) == 16
    for industry in listed:
        asked = {
            "industry": industry["code"],
            "employees": 1,
            "revenue": "1.00",
            "assets": "1.00",
        }
        response = await client.post("/enterprise-size", json=asked)
        assert response.json()["size"] == "micro"


async def test_an_address_that_calls_too_often_is_told_when_to_return(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    app.state.settings.calculator_rate = 2

    answers = [await client.get("/enterprise-size/industries") for _ in range(4)]

    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_bucket_refills_at_its_rate_and_no_further() -> None:
    rates = CallRates(2)

    assert [rates.wait_s("a", at_s=0.0) for _ in range(3)] == [0, 0, 0.5]
    assert rates.wait_s("b", at_s=0.0) == 0
    assert rates.wait_s("a", at_s=0.5) == 0
    assert [rates.wait_s("a", at_s=100.0) > 0 for _ in range(3)] == [False, False, True]


def test_a_crowd_of_addresses_is_forgotten_oldest_first() -> None:
    rates = CallRates(1)
    rates.wait_s("first", at_s=0.0)
    rates.wait_s("second", at_s=0.0)

    for number in range(ADDRESSES_MAX - 1):
        rates.wait_s(str(number), at_s=0.0)

    assert rates.wait_s("second", at_s=0.0) > 0
    assert rates.wait_s("first", at_s=0.0) == 0


async def test_every_operation_is_documented_with_an_example_that_works(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"]
            assert operation["description"]
            assert "429" in operation["responses"]
            if method == "post":
                content = operation["requestBody"]["content"]["application/json"]
                for example in content["examples"].values():
                    response = await client.post(
                        path.removeprefix("/v1/calculators"), json=example["value"]
                    )
                    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("calculator", "body"),
    [
        ("repayment-schedule", SCHEDULE | {"annual_rate_pct": 12.5}),
        ("repayment-schedule", SCHEDULE | {"principal": 5000}),
        ("repayment-schedule", SCHEDULE | {"grace_months": 18}),
        ("all-in-cost", {"loan": LOAN, "costs": COSTS, "subsidies": SUBSIDIES}),
        ("identifier", {"kind": "patent", "value": "ZL 2021 1 0000001.6"}),
        ("enterprise-size", {"industry": "工业", "employees": 300, "revenue": "20000000.00"}),
        ("enterprise-size", {"industry": "工业", "employees": 300}),
    ],
)
async def test_the_short_way_answers_as_the_usual_one(
    client: httpx.AsyncClient, calculator: str, body: dict[str, Any]
) -> None:
    """FastAPI's own way is taken for any other content type, and for what is refused."""
    content = json.dumps(body).encode()
    short, usual = [
        await client.post(
            f"/v1/calculators/{calculator}", content=content, headers={"Content-Type": kind}
        )
        for kind in ("application/json", "application/json; charset=utf-8")
    ]

    assert (short.status_code, short.json()) == (usual.status_code, usual.json())
    assert short.headers["content-type"] == usual.headers["content-type"]
