"""Institutions decide: approve, approve for less, decline; and what a failed deal undoes."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lifecycle.deals import (
    ApprovalStatus,
    DealStatus,
)
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.lifecycle.machine import IllegalMove
from app.models.deals import Approval, Condition, Deal, DealRight
from app.models.financing import FinancingRequest, Quote
from app.services import approvals, contracts, drawdowns, sealing
from app.services.actor import KindRefused
from app.services.approvals import ConditionMet
from app.services.deals import DealNotReady, ReleaseOut
from app.services.ledger import AccountRole, Book
from tests.make.deals import (
    Table,
    accept,
    approve_all,
    confirm_all,
    make_ready,
    make_table,
)
from tests.make.limits import get_account
from tests.make.parties import NOW
from tests.make.rights import make_document


async def fresh(session: AsyncSession, table: Table) -> tuple[Quote, Quote, FinancingRequest]:
    for row in (table.loan, table.guarantee, table.request):
        await session.refresh(row)
    return table.loan, table.guarantee, table.request


class TestApprove:
    async def test_when_all_have_approved_the_contracts_are_due(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        await approvals.approve(
            session,
            actor=table.bank,
            deal_id=deal.id,
            principal=None,
            reference="批复-1",
            valid_days=30,
            now=NOW,
        )
        before = deal.status

        await approvals.approve(
            session,
            actor=table.guarantor,
            deal_id=deal.id,
            principal=None,
            reference=None,
            valid_days=30,
            now=NOW,
        )
        assert (before, deal.status) == (DealStatus.APPROVING, DealStatus.CONTRACTING)

    async def test_an_approval_for_less_shrinks_the_hold(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        first_hold = deal.hold_id

        await approve_all(session, table, deal, principal=Money.yuan(3_000_000))

        assert (deal.principal, deal.liability, deal.held) == (
            Money.yuan(3_000_000),
            Money.yuan(2_400_000),
            Money.yuan(2_400_000),
        )
        assert deal.loan_terms["amount"] == "3000000.00"
        assert deal.hold_id != first_hold
        for book, owner in ((Book.GUARANTOR, str(deal.guarantor_id)), (Book.QUOTA, "PINGLUO")):
            account = await get_account(session, book, owner, AccountRole.AVAILABLE)
            assert account.debits_pending == 240_000_000
        assert await sealing.verify(session) == []

    async def test_an_approval_for_more_is_refused(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(FieldRefused, match="must not exceed"):
            await approve_all(session, table, deal, principal=deal.principal + Money(1))

    async def test_nobody_approves_twice(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        table.guarantor = table.bank

        with pytest.raises(IllegalMove):
            await approve_all(session, table, deal)

    async def test_a_queued_deal_is_not_approved(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        deal = await accept(session, table)

        with pytest.raises(DealNotReady):
            await approve_all(session, table, deal)

    async def test_the_firm_does_not_approve(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        table.bank = table.firm

        with pytest.raises(KindRefused):
            await approve_all(session, table, deal)


class TestMeetCondition:
    async def test_the_approver_records_it_once(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal, conditions=["补充财务报表"])
        approval_id = await session.scalar(
            select(Approval.id).where(
                Approval.deal_id == deal.id,
                Approval.institution_id == table.bank.organisation_id,
            )
        )
        condition = (
            await session.scalars(select(Condition).where(Condition.approval_id == approval_id))
        ).one()
        document = await make_document(session, table.bank.organisation_id)

        met = await approvals.meet_condition(
            session,
            actor=table.bank,
            deal_id=deal.id,
            condition_id=condition.id,
            document_id=document.id,
            now=NOW,
        )

        assert (met.met_at, met.met_by) == (NOW, table.bank.user_id)
        with pytest.raises(ConditionMet):
            await approvals.meet_condition(
                session,
                actor=table.bank,
                deal_id=deal.id,
                condition_id=condition.id,
                document_id=None,
                now=NOW,
            )


class TestDecline:
    async def test_a_refusal_undoes_everything(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        await approvals.decline(
            session, actor=table.bank, deal_id=deal.id, note="现金流不足", now=NOW
        )

        loan, guarantee, request = await fresh(session, table)
        assert (deal.status, deal.held, deal.hold_id) == (DealStatus.FAILED, ZERO, None)
        assert deal.failure == "declined by the bank"
        assert request.status is RequestStatus.OPEN
        assert loan.status is QuoteStatus.LAPSED
        assert guarantee.status is QuoteStatus.OFFERED
        await session.refresh(table.insurance)
        assert table.insurance.status is QuoteStatus.OFFERED
        statuses = await session.scalars(select(Approval.status).where(Approval.deal_id == deal.id))
        assert set(statuses) == {ApprovalStatus.DECLINED, ApprovalStatus.LAPSED}
        assert await session.scalar(
            select(DealRight.released_at).where(DealRight.deal_id == deal.id)
        )
        for book, owner in ((Book.GUARANTOR, str(deal.guarantor_id)), (Book.QUOTA, "PINGLUO")):
            account = await get_account(session, book, owner, AccountRole.AVAILABLE)
            assert (account.debits_posted, account.debits_pending) == (0, 0)

    async def test_an_approval_is_taken_back_while_the_contracts_are_made(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await approve_all(session, table, await accept(session, table))
        assert deal.status is DealStatus.CONTRACTING

        await approvals.decline(
            session, actor=table.guarantor, deal_id=deal.id, note="反担保未落实", now=NOW
        )

        loan, guarantee, request = await fresh(session, table)
        assert deal.failure == "declined by the guarantor"
        assert request.status is RequestStatus.OPEN
        assert (loan.status, guarantee.status) == (QuoteStatus.OFFERED, QuoteStatus.LAPSED)
        approvals_now = await session.scalars(select(Approval).where(Approval.deal_id == deal.id))
        assert {approval.role: approval.status.value for approval in approvals_now} == {
            "bank": "lapsed",
            "guarantor": "declined",
        }

    async def test_an_approval_is_taken_back_before_the_drawdown(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)

        await approvals.decline(
            session, actor=table.bank, deal_id=deal.id, note="征信恶化", now=NOW
        )

        assert (deal.status, deal.held) == (DealStatus.FAILED, ZERO)
        assert await sealing.verify(session) == []

    async def test_a_release_that_is_out_is_reported_first(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )

        with pytest.raises(ReleaseOut):
            await approvals.decline(
                session, actor=table.guarantor, deal_id=deal.id, note="反担保未落实", now=NOW
            )

    async def test_a_deal_with_cash_is_not_declined(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        deal.status = DealStatus.ACTIVE
        await session.flush()

        with pytest.raises(DealNotReady):
            await approvals.decline(
                session, actor=table.bank, deal_id=deal.id, note="征信恶化", now=NOW
            )


class TestContracts:
    async def test_confirmed_by_all_the_rivals_end_and_the_pledge_is_due(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal)

        await confirm_all(session, table, deal)

        assert deal.status is DealStatus.PERFECTING
        assert deal.available_until is not None
        await session.refresh(table.insurance)
        assert table.insurance.status is QuoteStatus.DECLINED
        assert await contracts.list_unconfirmed(session, deal) == []

    async def test_a_ready_deal_passes(self, session: AsyncSession) -> None:
        deal: Deal = await make_ready(session, await make_table(session))
        assert deal.status is DealStatus.PERFECTING
