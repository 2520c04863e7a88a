"""Rights of a firm: stated, corrected, listed, and what the registers announce of them."""

from datetime import date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.identifiers.rights import Register, RightKind
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.schemas.rights import RightIn
from app.services import rights
from app.services.actor import SYSTEM, Actor, bind
from app.services.rights import RightPledged, RightTaken
from tests.make.parties import make_actor, make_organisation
from tests.make.pledges import pledge_right
from tests.make.rights import make_right

PATENT = {
    "kind": "invention",
    "number": "ZL 2021 1 0000001.6",
    "title": "一种枸杞低温干燥装置",
    "holder_name": "宁夏示例农业科技有限公司",
    "filed_on": "2021-01-04",
    "granted_on": "2023-05-09",
    "ipc": ["a23b7/02"],
    "publication_number": "CN112345678A",
    "annuity_paid_through_year": 6,
}
MARK = {
    "kind": "trademark",
    "number": "第12345678号",
    "title": "贺兰示例",
    "holder_name": "宁夏示例酒业有限公司",
    "nice": [35, 33],
    "registered_on": "2014-09-07",
    "expires_on": "2034-09-06",
}
SOFTWARE = {
    "kind": "software_copyright",
    "number": "2021SR0001234",
    "title": "示例温室控制软件",
    "holder_name": "宁夏示例信息技术有限公司",
    "completed_on": "2020-10-30",
    "first_published_on": "2020-11-20",
    "registered_on": "2021-01-05",
}
WORK = {
    "kind": "work_copyright",
    "number": "国作登字-2021-F-00012345",
    "title": "贺兰山岩画图样",
    "holder_name": "宁夏示例文化有限公司",
}


def stated(base: dict[str, Any], **changed: Any) -> RightIn:
    value: RightIn = TypeAdapter(RightIn).validate_python(base | changed)
    return value


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    actor = await make_actor(session, firm)
    await bind(session, actor)
    return actor


