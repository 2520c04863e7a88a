"""The road of a firm over HTTP: documents, rights, imports, portfolios, values."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.integrations.store import open_store
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.schemas.portfolios import AppraisalIn
from app.schemas.rights import ConsentIn, CoOwnerIn, EncumbranceIn, EventIn, LicenceIn
from app.services import imports
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.parties import make_actor, make_organisation
from tests.make.rights import make_portfolio, make_right

Open = Callable[[Actor | None], ActorClient]

PATENT: dict[str, Any] = {
    "kind": "invention",
    "number": "ZL 2021 1 0000001.6",
    "title": "一种枸杞低温干燥装置",
    "holder_name": "宁夏示例农业科技有限公司",
    "filed_on": "2021-01-04",
    "granted_on": "2023-05-09",
    "annuity_paid_through_year": 6,
}


@pytest.fixture(autouse=True)
def _store(app: FastAPI, tmp_path: Path) -> None:
    app.state.store = open_store((tmp_path / "documents").as_uri())


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    return await make_actor(session, firm)


def example(model: Any) -> dict[str, Any]:
    """The documentation's own example, which must work."""
    found: dict[str, Any] = model.model_config["json_schema_extra"]["examples"][0]
    return dict(found)


async def test_a_right_with_all_that_hangs_on_it(client_of: Open, actor: Actor) -> None:
    async with client_of(actor) as client:
        made = await client.post("/v1/company/rights", json=PATENT)
        here = f"/v1/company/rights/{made.json()['id']}"
        added = [
            await client.post(f"{here}/co-owners", json=example(CoOwnerIn)),
            await client.post(f"{here}/licences", json=example(LicenceIn)),
            await client.post(f"{here}/encumbrances", json=example(EncumbranceIn)),
            await client.post(f"{here}/events", json=example(EventIn)),
        ]
        consent = await client.post(f"{here}/consents", json=example(ConsentIn))
        paid = await client.put(f"{here}/annuity", json={"paid_through_year": 7})
        corrected = await client.put(here, json=PATENT | {"title": "新名"})
        shown = await client.get(here)
        listed = await client.get("/v1/company/rights", params={"limit": 1})
        checked = await client.get(
            "/v1/company/rights/checks",
            params={"right_id": made.json()["id"], "loan_ends_on": "2028-11-23"},
        )

    assert made.status_code == 201
    assert (made.json()["register"], made.json()["number"]) == ("patents", "202110000001.6")
    assert [reply.status_code for reply in added] == [201] * 4
    assert (consent.status_code, paid.status_code, corrected.status_code) == (204, 200, 200)
    detail = shown.json()
    assert detail["right"]["title"] == "新名"
    assert detail["right"]["preserved"] is True
    assert detail["co_owners"][0]["share_pct"] == "30"
    assert detail["events"][0]["effect"] == "preservation"
    assert detail["annuity"]["next_due_on"] == "2027-01-04"
    assert listed.json()["next"] == made.json()["id"]
    assert [finding["ground"] for finding in checked.json()[0]["findings"]] == [
        "pledgor_not_owner",
        "preserved",
        "co_owner_consent",
        "already_pledged",
    ]


async def test_a_bad_field_is_named(client_of: Open, actor: Actor) -> None:
    async with client_of(actor) as client:
        wrong_digit = await client.post(
            "/v1/company/rights", json=PATENT | {"number": "202110000001.7"}
        )
        no_kind = await client.post("/v1/company/rights", json=PATENT | {"kind": "star"})
        hidden = await client.post("/v1/company/rights", json=PATENT | {"title": "a\u202eb"})

    assert [reply.status_code for reply in (wrong_digit, no_kind, hidden)] == [422] * 3
    assert wrong_digit.json()["errors"][0]["field"] == "number"
    assert wrong_digit.headers["content-type"] == "application/problem+json"


async def test_banks_state_no_rights(client_of: Open, session: AsyncSession) -> None:
    bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))

    async with client_of(bank) as client:
        reply = await client.post("/v1/company/rights", json=PATENT)

    assert reply.status_code == 403


async def test_a_document_comes_back_as_it_was(client_of: Open, actor: Actor) -> None:
    pdf = b"%PDF-1.7\nexample"
    async with client_of(actor) as client:
        made = await client.post(
            "/v1/documents", params={"kind": "contract", "file_name": "合同.pdf"}, content=pdf
        )
        here = f"/v1/documents/{made.json()['id']}"
        described = await client.get(here)
        content = await client.get(f"{here}/content")
        listed = await client.get("/v1/documents")

    assert made.status_code == 201
    assert made.json() == described.json() == listed.json()["items"][0]
    assert content.content == pdf
    assert content.headers["content-type"] == "application/pdf"
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-disposition"].endswith(
        "filename*=UTF-8''%E5%90%88%E5%90%8C.pdf"
    )


