"""A refusal names the field that is wrong and says what would be right, in words of people."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, params
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.core.settings import Settings
from app.lifecycle.parties import OrganisationKind
from app.main import create_app
from app.routers import problems
from app.routers.bodies import JsonRoute
from app.schemas.accounts import ClientIn, SignInIn
from app.schemas.base import SHAPES
from app.schemas.calculators.lending import CostIn, ScheduleIn
from app.schemas.loans import RepaymentIn
from app.schemas.organisations import FirmProfileIn, SignUpIn
from app.schemas.programme import GuarantorTermsFacts, ParkFacts, TransferFacts
from app.schemas.quotes import GuaranteeTerms, LoanTerms, QuoteIn
from app.schemas.rights import RightIn
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.parties import make_actor, make_organisation

OpenClient = Callable[[Actor | None], ActorClient]

FEE = {"name": "fee", "when": "upfront"}
LOAN = {
    "kind": "loan",
    "amount": "5000000.00",
    "rate": {"type": "fixed", "annual_rate_pct": "4"},
    "term_months": 12,
    "method": "interest_only",
    "penalty_multiple": "1.5",
}


async def refuse(shape: Any, body: dict[str, Any]) -> dict[str, str]:
    """What a route that takes ``shape`` says against ``body``, by field."""
    app = FastAPI()
    problems.install(app)

    @app.post("/")
    async def take(body: shape) -> None:
        raise AssertionError(body)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        reply = await client.post("/", json=body)
    assert reply.status_code == 422
    return {error["field"]: error["reason"] for error in reply.json()["errors"]}


def example(model: Any) -> dict[str, Any]:
    return dict(model.model_config["json_schema_extra"]["examples"][0])


@pytest.mark.parametrize(
    ("shape", "body", "field", "reason"),
    [
        (CostIn, FEE | {"name": "fee\u202e"}, "name", "holds the character U+202E"),
        (CostIn, FEE | {"name": "f\u200bee"}, "name", "holds the character U+200B"),
        (CostIn, FEE | {"name": "a\nb"}, "name", "must be one line"),
        (CostIn, FEE, "amount", "state exactly one of amount, "),
        (
            FirmProfileIn,
            example(FirmProfileIn) | {"revenue": "-0.01"},
            "revenue",
            "must not be negative",
        ),
        (
            RepaymentIn,
            example(RepaymentIn) | {"kind": "prepayment", "choice": None},
            "choice",
            "is stated exactly for a prepayment",
        ),
        (LoanTerms, LOAN | {"grace_months": 12}, "grace_months", "must be inside the term"),
        (
            QuoteIn,
            {"valid_days": 30, "terms": LOAN | {"grace_months": 12}},
            "terms.grace_months",
            "must be inside the term",
        ),
        (
            GuaranteeTerms,
            {
                "kind": "guarantee",
                "share_pct": "80",
                "fee_pct_per_year": "1",
                "counter_guarantee": True,
            },
            "counter_guarantee_text",
            "is stated exactly if a counter-guarantee is required",
        ),
        (
            TransferFacts,
            {"kind": "transfer", "source": "AB", "target": "AB", "amount": "1.00"},
            "target",
            "must be another account than source",
        ),
        (
            ParkFacts,
            {
                "kind": "park",
                "code": "RESERVE",
                "name_zh": "x",
                "name_en": "x",
                "city": "x",
                "key_park": False,
            },
            "code",
            "must not be RESERVE",
        ),
        (
            GuarantorTermsFacts,
            {
                "kind": "guarantor_terms",
                "guarantor_id": "0193598a-0000-7000-8000-000000000001",
                "signed_capacity": "1.00",
                "min_small_ticket_pct": None,
                "small_ticket_max": "1.00",
            },
            "small_ticket_max",
            "is stated exactly if min_small_ticket_pct is",
        ),
        (
            RightIn,
            {"kind": "secret"},
            "kind",
            "must be one of: invention, utility_model, design, trademark, software_copyright, "
            "work_copyright",
        ),
        (RightIn, {}, "kind", "is missing"),
        (QuoteIn, {"valid_days": 30, "terms": {"kind": "x"}}, "terms.kind", "must be one of: loan"),
        (ScheduleIn, {"rounding": "down"}, "rounding", "must be one of: half_up, half_even"),
        (ScheduleIn, {"frequency": "daily"}, "frequency", "must be one of: monthly, quarterly"),
        (
            SignUpIn,
            example(SignUpIn) | {"password": "short"},
            "password",
            "must have 10 or more characters",
        ),
        (
            SignInIn,
            {"email": "nobody", "password": "x"},
            "email",
            "must be an e-mail address in ASCII letters, such as zhang@example.com",
        ),
        (ClientIn, {"name": "x", "scopes": []}, "scopes", "must have 1 or more entries"),
        (
            ClientIn,
            {"name": "x" * 201, "scopes": ["a"]},
            "name",
            "must have at most 200 characters",
        ),
    ],
)
async def test_a_refusal_names_the_field_and_speaks_plainly(
    shape: Any, body: dict[str, Any], field: str, reason: str
) -> None:
    told = await refuse(shape, body)

    assert told[field].startswith(reason)


def patterns(schema: Any) -> set[str]:
    """Every pattern in a JSON schema."""
    match schema:
        case dict():
            own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
            return own.union(*map(patterns, schema.values()))
        case list():
            return set().union(*map(patterns, schema))
    return set()


def test_every_pattern_has_its_words() -> None:
    shown = patterns(create_app(Settings()).openapi())
    money = patterns(TypeAdapter(Money).json_schema())  # which words its refusals itself

    assert shown - money == shown & SHAPES.keys()


SCHEDULE_TEXT = (
    '{"principal":"5000.00","annual_rate_pct":"12","term_months":18,"method":"bullet",'
    '"day_count":"30/360","first_day":"2022-11-01"}'
)
COSTS_TEXT = (
    '{"loan":' + SCHEDULE_TEXT + ',"costs":[{"name":"a: b","amount":"1.00","when":"upfront"}]}'
)
JSON = {"Content-Type": "application/json"}
DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("route", "old", "new", "field", "reason"),
    [
        ("repayment-schedule", "{", '{"principal":"1.00",', "principal", "is stated twice"),
        ("repayment-schedule", "{", '{"princip\\u0061l":"1.00",', "principal", "is stated twice"),
        ("repayment-schedule", "18", "9" * 5000, "term_months", "has too many digits"),
        ("repayment-schedule", "18", "9" * 900, "term_months", "Input should be less than"),
        ("repayment-schedule", "18", DEEP, "term_months", "is nested too deeply"),
        ("repayment-schedule", SCHEDULE_TEXT, DEEP, "body", "is nested too deeply"),
        ("all-in-cost", '"1.00"', '"1.00","amount":"2.00"', "costs.0.amount", "is stated twice"),
        ("all-in-cost", '"1.00"', "9" * 5000, "costs.0.amount", "has too many digits"),
        ("all-in-cost", '"1.00"', DEEP, "costs", "is nested too deeply"),
        (
            "all-in-cost",
            ',"method',
            ',"term_months":1,"method',
            "loan.term_months",
            "is stated twice",
        ),
    ],
)
async def test_a_sum_of_two_meanings_is_refused_by_field(
    client_of: OpenClient, *, route: str, old: str, new: str, field: str, reason: str
) -> None:
    text = COSTS_TEXT if route == "all-in-cost" else SCHEDULE_TEXT
    async with client_of(None) as client:
        for content_type in ("application/json", "application/json; charset=utf-8"):
            reply = await client.post(
                f"/v1/calculators/{route}",
                content=text.replace(old, new, 1),
                headers={"Content-Type": content_type},
            )

            assert reply.status_code == 422
            told = {error["field"]: error["reason"] for error in reply.json()["errors"]}
            assert told[field].startswith(reason)


async def test_a_colon_in_a_text_is_no_name(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        reply = await client.post("/v1/calculators/all-in-cost", content=COSTS_TEXT, headers=JSON)

    assert reply.status_code == 200
    assert reply.json()["inputs"]["costs"][0]["name"] == "a: b"


async def test_a_name_stated_twice_changes_nothing(
    client_of: OpenClient, session: AsyncSession
) -> None:
    firm = await make_actor(session, await make_organisation(session, OrganisationKind.ENTERPRISE))
    profile = json.dumps(example(FirmProfileIn))
    twice = profile.replace('{"industry"', '{"revenue": "1.00", "industry"')
    key = {"Idempotency-Key": "one"}
    async with client_of(firm) as client:
        refused = await client.post("/v1/company/profile", content=twice, headers=JSON | key)
        taken = await client.post("/v1/company/profile", content=profile, headers=JSON | key)
        again = await client.post("/v1/company/profile", content=twice, headers=JSON | key)
    async with client_of(None) as client:
        signed_in = await client.post(
            "/v1/session/sign-in",
            content='{"email":"a@b.cn","email":"c@d.cn","password":"x"}',
            headers=JSON,
        )

    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"field": "revenue", "reason": "is stated twice"}]
    assert taken.status_code == 200
    assert again.status_code == 422
    assert [error["field"] for error in signed_in.json()["errors"]] == ["email"]


def test_every_route_with_json_refuses_two_meanings(app: FastAPI) -> None:
    ambiguous = {
        context.path_format
        for context in iter_route_contexts(app.routes)
        if isinstance(context.route, APIRoute)
        and context.body_field is not None
        and not isinstance(context.body_field.field_info, params.Form)
        and not isinstance(context.route, JsonRoute)
    }

    assert ambiguous == set()
