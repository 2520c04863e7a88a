"""Grading over HTTP: the table, a sheet begun, answered and finished, and who reads it."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.models.rights import Right
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import make_firm, make_institution, make_open_request

Clients = Callable[[Actor], ActorClient]


async def test_a_patent_is_graded_and_read_by_a_lender_that_may_see_it(
    session: AsyncSession, client_of: Clients
) -> None:
    firm = await make_firm(session)
    request = (await make_open_request(session, firm)).id
    right = await session.scalar(select(Right.id).where(Right.owner_id == firm.organisation_id))
    bank = await make_institution(session, OrganisationKind.BANK)

    async with client_of(firm) as client:
        table = await client.get("/v1/grading-table")
        begun = await client.post(
            f"/v1/company/rights/{right}/grade-sheets", json={"use": "finance"}
        )
        sheet = begun.json()["id"]
        own = f"/v1/company/grade-sheets/{sheet}"
        by_hand = [
            line["indicator"]
            for line in (await client.get(f"/v1/grade-sheets/{sheet}")).json()["result"]["lines"]
            if line["origin"] == "missing"
        ]
        answers = [
            await client.put(f"{own}/answers/{indicator}", json={"level": 5, "note": "见说明"})
            for indicator in by_hand
        ]
        asked = await client.put(f"{own}/answers/fees", json={"level": 5, "note": "已缴"})
        finished = await client.post(f"{own}/completion")
        twice = await client.post(f"{own}/discard")
        await client.post(
            f"/v1/company/requests/{request}/identity-consents",
            json={"institution_id": str(bank.organisation_id)},
        )
    async with client_of(bank) as client:
        listed = await client.get("/v1/grade-sheets", params={"right_id": str(right)})
        read = await client.get(f"/v1/grade-sheets/{sheet}", headers={"Accept-Language": "zh"})

    assert len(table.json()["indicators"]) == 27
    assert not any(row["verified"] for row in table.json()["indicators"])
    assert begun.status_code == 201
    assert {reply.status_code for reply in answers} == {200}
    assert (asked.status_code, asked.json()["field"]) == (422, "indicator")
    assert (finished.json()["status"], twice.status_code) == ("finished", 409)
    assert [item["id"] for item in listed.json()["items"]] == [sheet]
    body = read.json()
    assert body["conformity"].startswith("仅参照 GB/T 42748-2023 的结构")
    assert body["result"]["missing"] == []
    assert body["result"]["whole"]["score"] == body["result"]["whole"]["low"]
    assert body["result"]["composite"]["uncalibrated"] is True
