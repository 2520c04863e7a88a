"""A lost loan over HTTP, with row-level security live: filed, drawn, lost, claimed, recovered."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.deals import Deal
from app.routers import deps
from app.services import exposures, sealing
from app.services.actor import SYSTEM, Actor, bind
from tests.conftest import ActorClient
from tests.make.deals import Table, make_ready, make_table
from tests.make.funds import LATE, colleague_of, make_fund
from tests.make.parties import NOW
from tests.make.renewals import draw_all, loan_of
from tests.make.rights import make_document

Clients = Callable[[Actor | None], ActorClient]


class Road:
    """The parties of one loan, and the day."""

    def __init__(self, app: FastAPI, client_of: Clients, session: AsyncSession) -> None:
        self.app, self.client_of, self.session = app, client_of, session

    def on(self, now: datetime) -> None:
        self.app.dependency_overrides[deps.get_now] = lambda: now

    async def post(self, actor: Actor, path: str, status: int = 200, **form: Any) -> dict[str, Any]:
        async with self.client_of(actor) as client:
            reply = await client.post(f"/v1{path}", json=form or None)
        assert reply.status_code == status, (path, reply.text)
        return dict(reply.json())

    async def get(self, actor: Actor, path: str) -> httpx.Response:
        async with self.client_of(actor) as client:
            return await client.get(f"/v1{path}")

    async def verified(self) -> bool:
        """The ledger's chain, and what is kept of loans beside it."""
        await bind(self.session, SYSTEM)
        return await exposures.verify(self.session) == [] == await sealing.verify(self.session)


@pytest.fixture
def road(app: FastAPI, client_of: Clients, session: AsyncSession) -> Road:
    return Road(app, client_of, session)


async def found(road: Road, **changes: Any) -> tuple[UUID, Actor, Actor]:
    fund, manager, colleague = await make_fund(road.session, **changes)
    return fund.id, manager, colleague


async def lose(
    road: Road,
    table: Table,
    fund_id: UUID,
    manager: Actor,
    claimant: Actor,
    *,
    now: datetime = LATE,
) -> UUID:
    """Filed, acknowledged, drawn, late for five months, its papers attached, in default."""
    session = road.session
    deal_id = (await make_ready(session, table)).id
    filing = await road.post(
        claimant,
        f"/lender/deals/{deal_id}/fund-filing",
        201,
        fund_id=str(fund_id),
        ip_share_pct="100",
        facts={},
    )
    path = f"/fund-filings/{filing['id']}"
    await road.post(manager, f"{path}/acknowledgement", reference="RC-1")
    loan_id = await draw(road, table, deal_id)
    road.on(now)
    await road.post(
        table.bank, f"/lender/loans/{loan_id}/grades", 201, grade="substandard", reason="停产"
    )
    await road.post(
        table.bank,
        f"/lender/loans/{loan_id}/inspections",
        201,
        inspected_on=now.date().isoformat(),
        findings="停工",
    )
    shown = (await road.get(claimant, f"{path}/readiness")).json()
    for code in shown["missing_for_claim"]:
        document = await make_document(session, claimant.organisation_id)
        await road.post(claimant, f"{path}/papers", 201, code=code, document_id=str(document.id))
    await road.post(table.bank, f"/lender/loans/{loan_id}/default")
    return loan_id


async def draw(road: Road, table: Table, deal_id: UUID) -> UUID:
    deal = await road.session.get_one(Deal, deal_id)
    await draw_all(road.session, table, deal)
    return (await loan_of(road.session, deal)).id


async def submit(
    road: Road, loan_id: UUID, claimant: Actor, kind: str, *, now: datetime
) -> dict[str, Any]:
    return await road.post(
        claimant,
        f"/lender/loans/{loan_id}/claims",
        201,
        kind=kind,
        principal="5000000.00",
        lost_on=now.date().isoformat(),
        reference=f"CL-{kind}",
    )


async def settle(
    road: Road,
    loan_id: UUID,
    claimant: Actor,
    payers: tuple[Actor, Actor],
    kind: str,
    *,
    now: datetime = LATE,
) -> dict[str, Any]:
    claim = await submit(road, loan_id, claimant, kind, now=now)
    path = f"/claims/{claim['id']}"
    await road.post(payers[0], f"{path}/review", note="材料齐全")
    await road.post(payers[1], f"{path}/approval", 200, amount=claim["amount"])
    await road.post(
        payers[0], f"{path}/payment", paid_on=now.date().isoformat(), reference=f"PAY-{kind}"
    )
    assert await road.verified()
    done = await road.post(claimant, f"{path}/confirmation")
    assert await road.verified()
    return done


