"""Bulk imports of real and hostile files: good rows in, bad ones named, nothing twice."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.core.messages import Language, speaking
from app.lifecycle.imports import ImportStatus
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.rights import CoOwner, LegalEvent, Right
from app.schemas.imports import ImportOut, ImportRowOut
from app.services import imports
from app.services.actor import Actor
from app.services.imports import ImportReport
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

        await take_in(sessions, actor, now, f"{HEADER}202110000001.6,甲,发明,,2021-01-04,".encode())

        right = await session.scalar(select(Right).execution_options(populate_existing=True))
        assert right is not None
        assert (right.title, right.holder_name) == ("甲", "某厂")
        assert str(right.expires_on) == "2041-01-04"

    async def test_a_row_that_changes_a_stored_right_says_what_it_replaced(
        self,
        session: AsyncSession,
        sessions: Sessions,
        firm: Organisation,
        actor: Actor,
        now: datetime,
    ) -> None:
        right = await make_right(
            session, firm, number="202110000001.6", title="手工录入", holder_name="某厂"
        )
        filed_on = right.filed_on
        data = (
            f"{HEADER}202110000001.6,新名,发明,某厂；另厂,2021-01-05,\n"
            "202110000002.0,乙,发明,某厂,,\n"
        ).encode()

        report = await take_in(sessions, actor, now, data)
        again = await take_in(sessions, actor, now, data)

        assert (report.job.accepted, report.job.changed, report.job.unchanged) == (1, 1, 0)
        (row,) = report.changed
        assert (row.line, row.right_id) == (2, right.id)
        assert row.replaced is not None
        assert row.replaced["title"] == "手工录入"
        assert row.replaced["filed_on"] == (filed_on and filed_on.isoformat())
        assert row.replaced["co_owners"] is None
        assert row.replaced.keys() == {"title", "filed_on", "expires_on", "co_owners"}
        assert (again.job.accepted, again.job.changed, again.job.unchanged) == (0, 0, 2)
        assert again.changed == []

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

    async def test_every_reason_is_told_in_the_readers_language(
        self, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        rows = [
            "202110000001.7,甲,发明,某厂,,",
            "202110000002.0,乙,外观设计,某厂,,",
            "202110000003.5,丁,发明,某厂,2027-01-04,",
            "202110000004.3",
        ]
        report = await take_in(sessions, actor, now, (HEADER + "\n".join(rows)).encode())
        lost = await take_in(sessions, actor, now, b" ")

        with speaking(Language.CHINESE):
            told = [ImportRowOut.model_validate(row).reason for row in report.refused]
            failure = ImportOut.model_validate(lost.job).failure

        assert told == [
            "校验位为 7，应为 6",
            "为外观设计，而号码表明是发明",
            "是将来的日期",
            "有 1 列，而表头有 6 列",
        ]
        assert failure == "文件为空"
        assert [ImportRowOut.model_validate(row).reason for row in report.refused][2:] == [
            "is in the future",
            "has 1 columns where the header has 6",
        ]

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
        assert report.job.changed == 0
        assert report.job.rows_done == report.job.rows_total == done

    async def test_a_file_that_cannot_be_read_says_why(
        self, sessions: Sessions, actor: Actor, now: datetime
    ) -> None:
        report = await take_in(sessions, actor, now, b" ")

        assert (report.job.status, report.job.failure) == (ImportStatus.FAILED, "it is empty")
        assert report.refused == []
