"""Bulk imports: a register file becomes rights, batch by batch, each batch kept once it is done.

A crash between batches loses nothing and repeats nothing: reading a file gives the same entries in
the same order, and ``rows_done`` says how many of them are in.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import Language, say, told
from app.integrations.store import DocumentStore
from app.lifecycle.imports import IMPORT, ImportEvent, ImportStatus
from app.lifecycle.parties import OrganisationKind
from app.models.documents import Document
from app.models.imports import Import, ImportRow
from app.registers.reading import read
from app.registers.records import ReadResult, RegisterFormat, UnreadableFile
from app.services import documents, history, import_batches, outbox, tasks
from app.services.actor import SYSTEM, Actor, bind
from app.services.import_records import entries_of

BATCH = 200


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The finished import, and every row that was refused or changed a right: 10,000 at most."""

    job: Import
    refused: Sequence[ImportRow]
    changed: Sequence[ImportRow]


class ImportGone(Conflict):
    message = "Another worker is at this import."


def visible_imports(actor: Actor) -> Select[Import]:
    imports = select(Import)
    return imports if actor.is_staff else imports.where(Import.owner_id == actor.organisation_id)


async def create_import(
    session: AsyncSession,
    *,
    actor: Actor,
    document_id: UUID,
    format: RegisterFormat | None,
    now: datetime,
) -> Import:
    """Queue the import of an uploaded file; without ``format`` its content tells."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    try:
        await documents.get_document(session, actor=actor, document_id=document_id)
    except NotFound:
        raise FieldRefused("document_id", say("is no document of yours")) from None
    job = await _begin(session, actor=actor, document_id=document_id, format=format, now=now)
    await tasks.enqueue(session, tasks.Task.IMPORT_RIGHTS, {"import_id": str(job.id)})
    return job


async def _begin(
    session: AsyncSession,
    *,
    actor: Actor,
    document_id: UUID | None,
    format: RegisterFormat | None,
    now: datetime,
) -> Import:
    job = Import(
        id=new_id(),
        owner_id=actor.organisation_id,
        document_id=document_id,
        format=None if format is None else format.value,
        status=ImportStatus.QUEUED,
        rows_done=0,
        accepted=0,
        changed=0,
        unchanged=0,
        refused=0,
        unmapped=[],
        created_at=now,
    )
    session.add(job)
    await session.flush()
    history.begin(session, job, IMPORT, actor=actor, now=now)
    return job


async def get_import(session: AsyncSession, *, actor: Actor, import_id: UUID) -> Import:
    job: Import | None = await session.scalar(visible_imports(actor).where(Import.id == import_id))
    if job is None:
        raise NotFound
    return job


async def list_imports(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[Import]:
    """Newest first."""
    statement = visible_imports(actor).order_by(Import.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Import.id < after)
    return (await session.scalars(statement)).all()


async def list_rows(
    session: AsyncSession,
    *,
    actor: Actor,
    import_id: UUID,
    limit: int,
    after: UUID | None = None,
    outcome: str | None = None,
) -> Sequence[ImportRow]:
    """Rows of one import in the order they were taken in."""
    job = await get_import(session, actor=actor, import_id=import_id)
    statement = (
        select(ImportRow).where(ImportRow.import_id == job.id).order_by(ImportRow.id).limit(limit)
    )
    if outcome is not None:
        statement = statement.where(ImportRow.outcome == outcome)
    if after is not None:
        statement = statement.where(ImportRow.id > after)
    return (await session.scalars(statement)).all()


async def run(sessions: Sessions, *, store: DocumentStore, import_id: UUID, now: datetime) -> None:
    """Do a queued import, or the rest of one that a crash cut off; a finished one stays."""
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        job = await session.get_one(Import, import_id)
        document = await session.get_one(Document, job.document_id)
    if job.status in (ImportStatus.DONE, ImportStatus.FAILED):
        return
    actor = Actor(organisation_id=job.owner_id, kind=OrganisationKind.ENTERPRISE)
    data = await documents.read_bytes(store, document)
    await _take_in(sessions, job, data, document.file_name, actor=actor, now=now)


async def import_file(
    sessions: Sessions,
    *,
    actor: Actor,
    data: bytes,
    file_name: str,
    format: RegisterFormat | None,
    now: datetime,
) -> ImportReport:
    """The same from the shell, at once. A file that cannot be read at all is a failed import."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    async with sessions.begin() as session:
        await bind(session, actor)
        job = await _begin(session, actor=actor, document_id=None, format=format, now=now)
    await _take_in(sessions, job, data, file_name, actor=actor, now=now)
    async with sessions.begin() as session:
        await bind(session, actor)
        job = await get_import(session, actor=actor, import_id=job.id)
        await session.refresh(job)
        refused, changed = [
            await list_rows(session, actor=actor, import_id=job.id, limit=10_000, outcome=outcome)
            for outcome in (import_batches.REFUSED, import_batches.CHANGED)
        ]
    return ImportReport(job, refused, changed)


async def _take_in(
    sessions: Sessions, job: Import, data: bytes, file_name: str, *, actor: Actor, now: datetime
) -> None:
    format = None if job.format is None else RegisterFormat(job.format)
    await _start(sessions, job.id, actor=actor, now=now)
    try:
        result = await asyncio.to_thread(read, data, filename=file_name, format=format)
    except UnreadableFile as error:
        await _fail(sessions, job.id, error.reason, actor=actor, now=now)
        return
    entries = entries_of(result)
    done = await _announce_size(sessions, job.id, result, len(entries), actor=actor)
    for start in range(done, len(entries), BATCH):
        async with sessions.begin() as session:
            current = await _lock(session, job.id, actor=actor)
            if current.rows_done != start:
                raise ImportGone
            await import_batches.write_batch(
                session, current, entries[start : start + BATCH], now=now
            )
    async with sessions.begin() as session:
        current = await _lock(session, job.id, actor=actor)
        history.move(session, current, IMPORT, ImportEvent.FINISH, actor=actor, now=now)
        current.finished_at = now
        outbox.announce(
            session, "import.done", current.id, organisation_id=current.owner_id, now=now
        )


async def _lock(session: AsyncSession, import_id: UUID, *, actor: Actor) -> Import:
    await bind(session, actor)
    return await session.get_one(Import, import_id, with_for_update=True, populate_existing=True)


async def _start(sessions: Sessions, import_id: UUID, *, actor: Actor, now: datetime) -> None:
    async with sessions.begin() as session:
        current = await _lock(session, import_id, actor=actor)
        if current.status is ImportStatus.QUEUED:
            history.move(session, current, IMPORT, ImportEvent.START, actor=actor, now=now)


async def _announce_size(
    sessions: Sessions, import_id: UUID, result: ReadResult, total: int, *, actor: Actor
) -> int:
    """Record what the file holds; how many of its entries are in already."""
    unmapped = [*result.unmapped, *(name for row in result.rows for name in row.record.unmapped)]
    async with sessions.begin() as session:
        current = await _lock(session, import_id, actor=actor)
        current.format = result.format.value
        current.rows_total = total
        current.unmapped = list(dict.fromkeys(unmapped))
        return current.rows_done


async def _fail(
    sessions: Sessions, import_id: UUID, reason: str, *, actor: Actor, now: datetime
) -> None:
    async with sessions.begin() as session:
        current = await _lock(session, import_id, actor=actor)
        history.move(session, current, IMPORT, ImportEvent.FAIL, actor=actor, now=now)
        current.failure, current.finished_at = reason, now
        current.failure_zh = told(reason, Language.CHINESE)
