"""The pre-check on real rows: what hangs on a right, the platform's own locks, and consents."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.identifiers.rights import RightKind
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.rights import CoOwner, Encumbrance, LegalEvent, Licence, Right
from app.services import prechecks
from app.services.actor import Actor, bind
from app.services.prechecks import PersonNeeded, RightCheck
from tests.make.parties import make_actor, make_organisation
from tests.make.pledges import pledge_right
from tests.make.rights import make_document, make_right

ON, LOAN_ENDS = date(2026, 11, 23), date(2028, 11, 23)


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(
        session, OrganisationKind.ENTERPRISE, name="宁夏示例（集团）有限公司"
    )


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    actor = await make_actor(session, firm)
    await bind(session, actor)
    return actor


async def check(session: AsyncSession, actor: Actor, *right_ids: UUID) -> list[RightCheck]:
    return await prechecks.check_rights(
        session, actor=actor, right_ids=right_ids, on=ON, loan_ends_on=LOAN_ENDS
    )


async def grounds(session: AsyncSession, actor: Actor, right: Right) -> list[str]:
    [checked] = await check(session, actor, right.id)
    return [finding.ground for finding in checked.findings]


def burden(right: Right, kind: str, ends_on: date | None = None) -> Encumbrance:
    return Encumbrance(
        right_id=right.id, kind=kind, holder="某行", starts_on=date(2024, 1, 1), ends_on=ends_on
    )


def event(right: Right, effect: str, day: int = 1) -> LegalEvent:
    return LegalEvent(
        id=new_id(),
        right_id=right.id,
        code=effect,
        announced_on=date(2025, 1, day),
        description="",
        effect=effect,
        source="manual",
    )


class TestCheckRights:
    @pytest.mark.parametrize("kind", list(RightKind))
    async def test_a_clean_right_of_any_kind_is_pledgeable(
        self, session: AsyncSession, firm: Organisation, actor: Actor, kind: RightKind
    ) -> None:
        right = await make_right(session, firm, kind)

        [checked] = await check(session, actor, right.id)

        assert checked == RightCheck(right.id, (), True, False, ())

    async def test_checks_come_in_the_order_asked(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        ids = [(await make_right(session, firm)).id for _ in range(3)]

        checks = await check(session, actor, ids[2], ids[0], ids[1])

        assert [checked.right_id for checked in checks] == [ids[2], ids[0], ids[1]]

    async def test_a_right_of_another_firm_is_not_there(
        self, session: AsyncSession, actor: Actor
    ) -> None:
        with pytest.raises(NotFound):
            await check(session, actor, new_id())

    async def test_a_right_held_by_a_live_deal_is_pledged(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        right = await make_right(session, firm)
        await pledge_right(session, firm, right)
        await bind(session, actor)

        assert await grounds(session, actor, right) == ["already_pledged"]

    async def test_a_patent_that_ends_too_early_is_left_out(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        right = await make_right(session, firm, expires_on=date(2027, 1, 1))

        [checked] = await check(session, actor, right.id)

        assert (checked.pledgeable, checked.left_out) == (False, True)

    async def test_the_firms_name_is_read_without_width_and_spaces(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        right = await make_right(session, firm, holder_name="宁夏示例(集团) 有限公司")

        assert await grounds(session, actor, right) == []

    async def test_another_holder_is_not_the_pledgor(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        right = await make_right(session, firm, holder_name="别家公司")

        assert await grounds(session, actor, right) == ["pledgor_not_owner", "co_owner_consent"]

    async def test_every_other_holder_must_consent(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        right = await make_right(session, firm)
        owner = CoOwner(right_id=right.id, name="某院")
        session.add(owner)
        await session.flush()
        before = await grounds(session, actor, right)

        owner.consent_document_id = (await make_document(session, firm.id)).id
        await session.flush()

        assert before == ["co_owner_consent"]
        assert await grounds(session, actor, right) == []

    @pytest.mark.parametrize(
        ("kind", "ends_on", "expected"),
        [
            ("pledge", None, ["already_pledged"]),
            ("pledge", date(2026, 11, 22), []),
            ("preservation", date(2026, 11, 23), ["preserved"]),
            ("other", None, []),
        ],
    )
    async def test_burdens_count_while_they_last(
        self,
        *,
        session: AsyncSession,
        firm: Organisation,
        actor: Actor,
        kind: str,
        ends_on: date | None,
        expected: list[str],
    ) -> None:
        right = await make_right(session, firm)
        session.add(burden(right, kind, ends_on))
        await session.flush()

        assert await grounds(session, actor, right) == expected

    async def test_an_exclusive_licence_bars_a_copyright_only(
        self, session: AsyncSession, firm: Organisation, actor: Actor
    ) -> None:
        software = await make_right(session, firm, RightKind.SOFTWARE_COPYRIGHT)
        patent = await make_right(session, firm)
        for right in (software, patent):
            session.add(
                Licence(
                    right_id=right.id, licensee="某厂", exclusive=True, starts_on=date(2024, 1, 1)
                )
            )
        await session.flush()

        assert await grounds(session, actor, software) == ["exclusive_licence"]
        assert await grounds(session, actor, patent) == []

    @pytest.mark.parametrize(
        ("effects", "expected"),
        [
            (["pledge"], ["already_pledged"]),
            (["pledge", "pledge_end"], []),
            (["pledge_unclear"], ["register_unclear"]),
            (["pledge_unclear", "pledge_end"], []),
            (["invalid_unclear"], ["register_unclear"]),
            (["transfer"], []),
        ],
    )
    async def test_the_registers_events_count(
        self,
        session: AsyncSession,
        firm: Organisation,
        actor: Actor,
        effects: list[str],
        expected: list[str],
    ) -> None:
        right = await make_right(session, firm)
        session.add_all(event(right, effect, day) for day, effect in enumerate(effects, start=1))
        await session.flush()

        assert await grounds(session, actor, right) == expected

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"annuity_paid_through_year": 5}, ["annuity_unpaid"]),
            ({"annuity_paid_through_year": None}, ["annuity_unknown"]),
            ({"granted_on": None}, ["not_granted"]),
            ({"granted_on": None, "grant_number": "CN112345678B"}, []),
            ({"jurisdiction": "EP"}, ["foreign"]),
        ],
    )
    async def test_fees_grant_and_country_count(
        self,
        session: AsyncSession,
        firm: Organisation,
        actor: Actor,
        fields: dict[str, Any],
        expected: list[str],
    ) -> None:
        right = await make_right(
            session,
            firm,
            **({"filed_on": date(2021, 5, 30), "expires_on": date(2041, 5, 30)} | fields),
        )

        assert await grounds(session, actor, right) == expected


class TestConsent:
    async def test_a_warning_with_consent_leaves_the_right_pledgeable(
        self, session: AsyncSession, firm: Organisation, actor: Actor, now: datetime
    ) -> None:
        right = await make_right(session, firm, invalidation_pending=True)
        [before] = await check(session, actor, right.id)

        for _ in range(2):
            given = await prechecks.consent(
                session,
                actor=actor,
                right_id=right.id,
                ground="invalidation_pending",
                statement="知悉并同意",
                now=now,
            )

        [after] = await check(session, actor, right.id)
        assert (before.pledgeable, before.unconsented) == (False, ("invalidation_pending",))
        assert (after.pledgeable, after.unconsented) == (True, ())
        assert given.consented_by == actor.user_id

    @pytest.mark.parametrize("ground", ["disputed", "no_such_ground"])
    async def test_what_blocks_cannot_be_waived(
        self, session: AsyncSession, firm: Organisation, actor: Actor, now: datetime, ground: str
    ) -> None:
        right = await make_right(session, firm)

        with pytest.raises(FieldRefused, match="ground: is no ground of patents"):
            await prechecks.consent(
                session, actor=actor, right_id=right.id, ground=ground, statement="同意", now=now
            )

    async def test_a_program_cannot_consent(
        self, session: AsyncSession, firm: Organisation, now: datetime
    ) -> None:
        right = await make_right(session, firm)
        program = Actor(firm.id, OrganisationKind.ENTERPRISE, client_id=new_id())

        with pytest.raises(PersonNeeded):
            await prechecks.consent(
                session,
                actor=program,
                right_id=right.id,
                ground="invalidation_pending",
                statement="同意",
                now=now,
            )


class TestFindAnnuity:
    @pytest.mark.parametrize(
        ("kind", "jurisdiction", "known"),
        [
            (RightKind.DESIGN, "CN", True),
            (RightKind.DESIGN, "EP", False),
            (RightKind.TRADEMARK, "CN", False),
        ],
    )
    async def test_only_chinese_patents_have_annual_fees(
        self,
        session: AsyncSession,
        firm: Organisation,
        kind: RightKind,
        jurisdiction: str,
        known: bool,
    ) -> None:
        right = await make_right(session, firm, kind, jurisdiction=jurisdiction)

        assert (await prechecks.find_annuity(session, right, on=ON) is not None) is known
