"""A deal that fails before cash, by withdrawal or because time ran out, is undone."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.deals import DealStatus, RegistrationStatus
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.models.deals import DealRight, Registration
from app.services import discharges, drawdowns, failures, requests
from app.services.deals import DealNotReady, ReleaseOut
from app.services.ledger import AccountRole, Book
from tests.make.deals import (
    accept,
    approve_all,
    confirm_all,
    make_ready,
    make_table,
    register_all,
)
from tests.make.limits import get_account
from tests.make.parties import NOW
from tests.make.programme import set_terms
from tests.services.test_approvals import fresh


class TestWithdrawDeal:
    async def test_after_a_failure_the_firm_may_accept_again(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await failures.withdraw_deal(
            session, actor=table.firm, deal_id=deal.id, reason="另议", now=NOW
        )
        await session.flush()
        await fresh(session, table)

        again = await accept(session, table)

        assert again.status is DealStatus.APPROVING

    async def test_a_deal_with_cash_cannot_be_withdrawn(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        deal.status = DealStatus.ACTIVE
        await session.flush()

        with pytest.raises(DealNotReady):
            await failures.withdraw_deal(
                session, actor=table.firm, deal_id=deal.id, reason="另议", now=NOW
            )

    async def test_while_a_release_is_out_it_cannot_be_withdrawn(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )

        with pytest.raises(ReleaseOut):
            await failures.withdraw_deal(
                session, actor=table.firm, deal_id=deal.id, reason="另议", now=NOW
            )

    async def test_rights_stay_locked_until_the_registration_is_cancelled(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal)
        await confirm_all(session, table, deal)
        await register_all(session, table, deal)

        await failures.withdraw_deal(
            session, actor=table.firm, deal_id=deal.id, reason="另议", now=NOW
        )
        released = select(DealRight.released_at).where(DealRight.deal_id == deal.id)
        assert await session.scalar(released) is None

        row = (
            await session.scalars(select(Registration).where(Registration.deal_id == deal.id))
        ).one()
        await discharges.record_cancellation(
            session, actor=table.bank, registration_id=row.id, cancelled_on=NOW.date(), now=NOW
        )
        assert row.status is RegistrationStatus.CANCELLED
        assert await session.scalar(released) == NOW


class TestTime:
    async def test_a_hold_that_ran_out_fails_its_deal(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        assert await failures.expire_due(session, now=NOW) == 0
        await session.execute(
            text("UPDATE deals SET hold_expires_at = clock_timestamp() WHERE id = :id"),
            {"id": deal.id},
        )

        assert await failures.expire_due(session, now=NOW) == 1

        assert (deal.status, deal.failure) == (DealStatus.FAILED, "hold expired")
        kinds = await session.scalars(
            text("SELECT kind FROM ledger_transfers WHERE reference = :id AND hold_id IS NOT NULL"),
            {"id": deal.id},
        )
        assert kinds.all() == ["expire", "expire"]

    async def test_a_lapsed_approval_fails_its_deal(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal, valid_days=5)
        assert await failures.lapse_due(session, now=NOW + timedelta(days=4)) == 0

        assert await failures.lapse_due(session, now=NOW + timedelta(days=5)) == 1

        assert deal.failure == "approval lapsed"

    async def test_the_request_is_open_for_a_while_again(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        late = NOW + timedelta(days=95)

        await failures.withdraw_deal(
            session, actor=table.firm, deal_id=deal.id, reason="另议", now=late
        )
        await session.flush()

        assert await requests.expire_due(session, now=late) == 0
        _, _, request = await fresh(session, table)
        assert request.expires_at == late + timedelta(days=30)

    async def test_what_is_freed_above_the_signed_capacity_leaves_the_limit(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session, limit=Money.yuan(4_000_000))
        guarantor_id = table.guarantor.organisation_id
        deal = await accept(session, table)
        # Lowered while 4,000,000 are held.
        await set_terms(session, guarantor_id, Money.yuan(3_000_000))

        await failures.withdraw_deal(
            session, actor=table.firm, deal_id=deal.id, reason="另议", now=NOW
        )

        limit = await get_account(session, Book.GUARANTOR, str(guarantor_id), AccountRole.AVAILABLE)
        assert (limit.credits_posted - limit.debits_posted, limit.debits_pending) == (
            300_000_000,
            0,
        )

    async def test_quotes_that_expired_meanwhile_do_not_come_back(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal, valid_days=31)

        await failures.lapse_due(session, now=NOW + timedelta(days=31))
        await session.flush()

        loan, guarantee, request = await fresh(session, table)
        await session.refresh(table.insurance)
        assert {loan.status, guarantee.status} == {QuoteStatus.LAPSED}
        assert table.insurance.status is QuoteStatus.EXPIRED
        assert request.status is RequestStatus.OPEN
