"""Mistaken repayments are undone exactly, and their room is taken back ahead of the queue."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import NotFound
from app.core.money import Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DealStatus, LoanStatus, RegistrationStatus
from app.models.deals import Milestone
from app.models.loans import Repayment
from app.services import reversals, schedules
from app.services.repayments import ReceiptReversed
from app.services.reversals import (
    AlreadyReversed,
    NotTheLatest,
    PledgeDischarged,
    ScheduleMovedOn,
)
from tests.make.limits import at, balances
from tests.make.loans import DRAWN_ON, Drawn, draw, make_drawn, pay
from tests.make.programme import set_terms

MAY_21 = date(2026, 5, 21)
JUNE_20 = date(2026, 6, 20)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


async def reverse(
    session: AsyncSession, drawn: Drawn, repayment: Repayment, *, on: date = MAY_21
) -> Repayment:
    return await reversals.reverse(
        session, actor=drawn.bank, repayment_id=repayment.id, reason="误记", now=at(on)
    )


class TestReverse:
    async def test_puts_schedule_balances_and_liability_back(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        before = await balances(session, drawn.deal)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)

        await reverse(session, drawn, repayment)

        assert await balances(session, drawn.deal) == before
        assert drawn.loan.outstanding == Money.yuan(5_000_000)
        assert drawn.loan.liability == Money.yuan(4_000_000)
        assert (drawn.loan.schedule_version, drawn.loan.accrues_from) == (1, DRAWN_ON)
        assert repayment.reversal_reason == "误记"
        assert not drawn.loan.retake_waiting

    async def test_undoes_penalty_and_interest_of_late_instalments(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        july = date(2026, 7, 20)
        repayment = await pay(session, drawn, "5069.75", july)

        await reverse(session, drawn, repayment, on=july)

        lines = await schedules.list_lines(session, drawn.loan)
        owed = schedules.statement_on(drawn.loan, lines, on=july)
        assert owed.due_amount == Money.yuan("30569.75")
        assert drawn.loan.status is LoanStatus.OVERDUE  # at once, not with tomorrow's job

    async def test_a_repaid_loan_and_deal_live_again(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "5000500.00", MAY_21, KEEP_TERM)
        session.add(
            Milestone(
                deal_id=drawn.deal.id,
                kind="discharge_bank",
                recorded_by=drawn.deal.bank_id,
                recorded_at=at(MAY_21),
            )
        )

        await reverse(session, drawn, repayment)

        assert drawn.loan.status.value == "performing"
        assert drawn.deal.status is DealStatus.ACTIVE
        assert not (await session.scalars(select(Milestone))).all()
        again = await pay(session, drawn, "5000500.00", MAY_21, KEEP_TERM)
        assert again.freed == Money.yuan(4_000_000)
        assert drawn.loan.status is LoanStatus.REPAID

    async def test_what_left_the_limit_comes_back(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, limit=Money.yuan(4_000_000))
        await set_terms(session, drawn.deal.guarantor_id, Money.yuan(3_500_000))
        before = await balances(session, drawn.deal)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        assert repayment.withdrawn == Money.yuan(500_000)

        await reverse(session, drawn, repayment)

        assert await balances(session, drawn.deal) == before

    async def test_only_the_latest_can_be_reversed(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        first = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        second = await pay(session, drawn, "1000000.00", MAY_21, KEEP_TERM)

        with pytest.raises(NotTheLatest) as refusal:
            await reverse(session, drawn, first)

        assert refusal.value.latest == second.reference
        await reverse(session, drawn, second)
        await reverse(session, drawn, first)
        assert drawn.loan.outstanding == Money.yuan(5_000_000)

    async def test_its_receipt_is_not_taken_for_booked_again(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM, reference="R-1")
        await reverse(session, drawn, repayment)

        with pytest.raises(ReceiptReversed):
            await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM, reference="R-1")

    async def test_refuses_what_is_reversed_already(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await reverse(session, drawn, repayment)

        with pytest.raises(AlreadyReversed):
            await reverse(session, drawn, repayment)

    async def test_refuses_after_a_tranche_changed_the_schedule(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await draw(session, drawn.deal, Money.yuan(10), actor=drawn.bank, on=date(2026, 5, 22))

        with pytest.raises(ScheduleMovedOn):
            await reverse(session, drawn, repayment)

    async def test_refuses_once_the_pledge_is_discharged(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "5000500.00", MAY_21, KEEP_TERM)
        drawn.registrations[0].status = RegistrationStatus.CANCELLING

        with pytest.raises(PledgeDischarged):
            await reverse(session, drawn, repayment)

    async def test_an_unknown_repayment_is_not_found(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(NotFound):
            await reversals.reverse(
                session, actor=drawn.bank, repayment_id=new_id(), reason="x", now=at(MAY_21)
            )
