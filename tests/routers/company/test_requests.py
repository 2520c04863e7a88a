"""The firm's requests over HTTP: the road from draft to packages, and the refusals on it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import (
    LOAN,
    make_firm,
    make_institution,
    make_open_request,
    make_portfolio,
    make_quote,
    make_right,
)

Clients = Callable[[Actor], ActorClient]


@pytest.fixture
async def firm(session: AsyncSession) -> Actor:
    return await make_firm(session)


async def draft_for(session: AsyncSession, firm: Actor, **right: Any) -> dict[str, Any]:
    portfolio = await make_portfolio(session, firm, [await make_right(session, firm, **right)])
    return {
        "reference": "R-2026-0001",
        "portfolio_id": str(portfolio.id),
        "amount": "5000000.00",
        "term_months": 12,
        "purpose": "working_capital",
        "purpose_text": "采购原材料",
        "method": "interest_only",
    }


async def test_a_draft_is_written_rewritten_found_and_opened(
    session: AsyncSession, firm: Actor, client_of: Clients
) -> None:
    draft = await draft_for(session, firm)

    async with client_of(firm) as client:
        created = await client.post("/v1/company/requests", json=draft)
        address = f"/v1/company/requests/{created.json()['id']}"
        rewritten = await client.put(address, json=draft | {"term_months": 18})
        opened = await client.post(f"{address}/submission")
        shown = await client.get(address)
        found = await client.get("/v1/company/requests", params={"reference": "R-2026-0001"})

    assert created.status_code == 201
    assert (created.json()["status"], created.json()["summary"]) == ("draft", None)
    assert rewritten.json()["term_months"] == 18
    assert (opened.status_code, opened.json()["status"]) == (200, "open")
    assert opened.json()["summary"]["counts"] == {"invention": 1}
    assert shown.json() == opened.json()
    assert found.json() == {"items": [opened.json()], "next": None}


async def test_the_same_key_gives_the_same_answer(
    session: AsyncSession, firm: Actor, client_of: Clients
) -> None:
    draft = await draft_for(session, firm)
    key = {"Idempotency-Key": "draft-1"}

    async with client_of(firm) as client:
        first = await client.post("/v1/company/requests", json=draft, headers=key)
        again = await client.post("/v1/company/requests", json=draft, headers=key)

    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_a_request_that_is_not_eligible_is_told_all_reasons(
    session: AsyncSession, client_of: Clients
) -> None:
    firm = await make_firm(session, registered_on=date(2026, 5, 1), dishonest=True)
    draft = await draft_for(session, firm, preserved=True)

    async with client_of(firm) as client:
        created = await client.post("/v1/company/requests", json=draft)
        refused = await client.post(f"/v1/company/requests/{created.json()['id']}/submission")

    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "/problems/not-eligible"
    assert [reason["rule"] for reason in problem["reasons"]] == [
        "registration_age",
        "dishonest",
        "right.preserved",
        "rights",
        "lendable",
    ]
    assert all(reason["reason_zh"] and reason["reason_en"] for reason in problem["reasons"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": 5000000}, "amount"),
        ({"amount": "99999999999999999999"}, "amount"),
        ({"term_months": 0}, "term_months"),
        ({"term_months": "12"}, "term_months"),
        ({"purpose": "Reine Freude"}, "purpose"),
        ({"purpose_text": "a\u202eb"}, "purpose_text"),
        ({"method": "never"}, "method"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_bad_input_is_refused_by_field(
    session: AsyncSession,
    firm: Actor,
    client_of: Clients,
    changes: dict[str, Any],
    field: str,
) -> None:
    draft = await draft_for(session, firm)

    async with client_of(firm) as client:
        refused = await client.post("/v1/company/requests", json=draft | changes)

    assert refused.status_code == 422
    assert field in refused.json()["detail"]


async def test_quotes_packages_consent_and_withdrawal(
    session: AsyncSession, firm: Actor, client_of: Clients
) -> None:
    request = await make_open_request(session, firm)
    bank = await make_institution(session, OrganisationKind.BANK)
    quote = await make_quote(session, bank, request, LOAN)
    address, quote_id = f"/v1/company/requests/{request.id}", str(quote.id)

    async with client_of(firm) as client:
        quotes = await client.get(f"{address}/quotes")
        packages = await client.get(f"{address}/packages")
        consent = await client.post(
            f"{address}/identity-consents", json={"institution_id": str(bank.organisation_id)}
        )
        withdrawn = await client.post(f"{address}/withdrawal")

    (offered,) = quotes.json()["items"]
    assert (offered["id"], offered["terms"]["amount"]) == (quote_id, "5000000.00")
    assert offered["rate_today"]["annual_rate_pct"] == "4.35"
    (package,) = packages.json()["packages"]
    assert package["loan"]["quote_id"] == quote_id
    assert package["cost"]["before_subsidies_pct"] == "4.44"
    assert packages.json()["subsidy"]["uncalibrated"] is True
    assert (consent.status_code, consent.json()["institution_id"]) == (
        201,
        str(bank.organisation_id),
    )
    assert withdrawn.json()["status"] == "withdrawn"


async def test_a_bank_may_not_use_the_firms_pages(
    session: AsyncSession, client_of: Clients
) -> None:
    bank = await make_institution(session, OrganisationKind.BANK)

    async with client_of(bank) as client:
        refused = await client.get("/v1/company/requests")

    assert refused.status_code == 403
