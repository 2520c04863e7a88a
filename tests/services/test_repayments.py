"""What a repayment settles, what it refuses, and the room its principal frees."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DealStatus, LoanStatus
from app.lifecycle.financing import RequestStatus
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.financing import FinancingRequest
from app.models.records import StatusChange
from app.services import repayments, schedules
from app.services.ledger import AccountRole, Book
from app.services.loans import LoanRepaid
from app.services.repayments import (
    MoreThanDue,
    ReceiptReused,
)
from tests.make.limits import at, balances
from tests.make.loans import make_drawn, pay, receipt
from tests.make.parties import make_actor, make_organisation
from tests.make.programme import set_terms

JUNE_20 = date(2026, 6, 20)
JULY_20 = date(2026, 7, 20)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


class TestScheduled:
    async def test_settles_the_interest_that_fell_due(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        # 5,000,000 at 3.6 % for 31 of 360 days.
        repayment = await pay(session, drawn, "15500.00", JUNE_20)

        assert (repayment.interest, repayment.principal) == (Money.yuan(15_500), ZERO)
        assert repayment.freed == ZERO
        lines = await schedules.list_lines(session, drawn.loan)
        assert lines[0].paid_interest == lines[0].interest
        assert not schedules.dues_on(drawn.loan, lines, on=JUNE_20)

    async def test_frees_quota_and_limit_as_principal_falls(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, terms={"method": "equal_principal"})
        before = await balances(session, drawn.deal)
        line = (await schedules.list_lines(session, drawn.loan))[0]

        repayment = await pay(session, drawn, line.principal + line.interest, JUNE_20)

        # 80 % of 4,583,333.33 is still guaranteed.
        assert repayment.principal == Money.yuan("416666.67")
        assert drawn.loan.liability == Money.yuan("3666666.66")
        assert repayment.freed == Money.yuan("333333.34")
        after = await balances(session, drawn.deal)
        for book in (Book.QUOTA, Book.GUARANTOR):
            assert after[book, AccountRole.OUTSTANDING] == drawn.loan.liability
            available = after[book, AccountRole.AVAILABLE] - before[book, AccountRole.AVAILABLE]
            assert available == repayment.freed

    async def test_a_commercial_guarantor_frees_only_its_own_limit(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(
            session,
            terms={"method": "equal_principal"},
            guarantor_type=GuarantorType.COMMERCIAL,
        )
        before = await balances(session, drawn.deal)

        await pay(session, drawn, "432166.67", JUNE_20)

        after = await balances(session, drawn.deal)
        assert after[Book.QUOTA, AccountRole.AVAILABLE] == before[Book.QUOTA, AccountRole.AVAILABLE]
        assert after[Book.GUARANTOR, AccountRole.OUTSTANDING] == drawn.loan.liability

    async def test_room_above_the_signed_capacity_leaves_the_limit(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, limit=Money.yuan(4_000_000))
        await set_terms(session, drawn.deal.guarantor_id, Money.yuan(3_500_000))

        await pay(session, drawn, "1000500.00", date(2026, 5, 21), choice=KEEP_TERM)

        # The liability is 3,200,000; 300,000 of the 800,000 freed were signed for.
        after = await balances(session, drawn.deal)
        assert after[Book.GUARANTOR, AccountRole.OUTSTANDING] == Money.yuan(3_200_000)
        assert after[Book.GUARANTOR, AccountRole.AVAILABLE] == Money.yuan(300_000)

    async def test_settles_the_oldest_instalment_first_with_penalty_before_interest(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)

        # 30 days late: 15,500 at 5.4 % for 30 of 360 days is 69.75; then 5,000 of the interest.
        repayment = await pay(session, drawn, "5069.75", JULY_20)

        assert repayment.penalty == Money.yuan("69.75")
        assert repayment.interest == Money.yuan(5_000)
        lines = await schedules.list_lines(session, drawn.loan)
        assert (lines[0].paid_interest, lines[1].paid_interest) == (Money.yuan(5_000), ZERO)

    async def test_penalty_runs_on_only_on_what_is_still_overdue(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        await pay(session, drawn, "5069.75", JULY_20)

        lines = await schedules.list_lines(session, drawn.loan)

        # Ten more days on 10,500 of June (15.75) and on 15,000 of July (22.50).
        owed = schedules.statement_on(drawn.loan, lines, on=date(2026, 7, 30))
        assert [due.penalty for due in owed.due] == [Money.yuan("15.75"), Money.yuan("22.50")]
        assert owed.due_amount == Money.yuan("25538.25")
        assert owed.days_past_due == 40

    async def test_refuses_more_than_is_due_and_names_it(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(MoreThanDue) as refusal:
            await pay(session, drawn, "15500.01", JUNE_20)

        assert refusal.value.due == Money.yuan(15_500)

    async def test_the_last_instalment_ends_the_loan_and_leaves_the_pledge(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, terms={"method": "bullet", "term_months": 1})

        await pay(session, drawn, "5015500.00", JUNE_20)

        assert drawn.loan.status is LoanStatus.REPAID
        assert drawn.deal.status is DealStatus.REPAID
        assert drawn.loan.liability == ZERO
        request = await session.get_one(FinancingRequest, drawn.deal.request_id)
        assert request.status is RequestStatus.MATCHED
        after = await balances(session, drawn.deal)
        assert after[Book.QUOTA, AccountRole.OUTSTANDING] == ZERO
        with pytest.raises(LoanRepaid):
            await pay(session, drawn, "1.00", JUNE_20)

    async def test_a_late_last_instalment_ends_the_loan_too(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, terms={"method": "bullet", "term_months": 1})
        lines = await schedules.list_lines(session, drawn.loan)
        drawn.loan.status = LoanStatus.OVERDUE
        owed = schedules.statement_on(drawn.loan, lines, on=JULY_20)

        await pay(session, drawn, owed.payoff, JULY_20)

        assert drawn.loan.status is LoanStatus.REPAID

    async def test_catching_up_cures_an_overdue_loan(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        drawn.loan.status = LoanStatus.OVERDUE

        await pay(session, drawn, "15500.00", JUNE_20)

        assert drawn.loan.status is LoanStatus.PERFORMING
        event = await session.scalar(
            select(StatusChange.event)
            .where(StatusChange.subject_id == drawn.loan.id)
            .order_by(StatusChange.id.desc())
            .limit(1)
        )
        assert event == "cure"

    @pytest.mark.parametrize("on", [date(2026, 6, 19), date(2026, 6, 21)])
    async def test_refuses_a_day_before_the_last_receipt_or_after_today(
        self, session: AsyncSession, on: date
    ) -> None:
        drawn = await make_drawn(session)
        await pay(session, drawn, "5000.00", JUNE_20)

        with pytest.raises(FieldRefused, match="received_on"):
            await repayments.record(
                session,
                actor=drawn.bank,
                loan_id=drawn.loan.id,
                data=receipt("100.00", on),
                now=at(JUNE_20),
            )


class TestReceipts:
    async def test_the_same_receipt_is_recorded_once(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        first = await pay(session, drawn, "5000.00", JUNE_20, reference="R-1")

        again = await pay(session, drawn, "5000.00", JUNE_20, reference="R-1")

        assert again.id == first.id
        lines = await schedules.list_lines(session, drawn.loan)
        assert lines[0].paid_interest == Money.yuan(5_000)

    async def test_another_content_under_the_same_number_is_refused(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        await pay(session, drawn, "5000.00", JUNE_20, reference="R-1")

        with pytest.raises(ReceiptReused):
            await pay(session, drawn, "5000.01", JUNE_20, reference="R-1")

    async def test_another_bank_sees_no_loan(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        other = await make_organisation(session, OrganisationKind.BANK)
        drawn.bank = await make_actor(session, other)

        with pytest.raises(NotFound):
            await pay(session, drawn, "1.00", JUNE_20)

    async def test_the_firm_cannot_confirm_its_own_money(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        drawn.bank = drawn.firm

        with pytest.raises(Forbidden):
            await pay(session, drawn, "1.00", JUNE_20)
