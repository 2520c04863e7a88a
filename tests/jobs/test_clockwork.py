"""What the worker does by the clock and on request: each job opens its own transactions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, connect
from app.core.money import Money
from app.jobs import deals, market, sealing
from app.lifecycle.deals import DealStatus
from app.models.deals import Deal
from app.models.ledger import LedgerSeal
from app.services.actor import SYSTEM, bind
from tests.make.deals import accept, make_table
from tests.make.parties import NOW


@pytest.fixture
async def live(fresh_database: str) -> AsyncIterator[Sessions]:
    async with connect(fresh_database) as sessions:
        yield sessions


async def make_deal(sessions: Sessions, *, limit: Money | None = None) -> Deal:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        table = await (make_table(session) if limit is None else make_table(session, limit=limit))
        return await accept(session, table)


async def status_of(session: AsyncSession, deal: Deal) -> DealStatus:
    await bind(session, SYSTEM)
    found = await session.get_one(Deal, deal.id)
    return found.status


async def test_a_hold_that_ran_out_fails_its_deal(live: Sessions) -> None:
    deal = await make_deal(live)
    async with live.begin() as session:
        await bind(session, SYSTEM)
        await session.execute(
            text("UPDATE deals SET hold_expires_at = clock_timestamp() WHERE id = :id"),
            {"id": deal.id},
        )

    assert await deals.expire_due(live, now=NOW) == 1

    async with live.begin() as session:
        assert await status_of(session, deal) is DealStatus.FAILED
    assert await deals.expire_due(live, now=NOW) == 0


async def test_nothing_is_promoted_while_there_is_no_room(live: Sessions) -> None:
    deal = await make_deal(live, limit=Money(1))

    assert await deals.promote_queue(live, now=NOW) == 0

    async with live.begin() as session:
        assert await status_of(session, deal) is DealStatus.QUEUED


async def test_what_has_time_left_on_the_market_stays(live: Sessions) -> None:
    await make_deal(live)

    assert await market.expire_due(live, now=NOW) == 0


async def test_every_transfer_is_sealed_once(live: Sessions) -> None:
    await make_deal(live)

    sealed = await sealing.seal_ledger(live)
    again = await sealing.seal_ledger(live)  # what other transactions of the server held back

    async with live.begin() as session:
        in_chain = await session.scalar(select(func.count(LedgerSeal.transfer_id)))
        assert in_chain == sealed + again
    assert sealed >= 6  # the capacity and its five allocations at least


async def test_a_day_is_sealed_before_it_is_closed(live: Sessions) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    assert await sealing.close_days(live, now=tomorrow) == 1
    assert await sealing.close_days(live, now=tomorrow) == 0
