"""Two use cases that cross at the worst moment: none deadlocks, none acts on what is gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select, text

from app.core.db import Sessions, connect
from app.core.money import Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DealStatus, DrawdownStatus, QueueKind, QueueStatus
from app.models.deals import Deal, QueueEntry
from app.models.organisations import Organisation
from app.services import acceptance, drawdowns, failures, queue, reversals, rules
from app.services.actor import SYSTEM, bind
from tests.make.deals import Table, accept, make_ready, make_table
from tests.make.limits import at, make_limit
from tests.make.loans import make_drawn, pay
from tests.make.parties import NOW

GATE = 4711  # an advisory lock that holds a statement up in the middle


@pytest.fixture
async def sessions(fresh_database: str) -> AsyncIterator[Sessions]:
    async with connect(fresh_database, pool_size=8) as sessions:
        yield sessions


async def until_somebody_waits(sessions: Sessions) -> None:
    """Until a transaction waits for a lock that another one holds."""
    while True:
        async with sessions.begin() as session:
            if await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                return
        await asyncio.sleep(0.01)


async def accept_alone(sessions: Sessions, table: Table) -> DealStatus:
    async with sessions.begin() as session:
        await bind(session, table.firm)
        deal = await acceptance.accept_package(
            session,
            actor=table.firm,
            request_id=table.request_id,
            loan=(table.loan_id, 1),
            guarantee=(table.guarantee_id, 1),
            insurance=None,
            now=NOW,
        )
        return deal.status


async def widen(sessions: Sessions, table: Table, limit: Money) -> None:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        guarantor = await session.get_one(Organisation, table.guarantor.organisation_id)
        await make_limit(session, guarantor, limit)


async def promote(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await queue.promote(session, now=NOW)


async def test_promoting_two_deals_and_accepting_between_them_do_not_deadlock(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions.begin() as session:
        first = await make_table(session, limit=Money(1))
        second = await make_table(session, limit=Money(1), park_code="NINGDONG")
        crossing = await make_table(session, guarantor=first.guarantor, park_code="NINGDONG")
    for table in (first, second):
        assert await accept_alone(sessions, table) is DealStatus.QUEUED
        await widen(sessions, table, Money.yuan(50_000_000))
    taken, go_on = asyncio.Event(), asyncio.Event()
    take: Callable[..., Awaitable[None]] = queue._take

    async def take_and_pause(*arguments: Any, **named: Any) -> None:
        await take(*arguments, **named)
        taken.set()
        await go_on.wait()

    monkeypatch.setattr(queue, "_take", take_and_pause)
    promoting = asyncio.create_task(promote(sessions))
    await taken.wait()
    accepting = asyncio.create_task(accept_alone(sessions, crossing))
    await until_somebody_waits(sessions)
    go_on.set()

    assert (await promoting, await accepting) == (2, DealStatus.APPROVING)


async def test_a_retake_that_begins_to_wait_meanwhile_goes_before_a_waiting_deal(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        drawn = await make_drawn(session, limit=Money.yuan(4_000_000))
        paid = await pay(
            session, drawn, "1000500.00", date(2026, 5, 21), PrepaymentChoice.KEEP_TERM
        )
        room = {"amount": "875000.00"}
        await accept(session, await make_table(session, guarantor=drawn.guarantor, loan=room))
        waiting = await make_table(session, guarantor=drawn.guarantor, loan={"amount": "500000.00"})
        deal = await accept(session, waiting)
        assert deal.status is DealStatus.QUEUED
        deal_id, paid_id = deal.id, paid.id
    await widen(sessions, waiting, Money.yuan(500_000))
    get_all = rules.get_all

    async def reverse_first(*arguments: Any, **named: Any) -> dict[str, Any]:
        """Between the reading of the queue and the locking of the accounts."""
        monkeypatch.setattr(rules, "get_all", get_all)
        async with sessions.begin() as session:
            await bind(session, drawn.bank)
            await reversals.reverse(
                session,
                actor=drawn.bank,
                repayment_id=paid_id,
                reason="误记",
                now=at(date(2026, 5, 22)),
            )
        return await get_all(*arguments, **named)

    monkeypatch.setattr(rules, "get_all", reverse_first)

    assert await promote(sessions) == 0

    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        retake = await session.scalar(
            select(QueueEntry.status).where(QueueEntry.kind == QueueKind.RETAKE)
        )
        assert retake is QueueStatus.WAITING
        assert (await session.get_one(Deal, deal_id)).status is DealStatus.QUEUED


async def test_a_deal_whose_release_commits_meanwhile_is_not_failed(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions.begin() as session:
        table = await make_table(session)
        deal = await make_ready(session, table)
        deal_id, principal = deal.id, deal.principal
    before_cash = failures.before_cash

    def held_up() -> Select[Deal]:
        pause = text(f"(SELECT pg_advisory_xact_lock_shared({GATE})) IS NOT NULL")
        return before_cash().where(pause)

    monkeypatch.setattr(failures, "before_cash", held_up)

    async def lapse() -> int:
        async with sessions.begin() as session:
            return await failures.lapse_due(session, now=NOW + timedelta(days=91))

    async with sessions() as holder:
        await holder.execute(text(f"SELECT pg_advisory_lock({GATE})"))
        lapsing = asyncio.create_task(lapse())
        await until_somebody_waits(sessions)
        async with sessions.begin() as session:
            await bind(session, table.bank)
            released = await drawdowns.release(
                session, actor=table.bank, deal_id=deal_id, amount=principal, now=NOW
            )
        await holder.execute(text(f"SELECT pg_advisory_unlock({GATE})"))

    assert await lapsing == 0
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        assert (await session.get_one(Deal, deal_id)).status is DealStatus.PERFECTING
    assert released.status is DrawdownStatus.RELEASED
