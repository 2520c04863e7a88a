"""Money that comes in before it is due: accrued interest, then principal, then a new schedule."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DrawdownStatus, LoanStatus
from app.models.deals import Deal, Drawdown
from app.services import ledger, loans, schedules
from app.services.ledger import AccountRole, Book
from app.services.repayments import (
    MoreThanOwed,
    NothingPrepaid,
)
from tests.make.limits import at, balances, get_account
from tests.make.loans import make_drawn, pay

JUNE_20 = date(2026, 6, 20)
JULY_20 = date(2026, 7, 20)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


class TestPrepayment:
    async def test_pays_accrued_interest_then_principal_and_reschedules(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)

        # Twelve days at 500 a day.
        repayment = await pay(session, drawn, "1006000.00", date(2026, 6, 1), choice=KEEP_TERM)

        assert repayment.interest == Money.yuan(6_000)
        assert repayment.principal == Money.yuan(1_000_000)
        assert drawn.loan.outstanding == Money.yuan(4_000_000)
        assert drawn.loan.liability == Money.yuan(3_200_000)
        lines = await schedules.list_lines(session, drawn.loan)
        assert drawn.loan.schedule_version == 2
        # Nineteen days of June are left, at 400 a day.
        assert lines[0].interest == Money.yuan(7_600)
        assert Money.sum([line.principal for line in lines]) == Money.yuan(4_000_000)

    async def test_settles_what_is_due_first(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        repayment = await pay(session, drawn, "1015500.00", JUNE_20, choice=KEEP_TERM)

        assert repayment.principal == Money.yuan(1_000_000)
        lines = await schedules.list_lines(session, drawn.loan)
        assert lines[0].paid_interest == Money.yuan(15_500)
        assert lines[1].interest == Money.yuan(12_000)

    async def test_keeping_the_instalment_brings_the_end_nearer(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, terms={"method": "equal_principal"})

        await pay(
            session,
            drawn,
            "2000500.00",
            date(2026, 5, 21),
            choice=PrepaymentChoice.KEEP_INSTALMENT,
        )

        lines = await schedules.list_lines(session, drawn.loan)
        assert len(lines) == 8
        assert lines[0].principal == Money.yuan("416666.67")

    async def test_paying_all_of_it_ends_the_loan(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, terms={"method": "equal_instalment"})
        detail = await loans.get_detail(
            session,
            actor=drawn.firm,
            loan_id=drawn.loan.id,
            on=date(2026, 7, 1),
            now=at(date(2026, 7, 1)),
        )

        await pay(
            session,
            drawn,
            detail.statement.payoff,
            date(2026, 7, 1),
            choice=KEEP_TERM,
        )

        assert drawn.loan.status is LoanStatus.REPAID
        assert drawn.loan.outstanding == drawn.loan.liability == ZERO

    async def test_refuses_more_than_the_payoff(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(MoreThanOwed) as refusal:
            await pay(session, drawn, "5000500.01", date(2026, 5, 21), choice=KEEP_TERM)

        assert refusal.value.payoff == Money.yuan("5000500.00")

    async def test_refuses_one_that_reaches_no_principal(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(NothingPrepaid):
            await pay(session, drawn, "500.00", date(2026, 5, 21), choice=KEEP_TERM)

    async def test_a_loan_without_a_guarantor_uses_no_room(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, guarantor_type=None)

        repayment = await pay(session, drawn, "1000500.00", date(2026, 5, 21), choice=KEEP_TERM)

        assert repayment.freed == ZERO

    async def test_a_loan_is_not_repaid_while_a_tranche_is_released(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        session.add(
            Drawdown(
                id=new_id(),
                deal_id=drawn.deal.id,
                bank_id=drawn.deal.bank_id,
                tranche=0,
                amount=Money(1),
                last=True,
                status=DrawdownStatus.RELEASED,
                released_at=at(JUNE_20),
                valid_until=JULY_20,
            )
        )

        await pay(session, drawn, "5000500.00", date(2026, 5, 21), choice=KEEP_TERM)

        assert (drawn.loan.outstanding, drawn.loan.status) == (ZERO, LoanStatus.PERFORMING)

    async def test_what_was_never_drawn_is_voided_at_the_end(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        owner = str(drawn.deal.guarantor_id)
        available = await get_account(session, Book.GUARANTOR, owner, AccountRole.AVAILABLE)
        used = await get_account(session, Book.GUARANTOR, owner, AccountRole.OUTSTANDING)
        hold = ledger.hold("accept", available.id, used.id, Money.yuan(100), drawn.deal.id)
        await ledger.apply(session, [hold])
        drawn.deal.hold_id, drawn.deal.held = hold.id, Money.yuan(100)
        await session.flush()

        await pay(session, drawn, "5000500.00", date(2026, 5, 21), choice=KEEP_TERM)

        deal = await session.get_one(Deal, drawn.deal.id)
        assert (deal.hold_id, deal.held) == (None, ZERO)
        after = await balances(session, drawn.deal)
        assert after[Book.GUARANTOR, AccountRole.AVAILABLE] == Money.yuan(10_000_000)
