"""The chain over accounts, transfers and entries, the roots of its days, and who may write."""

import asyncio
import io
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app import shell
from app.core.clock import business_date
from app.core.db import APPEND_ONLY, LEDGER_ONLY, Sessions, connect
from app.core.money import Money
from app.journal import files
from app.models.ledger import LedgerAccount, LedgerSeal
from app.services import journal, ledger, sealing
from app.services.ledger import AccountRole
from tests import postgres
from tests.make.deals import accept, make_table
from tests.make.ledger import acting, cloned, connected, make_accounts


async def seal_all(session: AsyncSession) -> int:
    total = 0
    while sealed := await sealing.seal(session):
        total += sealed
    return total


async def test_an_untouched_ledger_holds(session: AsyncSession) -> None:
    await accept(session, await make_table(session))
    assert await sealing.verify(session) == []

    await seal_all(session)

    assert await sealing.verify(session) == []


async def test_sequence_numbers_have_no_gap(session: AsyncSession) -> None:
    for _ in range(3):
        await make_accounts(session, room=100)
        await seal_all(session)

    first, last, count = (
        await session.execute(
            select(
                func.min(LedgerSeal.sequence), func.max(LedgerSeal.sequence), func.count()
            ).select_from(LedgerSeal)
        )
    ).one()
    assert (first, last) == (1, count)


