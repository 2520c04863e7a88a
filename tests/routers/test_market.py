"""From the listing to a confirmed contract over HTTP; anybody reads the board."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import make_firm

OpenClient = Callable[[Actor | None], ActorClient]

OFFER = {
    "side": "offer",
    "form": "licence",
    "title": "光伏组件节水清洗装置",
    "summary": "适用于西北干旱地区光伏电站",
    "ipc": ["H02S40/10"],
    "patent_number": "ZL202110000001.6",
    "valid_until": "2027-11-23",
}


async def test_from_the_listing_to_the_grant(session: AsyncSession, client_of: OpenClient) -> None:
    supplier, buyer = await make_firm(session), await make_firm(session)
    async with client_of(supplier) as client:
        listed = await client.post("/v1/market/listings", json=OFFER)
    address = f"/v1/market/listings/{listed.json()['id']}"
    async with client_of(None) as client:
        found = await client.get(
            "/v1/public/market/listings", params={"q": "光伏清洗", "ipc": "H02S"}
        )
        shown = await client.get(f"/v1/public/market/listings/{listed.json()['id']}")
    async with client_of(buyer) as client:
        asked = await client.post(f"{address}/enquiries", json={"body": "请告知条件"})
        matches = await client.get(f"{address}/matches")
    enquiry = f"/v1/market/enquiries/{asked.json()['id']}"
    async with client_of(supplier) as client:
        accepted = await client.post(f"{enquiry}/acceptance")
        proposed = await client.post(
            f"{enquiry}/contracts",
            json={
                "form": "licence",
                "patent_number": "202110000001.6",
                "amount": "300000.00",
                "signed_on": "2026-11-20",
            },
        )
    assert proposed.status_code == 201, proposed.text
    contract = f"/v1/market/contracts/{proposed.json()['id']}"
    async with client_of(buyer) as client:
        early = await client.get(f"{contract}/measure-4")
        confirmed = await client.post(f"{contract}/confirmation")
        grant = await client.get(f"{contract}/measure-4")
    async with client_of(supplier) as client:
        recorded = await client.post(f"{contract}/recordal", json={"record_number": "X2026"})
        own = await client.get("/v1/market/listings")

    assert listed.status_code == 201
    assert shown.json()["ipc"] == ["H02S 40/10"]
    assert [row["id"] for row in found.json()["items"]] == [listed.json()["id"]]
    assert "owner_id" not in shown.json()
    assert matches.json() == []
    assert accepted.json()["other_name"] == "示例enterprise"
    assert early.json()["type"].endswith("not-confirmed")
    assert confirmed.json()["status"] == "confirmed"
    assert (grant.json()["award"], grant.json()["facts"]["deal_amount"]) == ("0.00", "300000.00")
    assert recorded.json()["record_number"] == "X2026"
    assert [row["status"] for row in own.json()["items"]] == ["open"]
