"""Waiting for room: the place, the alternatives, promotion in order, reconfirmation."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.core.money import ZERO, Money
from app.lifecycle.deals import DealStatus, QueueKind, QueueStatus
from app.models.deals import QueueEntry
from app.models.organisations import Organisation
from app.services import alternatives, approvals, failures, liability, queue
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book
from tests.make.deals import Table, accept, make_table
from tests.make.limits import get_account, make_limit
from tests.make.loans import make_drawn
from tests.make.parties import NOW


async def more_room(session: AsyncSession, table: Table, amount: Money) -> None:
    guarantor = await session.get_one(Organisation, table.guarantor.organisation_id)
    await make_limit(session, guarantor, amount)


class TestPlace:
    async def test_it_says_who_is_first_and_what_is_short(self, session: AsyncSession) -> None:
        first = await make_table(session, limit=Money.yuan(1_000_000))
        await accept(session, first)
        second = await make_table(session, guarantor=first.guarantor)
        deal = await accept(session, second)

        place = await queue.get_place(session, actor=second.firm, deal_id=deal.id, now=NOW)

        assert (place.position, place.lacks) == (2, ["guarantor_limit"])
        assert (place.amount, place.since) == (Money.yuan(4_000_000), NOW)

    async def test_a_deal_that_does_not_wait_has_none(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(NotFound):
            await queue.get_place(session, actor=table.firm, deal_id=deal.id, now=NOW)

    async def test_the_alternatives_are_named(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money.yuan(1_000_000))
        deal = await accept(session, table)

        found = await alternatives.get_queue(session, actor=table.firm, deal_id=deal.id, now=NOW)

        assert found.alternatives.smaller_loan == Money.yuan(1_250_000)
        assert found.alternatives.without_quota == [table.loan.id]
        assert found.alternatives.other_guarantees == []
        assert found.alternatives.room_forecast_on is None

    async def test_the_schedules_in_force_tell_when_there_will_be_room(
        self, session: AsyncSession
    ) -> None:
        """4,000,000 of 5,000,000 are used; 5,000,000 of principal come back in twelve parts."""
        drawn = await make_drawn(
            session,
            terms={"method": "equal_principal"},
            limit=Money.yuan(5_000_000),
            drawn_on=date(2026, 11, 20),
        )
        table = await make_table(session, guarantor=drawn.guarantor)
        deal = await accept(session, table)

        async def forecast_of(deal_id: UUID, firm: Actor) -> date | None:
            await bind(session, firm)
            place = await alternatives.get_queue(session, actor=firm, deal_id=deal_id, now=NOW)
            await bind(session, SYSTEM)
            return place.alternatives.room_forecast_on

        # Nine parts free 3,000,000.04, eight 2,666,666.70: 3,000,000 are short.
        assert await forecast_of(deal.id, table.firm) == date(2027, 8, 20)
        # Whoever comes later waits for both, and even the last part does not bring that much.
        later = await make_table(session, guarantor=drawn.guarantor)
        second = await accept(session, later)
        assert await forecast_of(second.id, later.firm) is None


class TestPromote:
    async def test_room_promotes_in_order_of_arrival(self, session: AsyncSession) -> None:
        first = await make_table(session, limit=Money(1))
        waiting = await accept(session, first)
        second = await make_table(session, guarantor=first.guarantor, loan={"amount": "10000.00"})
        behind = await accept(session, second)
        await more_room(session, first, Money.yuan(3_999_000))

        assert await queue.promote(session, now=NOW) == 0
        assert behind.status is DealStatus.QUEUED

        await more_room(session, first, Money.yuan(1000))
        assert await queue.promote(session, now=NOW) == 1
        assert waiting.status is DealStatus.RECONFIRMING
        assert (waiting.held, behind.status) == (Money.yuan(4_000_000), DealStatus.QUEUED)

    async def test_it_forgets_nothing_of_what_a_blocked_deal_lacks(
        self, session: AsyncSession
    ) -> None:
        """Behind one that waits for the quota, it also lacks room of its own guarantor."""
        first = await make_table(
            session,
            limit=Money.yuan(100_000_000),
            loan={"amount": "45000000.00"},
            amount=Money.yuan(45_000_000),
        )
        assert (await accept(session, first)).status is DealStatus.APPROVING  # all of the quota
        await accept(session, await make_table(session, guarantor=first.guarantor))
        blocked = await make_table(session, limit=Money.yuan(3_000_000))
        deal = await accept(session, blocked)

        assert await queue.promote(session, now=NOW) == 0

        place = await queue.get_place(session, actor=blocked.firm, deal_id=deal.id, now=NOW)
        assert place.lacks == ["guarantor_limit", "quota"]
        # So a smaller one of another park does not pass it to the same guarantor.
        later = await make_table(
            session,
            guarantor=blocked.guarantor,
            park_code="NINGDONG",
            loan={"amount": "2500000.00"},
        )
        assert (await accept(session, later)).status is DealStatus.QUEUED

    async def test_whoever_waits_for_something_else_passes(self, session: AsyncSession) -> None:
        stuck = await make_table(session, limit=Money(1))
        await accept(session, stuck)
        other = await make_table(session, limit=Money(1))
        deal = await accept(session, other)
        await more_room(session, other, Money.yuan(4_000_000))

        assert await queue.promote(session, now=NOW) == 1

        assert deal.status is DealStatus.RECONFIRMING

    async def test_all_parties_reconfirm_inside_the_hold(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        deal = await accept(session, table)
        await more_room(session, table, Money.yuan(4_000_000))
        await queue.promote(session, now=NOW)
        short = deal.hold_expires_at
        assert short is not None

        for party in table.parties:
            assert deal.status is DealStatus.RECONFIRMING
            await queue.reconfirm(session, actor=party, deal_id=deal.id, now=NOW)

        assert deal.status is DealStatus.APPROVING
        assert deal.hold_expires_at is not None
        assert deal.hold_expires_at > short + timedelta(days=50)

    async def test_not_reconfirmed_in_time_it_leaves(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        deal = await accept(session, table)
        await more_room(session, table, Money.yuan(4_000_000))
        await queue.promote(session, now=NOW)
        await session.flush()
        await session.execute(
            text("UPDATE deals SET hold_expires_at = clock_timestamp() WHERE id = :id"),
            {"id": deal.id},
        )

        await failures.expire_due(session, now=NOW)

        assert (deal.status, deal.held) == (DealStatus.FAILED, ZERO)

    async def test_a_declined_deal_leaves_the_queue(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        deal = await accept(session, table)

        await approvals.decline(session, actor=table.bank, deal_id=deal.id, note="否", now=NOW)

        status = await session.scalar(
            select(QueueEntry.status).where(QueueEntry.deal_id == deal.id)
        )
        assert status is QueueStatus.LEFT

    async def test_a_retake_goes_before_every_deal(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, limit=Money.yuan(7_900_000))
        assert drawn.guarantor is not None
        table = await make_table(session, guarantor=drawn.guarantor)
        deal = await accept(session, table)
        entry = await liability.wait_for_room(
            session, drawn.deal, amount=Money.yuan(100), actor=SYSTEM, now=NOW
        )
        drawn.loan.retake_waiting = True
        await session.flush()

        await queue.promote(session, now=NOW)
        await session.refresh(entry)
        await session.refresh(drawn.loan)

        assert entry.kind is QueueKind.RETAKE
        assert (entry.status, drawn.loan.retake_waiting) == (QueueStatus.PROMOTED, False)
        used = await get_account(
            session, Book.GUARANTOR, str(deal.guarantor_id), AccountRole.OUTSTANDING
        )
        assert used.credits_posted == drawn.loan.liability.fen
