"""The bank's file for 尽职免责: what it did on a loan, with the proof, in one archive.

Gathered in one snapshot; the documents' bytes are read after it, and the archive is built last.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI
from app.integrations.store import DocumentStore
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Disposal, Inspection, LoanGrade
from app.models.deals import Condition, Contract
from app.models.documents import Document
from app.models.funds import FilingPaper
from app.models.records import StatusChange
from app.schemas.claims import ClaimOut, DisposalOut, GradeOut, InspectionOut, RecoveryOut
from app.schemas.deals import ChangeOut, DetailsOut
from app.schemas.funds import FilingOut, ReadinessOut
from app.services import (
    claims,
    deals,
    documents,
    filings,
    grades,
    history,
    loan_stock,
    loans,
    readiness,
    recoveries,
)
from app.services.actor import Actor
from app.services.sheets import Cell, Sheet, to_xlsx

ROWS_MAX = 1000

_Jsonable = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proof:
    """A document of the file, where it lies in the archive, and what it proves."""

    path: str
    document: Document
    proves: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pack:
    """All that the archive tells, before any byte of a document is read."""

    loan_id: UUID
    made_at: datetime
    content: _Jsonable
    proofs: Sequence[Proof]


async def gather(session: AsyncSession, *, actor: Actor, loan_id: UUID, now: datetime) -> Pack:
    """Everything that the bank may see of its own loan, with the documents that prove it."""
    actor.must_be(OrganisationKind.BANK)
    detail = await loans.get_detail(session, actor=actor, loan_id=loan_id, on=None, now=now)
    deal_id = detail.loan.deal_id
    details = await deals.get_details(session, actor=actor, deal_id=deal_id)
    graded = await grades.list_grades(session, actor=actor, loan_id=loan_id, limit=ROWS_MAX)
    inspected = await grades.list_inspections(session, actor=actor, loan_id=loan_id, limit=ROWS_MAX)
    claimed = await claims.list_claims(session, actor=actor, loan_id=loan_id, limit=ROWS_MAX)
    filed = await filings.list_filings(session, actor=actor, deal_id=deal_id, limit=ROWS_MAX)
    recovered = await recoveries.list_recoveries(
        session, actor=actor, loan_id=loan_id, limit=ROWS_MAX
    )
    disposed = await session.scalars(
        select(Disposal).where(Disposal.deal_id == deal_id).order_by(Disposal.id).limit(ROWS_MAX)
    )
    disposals = disposed.all()
    ready = [await readiness.show(session, filing, now=now) for filing in filed]
    papers = await session.scalars(
        select(FilingPaper).where(FilingPaper.filing_id.in_([filing.id for filing in filed]))
    )
    subjects = [filing.id for filing in filed] + [claim.id for claim in claimed]
    subjects += [found.recovery.id for found in recovered]
    subjects += [disposal.id for disposal in disposals]
    changes: list[StatusChange] = [
        *await deals.list_history(session, actor=actor, deal_id=deal_id),
        *await history.list_changes(session, subjects),
    ]
    ordered: list[StatusChange] = sorted(changes, key=_id)
    content = {
        "deal": DetailsOut.model_validate(details).model_dump(mode="json"),
        "loan": (await loan_stock.tell_detail(session, detail)).model_dump(mode="json"),
        "grades": _dump(GradeOut, graded),
        "inspections": _dump(InspectionOut, inspected),
        "filings": _dump(FilingOut, filed),
        "readiness": _dump(ReadinessOut, ready),
        "claims": _dump(ClaimOut, claimed),
        "recoveries": [
            RecoveryOut.of(found.recovery, found.shares).model_dump(mode="json")
            for found in recovered
        ],
        "disposals": _dump(DisposalOut, disposals),
        "history": _dump(ChangeOut, ordered),
    }
    uses = _uses(
        contracts=details.contracts,
        conditions=details.conditions,
        graded=graded,
        inspected=inspected,
        disposals=disposals,
        papers=papers.all(),
    )
    return Pack(loan_id, now, content, await _proofs(session, actor, uses))


async def build(pack: Pack, store: DocumentStore) -> bytes:
    """The archive: manifest in JSON and XLSX, and every document. No transaction is open.

    ``DocumentDamaged`` if one is lost or is no longer what was uploaded.
    """
    book = to_xlsx(_sheets(pack))
    files = [
        {"path": "manifest.xlsx", "size": len(book), "sha256": hashlib.sha256(book).hexdigest()}
    ]
    files += [_entry(proof) for proof in pack.proofs]
    manifest = {
        "loan_id": str(pack.loan_id),
        "made_at": pack.made_at.isoformat(),
        "files": files,
        **pack.content,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(manifest, ensure_ascii=False, indent=2)
        archive.writestr(_at(pack, "manifest.json"), text)
        archive.writestr(_at(pack, "manifest.xlsx"), book)
        for proof in pack.proofs:
            data = await documents.read_bytes(store, proof.document)
            archive.writestr(_at(pack, proof.path), data)
    return out.getvalue()


def _at(pack: Pack, path: str) -> zipfile.ZipInfo:
    made = pack.made_at.astimezone(SHANGHAI)
    entry = zipfile.ZipInfo(path, made.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _id(change: StatusChange) -> int:
    return change.id


def _dump(shape: Any, rows: Iterable[object]) -> list[_Jsonable]:
    return [shape.model_validate(row).model_dump(mode="json") for row in rows]


def _uses(
    *,
    contracts: Sequence[Contract],
    conditions: Sequence[Condition],
    graded: Sequence[LoanGrade],
    inspected: Sequence[Inspection],
    disposals: Sequence[Disposal],
    papers: Sequence[FilingPaper],
) -> dict[UUID, list[str]]:
    """By document: what it is the proof of."""
    uses: dict[UUID, list[str]] = {}
    named: list[tuple[UUID | None, str]] = [
        *((row.document_id, f"contract {row.kind} v{row.version}") for row in contracts),
        *((row.document_id, f"condition {row.id}") for row in conditions),
        *((row.document_id, f"grade {row.graded_on} {row.grade}") for row in graded),
        *((row.document_id, f"inspection {row.inspected_on}") for row in inspected),
        *((row.document_id, f"disposal {row.kind}") for row in disposals),
        *((row.document_id, f"claim paper {row.code}") for row in papers),
    ]
    for document_id, what in named:
        if document_id is not None:
            uses.setdefault(document_id, []).append(what)
    return uses


async def _proofs(
    session: AsyncSession, actor: Actor, uses: Mapping[UUID, Sequence[str]]
) -> list[Proof]:
    """Those of the documents that the bank may read; the others' ids stay with what names them."""
    found = await session.scalars(
        documents.visible_documents(actor).where(Document.id.in_(list(uses))).order_by(Document.id)
    )
    return [
        Proof(f"documents/{number:03}-{document.file_name}", document, uses[document.id])
        for number, document in enumerate(found.all(), start=1)
    ]


