"""The lender's list of open requests at 1,000 and at 1,000,000 requests."""

import asyncio
import itertools
import statistics
from typing import Any

import asyncpg

from app.lifecycle.parties import OrganisationKind
from benchmarks import load
from benchmarks.database import Database, database
from benchmarks.serving import served

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 5
SECONDS = 4.0
CLIENTS = 4

# Nine of ten are open; a tenth belongs to each of several firms' pasts.
SEED = """
INSERT INTO financing_requests
    (id, firm_id, park_code, portfolio_id, amount, term_months, purpose, purpose_text, method,
     frequency, status, industry, size, key_industry, summary, eligibility, created_at,
     opened_at, expires_at)
SELECT gen_random_uuid(), $1,
       (ARRAY['PINGLUO', 'NINGDONG', 'ZHONGNING', 'QINGTONGXIA', 'REGION'])[1 + n % 5], $2,
       100000000 + n, 12, 'working_capital', 'seed', 'interest_only', 'monthly',
       CASE WHEN n % 10 = 0 THEN 'closed' ELSE 'open' END, 'industry', 'small', n % 3 = 0,
       $3::jsonb, '[]', now(), now() - n * interval '1 second', now() + interval '90 days'
FROM generate_series($4::int, $5::int) n
"""
SUMMARY = (
    '{"counts": {"invention": 3}, "total_value": "9000000.00", "lendable": "2700000.00",'
    ' "shortest_life_months": 96, "key_park": true, "field": "new_materials"}'
)


def measure() -> dict[str, Any]:
    """p95 of both, in milliseconds; the goal is a ratio of at most 1.2."""
    with database() as ready:
        token = asyncio.run(ready.sign_in(OrganisationKind.BANK))
        asyncio.run(_seed(ready, 1, SMALL))
        with served("app.main:create_app", environment=ready.environment) as port:
            small = _p95(port, token)
        asyncio.run(_seed(ready, SMALL + 1, LARGE))
        with served("app.main:create_app", environment=ready.environment) as port:
            large = _p95(port, token)
    return {
        "p95_ms_at_1000": small * 1000,
        "p95_ms_at_1000000": large * 1000,
        "ratio": large / small,
        "goal": "ratio <= 1.2",
    }


async def _seed(ready: Database, first: int, last: int) -> None:
    owner = await asyncpg.connect(ready.server.owner_url().replace("+asyncpg", "", 1))
    try:
        firm = await owner.fetchval("SELECT id FROM organisations LIMIT 1")
        portfolio = await owner.fetchval(
            "INSERT INTO portfolios (id, firm_id, name, created_at)"
            " VALUES (gen_random_uuid(), $1, 'seed', now()) RETURNING id",
            firm,
        )
        await owner.execute(SEED, firm, portfolio, SUMMARY, first, last, timeout=600)
        await owner.execute("VACUUM ANALYZE financing_requests", timeout=600)
    finally:
        await owner.close()


def _p95(port: int, token: str) -> float:
    """The median over several rounds of each round's 95th percentile, in seconds."""
    message = load.request(
        "GET", "/v1/lender/requests?limit=50", headers={"Authorization": f"Bearer {token}"}
    )
    seen = []
    for number in range(ROUNDS + 1):
        run = asyncio.run(
            load.run(port, lambda _: itertools.repeat(message), clients=CLIENTS, seconds=SECONDS)
        )
        if set(run.statuses) != {200}:
            raise RuntimeError(f"answers other than 200: {run.statuses}")
        if number:  # the first round warms caches on both sides
            seen.append(run.percentile(0.95))
    return statistics.median(seen)
