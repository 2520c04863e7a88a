"""Ledger postings per second, beside a bare UPDATE + INSERT and beside pgledger.

All on the same server in the same run, in turn, by pgbench over the same number of accounts, each
posting between two of them drawn at random. pgledger's SQL file is given by ZHIRONG_PGLEDGER (with
``uuid_to_ulid``, which it needs, in it or in a file before it, separated by a colon).
"""

import asyncio
import os
import statistics
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import pgbench
from benchmarks.database import Database, database

ACCOUNTS = 50
BATCH = 100
BATCHES = 10_000
SETTINGS = ((1, True), (8, True), (1, False))  # clients, whether commits wait for the disk
ROUNDS = 3
SECONDS = 3
PGLEDGER = "ZHIRONG_PGLEDGER"

SEED = f"""
INSERT INTO ledger_accounts (id, book, owner, role, limited, debits_posted, debits_pending,
                             credits_posted, credits_pending, version)
SELECT lpad(n::text, 32, '0')::uuid, 'bench', n::text, 'available', true, 0, 0,
       1000000000000, 0, 0
FROM generate_series(1, {ACCOUNTS}) n;
CREATE SEQUENCE bare_ids;
CREATE TABLE bare_accounts (id integer PRIMARY KEY, balance bigint NOT NULL)
    WITH (fillfactor = 50);
CREATE TABLE bare_ticks (n integer);
CREATE TABLE bare_transfers (id uuid PRIMARY KEY, debit integer, credit integer, amount bigint);
INSERT INTO bare_accounts SELECT n, 0 FROM generate_series(1, {ACCOUNTS}) n;
CREATE SEQUENCE bare_batch;
CREATE TABLE bare_batches (n bigint PRIMARY KEY, lists jsonb NOT NULL);
ALTER TABLE bare_batches ALTER COLUMN lists SET STORAGE EXTERNAL;
GRANT ALL ON SEQUENCE bare_ids, bare_batch TO PUBLIC;
GRANT ALL ON bare_batches, bare_ticks, bare_accounts, bare_transfers TO PUBLIC;
"""
SEED_PGLEDGER = f"""
INSERT INTO pgledger_accounts (id, name, currency, allow_negative_balance, allow_positive_balance,
                               created_at, updated_at)
SELECT 'pgla_' || lpad(n::text, 26, '0'), n::text, 'CNY', true, true, now(), now()
FROM generate_series(1, {ACCOUNTS}) n;
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
"""

PICK = f"""
\\set a random(1, {ACCOUNTS})
\\set b 1 + (:a + random(0, {ACCOUNTS} - 2)) % {ACCOUNTS}
"""


def _list(a: str, b: str) -> str:
    """A linked list of one; its rising id stands for the one that a client makes (UUIDv7)."""
    return (
        "jsonb_build_array(jsonb_build_object("
        "'id', lpad(nextval('bare_ids')::text, 32, '0'), 'kind', 'transfer', 'code', 'bench',"
        f" 'debit', lpad({a}::text, 32, '0'), 'credit', lpad({b}::text, 32, '0'),"
        " 'amount', 1, 'reference', '0198c5a1-0000-7000-8000-000000000000'))"
    )


FILL_BATCHES = f"""
INSERT INTO bare_batches
SELECT n, jsonb_agg({_list("a", "b")})
FROM generate_series(1, {BATCHES}) n,
    LATERAL (SELECT a, 1 + (a + floor(random() * {ACCOUNTS - 1})::int) % {ACCOUNTS} AS b
             FROM (SELECT 1 + floor(random() * {ACCOUNTS} + 0 * n)::int AS a
                   FROM generate_series(1, {BATCH})) s) p
GROUP BY n;
"""
OURS = PICK + f"SELECT ledger_apply({_list(':a', ':b')});\n"
# Made beforehand, as a client would; each is sent once.
OURS_BATCH = """
SELECT ledger_apply_batch(
    (SELECT lists FROM bare_batches WHERE n = (SELECT nextval('bare_batch'))));
"""
BARE = (
    PICK
    + """
BEGIN;
UPDATE bare_accounts SET balance = balance - 1 WHERE id = :a;
INSERT INTO bare_transfers VALUES (lpad(nextval('bare_ids')::text, 32, '0')::uuid, :a, :b, 1);
COMMIT;
"""
)
THEIRS = PICK + (
    "SELECT * FROM pgledger_create_transfer('pgla_' || lpad(:a::text, 26, '0'),"
    " 'pgla_' || lpad(:b::text, 26, '0'), 1);\n"
)


def measure() -> dict[str, Any]:
    """Postings per second; goals: single >= 2.5 and batches >= 15 times pgledger's single."""
    files = [Path(name) for name in os.environ.get(PGLEDGER, "").split(":") if name]
    scripts = {"single": OURS, "batch": OURS_BATCH, "bare": BARE}
    if files:
        scripts["pgledger"] = THEIRS
    with database() as ready:
        asyncio.run(_seed(ready, files))
        figures = {
            f"{clients} clients, {'durable' if durable else 'not waiting for the disk'}": _compare(
                ready, scripts, clients, durable=durable
            )
            for clients, durable in SETTINGS
        }
        commit_us = _commit_us(ready)
    return {
        "postings_per_second": figures,
        "accounts": ACCOUNTS,
        "batch": BATCH,
        "empty_commit_us": commit_us,
        "pgledger": ":".join(map(str, files)) or f"skipped: {PGLEDGER} names no SQL file",
        "goal": "single >= 2.5 x pgledger, batch >= 15 x pgledger",
    }


async def _seed(ready: Database, files: list[Path]) -> None:
    owner = await asyncpg.connect(ready.server.owner_url().replace("+asyncpg", "", 1))
    try:
        await owner.execute(SEED)
        await owner.execute(FILL_BATCHES, timeout=300)
        for file in files:
            await owner.execute(file.read_text())
        if files:
            await owner.execute(SEED_PGLEDGER)
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()


def _compare(
    ready: Database, scripts: dict[str, str], clients: int, *, durable: bool
) -> dict[str, float]:
    seen: dict[str, list[float]] = {name: [] for name in scripts}
    for _ in range(ROUNDS):
        for name, script in scripts.items():
            done = pgbench.per_second(
                ready, script, clients=clients, seconds=SECONDS, durable=durable
            )
            seen[name].append(done * (BATCH if name == "batch" else 1))
    rates = {name: round(statistics.median(each), 1) for name, each in seen.items()}
    ratios = {
        f"{ours}_to_{other}": statistics.median(
            mine / theirs for mine, theirs in zip(seen[ours], seen[other], strict=True)
        )
        for ours in ("single", "batch")
        for other in ("bare", "pgledger")
        if other in seen
    }
    return rates | {name: round(ratio, 2) for name, ratio in ratios.items()}


def _commit_us(ready: Database) -> float:
    """What a durable commit of one small row costs here, in microseconds; part of every figure."""
    script = "INSERT INTO bare_ticks VALUES (1);\n"
    return round(1e6 / pgbench.per_second(ready, script, clients=1, seconds=SECONDS), 1)