async def test_batches_of_the_sealer_make_one_chain(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await make_accounts(session, room=100)
    available, used = accounts[AccountRole.AVAILABLE], accounts[AccountRole.OUTSTANDING]
    steps = [[ledger.transfer("x", available.id, used.id, Money(1), used.id)] for _ in range(20)]
    await ledger.apply_batch(session, steps)
    monkeypatch.setattr(sealing, "SEAL_BATCH", 7)

    assert await sealing.seal(session) == 7
    await seal_all(session)

    assert await sealing.verify(session) == []
    assert [each async for each in journal.unsealed_transfers(session)] == []


async def test_a_transfer_that_commits_late_is_sealed_late(fresh_database: str) -> None:
    """Its transaction began first and commits last: it is neither lost nor out of order."""
    async with connect(fresh_database) as sessions:
        async with acting(sessions) as session:
            slow, quick = [await make_accounts(session, room=10) for _ in range(2)]
        async with acting(sessions) as late:
            await ledger.apply(late, [_use(slow)])
            async with acting(sessions) as session:
                await ledger.apply(session, [_use(quick)])
            async with acting(sessions) as session:
                await seal_all(session)
        async with acting(sessions) as session:
            assert await seal_all(session) == 1
            assert await sealing.verify(session) == []


async def test_two_sealers_make_one_chain(fresh_database: str) -> None:
    async def seal_once() -> int:
        async with acting(sessions) as session:
            return await sealing.seal(session)

    async with connect(fresh_database, pool_size=8) as sessions:
        async with acting(sessions) as session:
            transfers = await session.scalar(text("SELECT count(*) FROM ledger_transfers"))

        assert sum(await asyncio.gather(*(seal_once() for _ in range(8)))) == transfers

        async with acting(sessions) as session:
            assert await sealing.verify(session) == []


async def test_what_is_exported_verifies_and_verifying_sees_one_snapshot(
    fresh_database: str,
) -> None:
    """Postings go on while it reads: a look at two moments would find sums that differ."""

    async def post(sessions: Sessions, accounts: dict[AccountRole, LedgerAccount]) -> None:
        for _ in range(40):
            async with acting(sessions) as session:
                await ledger.apply(session, [_use(accounts)])

    async with connect(fresh_database) as sessions:
        async with acting(sessions) as session:
            accounts = await make_accounts(session, room=1000)
            await seal_all(session)
        posting = asyncio.create_task(post(sessions, accounts))
        while not posting.done():
            assert await sealing.verify_all(sessions) == []
        await posting
    out = io.StringIO()

    lines = await shell.export_journal(fresh_database, out)

    text_lines = out.getvalue().encode().splitlines(keepends=True)
    assert len(text_lines) == lines > 0
    assert list(files.check(text_lines)) == []


async def test_a_ledger_restored_on_a_younger_server_goes_on(database: str) -> None:
    """The horizon of its last seal lies ahead of what this server has counted to."""
    assert database  # the template is made
    with cloned("restored") as (owner_url, app_url):
        async with connect(app_url) as sessions:
            async with acting(sessions) as session:
                await seal_all(session)
            async with connected(owner_url) as owner:
                await owner.execute(
                    "ALTER TABLE ledger_seals DISABLE TRIGGER append_only;"
                    "UPDATE ledger_seals SET horizon = 1::bigint << 60"
                )
            async with acting(sessions) as session:
                await make_accounts(session, room=10)

                assert await seal_all(session) == 1


class TestRoots:
    @staticmethod
    async def first_day(session: AsyncSession) -> datetime:
        """An instant on the day of the first transfer."""
        first = await session.scalar(text("SELECT min(at) FROM ledger_transfers"))
        assert isinstance(first, datetime)
        return first

    async def test_each_day_that_is_over_has_one(self, session: AsyncSession) -> None:
        first = await self.first_day(session)
        transfers = await seal_all(session)

        assert await sealing.close_days(session, now=first) == 0
        assert await sealing.close_days(session, now=first + timedelta(days=3)) == 3
        assert await sealing.close_days(session, now=first + timedelta(days=3)) == 0

        roots = await sealing.list_roots(session, limit=10)
        days = [business_date(first) + timedelta(days=n) for n in (2, 1, 0)]
        assert [(root.business_on, root.transfers) for root in roots] == list(
            zip(days, (0, 0, transfers), strict=True)
        )
        head = await session.scalar(
            select(LedgerSeal.hash).order_by(LedgerSeal.sequence.desc()).limit(1)
        )
        assert {root.hash for root in roots} == {head}
        assert await sealing.verify(session) == []

    async def test_a_day_waits_for_its_last_transfer_to_be_sealed(
        self, session: AsyncSession
    ) -> None:
        first = await self.first_day(session)
        await seal_all(session)
        await make_accounts(session, room=5)

        assert await sealing.close_days(session, now=first + timedelta(days=9)) == 0

    async def test_without_a_transfer_there_is_nothing_to_close(
        self, session: AsyncSession
    ) -> None:
        assert await sealing.close_days(session, now=datetime(2099, 1, 1, tzinfo=UTC)) == 0

    async def test_a_page_goes_on_before_the_last_day(self, session: AsyncSession) -> None:
        first = await self.first_day(session)
        await seal_all(session)
        await sealing.close_days(session, now=first + timedelta(days=5))

        page = await sealing.list_roots(session, limit=2)
        rest = await sealing.list_roots(session, limit=9, before=page[-1].business_on)

        days: list[date] = [root.business_on for root in [*page, *rest]]
        assert days == sorted(days, reverse=True)
        assert len(days) == len(set(days)) == 5


class TestWhoMayWrite:
    @pytest.mark.parametrize("table", [*LEDGER_ONLY, "ledger_accounts"])
    async def test_the_service_posts_by_the_functions_alone(
        self, session: AsyncSession, table: str
    ) -> None:
        statements = [f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]
        if table == "ledger_accounts":
            statements += ["UPDATE ledger_accounts SET credits_posted = credits_posted + 1"]
        else:
            statements += [f"INSERT INTO {table} SELECT * FROM {table}"]
        for statement in statements:
            with pytest.raises(DBAPIError, match="permission denied"):
                async with session.begin_nested():
                    await session.execute(text(statement))

    async def test_whom_an_account_belongs_to_never_changes(self, session: AsyncSession) -> None:
        with pytest.raises(DBAPIError, match="append-only"):
            async with session.begin_nested():
                await session.execute(text("UPDATE ledger_accounts SET limited = false"))

    @pytest.mark.parametrize(
        "statement",
        [
            *(f"UPDATE {table} SET {{column}} = {{column}}" for table in APPEND_ONLY),
            *(f"DELETE FROM {table}" for table in (*APPEND_ONLY, "ledger_accounts")),
            *(f"TRUNCATE {table} CASCADE" for table in (*APPEND_ONLY, "ledger_accounts")),
            "UPDATE ledger_accounts SET owner = 'other'",
            "UPDATE ledger_accounts SET id = gen_random_uuid()",
        ],
    )
    async def test_not_even_the_owner_of_the_tables_rewrites_history(
        self, database: str, statement: str
    ) -> None:
        assert database
        table = statement.split()[1]
        async with connected(_owner_of(database)) as owner:
            column = await owner.fetchval(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = $1 AND is_identity = 'NO' LIMIT 1",
                table,
            )
            transaction = owner.transaction()
            await transaction.start()
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await owner.execute(statement.format(column=column))
            await transaction.rollback()

    async def test_every_table_of_the_ledger_is_covered(self, session: AsyncSession) -> None:
        tables = set(
            await session.scalars(
                text("SELECT tablename FROM pg_tables WHERE tablename LIKE 'ledger%'")
            )
        )
        assert tables - {"ledger_accounts"} <= set(APPEND_ONLY)


def _owner_of(app_url: str) -> str:
    return postgres.owner_url(app_url)


def _use(accounts: dict[AccountRole, LedgerAccount]) -> ledger.Operation:
    available, used = accounts[AccountRole.AVAILABLE], accounts[AccountRole.OUTSTANDING]
    return ledger.transfer("x", available.id, used.id, Money(1), used.id)
