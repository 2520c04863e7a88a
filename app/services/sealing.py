"""Seals accounts and transfers into the hash chain, closes its days, and verifies all of it."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI, business_date
from app.core.db import Sessions, snapshots
from app.journal.lines import GENESIS, LineKind, chained, instant
from app.journal.replay import Finding, FindingKind, Replay
from app.models.ledger import LedgerAccount, LedgerRoot, LedgerSeal, LedgerTransfer
from app.services import journal
from app.services.actor import SYSTEM, bind

SEAL_BATCH = 10_000  # a backlog is scanned once per batch
FINDINGS_MAX = 1000
"""With more than these a ledger is beyond naming rows one by one."""

_LOCK = text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=0x7A68_5EA1)
_HEAD = text("""
    SELECT s.sequence, s.hash, s.horizon, clock_timestamp() AS now,
           pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ceiling
    FROM (VALUES (1)) one LEFT JOIN (
        SELECT * FROM ledger_seals ORDER BY sequence DESC LIMIT 1) s ON true
""")
_STRAY_ENTRIES = text("""
    SELECT e.account_id, e.version FROM ledger_entries e
    WHERE NOT EXISTS (
        SELECT FROM ledger_transfers t WHERE t.id = e.transfer_id AND t.at = e.at
            AND e.account_id IN (t.debit_account_id, t.credit_account_id))
    ORDER BY e.account_id, e.version LIMIT 100
""")


async def seal(session: AsyncSession) -> int:
    """Chain what is not sealed yet, new accounts first; how many transfers, a batch at most."""
    await session.execute(_LOCK)
    head = (await session.execute(_HEAD)).one()
    horizon = _horizon(head)
    found = [
        each
        async for each in journal.unsealed_transfers(session, horizon=horizon, limit=SEAL_BATCH)
    ]
    if found and len(found) < SEAL_BATCH:
        horizon = found[0][1]
    # Read after the transfers, so that every account they name is among them.
    accounts = await journal.unsealed_accounts(session)
    facts = [
        *((LineKind.ACCOUNT, fact) for fact in accounts),
        *((LineKind.TRANSFER, fact) for fact, _ in found),
    ]
    link, seals = head.hash or GENESIS, []
    for sequence, (kind, fact) in enumerate(facts, start=(head.sequence or 0) + 1):
        line = journal.line_of(kind, fact, sequence=sequence, sealed_at=head.now, horizon=horizon)
        link = chained(link, line)
        seals.append(
            {
                "sequence": sequence,
                "account_id": UUID(fact["id"]) if kind is LineKind.ACCOUNT else None,
                "transfer_id": UUID(fact["id"]) if kind is LineKind.TRANSFER else None,
                "hash": link,
                "sealed_at": head.now,
                "horizon": horizon,
            }
        )
    if seals:
        await session.execute(insert(LedgerSeal), seals)
    return len(found)


def _horizon(head: Row[Any]) -> int:
    """From which transaction on transfers may be unsealed.

    Zero, all of them, in a ledger that was restored on a server that has not come as far.
    """
    horizon: int = head.horizon or 0
    return horizon if horizon <= head.ceiling else 0


async def close_days(session: AsyncSession, *, now: datetime) -> int:
    """Write the root of every business day that is over, sealed, and has none yet; how many."""
    await session.execute(_LOCK)
    last: LedgerRoot | None = await session.scalar(
        select(LedgerRoot).order_by(LedgerRoot.business_on.desc()).limit(1)
    )
    first_at = await session.scalar(
        _sealed_transfers(LedgerTransfer.at).order_by(LedgerSeal.sequence).limit(1)
    )
    if first_at is None:
        return 0
    head = (await session.execute(_HEAD)).one()
    ends = [business_date(now)]
    async for transfer, _ in journal.unsealed_transfers(session, horizon=_horizon(head), limit=1):
        ends.append(business_date(datetime.fromisoformat(transfer["at"])))
    day = last.business_on + timedelta(days=1) if last else business_date(first_at)
    closed = 0
    while day < min(ends):
        last = await _close(session, day, last)
        day += timedelta(days=1)
        closed += 1
    return closed


async def _close(session: AsyncSession, day: date, last: LedgerRoot | None) -> LedgerRoot:
    """Its root: the last line before the day's end, or the root before if there was none."""
    after = last.sequence if last else 0
    end = datetime.combine(day + timedelta(days=1), time.min, SHANGHAI)
    head: LedgerSeal | None = await session.scalar(
        _sealed_transfers(LedgerSeal)
        .where(LedgerSeal.sequence > after, LedgerTransfer.at < end)
        .order_by(LedgerSeal.sequence.desc())
        .limit(1)
    )
    at = head or last
    assert at is not None
    transfers = await session.scalar(
        select(func.count(LedgerSeal.transfer_id)).where(
            LedgerSeal.sequence > after, LedgerSeal.sequence <= at.sequence
        )
    )
    root = LedgerRoot(business_on=day, sequence=at.sequence, hash=at.hash, transfers=transfers or 0)
    session.add(root)
    await session.flush()
    return root


