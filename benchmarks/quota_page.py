"""A park's figures over HTTP at 10,000 and at 1,000,000 loans, live and at a past instant.

The loans are seeded in bulk with everything that belongs to them: requests, deals, schedules, the
ledger's transfers and entries, and the exposures, rebuilt by the function that migrations use.
"""

import asyncio
import itertools
import statistics
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import asyncpg

from app.core.embedded import DATABASE
from app.lifecycle.parties import OrganisationKind
from app.services import exposures
from benchmarks import load
from benchmarks.database import Database, database
from benchmarks.serving import served

SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 5
SECONDS = 3.0
CLIENTS = 2
PATH = "/v1/authority/parks/PINGLUO/figures"

# Five parks share them; a yuan of principal each, so that a million fit into the quota.
_PARK = "(ARRAY['PINGLUO', 'NINGDONG', 'ZHONGNING', 'QINGTONGXIA', 'REGION'])[1 + n % 5]"
SEED = f"""
CREATE TEMP TABLE seeded AS
SELECT n, {_PARK} AS park, gen_random_uuid() AS request, gen_random_uuid() AS deal,
       gen_random_uuid() AS loan, gen_random_uuid() AS transfer,
       (SELECT array_agg(id ORDER BY id) FROM organisations WHERE kind = 'enterprise')
           [1 + n % 1000] AS firm,
       (SELECT array_agg(id ORDER BY id) FROM organisations WHERE kind = 'bank')
           [1 + n % 20] AS bank
FROM generate_series($1::int, $2::int) n;
"""
ROWS = (
    """
INSERT INTO financing_requests
    (id, firm_id, park_code, portfolio_id, amount, term_months, purpose, purpose_text, method,
     frequency, status, industry, size, key_industry, summary, eligibility, created_at, opened_at)
SELECT request, firm, park, $1, 100, 12, 'working_capital', 'seed', 'equal_principal', 'monthly',
       'matched', 'industry', (ARRAY['micro', 'small', 'medium'])[1 + n % 3], false, '{}', '[]',
       now(), now() - (5 + n % 90) * interval '1 day'
FROM seeded""",
    """
INSERT INTO deals
    (id, request_id, firm_id, bank_id, guarantor_id, loan_quote_id, guarantee_quote_id, park_code,
     status, principal, term_months, guarantee_share_pct, insurance_share_pct, liability,
     in_programme, loan_terms, pledgee, held, accepted_at)
SELECT deal, request, firm, bank, $1, $2, $2, park, 'active', 100, 12, 100, 0, 100, true, '{}',
       'bank', 0, now()
FROM seeded""",
    """
INSERT INTO loans
    (id, deal_id, bank_id, firm_id, status, drawn, outstanding, settled_by_calls, called,
     guarantee_share_pct, liability, in_programme, annual_rate_pct, penalty_multiple, method,
     frequency, day_count, rounding, grace_months, allocation_order, first_day, term_months,
     maturity_on, schedule_version, level, accrues_from, carried_interest, retake_waiting)
SELECT loan, deal, bank, firm, 'performing', 100, 100, 0, 0, 100, 100, true, 3.6, 1.5,
       'equal_principal', 'monthly', 'ACT/360', 'half_up', 0, '[]', current_date, 12,
       current_date + 365, 1, 25, current_date, 0, false
FROM seeded""",
    """
INSERT INTO instalments
    (loan_id, version, number, due_on, days, principal, interest, penalty, paid_principal,
     paid_interest, paid_penalty)
SELECT loan, 1, k, current_date + 90 * k + n % 30, 90, 25, 0, 0, 0, 0, 0
FROM seeded, generate_series(1, 4) k""",
    """
CREATE TEMP TABLE accounts AS
SELECT o.owner AS park, o.id AS outstanding, a.id AS available,
       o.version AS outstanding_version, a.version AS available_version,
       o.credits_posted AS used, a.debits_posted AS debited, a.credits_posted AS allocated
FROM ledger_accounts o JOIN ledger_accounts a ON a.book = 'quota' AND a.owner = o.owner
    AND a.role = 'available'
WHERE o.book = 'quota' AND o.role = 'outstanding'""",
    """
CREATE TEMP TABLE steps AS
SELECT s.transfer, s.deal, a.*, row_number() OVER (PARTITION BY s.park ORDER BY s.n) AS k
FROM seeded s JOIN accounts a ON a.park = s.park""",
    """
INSERT INTO ledger_transfers (id, kind, code, debit_account_id, credit_account_id, amount,
                              reference, at)
SELECT transfer, 'transfer', 'seed', available, outstanding, 100, deal,
       now() + k * interval '1 microsecond'
FROM steps""",
    """
INSERT INTO ledger_entries (account_id, version, transfer_id, debits_posted, debits_pending,
                            credits_posted, credits_pending, previous_debits_posted,
                            previous_debits_pending, previous_credits_posted,
                            previous_credits_pending, at)
SELECT outstanding, outstanding_version + k, transfer, 0, 0, used + 100 * k, 0,
       0, 0, used + 100 * (k - 1), 0, now() + k * interval '1 microsecond'
FROM steps
UNION ALL
SELECT available, available_version + k, transfer, debited + 100 * k, 0, allocated, 0,
       debited + 100 * (k - 1), 0, allocated, 0, now() + k * interval '1 microsecond'
FROM steps""",
    """
UPDATE ledger_accounts l SET version = l.version + s.k,
    at = now() + s.k * interval '1 microsecond', credits_posted = l.credits_posted
    + CASE l.id WHEN s.outstanding THEN 100 * s.k ELSE 0 END,
    debits_posted = l.debits_posted + CASE l.id WHEN s.available THEN 100 * s.k ELSE 0 END
FROM (SELECT outstanding, available, max(k) AS k FROM steps GROUP BY 1, 2) s
WHERE l.id IN (s.outstanding, s.available)""",
    "SELECT rebuild_exposures((now() AT TIME ZONE 'Asia/Shanghai')::date)",
    "DROP TABLE seeded, accounts, steps",
)


