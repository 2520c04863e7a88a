"""Whoever rewrites history behind the triggers' back is found: every column of every table.

The rows are real: a ledger of holds, posts, voids and transfers, sealed and with roots. Each case
changes one field of one row, as the superuser may, and undoes it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Base, connect, new_id
from app.core.money import Money
from app.journal.replay import Finding, FindingKind
from app.models.ledger import (
    LedgerAccount,
    LedgerEntry,
    LedgerRoot,
    LedgerSeal,
    LedgerTransfer,
)
from app.services import ledger, sealing
from app.services.ledger import AccountRole
from tests.make.ledger import acting, cloned, make_accounts

TABLES: tuple[type[Base], ...] = (
    LedgerAccount,
    LedgerTransfer,
    LedgerEntry,
    LedgerSeal,
    LedgerRoot,
)
COLUMNS = [
    (model.__tablename__, column.name) for model in TABLES for column in model.__table__.columns
]
# Another value of each type, near, but not that of a neighbour.
OTHER = {
    "bigint": "{0} + 1000",
    "text": "{0} || '.'",
    "boolean": "NOT {0}",
    "uuid": "CASE WHEN {0} IS NULL THEN gen_random_uuid() ELSE (translate(left({0}::text, 1),"
    " '0123456789abcdef', '123456789abcdef0') || substr({0}::text, 2))::uuid END",
    "bytea": "set_byte({0}, 0, (get_byte({0}, 0) + 1) % 256)",
    "date": "{0} + 1000",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1007 microseconds'",
}
PLACES = ("first", "middle", "last")


@pytest.fixture(scope="module")
async def tampered(database: str) -> AsyncIterator[AsyncSession]:
    """The owner of a sealed ledger, with triggers and constraints out of the way."""
    assert database  # the template is made
    with cloned("tampered") as (owner_url, app_url):
        async with connect(app_url) as sessions, acting(sessions) as session:
            await _fill(session)
        async with connect(owner_url) as sessions, sessions() as session:
            for model in TABLES:
                await session.execute(
                    text(f"ALTER TABLE {model.__tablename__} DISABLE TRIGGER USER")
                )
                await _drop_constraints(session, model.__tablename__)
            assert await sealing.verify(session) == []
            yield session


async def _fill(session: AsyncSession) -> None:
    accounts = await make_accounts(session, room=100)
    available, used = accounts[AccountRole.AVAILABLE].id, accounts[AccountRole.OUTSTANDING].id
    holds = [ledger.hold("accept", available, used, Money(10 + n), new_id()) for n in range(4)]
    await ledger.apply(session, holds)
    await ledger.apply(session, [ledger.post("drawdown", holds[0].id, Money(7), new_id())])
    await ledger.apply(session, [ledger.void("decline", holds[1].id, new_id())])
    await ledger.apply(session, [ledger.expire("expire", holds[2].id, new_id())])
    await ledger.apply(session, [ledger.transfer("repay", used, available, Money(3), new_id())])
    await sealing.seal(session)
    await sealing.close_days(session, now=datetime.now(UTC) + timedelta(days=3))


async def _drop_constraints(session: AsyncSession, table: str) -> None:
    """A superuser is held back by none of them."""
    names = await session.scalars(
        text(
            "SELECT conname FROM pg_constraint"
            f" WHERE conrelid = '{table}'::regclass AND contype IN ('c', 'f')"
        )
    )
    for name in names.all():
        await session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))


@pytest.mark.parametrize(("table", "column"), COLUMNS)
async def test_a_changed_field_of_any_row_is_named(
    tampered: AsyncSession, table: str, column: str
) -> None:
    kind = await tampered.scalar(
        text(
            "SELECT data_type FROM information_schema.columns"
            f" WHERE table_name = '{table}' AND column_name = '{column}'"
        )
    )
    change = f"UPDATE {table} SET {column} = {OTHER[kind].format(column)}"

    for row in await _rows(tampered, table):
        findings = await _after(tampered, f"{change} WHERE ctid = '{row.ctid}'")

        assert findings, row
        said = " ".join(f"{finding.subject} {finding.detail}" for finding in findings)
        names = [str(value) for value in row if isinstance(value, UUID | date)]
        if table == "ledger_seals":
            names.append(f"line {row.sequence}")
        assert any(name in said for name in names), said


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("table", [model.__tablename__ for model in TABLES])
async def test_a_removed_row_is_noticed(tampered: AsyncSession, table: str, place: str) -> None:
    rows = await _rows(tampered, table)
    row = rows[{"first": 0, "middle": len(rows) // 2, "last": -1}[place]]

    findings = await _after(tampered, f"DELETE FROM {table} WHERE ctid = '{row.ctid}'")

    # The newest root can go unnoticed here: that is what keeping a published one is for.
    assert findings or (table == "ledger_roots" and place == "last")


async def test_a_forged_transfer_lacks_its_entries(tampered: AsyncSession) -> None:
    findings = await _after(
        tampered,
        "INSERT INTO ledger_transfers SELECT gen_random_uuid(), kind, code, debit_account_id,"
        " credit_account_id, amount, hold_id, reference, clock_timestamp(), txid"
        " FROM ledger_transfers WHERE kind = 'transfer' LIMIT 1",
    )

    assert {finding.kind for finding in findings} == {FindingKind.UNBALANCED}


async def test_a_forged_entry_lacks_its_transfer(tampered: AsyncSession) -> None:
    findings = await _after(
        tampered,
        "INSERT INTO ledger_entries (account_id, at, version, transfer_id, debits_posted,"
        " debits_pending, credits_posted, credits_pending, previous_debits_posted,"
        " previous_debits_pending, previous_credits_posted, previous_credits_pending)"
        " SELECT account_id, clock_timestamp(), 99, transfer_id, 0, 0, 0, 0, 0, 0, 0, 0"
        " FROM ledger_entries LIMIT 1",
    )

    assert {finding.kind for finding in findings} == {FindingKind.UNBALANCED}


async def test_the_first_bad_row_comes_first_and_others_follow(tampered: AsyncSession) -> None:
    """One changed line does not hide or taint the lines behind it."""
    second = "(SELECT transfer_id FROM ledger_seals WHERE transfer_id IS NOT NULL"
    second += " ORDER BY sequence OFFSET {} LIMIT 1)"
    names = [str(await tampered.scalar(text(f"SELECT {second.format(place)}"))) for place in (2, 7)]

    findings = await _after(
        tampered,
        f"UPDATE ledger_transfers SET code = 'x' WHERE id IN ('{names[0]}', '{names[1]}')",
    )

    assert [(finding.kind, finding.subject) for finding in findings] == [
        (FindingKind.HASH_MISMATCH, name) for name in names
    ]


async def _rows(session: AsyncSession, table: str) -> Sequence[Row[Any]]:
    order = "sequence" if table == "ledger_seals" else "2, 3"
    return (
        await session.execute(text(f"SELECT ctid::text, * FROM {table} ORDER BY {order}"))
    ).all()


async def _after(session: AsyncSession, statement: str) -> list[Finding]:
    """What verify finds after the change, which is undone."""
    savepoint = await session.begin_nested()
    try:
        await session.execute(text(statement))
        return await sealing.verify(session)
    finally:
        await savepoint.rollback()
        session.expire_all()
