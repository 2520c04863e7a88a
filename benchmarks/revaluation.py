"""`zhirong revalue --all` over 5,000 rights and over 100,000: time, and memory at its peak."""

import asyncio
import os
import subprocess
import sys
import time
from typing import Any
from uuid import UUID

import asyncpg

from app.core.money import Money
from benchmarks.database import Database, database
from tests.make.valued import make_pledged

RIGHTS = 50
SMALL, LARGE = 100, 2_000
"""Pledges of 50 rights each: 5,000 and 100,000 rights."""
SALES = Money.yuan(10_000_000)

# A copy of one pledge made by the services, under ids that follow from the copy's number.
COPIES = (
    ("portfolios", "portfolio", ("id",), ""),
    ("valuations", "valuation", ("id", "portfolio_id"), ""),
    ("financing_requests", "request", ("id", "portfolio_id", "valuation_id"), ""),
    ("quotes", "quote", ("id", "request_id"), ""),
    ("deals", "deal", ("id", "request_id", "loan_quote_id"), ""),
    ("loans", "loan", ("id", "deal_id"), "'reference', 'bench-' || n"),
)
COPY = """
INSERT INTO {table}
SELECT (jsonb_populate_record(t, jsonb_build_object({changes}))).*
FROM {table} t, generate_series($2::int, $3::int) n WHERE t.id = $1
"""
COPY_RIGHTS = """
INSERT INTO rights
SELECT (jsonb_populate_record(t, jsonb_build_object(
    'id', md5($1::uuid::text || n || '-' || m)::uuid, 'number', 'bench-' || n || '-' || m))).*
FROM rights t, generate_series($2::int, $3::int) n, generate_series(1, $4::int) m WHERE t.id = $1
"""
PLEDGE_RIGHTS = """
INSERT INTO deal_rights (deal_id, right_id, register, locked_at)
SELECT md5($1::uuid::text || n)::uuid, md5($2::uuid::text || n || '-' || m)::uuid, 'patents', now()
FROM generate_series($3::int, $4::int) n, generate_series(1, $5::int) m
"""
STATE_INPUTS = """
UPDATE valuations v SET inputs = jsonb_build_object('rights', (
    SELECT jsonb_agg(jsonb_build_object(
        'right_id', md5($2::uuid::text || n || '-' || m)::uuid, 'annual_revenue', $5::text))
    FROM generate_series(1, $6::int) m))
FROM generate_series($3::int, $4::int) n WHERE v.id = md5($1::uuid::text || n)::uuid
"""


def measure() -> dict[str, Any]:
    """Seconds and peak resident memory of the command, which works alone."""
    with database() as ready:
        base = asyncio.run(_make_base(ready))
        asyncio.run(_copy(ready, base, 1, SMALL))
        small_seconds, small_mib = _revalue(ready)
        asyncio.run(_copy(ready, base, SMALL + 1, LARGE))
        seconds, mib = _revalue(ready)
    return {
        "rights": LARGE * RIGHTS,
        "seconds": seconds,
        "rights_per_second": LARGE * RIGHTS / seconds,
        "seconds_at_5000_rights": small_seconds,
        "peak_mib_at_5000_rights": small_mib,
        "peak_mib": mib,
        "memory_ratio": mib / small_mib,
        "goal": "memory flat in the number of portfolios",
    }


async def _make_base(ready: Database) -> dict[str, UUID]:
    async with ready.session() as session:
        pledged = await make_pledged(session, SALES)
        return {
            "portfolio": pledged.valuation.portfolio_id,
            "valuation": pledged.valuation.id,
            "request": pledged.deal.request_id,
            "quote": pledged.deal.loan_quote_id,
            "deal": pledged.deal.id,
            "loan": pledged.loan.id,
            "right": pledged.right.id,
        }


async def _copy(ready: Database, base: dict[str, UUID], first: int, last: int) -> None:
    owner = await asyncpg.connect(ready.server.owner_url().replace("+asyncpg", "", 1))
    try:
        async with owner.transaction():
            for table, name, columns, more in COPIES:
                mapped = [f"'{column}', md5(t.{column}::text || n)::uuid" for column in columns]
                changes = ", ".join([*mapped, *([more] if more else [])])
                statement = COPY.format(table=table, changes=changes)
                await owner.execute(statement, base[name], first, last, timeout=600)
            right, deal = base["right"], base["deal"]
            await owner.execute(COPY_RIGHTS, right, first, last, RIGHTS, timeout=600)
            await owner.execute(PLEDGE_RIGHTS, deal, right, first, last, RIGHTS, timeout=600)
            await owner.execute(
                STATE_INPUTS, base["valuation"], right, first, last, str(SALES), RIGHTS, timeout=600
            )
        await owner.execute("VACUUM ANALYZE", timeout=600)
    finally:
        await owner.close()


def _revalue(ready: Database) -> tuple[float, float]:
    command = [sys.executable, "-m", "app.cli", "revalue", "--all"]
    started = time.monotonic()
    running = subprocess.Popen(
        command,
        env=os.environ | ready.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(running.pid, 0)
    if status:
        raise RuntimeError(f"the revaluation ended with {status}")
    kib = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return time.monotonic() - started, kib / 1024