def _entry(proof: Proof) -> dict[str, Any]:
    document = proof.document
    return {
        "path": proof.path,
        "size": document.size,
        "sha256": document.sha256.hex(),
        "document_id": str(document.id),
        "kind": document.kind,
        "content_type": document.content_type,
        "uploaded_at": document.uploaded_at.isoformat(),
        "proves": list(proof.proves),
    }


def _sheets(pack: Pack) -> list[Sheet]:
    """The files, and a sheet for each list of the manifest that has lines."""
    listed: list[Sequence[Cell]] = [
        (
            proof.path,
            ", ".join(proof.proves),
            proof.document.kind,
            proof.document.size,
            proof.document.sha256.hex(),
            proof.document.uploaded_at,
        )
        for proof in pack.proofs
    ]
    columns = [
        ("文件", "File"),
        ("证明内容", "What it proves"),
        ("种类", "Kind"),
        ("字节数", "Size"),
        ("SHA-256", "SHA-256"),
        ("上传时间", "Uploaded at"),
    ]
    return [
        Sheet("files", columns, listed),
        *(_sheet(name, _HEADS[name], pack.content[name]) for name in _HEADS if pack.content[name]),
    ]


_HEADS: Mapping[str, str] = {
    "grades": "五级分类",
    "inspections": "贷后检查",
    "filings": "入池备案",
    "claims": "索赔",
    "recoveries": "追偿",
    "disposals": "处置",
    "history": "状态历史",
}


def _sheet(name: str, head: str, rows: Sequence[_Jsonable]) -> Sheet:
    """Every field of the rows as the manifest has it; what is nested stays there."""
    fields = [key for key, value in rows[0].items() if not isinstance(value, list | dict)]
    cells: list[Sequence[Cell]] = [
        tuple(None if row[key] is None else str(row[key]) for key in fields) for row in rows
    ]
    return Sheet(name, [(head, key) for key in fields], cells)