async def test_a_document_of_the_wrong_type_is_named(client_of: Open, actor: Actor) -> None:
    async with client_of(actor) as client:
        reply = await client.post(
            "/v1/documents",
            params={"kind": "contract", "file_name": "合同.pdf"},
            content=b"MZ\x90\x00",
        )

    assert reply.status_code == 422
    assert reply.json()["errors"] == [
        {"field": "body", "reason": "is of type application/x-msdownload"}
    ]


async def test_an_import_is_queued_and_watched(client_of: Open, actor: Actor) -> None:
    async with client_of(actor) as client:
        file = await client.post(
            "/v1/documents",
            params={"kind": "import", "file_name": "a.csv"},
            content="专利号,名称\n202110000001.6,甲\n".encode(),
        )
        made = await client.post(
            "/v1/company/imports", params={"document_id": file.json()["id"], "format": "csv"}
        )
        here = f"/v1/company/imports/{made.json()['id']}"
        watched = await client.get(here)
        rows = await client.get(f"{here}/rows", params={"outcome": "refused"})
        listed = await client.get("/v1/company/imports")

    assert (made.status_code, made.json()["status"]) == (202, "queued")
    assert watched.json() == made.json() == listed.json()["items"][0]
    assert rows.json() == {"items": [], "next": None}


async def test_a_refused_row_is_told_in_the_readers_language(
    client_of: Open, sessions: Sessions, actor: Actor, now: datetime
) -> None:
    report = await imports.import_file(
        sessions,
        actor=actor,
        data="专利号,名称\n202110000001.6,\n".encode(),
        file_name="a.csv",
        format=None,
        now=now,
    )
    async with client_of(actor) as client:
        here = f"/v1/company/imports/{report.job.id}/rows"
        english = await client.get(here)
        chinese = await client.get(here, headers={"Accept-Language": "zh-CN"})

    assert english.json()["items"][0]["reason"] == "is missing"
    assert chinese.json()["items"][0]["reason"] == "未填写"


async def test_a_portfolio_is_valued(
    client_of: Open, session: AsyncSession, firm: Organisation, actor: Actor
) -> None:
    right_id = str((await make_right(session, firm)).id)
    async with client_of(actor) as client:
        made = await client.post("/v1/company/portfolios", json={"name": "组合"})
        here = f"/v1/company/portfolios/{made.json()['id']}"
        filled = await client.post(f"{here}/rights", json={"right_ids": [right_id]})
        renamed = await client.put(here, json={"name": "新名"})
        valued = await client.post(
            f"{here}/valuations",
            json={"rights": [{"right_id": right_id, "annual_revenue": "10000000.00"}]},
        )
        again = await client.get(f"{here}/valuations/{valued.json()['id']}")
        valuations = await client.get(f"{here}/valuations")
        removed = await client.delete(f"{here}/rights/{right_id}")
        shown = await client.get(here)
        listed = await client.get("/v1/company/portfolios")

    assert made.status_code == valued.status_code == 201
    assert filled.json()["rights"][0]["id"] == right_id
    assert renamed.json() == listed.json()["items"][0]
    assert valued.json() == again.json()
    assert valued.json()["lendable"] == valued.json()["items"][0]["lendable"] == "359067.42"
    assert len(valuations.json()["items"][0]["inputs_sha256"]) == 64
    assert (removed.status_code, shown.json()["rights"]) == (204, [])


async def test_stated_values_stand_beside_the_models(
    client_of: Open, session: AsyncSession, firm: Organisation, actor: Actor
) -> None:
    portfolio = await make_portfolio(session, firm)
    bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
    here = f"/v1/company/portfolios/{portfolio.id}"
    async with client_of(actor) as client:
        report = await client.post(
            "/v1/documents",
            params={"kind": "report", "file_name": "评估报告.pdf"},
            content=b"%PDF-1.7",
        )
        appraised = await client.post(
            f"{here}/appraisals",
            json=example(AppraisalIn) | {"document_id": report.json()["id"]},
        )
        proposed = await client.post(
            f"{here}/agreed-values",
            json={
                "value": "9000000.00",
                "valued_on": "2026-11-01",
                "agreed_with": str(bank.organisation_id),
            },
        )
    async with client_of(bank) as client:
        seen = await client.get("/v1/lender/agreed-values")
        agreed = await client.post(f"/v1/lender/agreed-values/{proposed.json()['id']}/confirmation")
    async with client_of(actor) as client:
        stated = await client.get(f"{here}/stated-values")

    assert appraised.status_code == proposed.status_code == 201
    assert seen.json() == [proposed.json()]
    assert agreed.json()["agreed_at"] is not None
    assert [value["kind"] for value in stated.json()] == ["agreed", "appraisal"]