class TestCreateRight:
    async def test_a_patent_is_kept_normalised_with_its_term(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        right = await rights.create_right(session, actor=actor, stated=stated(PATENT), now=now)

        assert (right.number, right.ipc) == ("202110000001.6", ["A23B 7/02"])
        assert right.register is Register.PATENTS
        assert right.expires_on == date(2041, 1, 4)
        assert right.owner_id == actor.organisation_id

    async def test_a_mark_lives_as_long_as_it_was_renewed(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        right = await rights.create_right(session, actor=actor, stated=stated(MARK), now=now)

        assert (right.number, right.nice) == ("12345678", [33, 35])
        assert right.expires_on == date(2034, 9, 6)

    async def test_a_copyright_ends_with_the_fiftieth_year(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        right = await rights.create_right(session, actor=actor, stated=stated(SOFTWARE), now=now)

        assert (right.granted_on, right.expires_on) == (date(2021, 1, 5), date(2070, 12, 31))

    async def test_a_number_of_another_firm_is_refused_without_naming_it(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        await bind(session, SYSTEM)
        other = await make_organisation(session, OrganisationKind.ENTERPRISE, name="别家公司")
        await make_right(session, other, number="202110000001.6")
        await bind(session, actor)

        with pytest.raises(RightTaken) as refused:
            await rights.create_right(session, actor=actor, stated=stated(PATENT), now=now)

        assert refused.value.facts() == {"number": "202110000001.6"}

    @pytest.mark.parametrize(
        ("base", "changed", "field"),
        [
            (PATENT, {"number": "202110000001.7"}, "number"),
            (PATENT, {"kind": "design"}, "kind"),
            (PATENT, {"granted_on": "2020-01-01"}, "granted_on"),
            (PATENT, {"granted_on": "2027-01-01"}, "granted_on"),
            (PATENT, {"ipc": ["rubbish"]}, "ipc"),
            (PATENT, {"publication_number": "X"}, "publication_number"),
            (PATENT, {"same_day_invention": True}, "same_day_invention"),
            (MARK, {"expires_on": "2030-09-06"}, "expires_on"),
            (MARK, {"expires_on": "2004-09-06"}, "expires_on"),
            (MARK, {"registered_on": None}, "expires_on"),
            (SOFTWARE, {"registered_on": "2027-01-01"}, "registered_on"),
            (SOFTWARE, {"completed_on": "2021-01-06"}, "completed_on"),
            (SOFTWARE, {"number": "2027SR0001234"}, "number"),
            (WORK, {"number": "国作登字-2027-F-00012345"}, "number"),
            (PATENT, {"number": "ZL 2027 1 0000001.3"}, "number"),
            (PATENT, {"publication_number": "CN212345678U"}, "publication_number"),
        ],
    )
    async def test_what_the_register_would_not_have_is_refused_by_field(
        self,
        *,
        session: AsyncSession,
        actor: Actor,
        now: datetime,
        base: dict[str, Any],
        changed: dict[str, Any],
        field: str,
    ) -> None:
        with pytest.raises(FieldRefused) as refused:
            await rights.create_right(session, actor=actor, stated=stated(base, **changed), now=now)

        assert refused.value.field == field

    async def test_only_firms_state_rights(self, session: AsyncSession, now: datetime) -> None:
        bank = await make_organisation(session, OrganisationKind.BANK)
        actor = await make_actor(session, bank)

        with pytest.raises(Forbidden):
            await rights.create_right(session, actor=actor, stated=stated(PATENT), now=now)


class TestCorrectRight:
    async def test_rewrites_the_right_as_a_whole(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        right = await rights.create_right(session, actor=actor, stated=stated(PATENT), now=now)

        corrected = await rights.correct_right(
            session,
            actor=actor,
            right_id=right.id,
            stated=stated(PATENT, filed_on="2020-12-31", publication_number=None),
            now=now,
        )

        assert corrected.expires_on == date(2040, 12, 31)
        assert corrected.publication_number is None

    async def test_cannot_take_a_number_that_stands(
        self, session: AsyncSession, firm: Organisation, actor: Actor, now: datetime
    ) -> None:
        await make_right(session, firm, number="202110000001.6")
        right = await make_right(session, firm)

        with pytest.raises(RightTaken):
            await rights.correct_right(
                session, actor=actor, right_id=right.id, stated=stated(PATENT), now=now
            )

    async def test_a_pledged_right_keeps_its_record(
        self, session: AsyncSession, firm: Organisation, actor: Actor, now: datetime
    ) -> None:
        right = await make_right(session, firm)
        await pledge_right(session, firm, right)
        await bind(session, actor)

        with pytest.raises(RightPledged):
            await rights.correct_right(
                session, actor=actor, right_id=right.id, stated=stated(PATENT), now=now
            )

    async def test_a_right_of_another_firm_is_not_there(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        await bind(session, SYSTEM)
        other = await make_organisation(session, OrganisationKind.ENTERPRISE)
        right = await make_right(session, other)
        await bind(session, actor)

        with pytest.raises(NotFound):
            await rights.correct_right(
                session, actor=actor, right_id=right.id, stated=stated(PATENT), now=now
            )


class TestListRights:
    async def test_pages_and_filters(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        first = await make_right(session, firm)
        mark = await make_right(session, firm, RightKind.TRADEMARK)
        last = await make_right(session, firm)

        page = await rights.list_rights(session, actor=actor, limit=2)
        rest = await rights.list_rights(session, actor=actor, limit=2, after=page[-1].id)
        marks = await rights.list_rights(session, actor=actor, limit=9, kind=RightKind.TRADEMARK)
        patents = await rights.list_rights(
            session, actor=actor, limit=9, register=Register.PATENTS, number=first.number
        )

        assert [right.id for right in page] == [last.id, mark.id]
        assert [right.id for right in rest] == [first.id]
        assert (marks, patents) == ([mark], [first])

    @pytest.mark.parametrize(
        ("kind", "seen"),
        [
            (OrganisationKind.AUTHORITY, True),
            (OrganisationKind.BANK, False),
            (OrganisationKind.PARK, False),
            (OrganisationKind.ENTERPRISE, False),
        ],
    )
    async def test_others_see_only_what_concerns_them(
        self, session: AsyncSession, firm: Organisation, kind: OrganisationKind, seen: bool
    ) -> None:
        right = await make_right(session, firm)
        other = await make_actor(session, await make_organisation(session, kind))
        await bind(session, other)

        found = await rights.list_rights(session, actor=other, limit=9, number=right.number)

        assert bool(found) is seen

    async def test_a_bank_sees_the_rights_of_its_deals(
        self, session: AsyncSession, firm: Organisation
    ) -> None:
        right = await make_right(session, firm)
        bank = await pledge_right(session, firm, right)
        actor = await make_actor(session, bank)
        await bind(session, actor)

        assert await rights.list_rights(session, actor=actor, limit=9) == [right]
