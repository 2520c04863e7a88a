"""Queued imports: one worker at a time, taken up again after a crash, the firm's own."""

import json
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from pgqueuer.models import Job
from pgqueuer.types import JobId
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.core.errors import FieldRefused, NotFound
from app.integrations.store import ObstoreStore, open_store
from app.jobs.imports import import_rights
from app.lifecycle.imports import ImportStatus
from app.lifecycle.parties import OrganisationKind
from app.models.imports import Import
from app.models.organisations import Organisation
from app.services import documents, import_batches, imports
from app.services.actor import SYSTEM, Actor, bind
from app.services.imports import ImportGone
from tests.make.parties import make_actor, make_organisation

DATA = Path(__file__).parents[1] / "data" / "registers"
CSV = (DATA / "portfolio_zh.csv").read_bytes()


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    return await make_actor(session, firm)


@pytest.fixture
def store(tmp_path: Path) -> ObstoreStore:
    return open_store((tmp_path / "documents").as_uri())


@pytest.fixture
async def job(session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime) -> Import:
    await bind(session, actor)
    await documents.keep(store, actor=actor, data=CSV)
    document = await documents.upload(
        session,
        actor=actor,
        kind="import",
        file_name="a.csv",
        data=CSV,
        now=now,
    )
    job = await imports.create_import(
        session, actor=actor, document_id=document.id, format=None, now=now
    )
    await session.flush()
    return job


async def test_is_queued_for_the_worker(session: AsyncSession, job: Import) -> None:
    payload = await session.scalar(
        text("SELECT payload FROM pgqueuer WHERE entrypoint = 'import_rights'")
    )

    assert json.loads(payload) == {"import_id": str(job.id)}
    assert job.status is ImportStatus.QUEUED


async def test_the_job_runs_it_once(
    *,
    session: AsyncSession,
    sessions: Sessions,
    store: ObstoreStore,
    job: Import,
    actor: Actor,
    now: datetime,
) -> None:
    task = Job(
        id=JobId(1),
        priority=0,
        created=now,
        updated=now,
        heartbeat=now,
        execute_after=now,
        status="picked",
        entrypoint="import_rights",
        payload=json.dumps({"import_id": str(job.id)}).encode(),
        queue_manager_id=None,
        headers=None,
    )

    for _ in range(2):
        await import_rights(task, sessions=sessions, store=store)

    await bind(session, actor)
    rows = await imports.list_rows(session, actor=actor, import_id=job.id, limit=4)
    rest = await imports.list_rows(
        session, actor=actor, import_id=job.id, limit=9, after=rows[-1].id
    )
    assert [row.line for row in [*rows, *rest]] == [2, 3, 4, 5, 6, 7]
    done = await imports.get_import(session, actor=actor, import_id=job.id)
    await session.refresh(done)
    assert (done.status, done.accepted, done.format) == (ImportStatus.DONE, 6, "csv")


async def test_a_crash_between_batches_is_taken_up_again(
    *,
    session: AsyncSession,
    sessions: Sessions,
    store: ObstoreStore,
    job: Import,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    written = import_batches.write_batch

    async def crash_in_the_second(
        session: AsyncSession, job: Import, entries: list[object], *, now: datetime
    ) -> None:
        if job.rows_done:
            raise OSError("the lights went out")
        await written(session, job, entries, now=now)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(import_batches, "write_batch", crash_in_the_second)
    with pytest.raises(OSError, match="lights"):
        await imports.run(sessions, store=store, import_id=job.id, now=now)
    monkeypatch.setattr(import_batches, "write_batch", written)

    await imports.run(sessions, store=store, import_id=job.id, now=now)

    await bind(session, SYSTEM)
    await session.refresh(job)
    assert (job.status, job.rows_done, job.accepted) == (ImportStatus.DONE, 6, 6)


async def test_two_workers_do_not_take_the_same_batch(
    sessions: Sessions,
    store: ObstoreStore,
    job: Import,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    written = import_batches.write_batch

    async def other_was_faster(
        session: AsyncSession, job: Import, entries: list[object], *, now: datetime
    ) -> None:
        await written(session, job, entries, now=now)  # type: ignore[arg-type]  # passed on
        job.rows_done += 2

    monkeypatch.setattr(import_batches, "write_batch", other_was_faster)

    with pytest.raises(ImportGone):
        await imports.run(sessions, store=store, import_id=job.id, now=now)


async def test_needs_a_document_of_the_firm(
    session: AsyncSession, job: Import, actor: Actor, now: datetime
) -> None:
    with pytest.raises(FieldRefused, match="document_id: is no document of yours"):
        await imports.create_import(session, actor=actor, document_id=job.id, format=None, now=now)


async def test_is_the_firms_own(session: AsyncSession, job: Import, actor: Actor) -> None:
    assert await imports.list_imports(session, actor=actor, limit=9) == [job]
    assert await imports.list_imports(session, actor=actor, limit=9, after=job.id) == []
    other = Actor(UUID(int=7), OrganisationKind.ENTERPRISE)
    with pytest.raises(NotFound):
        await imports.get_import(session, actor=other, import_id=job.id)
