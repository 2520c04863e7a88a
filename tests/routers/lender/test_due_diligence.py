"""The bank's file for 尽职免责: every file of the archive is in the manifest with its hash."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Settings
from app.integrations.store import open_store
from app.lending.grading import Grade
from app.lifecycle.funds import ClaimKind
from app.models.documents import Document
from app.routers import deps
from app.schemas.claims import GradeIn, InspectionIn
from app.services import claims, grades
from app.services.actor import SYSTEM, Actor, bind
from tests.conftest import ActorClient
from tests.make.funds import FIVE, LATE, Funded, claim_of, make_defaulted
from tests.make.rights import make_document

ClientOf = Callable[[Actor | None], ActorClient]


@pytest.fixture(autouse=True)
def late(app: FastAPI, settings: Settings) -> None:
    app.state.store = open_store(settings.documents_url)
    app.dependency_overrides[deps.get_now] = lambda: LATE


async def keep_bytes(app: FastAPI, session: AsyncSession) -> None:
    """The builders' documents get bytes of their own."""
    await bind(session, SYSTEM)
    for document in (await session.scalars(select(Document))).all():
        data = f"%PDF {document.id}".encode()
        document.size, document.sha256 = len(data), hashlib.sha256(data).digest()
        await app.state.store.put(document.store_key, data)
    await session.flush()


async def make_claimed(session: AsyncSession) -> tuple[Funded, str]:
    """Inspected, graded with evidence, in default and claimed; the loan's id."""
    funded, loan = await make_defaulted(session)
    bank = funded.table.bank
    evidence = await make_document(session, bank.organisation_id)
    await grades.record(
        session,
        actor=bank,
        loan_id=loan.id,
        data=GradeIn(grade=Grade.DOUBTFUL, reason="停产", document_id=evidence.id),
        now=LATE,
    )
    await grades.inspect(
        session,
        actor=bank,
        loan_id=loan.id,
        data=InspectionIn(inspected_on=LATE.date(), findings="停产"),
        now=LATE,
    )
    await claims.submit(
        session, actor=bank, loan_id=loan.id, data=claim_of(ClaimKind.FUND, FIVE), now=LATE
    )
    return funded, str(loan.id)


async def test_every_file_is_in_the_manifest_with_its_hash(
    app: FastAPI, session: AsyncSession, client_of: ClientOf
) -> None:
    funded, loan_id = await make_claimed(session)
    await keep_bytes(app, session)

    async with client_of(funded.table.bank) as client:
        answer = await client.get(f"/v1/lender/loans/{loan_id}/due-diligence.zip")

    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    told = {file["path"]: file["sha256"] for file in manifest["files"]}
    assert told.keys() == set(archive.namelist()) - {"manifest.json"}
    for path, sha256 in told.items():
        assert hashlib.sha256(archive.read(path)).hexdigest() == sha256
    proves = [what for file in manifest["files"] for what in file.get("proves", [])]
    assert {"contract loan v1", "contract pledge v1", "claim paper valuation_report"} <= {*proves}
    assert any(what.startswith("grade ") and what.endswith(" doubtful") for what in proves)
    assert [grade["reason"] for grade in manifest["grades"]] == ["停产"]
    assert [row["findings"] for row in manifest["inspections"]] == ["停产"]
    assert [claim["amount"] for claim in manifest["claims"]] == ["2700000.00"]
    steps = [record["step"] for record in manifest["readiness"][0]["records"]]
    assert steps == ["filed", "acknowledged", "drawn", "defaulted", "claimed"]
    moved = {(row["subject"], row["target"]) for row in manifest["history"]}
    assert {("loan", "defaulted"), ("claim", "submitted")} <= moved
    book = openpyxl.load_workbook(io.BytesIO(archive.read("manifest.xlsx")))
    assert book.sheetnames == ["files", "grades", "inspections", "filings", "claims", "history"]


async def test_a_document_that_is_lost_is_no_silent_gap(
    app: FastAPI, session: AsyncSession, client_of: ClientOf
) -> None:
    funded, loan_id = await make_claimed(session)

    async with client_of(funded.table.bank) as client:
        answer = await client.get(f"/v1/lender/loans/{loan_id}/due-diligence.zip")

    assert answer.status_code == 409


async def test_it_is_the_banks_alone(session: AsyncSession, client_of: ClientOf) -> None:
    funded, loan_id = await make_claimed(session)
    other, _ = await make_defaulted(session)
    path = f"/v1/lender/loans/{loan_id}/due-diligence.zip"

    async with client_of(other.table.bank) as client:
        assert (await client.get(path)).status_code == 404
    async with client_of(funded.table.guarantor) as client:
        assert (await client.get(path)).status_code == 403
