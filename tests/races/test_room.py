"""Many at once for the last of something: one wins, nobody oversubscribes, at no commit."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import select, text

from app.core.db import Sessions, connect, new_id
from app.core.money import Money
from app.lifecycle.deals import DealStatus
from app.lifecycle.machine import IllegalMove
from app.models.deals import Deal
from app.services import acceptance, ledger, queue, sealing
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book, LedgerRefused
from tests import postgres
from tests.make.deals import Table, make_table
from tests.make.parties import NOW

CLIENTS = 64
SHARE = Money.yuan(4_000_000)

# Deferred to the commit, so that it records what every commit leaves behind.
AUDIT = """
CREATE TABLE audit (within boolean NOT NULL, available bigint NOT NULL);
GRANT SELECT ON audit TO PUBLIC;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit
        SELECT bool_and(debits_posted + debits_pending <= credits_posted
                        AND debits_pending = (
                            SELECT coalesce(sum(t.amount), 0) FROM ledger_transfers t
                            WHERE t.kind = 'hold' AND t.debit_account_id = a.id
                              AND NOT EXISTS (
                                  SELECT FROM ledger_transfers r WHERE r.hold_id = t.id))),
               sum(credits_posted - debits_posted - debits_pending)
        FROM ledger_accounts a WHERE a.role = 'available';
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit AFTER UPDATE ON ledger_accounts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit();
"""


async def accept(sessions: Sessions, table: Table, *, at_once: asyncio.Semaphore) -> DealStatus:
    async with at_once, sessions.begin() as session:
        await bind(session, table.firm)
        deal = await acceptance.accept_package(
            session,
            actor=table.firm,
            request_id=table.request.id,
            loan=(table.loan.id, 1),
            guarantee=(table.guarantee.id, 1),
            insurance=None,
            now=NOW,
        )
        return deal.status


async def make_tables(sessions: Sessions, count: int, *, limit: Money) -> list[Table]:
    async with sessions.begin() as session:
        first = await make_table(session, limit=limit)
        guarantor: Actor = first.guarantor
        rest = [await make_table(session, guarantor=guarantor) for _ in range(count - 1)]
        return [first, *rest]


async def available(sessions: Sessions, book: Book, owner: str) -> int:
    async with sessions.begin() as session:
        account = await ledger.find_account(
            session, book=book, owner=owner, role=AccountRole.AVAILABLE
        )
        assert account is not None
        return account.credits_posted - account.debits_posted - account.debits_pending


@pytest.fixture
async def audited(database: str) -> AsyncIterator[str]:
    """A fresh database that keeps what each commit left; ``database`` has made the template."""
    assert database
    name = f"audited_{uuid4().hex}"
    owner_url, app_url = postgres.clone(name)
    owner = await asyncpg.connect(owner_url.replace("+asyncpg", "", 1))
    await owner.execute(AUDIT)
    await owner.close()
    yield app_url
    postgres.drop(name)


async def test_the_last_quota_is_used_and_never_oversubscribed(audited: str) -> None:
    """36,000,000 hold nine liabilities of 4,000,000; the other firms wait."""
    at_once = asyncio.Semaphore(CLIENTS)
    async with connect(audited, pool_size=CLIENTS) as sessions:
        tables = await make_tables(sessions, CLIENTS, limit=Money.yuan(1_000_000_000))

        statuses = await asyncio.gather(
            *(accept(sessions, table, at_once=at_once) for table in tables)
        )

        assert statuses.count(DealStatus.APPROVING) == 9
        assert statuses.count(DealStatus.QUEUED) == CLIENTS - 9
        assert await available(sessions, Book.QUOTA, "PINGLUO") == 0
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            commits, all_within = (
                await session.execute(text("SELECT count(*), bool_and(within) FROM audit"))
            ).one()
            assert commits >= 2 * 9
            assert all_within
            assert await sealing.verify(session) == []


async def test_a_request_is_accepted_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=8) as sessions:
        (table,) = await make_tables(sessions, 1, limit=Money.yuan(1_000_000_000))
        at_once = asyncio.Semaphore(8)

        outcomes = await asyncio.gather(
            *(accept(sessions, table, at_once=at_once) for _ in range(8)), return_exceptions=True
        )

        assert outcomes.count(DealStatus.APPROVING) == 1
        assert sum(isinstance(outcome, IllegalMove) for outcome in outcomes) == 7
        assert await available(sessions, Book.QUOTA, "PINGLUO") == Money.yuan(32_000_000).fen


async def test_a_hold_is_resolved_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=9) as sessions:
        (table,) = await make_tables(sessions, 1, limit=Money.yuan(1_000_000_000))
        await accept(sessions, table, at_once=asyncio.Semaphore(1))
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            hold = await session.scalar(select(Deal.quota_hold_id))
        assert hold is not None

        outcomes = await asyncio.gather(
            *(resolve(sessions, hold, number) for number in range(9)), return_exceptions=True
        )

        assert outcomes.count(None) == 1
        refused = [outcome for outcome in outcomes if isinstance(outcome, LedgerRefused)]
        assert {error.reason for error in refused} == {"already_resolved"}
        async with sessions.begin() as session:
            assert await sealing.verify(session) == []


async def resolve(sessions: Sessions, hold: UUID, number: int) -> None:
    operation = (
        ledger.post("race", hold, SHARE, hold),
        ledger.void("race", hold, hold),
        ledger.expire("race", hold, hold),
    )[number % 3]
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        await ledger.apply(session, [operation])


async def test_promotions_at_once_give_the_room_away_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=8) as sessions:
        tables = await make_tables(sessions, 3, limit=Money(1))
        for table in tables:
            await accept(sessions, table, at_once=asyncio.Semaphore(1))
        owner = str(tables[0].guarantor.organisation_id)
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            source, room = [
                await ledger.find_account(session, book=Book.GUARANTOR, owner=owner, role=role)
                for role in (AccountRole.SOURCE, AccountRole.AVAILABLE)
            ]
            assert source is not None
            assert room is not None
            more = ledger.transfer("limit", source.id, room.id, Money.yuan(8_000_000), new_id())
            await ledger.apply(session, [more])

        counts = await asyncio.gather(*(promote(sessions) for _ in range(8)))

        assert sum(counts) == 2
        assert await available(sessions, Book.GUARANTOR, owner) == 1


async def promote(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await queue.promote(session, now=NOW)
