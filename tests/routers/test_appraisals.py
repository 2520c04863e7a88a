"""Appraisal orders over HTTP: from the order to the report beside the model's value."""

from collections.abc import Callable

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Settings
from app.integrations.store import open_store
from app.lifecycle.parties import OrganisationKind
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.appraisals import REPORT, make_appraiser
from tests.make.market import make_firm, make_institution, make_open_request
from tests.make.rights import make_document

Clients = Callable[[Actor], ActorClient]
PDF = b"%PDF-1.7\n%%EOF\n"


async def test_a_firm_orders_and_reads_a_report(
    app: FastAPI, settings: Settings, session: AsyncSession, client_of: Clients
) -> None:
    app.state.store = open_store(settings.documents_url)
    firm = await make_firm(session)
    request = await make_open_request(session, firm)
    appraiser = await make_appraiser(session)
    order_in = {
        "appraiser_id": str(appraiser.organisation_id),
        "instructions": "质押融资",
        "price": "48000.00",
        "due_on": "2026-12-20",
    }

    async with client_of(firm) as client:
        listed = await client.get("/v1/appraisers")
        made = await client.post(
            f"/v1/company/portfolios/{request.portfolio_id}/appraisal-orders", json=order_in
        )
    address = f"/v1/appraisal-orders/{made.json()['id']}"
    async with client_of(appraiser) as client:
        agreed = await client.post(f"/v1/appraiser/orders/{made.json()['id']}/agreement")
        refused = await client.post(f"/v1/appraiser/orders/{made.json()['id']}/agreement")
        document = await client.post(
            "/v1/documents", params={"kind": "report", "file_name": "报告.pdf"}, content=PDF
        )
        delivered = await client.post(
            f"/v1/appraiser/orders/{made.json()['id']}/reports",
            json=REPORT | {"document_id": document.json()["id"]},
        )
        hidden = await client.get(f"{address}/comparison")
    async with client_of(firm) as client:
        accepted = await client.post(f"{address}/acceptance")
        shown = await client.get(address)
        content = await client.get(f"{address}/reports/1/content")
        compared = await client.get(f"{address}/comparison", headers={"Accept-Language": "zh"})

    assert [item["id"] for item in listed.json()["items"]] == [str(appraiser.organisation_id)]
    assert (made.status_code, agreed.json()["status"]) == (201, "agreed")
    assert (refused.status_code, refused.json()["state"]) == (409, "agreed")
    assert (delivered.status_code, delivered.json()["status"]) == (201, "delivered")
    assert hidden.status_code == 403
    assert accepted.json()["status"] == "accepted"
    assert [right["kind"] for right in shown.json()["rights"]] == ["invention"]
    assert shown.json()["reports"][0]["expired"] is False
    assert content.content == PDF
    body = compared.json()
    assert (body["ratio"], body["difference_pct"], body["level_pct"]) == ("0.5", "100", "25")
    assert body["drawn_up"] == "12000000.00"
    assert body["findings"][0]["text"].startswith("较高的价值比较低的高出")
    assert body["report"]["method_name"] == "收益法"


async def test_an_appraiser_without_accreditation_is_refused_in_words(
    session: AsyncSession, client_of: Clients
) -> None:
    firm = await make_firm(session)
    request = await make_open_request(session, firm)
    appraiser = await make_appraiser(session, accredited=False)

    async with client_of(firm) as client:
        refused = await client.post(
            f"/v1/company/portfolios/{request.portfolio_id}/appraisal-orders",
            json={
                "appraiser_id": str(appraiser.organisation_id),
                "instructions": "质押融资",
                "price": "48000.00",
                "due_on": "2026-12-20",
            },
        )

    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/not-accredited")
    assert refused.json()["detail"].endswith("the authority has never accredited it")


async def test_the_authority_accredits_and_a_bank_orders_and_disputes(
    session: AsyncSession, client_of: Clients
) -> None:
    firm = await make_firm(session)
    request = (await make_open_request(session, firm)).id
    bank = await make_institution(session, OrganisationKind.BANK)
    authority = await make_institution(session, OrganisationKind.AUTHORITY)
    appraiser = await make_appraiser(session, accredited=False)
    report = (await make_document(session, appraiser.organisation_id, kind="report")).id
    agency = f"/v1/authority/appraisers/{appraiser.organisation_id}/accreditations"

    async with client_of(authority) as client:
        granted = await client.post(
            agency,
            json={
                "certificate_number": "备 1",
                "starts_on": "2026-01-01",
                "expires_on": "2026-12-31",
            },
        )
    async with client_of(firm) as client:
        told = await client.post(
            f"/v1/company/requests/{request}/identity-consents",
            json={"institution_id": str(bank.organisation_id)},
        )
    async with client_of(bank) as client:
        made = await client.post(
            f"/v1/lender/requests/{request}/appraisal-orders",
            json={
                "appraiser_id": str(appraiser.organisation_id),
                "instructions": "贷前评估",
                "price": "30000.00",
                "due_on": "2026-12-20",
            },
        )
    order = made.json()["id"]
    async with client_of(appraiser) as client:
        await client.post(f"/v1/appraiser/orders/{order}/agreement")
        delivered = await client.post(
            f"/v1/appraiser/orders/{order}/reports",
            json=REPORT | {"document_id": str(report)},
        )
    async with client_of(bank) as client:
        disputed = await client.post(
            f"/v1/appraisal-orders/{order}/dispute", json={"reason": "收入预测过高"}
        )
        late = await client.post(
            f"/v1/appraisal-orders/{order}/cancellation", json={"reason": "不需要"}
        )
        found = await client.get("/v1/appraisal-orders", params={"status": "disputed"})
    async with client_of(authority) as client:
        revoked = await client.post(
            f"/v1/authority/accreditations/{granted.json()['id']}/revocation",
            json={"reason": "备案已被注销"},
        )
        all_of_it = await client.get(agency)
        watched = await client.get(f"/v1/appraisal-orders/{order}")

    assert (granted.status_code, told.status_code, made.status_code) == (201, 201, 201)
    assert delivered.status_code == 201
    assert (disputed.json()["status"], late.status_code) == ("disputed", 409)
    assert [item["id"] for item in found.json()["items"]] == [order]
    assert revoked.json()["revocation"] == "备案已被注销"
    assert len(all_of_it.json()) == 1
    assert watched.json()["reports"][0]["answers"][0]["reason"] == "收入预测过高"
