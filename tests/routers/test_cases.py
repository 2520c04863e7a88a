"""Cases over HTTP: kinds are told as they are, moves shown to whoever may make them."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import make_firm
from tests.make.services import make_two_people

OpenClient = Callable[[Actor | None], ActorClient]

CASE = {
    "title": "2026 年度费用减缴备案",
    "fields": {"applicant_type": "firm", "taxable_income": "800000.00"},
}
KIND = "/v1/case-kinds/fee-reduction"


async def test_from_the_precheck_to_the_number(
    session: AsyncSession, client_of: OpenClient
) -> None:
    firm = await make_firm(session)
    clerk, _ = await make_two_people(session)
    async with client_of(firm) as client:
        tried = await client.post(
            f"{KIND}/precheck",
            json={"fields": CASE["fields"] | {"taxable_income": "2000000.00"}},  # type: ignore[operator]
            headers={"Accept-Language": "zh"},
        )
        refused = await client.post(
            f"{KIND}/cases", json=CASE | {"fields": {"applicant_type": "firm"}}
        )
        opened = await client.post(f"{KIND}/cases", json=CASE)
        address = f"/v1/cases/{opened.json()['id']}"
        early = await client.post(f"{address}/moves", json={"move": "finish"})
    async with client_of(clerk) as client:
        listed = await client.get("/v1/cases", params={"kind": "fee-reduction"})
        overdue = await client.get("/v1/cases", params={"overdue": True})
        await client.post(f"{address}/moves", json={"move": "accept"})
        done = await client.post(
            f"{address}/moves", json={"move": "finish", "fields": {"record_number": "1"}}
        )
        figures = await client.get("/v1/case-figures", params={"group": "desk"})
    async with client_of(firm) as client:
        chain = await client.get(f"{address}/chain")
        shown = await client.get(address, headers={"Accept-Language": "zh"})

    assert tried.json()["passes"] is False
    assert tried.json()["findings"][0]["text"] == "上年度应纳税所得额不高于 100 万元"
    assert refused.json()["field"] == "fields.taxable_income"
    assert [move["id"] for move in opened.json()["moves"]] == ["withdraw"]
    assert early.json()["type"].endswith("move-refused")
    assert [row["number"] for row in listed.json()["items"]] == [opened.json()["number"]]
    assert overdue.json()["items"] == []
    assert (done.status_code, done.json()["state"]) == (201, "done")
    assert figures.json()["kinds"][0]["closed"] == 1
    assert (chain.json()["intact"], chain.json()["entries"]) == (True, 3)
    assert shown.json()["state_text"] == "已办结"
    assert shown.json()["entries"][2]["fields"] == {"record_number": "1"}


async def test_anybody_reads_kinds_and_registers(client_of: OpenClient) -> None:
    async with client_of(None) as client:
        desk = await client.get("/v1/public/case-kinds", params={"group": "desk"})
        register = await client.get("/v1/public/registers/custody-agency")
        strange = await client.get("/v1/public/registers/strange")
        figures = await client.get("/v1/public/case-figures", params={"quarter": "2026-Q3"})
        running = await client.get("/v1/public/case-figures", params={"quarter": "2026-Q4"})

    assert {kind["id"] for kind in desk.json()} == {
        "pledge-registration",
        "licence-recordal",
        "fee-reduction",
        "trademark-advice",
    }
    assert register.json() == {"items": [], "next": None}
    assert strange.status_code == 404
    assert figures.json()["kinds"] == []
    assert running.status_code == 422
