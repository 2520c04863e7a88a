"""Firms claim parks, parks certify, refuse and end; firms enter their profile."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import MembershipStatus, OrganisationKind, OrganisationStatus
from app.schemas.organisations import FirmProfileIn
from app.services import firms, history, memberships
from app.services.actor import Actor, KindRefused, NotVerified, bind
from app.services.firms import NoProfile
from app.services.memberships import AlreadyClaimed
from tests.make.parties import make_actor, make_organisation


@pytest.fixture
async def firm(session: AsyncSession) -> Actor:
    return await make_actor(session, await make_organisation(session, OrganisationKind.ENTERPRISE))


@pytest.fixture
async def park(session: AsyncSession) -> Actor:
    organisation = await make_organisation(session, OrganisationKind.PARK, park_code="PINGLUO")
    return await make_actor(session, organisation)


@pytest.fixture
async def authority(session: AsyncSession) -> Actor:
    return await make_actor(session, await make_organisation(session, OrganisationKind.AUTHORITY))


class TestMembership:
    async def test_is_claimed_by_the_firm_and_certified_by_the_park(
        self, session: AsyncSession, firm: Actor, park: Actor, now: datetime
    ) -> None:
        claimed = await memberships.claim(session, actor=firm, park_code="PINGLUO", now=now)
        certified = await memberships.certify(
            session, actor=park, membership_id=claimed.id, now=now
        )

        assert certified.status is MembershipStatus.CERTIFIED
        assert (certified.claimed_at, certified.decided_at) == (now, now)
        changes = await history.list_changes(session, [claimed.id])
        assert [(change.event, change.organisation_id) for change in changes] == [
            ("create", firm.organisation_id),
            ("certify", park.organisation_id),
        ]

    async def test_is_one_at_a_time_until_refused_or_ended(
        self, session: AsyncSession, firm: Actor, park: Actor, now: datetime
    ) -> None:
        first = await memberships.claim(session, actor=firm, park_code="PINGLUO", now=now)
        with pytest.raises(AlreadyClaimed):
            await memberships.claim(session, actor=firm, park_code="NINGDONG", now=now)
        await memberships.refuse(session, actor=park, membership_id=first.id, now=now)

        second = await memberships.claim(session, actor=firm, park_code="PINGLUO", now=now)
        await memberships.certify(session, actor=park, membership_id=second.id, now=now)
        await memberships.end(session, actor=firm, membership_id=second.id, now=now)
        third = await memberships.claim(session, actor=firm, park_code="PINGLUO", now=now)

        assert [first.status, second.status, third.status] == ["refused", "ended", "claimed"]

    async def test_is_decided_by_its_own_park_only(
        self, session: AsyncSession, firm: Actor, park: Actor, now: datetime
    ) -> None:
        elsewhere = await memberships.claim(session, actor=firm, park_code="NINGDONG", now=now)
        waiting = await make_actor(
            session,
            await make_organisation(
                session,
                OrganisationKind.PARK,
                park_code="NINGDONG",
                status=OrganisationStatus.PENDING,
            ),
        )

        for actor, error in ((park, NotFound), (firm, KindRefused), (waiting, NotVerified)):
            with pytest.raises(error):
                await memberships.certify(session, actor=actor, membership_id=elsewhere.id, now=now)

    async def test_that_is_only_claimed_cannot_end(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        claimed = await memberships.claim(session, actor=firm, park_code="PINGLUO", now=now)

        with pytest.raises(IllegalMove):
            await memberships.end(session, actor=firm, membership_id=claimed.id, now=now)

    @pytest.mark.parametrize("code", ["REGION", "NOWHERE"])
    async def test_needs_a_park(
        self, session: AsyncSession, firm: Actor, now: datetime, code: str
    ) -> None:
        with pytest.raises(FieldRefused):
            await memberships.claim(session, actor=firm, park_code=code, now=now)

    async def test_is_listed_for_firm_park_and_authority(
        self, session: AsyncSession, firm: Actor, park: Actor, authority: Actor, now: datetime
    ) -> None:
        other = await make_actor(
            session, await make_organisation(session, OrganisationKind.ENTERPRISE)
        )
        mine = await memberships.claim(session, actor=firm, park_code="PINGLUO", now=now)
        theirs = await memberships.claim(session, actor=other, park_code="PINGLUO", now=now)

        async def listed(actor: Actor, **options: Any) -> list[Any]:
            rows = await memberships.list_memberships(session, actor=actor, limit=9, **options)
            return [membership for membership, _ in rows]

        assert await listed(firm) == [mine]
        assert await listed(park) == [mine, theirs] == await listed(authority)
        assert await listed(park, after=mine.id) == [theirs]
        assert await listed(park, status=MembershipStatus.CERTIFIED) == []


def profile(**changes: Any) -> FirmProfileIn:
    return FirmProfileIn.model_validate(
        {
            "industry": "industry",
            "field": "new_materials",
            "employees": 120,
            "revenue": "38000000.00",
            "registered_on": "2018-05-10",
            "credit_authorised_on": "2026-11-02",
        }
        | changes
    )


class TestProfile:
    async def test_is_entered_and_replaced_by_the_firm(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        await bind(session, firm)
        await firms.put_profile(session, actor=firm, profile=profile(), now=now)
        later = now + timedelta(days=1)

        stored = await firms.put_profile(
            session, actor=firm, profile=profile(field=None, employees=130), now=later
        )

        assert (stored.field, stored.employees) == (None, 130)
        assert stored.revenue == Money.yuan(38_000_000)
        assert stored.registered_on == date(2018, 5, 10)
        assert stored.updated_at == later
        own = await firms.get_profile(session, actor=firm, firm_id=firm.organisation_id)
        assert own is stored

    @pytest.mark.parametrize("named", ["工业", "工 业", "industry", "INDUSTRY", "ｉｎｄｕｓｔｒｙ"])
    async def test_takes_every_name_of_an_industry_that_the_calculator_takes(
        self, session: AsyncSession, firm: Actor, now: datetime, named: str
    ) -> None:
        await bind(session, firm)

        stored = await firms.put_profile(
            session, actor=firm, profile=profile(industry=named), now=now
        )

        assert stored.industry == "industry"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"industry": "alchemy"}, "industry"),
            ({"field": "alchemy"}, "field"),
            ({"registered_on": "2026-11-24"}, "registered_on"),
            ({"credit_authorised_on": "2026-11-24"}, "credit_authorised_on"),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, session: AsyncSession, firm: Actor, now: datetime, changes: Any, field: str
    ) -> None:
        with pytest.raises(FieldRefused) as refusal:
            await firms.put_profile(session, actor=firm, profile=profile(**changes), now=now)

        assert refusal.value.field == field

    @pytest.mark.parametrize("name", ["revenue", "assets"])
    def test_has_no_negative_figures(self, name: str) -> None:
        with pytest.raises(ValidationError, match="must not be negative") as refusal:
            profile(**{name: "-0.01"})

        assert refusal.value.errors()[0]["ctx"]["field"] == name

    async def test_keeps_the_authoritys_marks_when_replaced(
        self, session: AsyncSession, firm: Actor, authority: Actor, now: datetime
    ) -> None:
        await firms.put_profile(session, actor=firm, profile=profile(), now=now)
        await firms.set_marks(
            session,
            actor=authority,
            firm_id=firm.organisation_id,
            dishonest=True,
            abnormal=False,
            now=now,
        )

        stored = await firms.put_profile(session, actor=firm, profile=profile(), now=now)

        assert (stored.dishonest, stored.abnormal) == (True, False)

    async def test_is_marked_by_the_authority_only_and_only_where_there_is_one(
        self, session: AsyncSession, firm: Actor, authority: Actor, now: datetime
    ) -> None:
        async def mark(actor: Actor, firm_id: Any) -> None:
            await firms.set_marks(
                session, actor=actor, firm_id=firm_id, dishonest=True, abnormal=True, now=now
            )

        with pytest.raises(KindRefused):
            await mark(firm, firm.organisation_id)
        with pytest.raises(NoProfile):
            await mark(authority, firm.organisation_id)
        for nobody in (authority.organisation_id, new_id()):
            with pytest.raises(NotFound):
                await mark(authority, nobody)
        with pytest.raises(NoProfile):
            await firms.get_profile(session, actor=firm, firm_id=firm.organisation_id)
