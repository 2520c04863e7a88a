"""Reads the ledger's tables as lines of the journal (app/journal): sealed, and not yet sealed."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.journal.lines import Line, LineKind, instant
from app.models.ledger import LedgerRoot

Fact = dict[str, Any]
"""An account or a transfer as the journal has it."""

_STREAM = {"yield_per": 2000}
_COUNTERS = ("debits_posted", "debits_pending", "credits_posted", "credits_pending")


def _entry(alias: str) -> str:
    before = ", ".join(f"{alias}.previous_{name}" for name in _COUNTERS)
    after = ", ".join(f"{alias}.{name}" for name in _COUNTERS)
    return (
        f"{alias}.account_id AS {alias}_account, {alias}.version AS {alias}_version,"
        f" ARRAY[{before}] AS {alias}_before, ARRAY[{after}] AS {alias}_after"
    )


_TRANSFER = f"""
    t.id, t.kind, t.code, t.amount, t.hold_id, t.reference, t.at, t.txid,
    {_entry("d")}, {_entry("c")}
"""
# An entry that names another transfer or instant is none of this transfer's.
_ITS_ENTRIES = """
    LEFT JOIN ledger_entries d
        ON d.account_id = t.debit_account_id AND d.at = t.at AND d.transfer_id = t.id
    LEFT JOIN ledger_entries c
        ON c.account_id = t.credit_account_id AND c.at = t.at AND c.transfer_id = t.id
"""
_SEALED = text(f"""
    SELECT s.sequence, s.hash, s.sealed_at, s.horizon, s.account_id AS sealed_account,
           s.transfer_id AS sealed_transfer, a.id AS opened, a.book, a.owner, a.role, a.limited,
           {_TRANSFER}
    FROM ledger_seals s
    LEFT JOIN ledger_accounts a ON a.id = s.account_id
    LEFT JOIN ledger_transfers t ON t.id = s.transfer_id {_ITS_ENTRIES}
    ORDER BY s.sequence
""")
# Whatever is visible may be sealed: a transfer becomes visible after those before it on its
# accounts, because their locks last until the commit.
_UNSEALED = text(f"""
    SELECT {_TRANSFER}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest
    FROM ledger_transfers t {_ITS_ENTRIES}
    WHERE t.txid >= :horizon
      AND NOT EXISTS (SELECT FROM ledger_seals s WHERE s.transfer_id = t.id)
    ORDER BY t.at, t.id LIMIT :batch
""")
_UNSEALED_ACCOUNTS = text("""
    SELECT a.id, a.book, a.owner, a.role, a.limited FROM ledger_accounts a
    WHERE NOT EXISTS (SELECT FROM ledger_seals s WHERE s.account_id = a.id) ORDER BY a.id
""")


async def sealed_lines(session: AsyncSession) -> AsyncIterator[Line]:
    """Every sealed line in order, each root behind the line it names; streamed."""
    roots = (
        await session.scalars(
            select(LedgerRoot)
            .order_by(LedgerRoot.sequence, LedgerRoot.business_on)
            .execution_options(populate_existing=True)
        )
    ).all()
    read = 0
    async for row in await session.stream(_SEALED, execution_options=_STREAM):
        yield _sealed_line(row)
        while read < len(roots) and roots[read].sequence <= row.sequence:
            yield _root_line(roots[read])
            read += 1
    for root in roots[read:]:
        yield _root_line(root)


async def unsealed_transfers(
    session: AsyncSession, *, horizon: int = 0, limit: int | None = None
) -> AsyncIterator[tuple[Fact, int]]:
    """Transfers to be sealed, by instant, with the oldest transaction that still ran; streamed.

    ``horizon``: only those of transactions from this one on.
    """
    rows = await session.stream(
        _UNSEALED, {"horizon": horizon, "batch": limit}, execution_options=_STREAM
    )
    async for row in rows:
        yield _transfer(row), row.oldest


async def unsealed_accounts(session: AsyncSession) -> list[Fact]:
    return [_account(row.id, row) for row in await session.execute(_UNSEALED_ACCOUNTS)]


def line_of(
    kind: LineKind, fact: Fact | None, *, sequence: int, sealed_at: datetime, horizon: int
) -> Line:
    """A line of the chain, without its hash."""
    return {
        "sequence": sequence,
        "sealed_at": instant(sealed_at),
        "horizon": horizon,
        kind.value: fact,
    }


def _sealed_line(row: Row[Any]) -> Line:
    fact: Fact | None
    if row.sealed_account is not None:
        kind, subject = LineKind.ACCOUNT, row.sealed_account
        one = row.sealed_transfer is None  # a seal of two things is of none
        fact = _account(row.opened, row) if row.opened and one else None
    else:
        kind, subject = LineKind.TRANSFER, row.sealed_transfer
        fact = _transfer(row) if row.id else None
    line = line_of(kind, fact, sequence=row.sequence, sealed_at=row.sealed_at, horizon=row.horizon)
    line["hash"] = row.hash.hex()
    if fact is None:
        line["subject"] = str(subject)  # sealed, and gone
    return line


def _account(id_: UUID, row: Row[Any]) -> Fact:
    return {
        "id": str(id_),
        "book": row.book,
        "owner": row.owner,
        "role": row.role,
        "limited": row.limited,
    }


def _transfer(row: Row[Any]) -> Fact:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "code": row.code,
        "amount": row.amount,
        "hold": row.hold_id and str(row.hold_id),
        "reference": str(row.reference),
        "at": instant(row.at),
        "txid": row.txid,
        "debit": _side(row.d_account, row.d_version, row.d_before, row.d_after),
        "credit": _side(row.c_account, row.c_version, row.c_before, row.c_after),
    }


def _side(account: UUID | None, version: int, before: list[int], after: list[int]) -> Fact | None:
    if account is None:
        return None
    return {"account": str(account), "version": version, "before": before, "after": after}


def _root_line(root: LedgerRoot) -> Line:
    return {
        LineKind.ROOT.value: {
            "business_on": root.business_on.isoformat(),
            "sequence": root.sequence,
            "hash": root.hash.hex(),
            "transfers": root.transfers,
        }
    }