def _sealed_transfers(what: Any) -> Any:
    return (
        select(what)
        .select_from(LedgerSeal)
        .join(LedgerTransfer, LedgerSeal.transfer_id == LedgerTransfer.id)
    )


async def list_roots(
    session: AsyncSession, *, limit: int, before: date | None = None
) -> Sequence[LedgerRoot]:
    """Daily roots, the newest first."""
    query = select(LedgerRoot).order_by(LedgerRoot.business_on.desc()).limit(limit)
    if before is not None:
        query = query.where(LedgerRoot.business_on < before)
    return (await session.scalars(query)).all()


async def verify_all(sessions: Sessions) -> list[Finding]:
    """``verify`` in a snapshot of its own, so that what goes on meanwhile is no finding."""
    async with snapshots(sessions)() as session:
        await bind(session, SYSTEM)
        return await verify(session)


async def verify(session: AsyncSession) -> list[Finding]:
    """Replay the whole ledger; nothing found means it holds. ``FINDINGS_MAX`` at most.

    While others write, the session's transaction must see one snapshot (REPEATABLE READ).
    """
    findings: list[Finding] = []
    async for finding in _verify(session):
        findings.append(finding)
        if len(findings) == FINDINGS_MAX:
            break
    return findings


async def _verify(session: AsyncSession) -> AsyncIterator[Finding]:
    replay = Replay()
    async for line in journal.sealed_lines(session):
        for finding in replay.read(line):
            yield finding
    accounts = (
        await session.scalars(
            select(LedgerAccount)
            .order_by(LedgerAccount.id)
            .execution_options(populate_existing=True)
        )
    ).all()
    for account in accounts:
        replay.open(str(account.id), limited=account.limited)
    async for transfer, _ in journal.unsealed_transfers(session):
        for finding in replay.move(transfer):
            yield finding
    for account in accounts:
        for finding in _compare(account, replay):
            yield finding
    for gone in replay.accounts.keys() - {str(account.id) for account in accounts}:
        yield Finding(FindingKind.BALANCE_MISMATCH, gone, "the account is gone")
    for entry in await session.execute(_STRAY_ENTRIES):
        yield Finding(
            FindingKind.UNBALANCED, str(entry.account_id), f"entry {entry.version} has no transfer"
        )


def _compare(account: LedgerAccount, replay: Replay) -> list[Finding]:
    """What the account shows, beside what its entries make."""
    known = replay.accounts[str(account.id)]
    shown = (
        account.debits_posted,
        account.debits_pending,
        account.credits_posted,
        account.credits_pending,
    )
    at = account.at and instant(account.at)
    if (shown, account.version, at) == (known.counters, known.version, known.at):
        return []
    detail = f"shows {shown} after {account.version} entries up to {at};"
    detail += f" they make {known.counters} after {known.version} up to {known.at}"
    return [Finding(FindingKind.BALANCE_MISMATCH, str(account.id), detail)]
