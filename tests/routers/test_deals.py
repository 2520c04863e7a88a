"""The road of a deal over HTTP, by each party's own token and under row-level security."""

from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.deals import ContractKind
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.deals import Table, make_table
from tests.make.rights import make_document

ClientOf = Callable[[Actor | None], ActorClient]


async def send(client_of: ClientOf, actor: Actor, path: str, body: Any = None) -> httpx.Response:
    async with client_of(actor) as client:
        return await client.post(f"/v1{path}", json=body)


async def read(client_of: ClientOf, actor: Actor, path: str) -> Any:
    async with client_of(actor) as client:
        reply = await client.get(f"/v1{path}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def chosen(table: Table, revision: int = 1) -> dict[str, Any]:
    return {
        "loan": {"quote_id": str(table.loan_id), "revision": revision},
        "guarantee": {"quote_id": str(table.guarantee_id), "revision": 1},
    }


async def accept(client_of: ClientOf, table: Table) -> dict[str, Any]:
    reply = await send(
        client_of, table.firm, f"/company/requests/{table.request_id}/acceptance", chosen(table)
    )
    assert reply.status_code == 201, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


async def confirm(
    session: AsyncSession, client_of: ClientOf, deal: str, kind: ContractKind, *sides: Actor
) -> None:
    document = await make_document(session, sides[0].organisation_id, kind="contract")
    document_id, sha256 = str(document.id), document.sha256.hex()
    for number, side in enumerate(sides):
        audience = "company" if side.kind == "enterprise" else "lender"
        path = f"/{audience}/deals/{deal}/contracts/{kind}"
        if number == 0:
            reply = await send(client_of, side, path, {"document_id": document_id})
            assert reply.status_code == 201, reply.text
        reply = await send(
            client_of, side, f"{path}/confirmation", {"version": 1, "sha256": sha256}
        )
        assert reply.status_code == 200, reply.text


async def test_from_acceptance_to_cash(session: AsyncSession, client_of: ClientOf) -> None:
    table = await make_table(session)
    bank, guarantor, firm = table.bank, table.guarantor, table.firm
    deal = await accept(client_of, table)
    assert (deal["status"], deal["held"], deal["queue"]) == ("approving", "4000000.00", None)
    path = f"/lender/deals/{deal['id']}"
    seen = await read(client_of, bank, path)
    assert [party["id"] for party in seen["parties"]] == [
        str(party.organisation_id) for party in (bank, firm, guarantor)
    ]
    assert [(right["kind"], right["title"]) for right in seen["rights"]] == [
        ("invention", "一种光伏组件清洗装置")
    ]
    asked = await read(client_of, bank, f"/lender/requests/{table.request_id}")
    assert asked["firm"]["id"] == str(firm.organisation_id)

    for institution in (bank, guarantor):
        approval = {"valid_days": 60, "conditions": ["补充财务报表"]}
        reply = await send(client_of, institution, f"{path}/approval", approval)
        assert reply.status_code == 200, reply.text
    await confirm(session, client_of, deal["id"], ContractKind.LOAN, bank, firm)
    await confirm(session, client_of, deal["id"], ContractKind.PLEDGE, firm, bank)
    await confirm(session, client_of, deal["id"], ContractKind.GUARANTEE, guarantor, bank)
    details = await read(client_of, firm, f"/company/deals/{deal['id']}")
    assert details["deal"]["status"] == "perfecting"
    assert [row["register"] for row in details["registrations"]] == ["patents"]
    for event in (
        {"event": "submit"},
        {"event": "register", "number": "Y2026640000001", "on": "2026-11-23"},
    ):
        reply = await send(client_of, bank, f"{path}/registrations/patents/events", event)
        assert reply.status_code == 201, reply.text
    reply = await send(client_of, guarantor, f"{path}/milestones/guarantee_effective", {})
    assert reply.status_code == 201, reply.text
    by_institution = {str(actor.organisation_id): actor for actor in (bank, guarantor)}
    owners = {row["id"]: row["institution_id"] for row in details["approvals"]}
    for condition in details["conditions"]:
        actor = by_institution[owners[condition["approval_id"]]]
        reply = await send(client_of, actor, f"{path}/conditions/{condition['id']}/fulfilment", {})
        assert reply.status_code == 200, reply.text

    refused = await send(client_of, bank, f"{path}/drawdowns", {"amount": "5000000.00"})
    assert refused.status_code == 409
    assert refused.json()["missing"] == [
        {"what": "use_of_funds", "who": "enterprise", "text": "use of funds not stated"}
    ]
    assert not (await read(client_of, bank, f"{path}/gate"))["open"]
    reply = await send(
        client_of, firm, f"/company/deals/{deal['id']}/use-of-funds", {"use": "采购原材料"}
    )
    assert reply.status_code == 200, reply.text
    assert (await read(client_of, firm, f"/company/deals/{deal['id']}/gate"))["open"]
    release = await send(client_of, bank, f"{path}/drawdowns", {"amount": "5000000.00"})
    assert release.status_code == 201, release.text
    report = {"drawn_on": "2026-11-23", "reference": "FK-1", "last": True}
    drawn = await send(client_of, bank, f"{path}/drawdowns/{release.json()['id']}/drawn", report)
    assert drawn.status_code == 200, drawn.text
    assert drawn.json()["liability"] == "4000000.00"
    assert (await read(client_of, bank, path))["deal"]["status"] == "active"
    moves = await read(client_of, guarantor, f"{path}/history")
    assert [
        (move["source"], move["event"], move["target"])
        for move in moves
        if move["subject"] == "deal"
    ] == [
        ("", "create", "approving"),
        ("approving", "approve", "contracting"),
        ("contracting", "contract", "perfecting"),
        ("perfecting", "draw", "active"),
    ]
    assert {move["subject"] for move in moves} == {
        "approval", "condition", "confirmation", "contract", "deal", "drawdown", "loan",
        "milestone", "pledge registration"
    }  # fmt: skip


async def test_a_refusal_reopens_the_request(session: AsyncSession, client_of: ClientOf) -> None:
    table = await make_table(session)
    deal = await accept(client_of, table)

    reply = await send(
        client_of, table.guarantor, f"/lender/deals/{deal['id']}/refusal", {"reason": "代偿率"}
    )

    assert reply.status_code == 200, reply.text
    assert (reply.json()["status"], reply.json()["held"]) == ("failed", "0.00")
    listed = await read(client_of, table.firm, "/company/deals?status=failed")
    assert [row["id"] for row in listed["items"]] == [deal["id"]]


async def test_a_stale_revision_is_a_conflict(session: AsyncSession, client_of: ClientOf) -> None:
    table = await make_table(session)

    reply = await send(
        client_of,
        table.firm,
        f"/company/requests/{table.request.id}/acceptance",
        chosen(table, revision=2),
    )

    assert reply.status_code == 409
    assert reply.json()["type"] == "/problems/stale-revision"


async def test_without_room_the_answer_says_what_else(
    session: AsyncSession, client_of: ClientOf
) -> None:
    table = await make_table(session, limit=Money.yuan(800))

    deal = await accept(client_of, table)

    assert deal["status"] == "queued"
    assert deal["queue"]["lacks"] == ["guarantor_limit"]
    assert deal["queue"]["alternatives"]["smaller_loan"] == "1000.00"
    place = await read(client_of, table.firm, f"/company/deals/{deal['id']}/queue")
    assert place["position"] == 1


async def test_strangers_do_not_see_a_deal(session: AsyncSession, client_of: ClientOf) -> None:
    table, other = await make_table(session), await make_table(session)
    deal = await accept(client_of, table)

    async with client_of(other.bank) as client:
        reply = await client.get(f"/v1/lender/deals/{deal['id']}")

    assert reply.status_code == 404
    assert (await read(client_of, other.bank, "/lender/deals"))["items"] == []
    own = await read(client_of, table.bank, "/lender/deals")
    assert [row["id"] for row in own["items"]] == [deal["id"]]


async def test_a_firm_cannot_approve(session: AsyncSession, client_of: ClientOf) -> None:
    table = await make_table(session)
    deal = await accept(client_of, table)

    reply = await send(
        client_of, table.firm, f"/lender/deals/{deal['id']}/approval", {"valid_days": 5}
    )

    assert reply.status_code == 403


async def test_the_firm_withdraws(session: AsyncSession, client_of: ClientOf) -> None:
    table = await make_table(session)
    deal = await accept(client_of, table)

    reply = await send(
        client_of, table.firm, f"/company/deals/{deal['id']}/withdrawal", {"reason": "另议"}
    )

    assert (reply.status_code, reply.json()["failure"]) == (200, "withdrawn: 另议")
