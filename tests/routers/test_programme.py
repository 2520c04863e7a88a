"""The programme's changes over HTTP: one proposes, another approves, the guarantor signs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.parties import OrganisationKind
from app.services import guarantors
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.deals import accept, make_table
from tests.make.parties import make_actor, make_organisation
from tests.make.programme import NO_CAPS, make_pair

ClientOf = Callable[[Actor | None], ActorClient]
CHANGES = "/v1/authority/programme/changes"


def body(**facts: Any) -> dict[str, Any]:
    return {"facts": facts, "effective_on": "2026-11-23", "reason": "园区额度不足"}


async def test_a_transfer_goes_through_two_hands(
    client_of: ClientOf, session: AsyncSession
) -> None:
    pair = await make_pair(session)
    form = body(kind="transfer", source="RESERVE", target="PINGLUO", amount="1000000.00")

    async with client_of(pair.maker) as client:
        proposed = await client.post(CHANGES, json=form)
        path = f"{CHANGES}/{proposed.json()['id']}"
        alone = await client.post(f"{path}/approval")
    async with client_of(pair.checker) as client:
        waiting = (await client.get(CHANGES, params={"status": "proposed"})).json()
        approved = await client.post(f"{path}/approval")
        again = await client.post(f"{path}/refusal", json={"note": "否"})
        public = (await client.get("/v1/public/programme")).json()

    assert proposed.status_code == 201
    assert (alone.status_code, alone.json()["type"]) == (403, "/problems/same-person")
    assert [item["id"] for item in waiting["items"]] == [proposed.json()["id"]]
    assert approved.json()["status"] == "in_force"
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-decided")
    assert public["reserve"] == "19000000.00"


async def test_what_cannot_be_is_refused_by_name(
    client_of: ClientOf, session: AsyncSession
) -> None:
    pair = await make_pair(session)
    transfer = {"kind": "transfer", "source": "RESERVE", "target": "PINGLUO"}
    cases = {
        "unknown-park": body(**(transfer | {"target": "NOWHERE", "amount": "1.00"})),
        "over-allocation": body(**transfer, amount="20000000.01"),
        "backdated": body(**transfer, amount="1.00") | {"effective_on": "2026-11-22"},
        "invalid-input": body(**(transfer | {"target": "RESERVE", "amount": "1.00"})),
    }

    async with client_of(pair.maker) as client:
        kinds = [(await client.post(CHANGES, json=form)).json()["type"] for form in cases.values()]
        listed = (await client.get(CHANGES)).json()

    assert kinds == [f"/problems/{name}" for name in cases]
    assert listed["items"] == []


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        ({}, "facts.per_loan"),
        ({name: None for name in NO_CAPS if name != "per_park"}, "facts.per_park"),
        (NO_CAPS | {"per_loan": {}}, "facts.per_loan"),
        (NO_CAPS | {"per_bank": {"amount": None}}, "facts.per_bank"),
    ],
)
async def test_a_cap_is_dropped_by_null_only(
    client_of: ClientOf, session: AsyncSession, stated: dict[str, Any], field: str
) -> None:
    pair = await make_pair(session)
    async with client_of(pair.maker) as client:
        left_out = await client.post(CHANGES, json=body(kind="caps", **stated))
        dropped = await client.post(CHANGES, json=body(kind="caps", **NO_CAPS))

    assert (left_out.status_code, left_out.json()["errors"][0]["field"]) == (422, field)
    assert dropped.status_code == 201


async def test_a_guarantor_signs_or_refuses_its_own_terms(
    client_of: ClientOf, session: AsyncSession
) -> None:
    pair = await make_pair(session)
    guarantor = await make_actor(
        session, await make_organisation(session, OrganisationKind.GUARANTOR)
    )
    await guarantors.open_accounts(session, guarantor_id=guarantor.organisation_id)
    form = body(
        kind="guarantor_terms",
        guarantor_id=str(guarantor.organisation_id),
        signed_capacity="50000000.00",
        net_assets="4000000.00",
        net_asset_multiple="10",
    )
    ids = []
    async with client_of(pair.maker) as client:
        ids += [(await client.post(CHANGES, json=form)).json()["id"] for _ in range(2)]
    async with client_of(pair.checker) as client:
        for change_id in ids:
            await client.post(f"{CHANGES}/{change_id}/approval")

    own = "/v1/lender/guarantor"
    async with client_of(guarantor) as client:
        waiting = (await client.get(f"{own}/changes", params={"status": "approved"})).json()
        signed = await client.post(f"{own}/changes/{ids[0]}/signature")
        refused = await client.post(f"{own}/changes/{ids[1]}/refusal", json={"note": "重复"})
        terms = (await client.get(f"{own}/terms")).json()
        mix = (await client.get(f"{own}/mix")).json()
    async with client_of(pair.maker) as client:
        seen = (
            await client.get(f"/v1/authority/guarantors/{guarantor.organisation_id}/terms")
        ).json()
        caps = (await client.get("/v1/authority/programme/caps")).json()
        same = (await client.get("/v1/authority/programme/rules/caps")).json()
        levels = (await client.get("/v1/authority/programme/rules/alerts")).json()
        unknown = await client.get("/v1/authority/programme/rules/security")

    assert {item["id"] for item in waiting["items"]} == set(ids)
    assert (signed.json()["status"], refused.json()["status"]) == ("in_force", "refused")
    assert terms == seen
    assert terms[0]["capacity"] == "40000000.00"
    assert Decimal(terms[0]["net_asset_multiple"]) == Decimal(10)
    assert (mix["liability"], mix["below"]) == ("0.00", [])
    assert caps["uncalibrated"] is True
    assert same == caps
    assert levels["body"]["levels"]["utilisation_pct"] == ["70", "85", "95"]
    assert unknown.status_code == 422


async def test_a_firm_that_waits_changes_its_package(
    client_of: ClientOf, session: AsyncSession
) -> None:
    table = await make_table(session, limit=Money(1))
    deal = await accept(session, table)
    chosen = {"loan": {"quote_id": str(table.loan_id), "revision": 1}}

    async with client_of(table.firm) as client:
        place = (await client.get(f"/v1/company/deals/{deal.id}/queue")).json()
        stale = await client.post(
            f"/v1/company/deals/{deal.id}/change-of-package",
            json={"loan": chosen["loan"] | {"revision": 7}},
        )
        kept = (await client.get(f"/v1/company/deals/{deal.id}")).json()
        changed = await client.post(f"/v1/company/deals/{deal.id}/change-of-package", json=chosen)

    assert place["rule"]["text_en"].startswith("First come, first served")
    assert place["alternatives"]["packages"][0]["dearer_by_pct"].startswith("-")
    assert stale.json()["type"] == "/problems/stale-revision"
    assert kept["deal"]["status"] == "queued"
    assert (changed.status_code, changed.json()["status"]) == (201, "approving")
