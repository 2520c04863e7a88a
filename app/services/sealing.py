"""Proves the ledger: replays every transfer, and seals them into a chain of hashes."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, snapshots
from app.models.ledger import LedgerAccount
from app.services.actor import SYSTEM, bind

SEAL_BATCH = 1000

_GENESIS = bytes(32)

_FIELDS = (
    "id", "kind", "code", "debit_account_id", "credit_account_id", "amount", "hold_id",
    "reference", "at", "txid",
)  # fmt: skip

# A transaction below the oldest running one is over: nothing can appear before its rows any more.
_UNSEALED = text(f"""
    SELECT {", ".join("t." + name for name in _FIELDS)} FROM ledger_transfers t
    WHERE t.txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      AND NOT EXISTS (SELECT FROM ledger_seals s WHERE s.transfer_id = t.id)
    ORDER BY t.txid, t.at, t.id LIMIT :batch
""")
_SEALED = text(f"""
    SELECT s.sequence, s.hash, {", ".join("t." + name for name in _FIELDS)}
    FROM ledger_seals s JOIN ledger_transfers t ON t.id = s.transfer_id ORDER BY s.sequence
""")
# What each entry changed, beside the transfer (and the hold it resolves) that is behind it.
_MOVES = text("""
    SELECT e.account_id, e.version, e.transfer_id,
           e.debits_posted, e.debits_pending, e.credits_posted, e.credits_pending,
           t.kind, t.amount, t.debit_account_id, t.credit_account_id, h.amount AS held
    FROM ledger_entries e
    JOIN ledger_transfers t ON t.id = e.transfer_id
    LEFT JOIN ledger_transfers h ON h.id = t.hold_id
    ORDER BY e.account_id, e.version
""")
_LONELY = text("""
    SELECT t.id FROM ledger_transfers t
    WHERE 2 <> (SELECT count(*) FROM ledger_entries e
                WHERE e.transfer_id = t.id
                  AND e.account_id IN (t.debit_account_id, t.credit_account_id))
    ORDER BY t.id
""")


class FindingKind(StrEnum):
    HASH_MISMATCH = "hash_mismatch"
    SEQUENCE_GAP = "sequence_gap"
    BALANCE_MISMATCH = "balance_mismatch"
    UNBALANCED = "unbalanced"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the ledger that cannot be; ``subject`` is an account or a transfer."""

    kind: FindingKind
    subject: UUID
    detail: str


async def seal(session: AsyncSession) -> int:
    """Chain the finished transfers that are not sealed yet; how many, a batch at most."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x7A68_5EA1})
    previous = await session.scalar(
        text("SELECT hash FROM ledger_seals ORDER BY sequence DESC LIMIT 1")
    )
    link = previous or _GENESIS
    rows = (await session.execute(_UNSEALED, {"batch": SEAL_BATCH})).all()
    links = []
    for row in rows:
        link = _link(link, row)
        links.append({"transfer": row.id, "hash": link})
    if links:
        await session.execute(
            text("INSERT INTO ledger_seals (transfer_id, hash) VALUES (:transfer, :hash)"), links
        )
    return len(links)


async def verify_all(sessions: Sessions) -> list[Finding]:
    """``verify`` in a snapshot of its own, so that what goes on meanwhile is no finding."""
    async with snapshots(sessions)() as session:
        await bind(session, SYSTEM)
        return await verify(session)


async def verify(session: AsyncSession) -> list[Finding]:
    """Replay the whole ledger, as the transaction sees it; nothing found means it holds."""
    return [
        *[finding async for finding in _check_seals(session)],
        *[finding async for finding in _check_entries(session)],
        *[
            Finding(FindingKind.UNBALANCED, id_, "transfer without its two entries")
            for id_ in await session.scalars(_LONELY)
        ],
    ]


def _link(previous: bytes, row: Any) -> bytes:
    """SHA-256 over the previous link and the transfer's fields in a fixed form."""
    values = (getattr(row, name) for name in _FIELDS)
    canonical = "\x1f".join("" if value is None else _text(value) for value in values)
    return hashlib.sha256(previous + canonical.encode()).digest()


def _text(value: Any) -> str:
    # Instants in UTC to the microsecond, whatever the session's time zone is.
    return f"{value.timestamp():.6f}" if hasattr(value, "timestamp") else str(value)


async def _check_seals(session: AsyncSession) -> AsyncIterator[Finding]:
    link = _GENESIS
    for row in await session.execute(_SEALED):
        link = _link(link, row)
        if link != row.hash:
            yield Finding(FindingKind.HASH_MISMATCH, row.id, f"seal {row.sequence}")
            link = row.hash


async def _check_entries(session: AsyncSession) -> AsyncIterator[Finding]:
    """Versions without a gap, every step as its transfer says, and the account as its last one."""
    accounts = {
        account.id: account
        for account in await session.scalars(
            select(LedgerAccount).execution_options(populate_existing=True)
        )
    }
    counters = dict.fromkeys(accounts, (0, 0, 0, 0))
    versions = dict.fromkeys(accounts, 0)
    for row in await session.execute(_MOVES):
        id_ = row.account_id
        if row.version != versions[id_] + 1:
            yield Finding(FindingKind.SEQUENCE_GAP, id_, f"entry {row.version} follows no other")
        now = (row.debits_posted, row.debits_pending, row.credits_posted, row.credits_pending)
        step = tuple(new - old for new, old in zip(now, counters[id_], strict=True))
        if step != _step(row):
            yield Finding(FindingKind.UNBALANCED, row.transfer_id, f"entry {row.version} of {id_}")
        versions[id_], counters[id_] = row.version, now
    for id_, account in accounts.items():
        shown = (
            account.debits_posted,
            account.debits_pending,
            account.credits_posted,
            account.credits_pending,
        )
        over = account.limited and shown[0] + shown[1] > shown[2]
        if shown != counters[id_] or account.version != versions[id_] or over:
            yield Finding(FindingKind.BALANCE_MISMATCH, id_, f"shows {shown}, {counters[id_]}")


def _step(row: Any) -> tuple[int, ...]:
    """What the transfer does to this side's posted and pending counters."""
    match row.kind:
        case "transfer":
            posted, pending = row.amount, 0
        case "hold":
            posted, pending = 0, row.amount
        case "post":
            posted, pending = row.amount, -row.held
        case _:
            posted, pending = 0, -row.held
    debit = row.account_id == row.debit_account_id
    return (posted, pending, 0, 0) if debit else (0, 0, posted, pending)
