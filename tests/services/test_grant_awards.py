"""From the ranking to the claw-back: who has the money and the places, and who decides."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.grants.measure_files import MEASURES
from app.lifecycle.grants import ApplicationStatus
from app.lifecycle.machine import IllegalMove
from app.models.grants import GrantApplication
from app.schemas.grant_desk import AuditIn, ClawBackIn, ClawedBackIn
from app.schemas.grants import ProgrammeIn
from app.services import (
    grant_endings,
    grant_notices,
    grant_payments,
    grant_programmes,
)
from app.services.grant_budgets import BudgetSpent
from app.services.grant_payments import NoticeRunning, ObjectionsOpen
from app.services.grant_rules import DoneOtherwise, OnePersonTwice
from tests.make import grants
from tests.make.grants import AFTER_NOTICE, TODAY, Desk
from tests.make.market import make_firm
from tests.make.parties import NOW


class TestRanking:
    async def test_the_best_are_recommended_and_a_withdrawn_place_goes_to_the_next(
        self, session: AsyncSession
    ) -> None:
        """Of 1,100,000 the best two take 600,000 and what is left; the third waits."""
        desk = await grants.make_desk(session, 2)
        marks = {"C": 70, "A": 90, "D": 50, "B": 80}
        rows = {
            key: await grants.reviewed(session, desk, key, mark=mark) for key, mark in marks.items()
        }
        assert [row.key for row in await grants.rank(session, desk)] == ["A", "B", "C", "D"]
        assert {key: row.status.value for key, row in rows.items()} == {
            "A": "recommended", "B": "recommended", "C": "reviewing", "D": "rejected",
        }  # fmt: skip
        assert (rows["A"].award, rows["B"].award) == (Money.yuan(600_000), Money.yuan(500_000))

        await grants.notice(session, desk, rows["A"])
        await grants.approve(session, desk, rows["A"])
        await grant_endings.withdraw(
            session, actor=desk.firm, application_id=rows["A"].id, now=AFTER_NOTICE
        )

        assert rows["C"].status is ApplicationStatus.RECOMMENDED
        assert (await grants.state_of(session, desk)).left == Money.yuan(1_100_000)
        for key in "BC":
            await grants.notice(session, desk, rows[key])
        # B asked for 600,000 and has it now; C has what is left.
        assert (rows["B"].award, rows["C"].award) == (Money.yuan(600_000), Money.yuan(500_000))
        assert (await grants.state_of(session, desk)).left == ZERO

    async def test_nothing_is_noticed_beyond_the_pot(self, session: AsyncSession) -> None:
        desk = await grants.make_desk(session, 2)
        rows = await grants.make_recommended(session, desk, 3)
        for row in rows[:2]:
            await grants.notice(session, desk, row)

        with pytest.raises(BudgetSpent) as refused:
            await grants.notice(session, desk, rows[2])
        assert refused.value.left == "0.00"

    async def test_a_year_has_a_pot_of_its_own_and_two_programmes_share_it(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session, 5)
        other = await grant_programmes.create_programme(
            session,
            actor=desk.first,
            data=ProgrammeIn(measure=5, title="另一项目"),
            measures=MEASURES,
            now=NOW,
        )
        later = await grant_programmes.create_programme(
            session,
            actor=desk.first,
            data=ProgrammeIn(measure=5, title="来年", year=2027),
            measures=MEASURES,
            now=NOW,
        )
        assert other.budget_id == desk.programme.budget_id != later.budget_id


class TestNotice:
    async def test_it_runs_five_working_days_and_then_another_person_decides(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        application = await grants.recommended(session, desk)
        await grants.notice(session, desk, application)
        assert application.notice_until == TODAY + timedelta(days=7)

        for actor, now, error in (
            (desk.second, NOW + timedelta(days=7), NoticeRunning),
            (desk.first, AFTER_NOTICE, OnePersonTwice),
        ):
            async with session.begin_nested() as savepoint:
                with pytest.raises(error):
                    await grant_payments.approve(
                        session, actor=actor, application_id=application.id, now=now
                    )
                await savepoint.rollback()
            await session.refresh(application)
        await grant_payments.approve(
            session,
            actor=desk.second,
            application_id=application.id,
            now=NOW + timedelta(days=8),
        )

    async def test_an_objection_is_answered_first_and_an_upheld_one_ends_the_notice(
        self, session: AsyncSession
    ) -> None:
        desk = await grants.make_desk(session)
        application = await grants.recommended(session, desk)
        await grants.notice(session, desk, application)
        rival = await make_firm(session)
        objection = await grant_notices.object_to(
            session, actor=rival, application_id=application.id, text="关联交易", now=NOW
        )
        async with session.begin_nested() as savepoint:
            with pytest.raises(ObjectionsOpen):
                await grants.approve(session, desk, application)
            await savepoint.rollback()
        await session.refresh(application)

        await grant_notices.answer(
            session, actor=desk.first, objection_id=objection.id, upheld=True, words="属实",
            now=NOW,
        )  # fmt: skip

        assert (application.status, application.round) == (ApplicationStatus.REVIEWING, 2)
        assert (await grants.state_of(session, desk)).reserved == ZERO


class TestMoney:
    async def paid(self, session: AsyncSession) -> tuple[Desk, GrantApplication]:
        desk = await grants.make_desk(session, 2)
        application = await grants.recommended(session, desk)
        await grants.notice(session, desk, application)
        await grants.approve(session, desk, application)
        await grants.pay(session, desk, application)
        return desk, application

    async def test_a_payment_said_again_is_one_payment_and_another_is_refused(
        self, session: AsyncSession
    ) -> None:
        desk, application = await self.paid(session)
        for actor in (desk.first, desk.second):
            await grant_payments.pay(
                session, actor=actor, application_id=application.id, data=grants.payment(),
                now=AFTER_NOTICE,
            )  # fmt: skip
        with pytest.raises(DoneOtherwise):
            await grant_payments.pay(
                session,
                actor=desk.first,
                application_id=application.id,
                data=grants.payment("CZ-2"),
                now=AFTER_NOTICE,
            )
        assert (await grants.state_of(session, desk)).paid == Money.yuan(600_000)

    async def test_the_one_who_decided_does_not_pay(self, session: AsyncSession) -> None:
        desk = await grants.make_desk(session, 2)
        application = await grants.recommended(session, desk)
        await grants.notice(session, desk, application)
        await grants.approve(session, desk, application)
        await grants.agree(session, desk, application)

        with pytest.raises(OnePersonTwice):
            await grant_payments.pay(
                session, actor=desk.second, application_id=application.id,
                data=grants.payment(), now=AFTER_NOTICE,
            )  # fmt: skip

    async def test_what_an_audit_finds_is_clawed_back_into_the_pot_by_two_people(
        self, session: AsyncSession
    ) -> None:
        desk, application = await self.paid(session)
        identity: dict[str, Any] = {"application_id": application.id, "now": AFTER_NOTICE}
        await grant_payments.audit(
            session, actor=desk.first, data=AuditIn(passed=False, findings="挪用"), **identity
        )
        await grant_payments.claw_back(
            session,
            actor=desk.first,
            data=ClawBackIn(amount=Money.yuan(200_000), reason="挪用部分"),
            **identity,
        )
        receipt = ClawedBackIn(received_on=AFTER_NOTICE.date(), reference="TK-1")
        with pytest.raises(OnePersonTwice):
            await grant_payments.recover(session, actor=desk.first, data=receipt, **identity)
        for _ in range(2):
            await grant_payments.recover(session, actor=desk.second, data=receipt, **identity)

        state = await grants.state_of(session, desk)
        assert (state.paid, state.clawed_back) == (Money.yuan(400_000), Money.yuan(200_000))
        assert state.left == Money.yuan(700_000)
        with pytest.raises(IllegalMove):
            await grant_endings.withdraw(session, actor=desk.firm, **identity)
