"""What the registers announce of a right, and what it does to it."""

from datetime import date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.rights import Right
from app.schemas.rights import EventIn
from app.services import right_events
from app.services.actor import Actor, bind
from app.services.right_events import EventKnown, ReliefNotYours
from tests.make.parties import make_actor, make_organisation
from tests.make.rights import make_right

RELIEVING = {"RR01", "PD01", "PC01"}


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    actor = await make_actor(session, firm)
    await bind(session, actor)
    return actor


class TestRecordEvent:
    @pytest.fixture
    async def right(self, session: AsyncSession, firm: Organisation) -> Right:
        return await make_right(session, firm)

    async def record(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime, *events: str
    ) -> None:
        """Each event as "CODE day"."""
        authority = await make_actor(
            session, await make_organisation(session, OrganisationKind.AUTHORITY)
        )
        for code, day in (event.split() for event in events):
            await bind(session, authority if code in RELIEVING else actor)
            await right_events.record_event(
                session,
                actor=authority if code in RELIEVING else actor,
                right_id=right.id,
                stated=EventIn(code=code, announced_on=day),
                now=now,
            )

    @pytest.mark.parametrize("code", sorted(RELIEVING))
    async def test_the_owner_does_not_lift_what_stands_against_its_right(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime, code: str
    ) -> None:
        with pytest.raises(ReliefNotYours):
            await right_events.record_event(
                session,
                actor=actor,
                right_id=right.id,
                stated=EventIn.model_validate({"code": code, "announced_on": "2025-05-01"}),
                now=now,
            )

    @pytest.mark.parametrize(
        ("events", "ended_on", "preserved"),
        [
            (["CF01 2025-05-01"], date(2025, 5, 1), False),
            (["CX01 2025-05-01", "PB01 2022-01-01"], date(2025, 5, 1), False),
            (["CF01 2025-05-01", "RR01 2025-09-01"], None, False),
            (["RR01 2025-09-01", "CF01 2025-05-01"], None, False),
            (["PP01 2025-05-01"], None, True),
            (["PP01 2025-05-01", "PD01 2026-05-01"], None, False),
            (["PE01 2025-05-01", "NOBODY 2025-05-02"], None, False),
        ],
    )
    async def test_the_order_of_days_decides_not_of_recording(
        self,
        *,
        session: AsyncSession,
        actor: Actor,
        right: Right,
        now: datetime,
        events: list[str],
        ended_on: date | None,
        preserved: bool,
    ) -> None:
        await self.record(session, actor, right, now, *events)

        assert (right.ended_on, right.preserved) == (ended_on, preserved)

    async def test_the_same_event_is_recorded_once(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        await self.record(session, actor, right, now, "PP01 2025-05-01")

        with pytest.raises(EventKnown):
            await self.record(session, actor, right, now, "PP01 2025-05-01")

    async def test_an_event_to_come_is_refused(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match="announced_on: is in the future"):
            await self.record(session, actor, right, now, "PP01 2027-05-01")

    async def test_every_chinese_code_has_an_effect(self, session: AsyncSession) -> None:
        table = await right_events.effects(session, on=date(2026, 11, 23))

        assert len(table["CN"]) == 110
