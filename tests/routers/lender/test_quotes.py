"""The lender's pages over HTTP: open requests, and quotes made, revised and withdrawn."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.schemas.quotes import QuoteIn, QuoteRevisionIn
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import LOAN, make_firm, make_institution, make_open_request

Clients = Callable[[Actor], ActorClient]

OFFER = {"reference": "Q-1", "valid_days": 30, "terms": LOAN}


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await make_institution(session, OrganisationKind.BANK)


async def test_open_requests_are_paged_by_the_cursor_of_the_answer(
    session: AsyncSession, bank: Actor, client_of: Clients
) -> None:
    first = str((await make_open_request(session)).id)
    second = str((await make_open_request(session)).id)

    async with client_of(bank) as client:
        page = await client.get("/v1/lender/requests", params={"limit": 1})
        rest = await client.get(
            "/v1/lender/requests", params={"limit": 1, "park": "PINGLUO"} | page.json()["next"]
        )
        one = await client.get(f"/v1/lender/requests/{first}")

    assert [item["id"] for item in page.json()["items"]] == [second]
    assert [item["id"] for item in rest.json()["items"]] == [first]
    assert rest.json()["next"] is None
    assert one.json() == rest.json()["items"][0] | {"status": "open", "firm": None}


async def test_a_quote_is_made_revised_found_and_withdrawn(
    session: AsyncSession, bank: Actor, client_of: Clients
) -> None:
    request = await make_open_request(session)

    async with client_of(bank) as client:
        made = await client.post(f"/v1/lender/requests/{request.id}/quotes", json=OFFER)
        address = f"/v1/lender/quotes/{made.json()['id']}"
        better = {"revision": 1, "valid_days": 60, "terms": LOAN | {"grace_months": 3}}
        revised = await client.post(f"{address}/revisions", json=better)
        stale = await client.post(f"{address}/revisions", json=better)
        shown = await client.get(address)
        found = await client.get("/v1/lender/quotes", params={"reference": "Q-1"})
        withdrawn = await client.post(f"{address}/withdrawal")

    assert (made.status_code, made.json()["revision"]) == (201, 1)
    assert made.json()["terms"]["rate"] == {"type": "fixed", "annual_rate_pct": "4.35"}
    assert (revised.status_code, revised.json()["revision"]) == (201, 2)
    assert stale.status_code == 409
    assert (stale.json()["given"], stale.json()["current"]) == (1, 2)
    assert shown.json() == revised.json()
    assert found.json() == {"items": [revised.json()], "next": None}
    assert withdrawn.json()["status"] == "withdrawn"


async def test_a_second_quote_of_the_kind_is_a_problem(
    session: AsyncSession, bank: Actor, client_of: Clients
) -> None:
    request = await make_open_request(session)
    address = f"/v1/lender/requests/{request.id}/quotes"

    async with client_of(bank) as client:
        await client.post(address, json=OFFER)
        again = await client.post(address, json=OFFER | {"reference": "Q-2"})

    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-quoted")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (LOAN | {"kind": "gift"}, "terms"),
        (LOAN | {"amount": "-5.00"}, "terms.amount"),
        (LOAN | {"amount": "6000000.00"}, "terms.amount"),
        (LOAN | {"rate": {"type": "fixed", "annual_rate_pct": "37"}}, "terms.rate"),
        (LOAN | {"rate": {"type": "lpr", "tenor": "9Y", "spread_bp": 1}}, "terms.rate"),
        (LOAN | {"required_cover_pct": "100.01"}, "terms.required_cover_pct"),
        (LOAN | {"penalty_multiple": "2"}, "terms.penalty_multiple"),
        (LOAN | {"grace_months": 12}, "terms"),
        (LOAN | {"fees": [{"name": "x", "when": "upfront"}]}, "terms.fees.0"),
        ({"kind": "guarantee", "share_pct": "0"}, "terms.share_pct"),
    ],
)
async def test_bad_terms_are_refused_by_field(
    session: AsyncSession, bank: Actor, client_of: Clients, terms: dict[str, Any], field: str
) -> None:
    request = await make_open_request(session)

    async with client_of(bank) as client:
        refused = await client.post(
            f"/v1/lender/requests/{request.id}/quotes", json=OFFER | {"terms": terms}
        )

    assert refused.status_code == 422
    named = {error["field"] for error in refused.json()["errors"]}
    assert any(name == field or name.startswith(f"{field}.") for name in named)
    assert not any({"loan", "guarantee"} & set(name.split(".")) for name in named)


async def test_a_guarantee_that_asks_for_counter_security_describes_it(
    session: AsyncSession, client_of: Clients
) -> None:
    guarantor = await make_institution(session, OrganisationKind.GUARANTOR)
    request = await make_open_request(session)
    terms = {
        "kind": "guarantee",
        "share_pct": "80",
        "fee_pct_per_year": "1",
        "counter_guarantee": True,
    }

    async with client_of(guarantor) as client:
        refused = await client.post(
            f"/v1/lender/requests/{request.id}/quotes", json=OFFER | {"terms": terms}
        )

    assert refused.status_code == 422
    assert "counter_guarantee_text" in refused.json()["detail"]


async def test_a_firm_may_not_use_the_lenders_pages(
    session: AsyncSession, client_of: Clients
) -> None:
    firm = await make_firm(session)

    async with client_of(firm) as client:
        refused = await client.get("/v1/lender/requests")

    assert refused.status_code == 403


@pytest.mark.parametrize("model", [QuoteIn, QuoteRevisionIn])
def test_the_documented_examples_are_valid(model: type[QuoteIn] | type[QuoteRevisionIn]) -> None:
    for example in model.model_json_schema()["examples"]:
        assert model.model_validate(example).valid_days == 30