def measure() -> dict[str, Any]:
    """Median latencies in milliseconds; the goal is a ratio of at most 1.3, live and past."""
    with database() as ready:
        token = asyncio.run(ready.sign_in(OrganisationKind.AUTHORITY))
        asyncio.run(_seed_parties(ready))
        asyncio.run(_seed(ready, 1, SMALL))
        past = datetime.now(UTC).isoformat()
        with served("app.main:create_app", environment=ready.environment) as port:
            small = _medians(port, token, past)
        asyncio.run(_seed(ready, SMALL + 1, LARGE))
        asyncio.run(_prove(ready))
        with served("app.main:create_app", environment=ready.environment) as port:
            large = _medians(port, token, past)
    return {
        "live_ms_at_10000": small[0] * 1000,
        "live_ms_at_1000000": large[0] * 1000,
        "past_ms_at_10000": small[1] * 1000,
        "past_ms_at_1000000": large[1] * 1000,
        "ratio": large[0] / small[0],
        "ratio_past": large[1] / small[1],
        "goal": "ratio <= 1.3",
    }


async def _seed_parties(ready: Database) -> None:
    owner = await _superuser(ready)
    try:
        for kind, count in (("enterprise", 1000), ("bank", 20), ("guarantor", 1)):
            await owner.execute(
                "INSERT INTO organisations (id, kind, uscc, name, status, guarantor_type, demo)"
                " SELECT gen_random_uuid(), $1::text, $1 || n, $1 || n, 'verified',"
                " CASE $1 WHEN 'guarantor' THEN 'government' END, true"
                " FROM generate_series(1, $2::int) n",
                kind,
                count,
            )
    finally:
        await owner.close()


async def _seed(ready: Database, first: int, last: int) -> None:
    """Loans ``first`` to ``last``. Constraints between tables are not looked up one by one."""
    owner = await _superuser(ready)
    try:
        # The seed stands for what the services wrote, so triggers and look-ups are spared.
        await owner.execute("SET session_replication_role = replica")
        await owner.execute("SET statement_timeout = '20min'")
        guarantor = await owner.fetchval("SELECT id FROM organisations WHERE kind = 'guarantor'")
        async with owner.transaction():
            await owner.execute(SEED, first, last, timeout=1200)
            for statement in ROWS:
                arguments = [guarantor] * statement.count("$1") + [guarantor] * ("$2" in statement)
                await owner.execute(statement, *arguments, timeout=1200)
        await owner.execute("VACUUM ANALYZE", timeout=1200)
    finally:
        await owner.close()


async def _superuser(ready: Database) -> Any:
    return await asyncpg.connect(ready.server.superuser_url(DATABASE).replace("+asyncpg", "", 1))


async def _prove(ready: Database) -> None:
    """The seed is consistent: what verify recomputes is what is kept."""
    async with ready.session() as session:
        findings = await exposures.verify(session)
    if findings:
        raise RuntimeError(f"the seed is inconsistent: {findings[:3]}")


def _medians(port: int, token: str, past: str) -> tuple[float, float]:
    """Live and past, in seconds: the median over several rounds of each round's median."""
    live: list[float] = []
    then: list[float] = []
    for number in range(ROUNDS + 1):
        for path, seen in ((PATH, live), (f"{PATH}?at={quote(past)}", then)):
            message = load.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            run = asyncio.run(_run(port, message))
            if set(run.statuses) != {200}:
                raise RuntimeError(f"answers other than 200: {run.statuses}")
            if number:  # the first round warms caches on both sides
                seen.append(run.percentile(0.5))
    return statistics.median(live), statistics.median(then)


async def _run(port: int, message: bytes) -> load.Load:
    return await load.run(
        port, lambda _: itertools.repeat(message), clients=CLIENTS, seconds=SECONDS
    )
