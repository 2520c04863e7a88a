"""Accounts of a ledger on their own, a database whose owner may tamper, and one that is audited."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, new_id
from app.core.money import Money
from app.models.ledger import LedgerAccount
from app.services import ledger
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book
from tests import postgres


async def make_accounts(
    session: AsyncSession, *, room: int, owner: str | None = None, book: Book = Book.QUOTA
) -> dict[AccountRole, LedgerAccount]:
    """Source, available (with ``room``), outstanding and called of a new owner."""
    owner = owner or uuid4().hex
    roles = (
        AccountRole.SOURCE,
        AccountRole.AVAILABLE,
        AccountRole.OUTSTANDING,
        AccountRole.CALLED,
    )
    accounts = {
        role: await ledger.open_account(session, book=book, owner=owner, role=role)
        for role in roles
    }
    if room:
        source, available = accounts[AccountRole.SOURCE], accounts[AccountRole.AVAILABLE]
        given = ledger.transfer("allocate", source.id, available.id, Money(room), new_id())
        await ledger.apply(session, [given])
    return accounts


async def snapshot(session: AsyncSession) -> list[tuple[object, ...]]:
    """Every column of every account, and how many transfers and entries there are."""
    rows = await session.execute(text("SELECT * FROM ledger_accounts ORDER BY id"))
    counts = await session.execute(
        text(
            "SELECT (SELECT count(*) FROM ledger_transfers), (SELECT count(*) FROM ledger_entries)"
        )
    )
    return [*(tuple(row) for row in rows), tuple(counts.one())]


@contextlib.contextmanager
def cloned(prefix: str) -> Iterator[tuple[str, str]]:
    """A database of its own: its (owner_url, app_url). The template must have been made."""
    name = f"{prefix}_{uuid4().hex}"
    yield postgres.clone(name)
    postgres.drop(name)


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def acting(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One transaction as the platform, committed at the end."""
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        yield session


# Deferred to the commit, so that it records what every commit leaves behind.
AUDIT = """
CREATE TABLE audit (fault text);
GRANT SELECT ON audit TO PUBLIC;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_fault text;
BEGIN
    WITH figures AS (
        SELECT a.role, a.debits_pending AS held, a.credits_posted - a.debits_posted AS balance
        FROM ledger_accounts a WHERE a.book = NEW.book AND a.owner = NEW.owner
    ), allocated AS (
        -- What came from outside the owner's accounts, less what left them.
        SELECT coalesce(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount
                                 ELSE -t.amount END), 0) AS amount
        FROM ledger_accounts a
        JOIN ledger_transfers t ON a.id IN (t.debit_account_id, t.credit_account_id)
        JOIN ledger_accounts o ON o.role IN ('source', 'reserve')
            AND o.id IN (t.debit_account_id, t.credit_account_id)
        WHERE a.role = 'available' AND a.book = NEW.book AND a.owner = NEW.owner
          AND t.kind = 'transfer'
    )
    SELECT CASE
        WHEN (SELECT sum(debits_posted) <> sum(credits_posted)
                  OR sum(debits_pending) <> sum(credits_pending) FROM ledger_accounts)
            THEN 'debits and credits differ'
        WHEN NEW.role IN ('available', 'outstanding', 'called')
            AND (SELECT sum(CASE role WHEN 'available' THEN held ELSE balance END)
                 FROM figures WHERE role IN ('available', 'outstanding', 'called')) > amount
            THEN 'held + outstanding + called > allocated'
        WHEN (SELECT min(least(debits_posted, debits_pending, credits_posted, credits_pending))
              FROM ledger_accounts) < 0
            THEN 'a negative counter'
        END INTO v_fault FROM allocated;
    INSERT INTO audit VALUES (v_fault || ' ' || NEW.owner);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit AFTER UPDATE ON ledger_accounts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit();
"""
