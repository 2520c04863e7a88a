"""The gate, the release and the bank's report."""

from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lifecycle.deals import DealStatus, DrawdownStatus
from app.models.deals import Drawdown
from app.services import drawdowns, gate, sealing
from app.services.drawdowns import GateClosed
from app.services.ledger import AccountRole, Book
from app.services.reference import PROGRAMME
from tests.make.deals import Table, accept, make_ready, make_table
from tests.make.limits import get_account
from tests.make.parties import NOW

TODAY = business_date(NOW)


async def draw(
    session: AsyncSession, table: Table, deal_id: UUID, amount: Money, *, last: bool = False
) -> Drawdown:
    drawdown = await drawdowns.release(
        session, actor=table.bank, deal_id=deal_id, amount=amount, now=NOW
    )
    return await drawdowns.report_drawn(
        session,
        actor=table.bank,
        deal_id=deal_id,
        drawdown_id=drawdown.id,
        drawn_on=TODAY,
        reference=f"FK-{drawdown.id}",
        last=last,
        now=NOW,
    )


class TestRelease:
    async def test_the_gate_says_what_is_missing_and_who_must_act(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(GateClosed) as refused:
            await drawdowns.release(
                session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
            )

        missing = {(item.what, item.who) for item in refused.value.missing}
        assert missing == {
            ("state", "enterprise"),
            ("approval", "bank"),
            ("approval", "guarantor"),
            ("contract", "enterprise"),
            ("guarantee_effective", "guarantor"),
            ("use_of_funds", "enterprise"),
        }

    async def test_while_a_release_is_out_the_hold_cannot_expire(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        before = deal.hold_expires_at

        drawdown = await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )
        assert deal.hold_expires_at is None

        await drawdowns.report_not_drawn(
            session, actor=table.bank, deal_id=deal.id, drawdown_id=drawdown.id, now=NOW
        )
        assert deal.hold_expires_at == before
        assert drawdown.status is DrawdownStatus.NOT_DRAWN

    async def test_there_is_one_release_at_a_time(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        half = Money.yuan(2_000_000)
        await drawdowns.release(session, actor=table.bank, deal_id=deal.id, amount=half, now=NOW)

        with pytest.raises(GateClosed) as refused:
            await drawdowns.release(
                session, actor=table.bank, deal_id=deal.id, amount=half, now=NOW
            )

        assert [item.what for item in refused.value.missing] == ["report"]


class TestReport:
    async def test_the_share_of_the_tranche_moves_from_held_to_outstanding(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)

        drawdown = await draw(session, table, deal.id, Money.yuan(2_000_000))

        assert drawdown.liability == Money.yuan(1_600_000)
        assert deal.status is DealStatus.ACTIVE
        assert deal.held == Money.yuan(2_400_000)
        limit = await get_account(
            session, Book.GUARANTOR, str(deal.guarantor_id), AccountRole.AVAILABLE
        )
        assert (limit.debits_posted, limit.debits_pending) == (160_000_000, 240_000_000)
        quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
        assert (quota.debits_posted, quota.debits_pending) == (160_000_000, 240_000_000)
        floor = await get_account(session, Book.FLOOR, PROGRAMME, AccountRole.PROGRESS)
        assert floor.credits_posted == 200_000_000

    async def test_the_last_tranche_takes_what_the_rounding_left(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session, loan={"amount": "0.07"}, guarantee={"share_pct": "50"})
        deal = await make_ready(session, table)
        assert deal.liability == Money(4)

        posted = [(await draw(session, table, deal.id, Money(fen))).liability for fen in (1, 1, 5)]

        assert posted == [Money(1), Money(1), Money(2)]
        assert (deal.held, deal.hold_id, deal.quota_hold_id) == (ZERO, None, None)
        assert await sealing.verify(session) == []

    async def test_the_undrawn_rest_is_freed_by_the_last_tranche(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)

        drawdown = await draw(session, table, deal.id, Money.yuan(1_000_000), last=True)

        assert drawdown.liability == Money.yuan(800_000)
        assert deal.held == ZERO
        quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
        assert (quota.debits_posted, quota.debits_pending) == (80_000_000, 0)

    async def test_a_day_outside_the_release_is_refused(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        drawdown = await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )

        with pytest.raises(FieldRefused, match="must not be in the future"):
            await drawdowns.report_drawn(
                session,
                actor=table.bank,
                deal_id=deal.id,
                drawdown_id=drawdown.id,
                drawn_on=drawdown.valid_until,
                reference="FK-1",
                last=True,
                now=NOW,
            )

    async def test_a_tranche_above_the_principal_is_refused(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        above = deal.principal + Money(1)

        missing = await gate.check(session, deal, amount=above, now=NOW)

        assert [item.what for item in missing] == ["principal"]
        assert deal.guarantee_share_pct == Decimal(80)
