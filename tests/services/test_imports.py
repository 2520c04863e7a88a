"""Bulk imports of real and hostile files: good rows in, bad ones named, nothing twice."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from pgqueuer.models import Job
from pgqueuer.types import JobId
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.core.errors import FieldRefused, NotFound
from app.integrations.store import ObstoreStore, open_store
from app.jobs.imports import import_rights
from app.lifecycle.imports import ImportStatus
from app.lifecycle.parties import OrganisationKind
from app.models.imports import Import
from app.models.organisations import Organisation
from app.models.rights import CoOwner, LegalEvent, Right
from app.services import documents, import_batches, imports
from app.services.actor import SYSTEM, Actor, bind
from app.services.imports import ImportGone, ImportReport
from tests.make.parties import make_actor, make_organisation
from tests.make.pledges import pledge_right
from tests.make.rights import make_right

DATA = Path(__file__).parents[1] / "data" / "registers"
CSV = (DATA / "portfolio_zh.csv").read_bytes()
HEADER = "专利号,名称,类型,权利人,申请日,授权公告日\n"


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    return await make_actor(session, firm)


async def take_in(
    sessions: Sessions, actor: Actor, now: datetime, data: bytes, file_name: str = "a.csv"
) -> ImportReport:
    return await imports.import_file(
        sessions, actor=actor, data=data, file_name=file_name, format=None, now=now
    )


class TestImportFile:
    async def test_every_kind_of_right_comes_in_with_its_further_holders(
        self, session: AsyncSession, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        report = await take_in(sessions, actor, now, CSV)

        assert (report.job.status, report.job.rows_total) == (ImportStatus.DONE, 6)
        assert (report.job.accepted, report.job.refused) == (6, 0)
        assert "经办人" in report.job.unmapped
        kinds = Counter(await session.scalars(select(Right.kind)))
        assert len(kinds) == 6
        assert list(await session.scalars(select(CoOwner.name))) == ["宁夏示例研究院"]

    async def test_again_it_makes_no_duplicates(
        self, session: AsyncSession, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        await take_in(sessions, actor, now, CSV)

        report = await take_in(sessions, actor, now, CSV)

        assert (report.job.accepted, report.job.unchanged) == (0, 6)
        assert await session.scalar(select(func.count()).select_from(Right)) == 6

    async def test_a_newer_file_completes_a_right(
        self, session: AsyncSession, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        await take_in(sessions, actor, now, f"{HEADER}202110000001.6,甲,发明,某厂,,".encode())

        report = await take_in(
            sessions, actor, now, f"{HEADER}202110000001.6,甲,发明,,2021-01-04,".encode()
        )

        right = await session.scalar(select(Right).execution_options(populate_existing=True))
        assert right is not None
        assert (report.job.accepted, right.title, right.holder_name) == (1, "甲", "某厂")
        assert str(right.expires_on) == "2041-01-04"

    async def test_a_number_of_a_year_to_come_is_refused(
        self, session: AsyncSession, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        report = await take_in(sessions, actor, now, f"{HEADER}202710000001.3,甲,发明,,,".encode())

        assert (report.job.accepted, report.job.refused) == (0, 1)

    async def test_bad_rows_are_named_and_good_ones_kept(
        self,
        session: AsyncSession,
        sessions: Sessions,
        firm: Organisation,
        actor: Actor,
        now: datetime,
    ) -> None:
        other = await make_organisation(session, OrganisationKind.ENTERPRISE)
        await make_right(session, other, number="202110000002.0")
        rows = [
            "202110000001.6,甲,发明,某厂,2021-01-04,2023-05-09",
            "202110000001.7,乙,发明,某厂,2021-01-04,2023-05-09",
            "202110000002.0,丙,发明,某厂,2021-01-04,2023-05-09",
            "202110000003.5,丁,发明,某厂,2027-01-04,",
        ]

        report = await take_in(sessions, actor, now, (HEADER + "\n".join(rows)).encode())

        assert (report.job.accepted, report.job.refused) == (1, 3)
        assert [(row.line, row.field) for row in report.refused] == [
            (3, "number"),
            (4, "number"),
            (5, "filed_on"),
        ]
        assert report.refused[1].reason == "is already registered on the platform"

    async def test_a_pledged_right_keeps_its_record(
        self,
        session: AsyncSession,
        sessions: Sessions,
        firm: Organisation,
        actor: Actor,
        now: datetime,
    ) -> None:
        right = await make_right(session, firm, number="202110000001.6")
        await pledge_right(session, firm, right)

        report = await take_in(
            sessions, actor, now, f"{HEADER}202110000001.6,新名,发明,某厂,,".encode()
        )

        assert report.refused[0].reason == "is pledged for a live deal and keeps its record"

    async def test_publications_of_one_application_become_one_right_with_its_events(
        self, session: AsyncSession, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        data = (DATA / "epodev_family_with_legal.xml").read_bytes()

        report = await take_in(sessions, actor, now, data, "family.xml")
        again = await take_in(sessions, actor, now, data, "family.xml")

        numbers = (await session.execute(select(Right.jurisdiction, Right.number))).all()
        assert len(numbers) == len(set(numbers)) == report.job.accepted > 1
        assert report.job.refused == 0
        assert await session.scalar(select(func.count()).select_from(LegalEvent))
        assert (again.job.accepted, again.job.unchanged) == (0, report.job.accepted)

    @pytest.mark.parametrize(
        "name",
        [
            "CN104968889A_biblio.xml",
            "biblio_example_2.xml",
            "US08930553_grant_ST36.xml",
            "sample_XML4IP_ST96.zip",
            "euipo_tm_apple_size10.json",
            "uspto_tsdr_sn78787878.json",
            "inpi_tm_notice_st66.xml",
            "nypl_cce_renewals_1951-1A_head.tsv",
            "cn_patent_award_sample.csv",
        ],
    )
    async def test_every_real_file_gives_rights(
        self, sessions: Sessions, actor: Actor, now: datetime, name: str
    ) -> None:
        report = await take_in(sessions, actor, now, (DATA / name).read_bytes(), name)

        assert report.job.status is ImportStatus.DONE
        assert report.job.accepted > 0
        done = report.job.accepted + report.job.unchanged + report.job.refused
        assert report.job.rows_done == report.job.rows_total == done

    async def test_a_file_that_cannot_be_read_says_why(
        self, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        report = await take_in(sessions, actor, now, b" ")

        assert (report.job.status, report.job.failure) == (ImportStatus.FAILED, "it is empty")
        assert report.refused == []


class TestQueuedImport:
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObstoreStore:
        return open_store((tmp_path / "documents").as_uri())

    @pytest.fixture
    async def job(
        self, session: AsyncSession, store: ObstoreStore, actor: Actor, now: datetime
    ) -> Import:
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

    async def test_is_queued_for_the_worker(self, session: AsyncSession, job: Import) -> None:
        payload = await session.scalar(
            text("SELECT payload FROM pgqueuer WHERE entrypoint = 'import_rights'")
        )

        assert json.loads(payload) == {"import_id": str(job.id)}
        assert job.status is ImportStatus.QUEUED

    async def test_the_job_runs_it_once(
        self,
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
        self,
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
        self,
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
        self, session: AsyncSession, job: Import, actor: Actor, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match="document_id: is no document of yours"):
            await imports.create_import(
                session, actor=actor, document_id=job.id, format=None, now=now
            )

    async def test_is_the_firms_own(self, session: AsyncSession, job: Import, actor: Actor) -> None:
        assert await imports.list_imports(session, actor=actor, limit=9) == [job]
        assert await imports.list_imports(session, actor=actor, limit=9, after=job.id) == []
        other = Actor(UUID(int=7), OrganisationKind.ENTERPRISE)
        with pytest.raises(NotFound):
            await imports.get_import(session, actor=other, import_id=job.id)
