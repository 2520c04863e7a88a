"""A loan repaid before all of it was drawn, and what becomes of the rest."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DealStatus, LoanStatus
from app.models.deals import Deal, Drawdown
from app.models.loans import Loan, Repayment
from app.services import drawdowns, loans, repayments, reversals, schedules, sealing
from app.services.deals import ReleaseOut
from app.services.drawdowns import NothingUndrawn
from tests.make.deals import Table, make_ready, make_table
from tests.make.loans import receipt
from tests.make.parties import NOW

TODAY = business_date(NOW)
SHARE = Money.yuan(800_000)  # of a first tranche of 1,000,000
REST = Money.yuan(3_200_000)
TERMS = {"method": "equal_instalment", "instalment_multiple": "100.00"}


async def release(session: AsyncSession, table: Table, deal: Deal, now: datetime) -> Drawdown:
    return await drawdowns.release(
        session, actor=table.bank, deal_id=deal.id, amount=Money.yuan(1_000_000), now=now
    )


async def draw(
    session: AsyncSession, table: Table, deal: Deal, *, now: datetime = NOW, last: bool = False
) -> Loan:
    drawdown = await release(session, table, deal, now)
    await drawdowns.report_drawn(
        session,
        actor=table.bank,
        deal_id=deal.id,
        drawdown_id=drawdown.id,
        drawn_on=business_date(now),
        reference=f"FK-{drawdown.tranche}",
        last=last,
        now=now,
    )
    return (await session.scalars(select(Loan).where(Loan.deal_id == deal.id))).one()


async def repay_all(session: AsyncSession, table: Table, loan: Loan) -> Repayment:
    data = receipt(loan.outstanding, TODAY, choice=PrepaymentChoice.KEEP_TERM)
    return await repayments.record(session, actor=table.bank, loan_id=loan.id, data=data, now=NOW)


async def make_prepaid(session: AsyncSession) -> tuple[Table, Deal, Loan]:
    """One of five tranches drawn and repaid on the same day; the other four may still come."""
    table = await make_table(session, loan=TERMS)
    deal = await make_ready(session, table)
    loan = await draw(session, table, deal)
    await repay_all(session, table, loan)
    return table, deal, loan


async def forgo(session: AsyncSession, table: Table, deal_id: UUID) -> Deal:
    return await drawdowns.forgo_rest(session, actor=table.firm, deal_id=deal_id, now=NOW)


async def test_the_hold_of_what_is_not_drawn_stands(session: AsyncSession) -> None:
    _, deal, loan = await make_prepaid(session)

    assert (deal.status, deal.held) == (DealStatus.ACTIVE, REST)
    assert (loan.status, loan.outstanding, loan.liability) == (LoanStatus.PERFORMING, ZERO, ZERO)
    assert await sealing.verify(session) == []


async def test_a_further_tranche_runs_on_the_due_days_agreed(session: AsyncSession) -> None:
    table, deal, loan = await make_prepaid(session)
    later = NOW + timedelta(days=40)

    await draw(session, table, deal, now=later)

    lines = await schedules.list_lines(session, loan)
    first = await schedules.list_lines(session, loan, version=1)
    assert [(line.number, line.due_on) for line in lines] == [
        (line.number, line.due_on) for line in first if line.due_on > business_date(later)
    ]
    assert Money.sum([line.principal for line in lines]) == loan.outstanding
    assert lines[0].days > (lines[0].due_on - business_date(later)).days  # the period's own
    assert (loan.drawn, loan.liability) == (Money.yuan(2_000_000), SHARE)


async def test_the_instalment_keeps_its_multiple(session: AsyncSession) -> None:
    table, deal, loan = await make_prepaid(session)

    await draw(session, table, deal, now=NOW + timedelta(days=40))

    lines = await schedules.list_lines(session, loan)
    level = {line.principal + line.interest for line in lines[1:-1]}
    assert len(level) == 1
    assert level.pop().fen % Money.yuan(100).fen == 0


async def test_a_reversal_finds_the_hold_as_it_was(session: AsyncSession) -> None:
    table = await make_table(session, loan=TERMS)
    deal = await make_ready(session, table)
    loan = await draw(session, table, deal)
    repayment = await repay_all(session, table, loan)

    await reversals.reverse(
        session, actor=table.bank, repayment_id=repayment.id, reason="记错", now=NOW
    )

    assert (deal.held, loan.liability, repayment.freed) == (REST, SHARE, SHARE)


async def test_the_end_of_availability_repays_what_owes_nothing(session: AsyncSession) -> None:
    _, deal, loan = await make_prepaid(session)
    assert deal.available_until is not None
    after = NOW + (deal.available_until - TODAY) + timedelta(days=1)

    assert await drawdowns.end_availability(session, now=after) == 1
    assert await drawdowns.end_availability(session, now=after) == 0

    assert (deal.status, deal.held) == (DealStatus.REPAID, ZERO)
    assert loan.status is LoanStatus.REPAID
    assert await sealing.verify(session) == []


class TestForgoing:
    async def test_voids_the_rest_and_repays_a_loan_that_owes_nothing(
        self, session: AsyncSession
    ) -> None:
        table, deal, loan = await make_prepaid(session)

        await forgo(session, table, deal.id)

        assert (deal.status, deal.held, deal.hold_id) == (DealStatus.REPAID, ZERO, None)
        assert loan.status is LoanStatus.REPAID
        assert await sealing.verify(session) == []

    async def test_leaves_a_loan_that_owes_something_alive(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        loan = await draw(session, table, deal)

        await forgo(session, table, deal.id)

        assert (deal.status, deal.held) == (DealStatus.ACTIVE, ZERO)
        assert (loan.status, loan.liability) == (LoanStatus.PERFORMING, SHARE)
        with pytest.raises(NothingUndrawn):
            await forgo(session, table, deal.id)

    async def test_waits_for_the_report_on_a_release(self, session: AsyncSession) -> None:
        table, deal, _ = await make_prepaid(session)
        await release(session, table, deal, NOW)

        with pytest.raises(ReleaseOut):
            await forgo(session, table, deal.id)


async def test_a_bank_finds_the_loan_by_any_tranche(session: AsyncSession) -> None:
    table, deal, loan = await make_prepaid(session)
    await draw(session, table, deal)

    for reference in ("FK-1", "FK-2"):
        found = await loans.list_loans(session, actor=table.bank, reference=reference, limit=10)
        assert [row.id for row in found] == [loan.id]
    assert await loans.list_loans(session, actor=table.bank, reference="FK-3", limit=10) == []