async def recover(
    road: Road, loan_id: UUID, by: Actor, amount: str, bearers: list[Actor]
) -> dict[str, Any]:
    recovery = await road.post(
        by,
        f"/lender/loans/{loan_id}/recoveries",
        201,
        reference=f"REC-{amount}",
        received_on=LATE.date().isoformat(),
        amount=amount,
    )
    for bearer in bearers:
        await road.post(bearer, f"/recoveries/{recovery['id']}/receipt")
    assert await road.verified()
    return recovery


async def test_under_the_banks_model(road: Road) -> None:
    fund_id, manager, colleague = await found(road)
    table = await make_table(road.session, guarantee={"share_pct": "40"})
    loan_id = await lose(road, table, fund_id, manager, table.bank)

    claim = await settle(road, loan_id, table.bank, (manager, colleague), "fund")
    assert claim["amount"] == "2700000.00"
    await recover(road, loan_id, table.bank, "5000000.00", [manager])

    closed = (await road.get(table.bank, f"/claims/{claim['id']}")).json()
    shown = (await road.get(manager, f"/funds/{fund_id}")).json()
    assert closed["status"] == "closed"
    assert (shown["balance"], shown["paid"], shown["base_outstanding"]) == (
        "10000000.00",
        "0.00",
        "0.00",
    )
    ended = (await road.get(table.bank, f"/lender/loans/{loan_id}")).json()
    assert ended["loan"]["status"] == "repaid"


async def test_under_the_guarantors_model(road: Road) -> None:
    fund_id, manager, colleague = await found(road, scheme="guodan-2019")
    table = await make_table(road.session)
    loan_id = await lose(road, table, fund_id, manager, table.guarantor)
    second = await colleague_of(road.session, table.guarantor)

    await settle(road, loan_id, table.bank, (table.guarantor, second), "guarantee")
    claim = await settle(road, loan_id, table.guarantor, (manager, colleague), "fund")
    assert claim["amount"] == "2000000.00"
    await recover(road, loan_id, table.guarantor, "5000000.00", [table.bank, manager])

    closed = (await road.get(table.guarantor, f"/claims/{claim['id']}")).json()
    assert closed["status"] == "closed"
    recoveries = (await road.get(manager, f"/loans/{loan_id}/recoveries")).json()["items"]
    assert {share["party"]: share["amount"] for share in recoveries[0]["shares"]} == {
        "bank": "1000000.00",
        "fund": "2000000.00",
        "guarantee": "2000000.00",
    }


async def test_the_banks_grade_opens_the_guarantors_claim_before_the_days(road: Road) -> None:
    session = road.session
    fund_id, manager, _ = await found(road, scheme="guodan-2019")
    table = await make_table(session)
    loan_id = await lose(road, table, fund_id, manager, table.guarantor, now=NOW)
    second = await colleague_of(session, table.guarantor)
    await settle(road, loan_id, table.bank, (table.guarantor, second), "guarantee", now=NOW)

    claim = await submit(road, loan_id, table.guarantor, "fund", now=NOW)
    assert claim["amount"] == "2000000.00"


async def test_others_see_none_of_it(road: Road) -> None:
    fund_id, manager, colleague = await found(road)
    table = await make_table(road.session)
    loan_id = await lose(road, table, fund_id, manager, table.bank)
    claim = await settle(road, loan_id, table.bank, (manager, colleague), "fund")

    _, stranger, _ = await found(road)
    rival = (await make_table(road.session)).bank
    road.on(NOW)
    for actor in (stranger, rival, table.insurer):
        assert (await road.get(actor, f"/claims/{claim['id']}")).status_code == 404
        assert (await road.get(actor, "/claims")).json()["items"] == []
    for path in (f"/fund-filings/{claim['filing_id']}", f"/loans/{loan_id}/recoveries"):
        assert (await road.get(stranger, path)).status_code == 404


async def test_a_claim_pack_that_is_not_complete_lists_what_is_missing(road: Road) -> None:
    session = road.session
    fund_id, manager, _ = await found(road)
    table = await make_table(session)
    deal_id = (await make_ready(session, table)).id
    filing = await road.post(
        table.bank,
        f"/lender/deals/{deal_id}/fund-filing",
        201,
        fund_id=str(fund_id),
        ip_share_pct="100",
    )
    await road.post(manager, f"/fund-filings/{filing['id']}/acknowledgement", reference="RC-1")
    loan_id = await draw(road, table, deal_id)
    road.on(LATE)
    await road.post(table.bank, f"/lender/loans/{loan_id}/default")

    refused = await road.post(
        table.bank,
        f"/lender/loans/{loan_id}/claims",
        409,
        kind="fund",
        principal="5000000.00",
        lost_on=LATE.date().isoformat(),
        reference="CL-1",
    )

    missing = {item["code"] for item in refused["missing"] if item["due"] == "drawdown"}
    shown = (await road.get(table.bank, f"/fund-filings/{filing['id']}/readiness")).json()
    drawn = next(record for record in shown["records"] if record["step"] == "drawn")
    assert missing
    assert missing <= {item["code"] for item in drawn["missing"]}
