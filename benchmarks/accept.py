"""Accepting a package over HTTP against pgbench running the reservation alone.

Both at 8 clients on the same server in the same run, in turn. pgbench calls the very function that
takes the room, on the same two limits, so both queue for the same two rows.
"""

import asyncio
import json
import statistics
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.lifecycle.parties import OrganisationKind
from app.services import guarantors
from benchmarks import load, pgbench
from benchmarks.database import Database, database
from benchmarks.serving import served
from tests.make.market import GUARANTEE, LOAN, SUMMARY, make_cooperation, make_guarantor
from tests.make.parties import make_actor, make_organisation

CLIENTS = 8
ROUNDS = 5
SECONDS = 4
REQUESTS = 12_000

SEED = """
WITH asked AS (
    INSERT INTO financing_requests
        (id, firm_id, park_code, portfolio_id, amount, term_months, purpose, purpose_text, method,
         frequency, status, industry, size, key_industry, summary, eligibility, created_at,
         opened_at, expires_at)
    SELECT gen_random_uuid(), $1, 'PINGLUO', $2, 100000, 12, 'working_capital', 'seed',
           'interest_only', 'monthly', 'open', 'industry', 'small', true, $3::jsonb, '[]', now(),
           now(), now() + interval '90 days'
    FROM generate_series(1, $8::int)
    RETURNING id
), pledged AS (
    INSERT INTO rights
        (id, owner_id, kind, register, jurisdiction, number, title, holder_name, ipc, nice,
         ownership_disputed, preserved, invalidation_pending, same_day_invention,
         cancellation_pending, similar_marks_outside, source, demo, updated_at)
    SELECT id, $1, 'invention', 'patents', 'CN', id::text, 'seed', 'seed', '{}', '{}', false,
           false, false, false, false, false, 'seed', true, now()
    FROM asked
    RETURNING id
), carried AS (
    INSERT INTO request_rights (request_id, right_id, value, lendable)
    SELECT a.id, p.id, 1000000, 300000 FROM asked a JOIN pledged p ON p.id = a.id
)
INSERT INTO quotes
    (id, request_id, institution_id, firm_id, kind, status, revision, terms, offered_at, expires_at)
SELECT gen_random_uuid(), a.id, o.institution, $1, o.kind, 'offered', 1, o.terms, now(),
       now() + interval '30 days'
FROM asked a, (VALUES ($4::uuid, 'loan', $5::jsonb), ($6::uuid, 'guarantee', $7::jsonb))
    AS o (institution, kind, terms)
"""

CHOICES = """
SELECT l.request_id::text, l.id::text, g.id::text FROM quotes l
JOIN quotes g ON g.request_id = l.request_id AND g.kind = 'guarantee' WHERE l.kind = 'loan'
"""


@dataclass(frozen=True, slots=True)
class Market:
    token: str
    choices: list[tuple[str, str, str]]
    script: str


def measure() -> dict[str, Any]:
    """Acceptances and bare reservations per second; the goal is a ratio of at least 0.15."""
    with database() as ready:
        market = asyncio.run(_seed(ready))
        with served("app.main:create_app", environment=ready.environment) as port:
            rounds = []
            share = len(market.choices) // ROUNDS
            for number in range(ROUNDS):
                ours = _accept(port, market, market.choices[number * share :][:share])
                bare = pgbench.per_second(ready, market.script, clients=CLIENTS, seconds=SECONDS)
                rounds.append((ours, bare))
    ratios = [ours / bare for ours, bare in rounds]
    return {
        "accepted_per_second": statistics.median(ours for ours, _ in rounds),
        "pgbench_per_second": statistics.median(bare for _, bare in rounds),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "goal": "ratio >= 0.15",
    }


async def _seed(ready: Database) -> Market:
    async with ready.session() as session:
        bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
        guarantor = await make_guarantor(session, limit=36_000_000)
        await guarantors.open_accounts(session, guarantor_id=guarantor.organisation_id)
        await make_cooperation(session, bank=bank, partner=guarantor)
    token = await ready.sign_in(OrganisationKind.ENTERPRISE)
    owner = await asyncpg.connect(ready.server.owner_url().replace("+asyncpg", "", 1))
    try:
        firm = await owner.fetchval("SELECT id FROM organisations WHERE kind = 'enterprise'")
        portfolio = await owner.fetchval(
            "INSERT INTO portfolios (id, firm_id, name, created_at)"
            " VALUES (gen_random_uuid(), $1, 'seed', now()) RETURNING id",
            firm,
        )
        loan = json.dumps(LOAN | {"amount": "1000.00"})
        await owner.execute(
            SEED,
            *(firm, portfolio, json.dumps(SUMMARY)),
            *(bank.organisation_id, loan, guarantor.organisation_id, json.dumps(GUARANTEE)),
            REQUESTS,
            timeout=300,
        )
        await owner.execute("VACUUM ANALYZE", timeout=300)
        choices = [(row[0], row[1], row[2]) for row in await owner.fetch(CHOICES)]
        return Market(token, choices, await _script(owner, str(guarantor.organisation_id)))
    finally:
        await owner.close()


async def _script(owner: "asyncpg.Connection[asyncpg.Record]", guarantor: str) -> str:
    """One reservation of one fen, as acceptance makes it: the same function and limits."""
    find = "SELECT id FROM ledger_accounts WHERE book = $1 AND owner = $2 AND role = $3"
    accounts = [
        await owner.fetchval(find, book, name, role)
        for book, name in (("quota", "PINGLUO"), ("guarantor", guarantor))
        for role in ("available", "outstanding")
    ]
    quota, quota_used, limit, limit_used = (f"'{account}'" for account in accounts)
    return (
        "SELECT * FROM reserve_room(gen_random_uuid(), 1, interval '60 days',"
        f" {quota}, {quota_used}, gen_random_uuid(), {limit}, {limit_used}, gen_random_uuid(),"
        " false, 'accept');\n"
    )


def _accept(port: int, market: Market, choices: list[tuple[str, str, str]]) -> float:
    def messages(client: int) -> Iterator[bytes]:
        for request_id, loan, guarantee in choices[client::CLIENTS]:
            body = {
                "loan": {"quote_id": loan, "revision": 1},
                "guarantee": {"quote_id": guarantee, "revision": 1},
            }
            yield load.request(
                "POST",
                f"/v1/company/requests/{request_id}/acceptance",
                body=json.dumps(body).encode(),
                headers={
                    "Content-Type": "application/json",
                    "Authorization": f"Bearer {market.token}",
                    "Idempotency-Key": str(uuid.uuid4()),
                },
            )

    seen = asyncio.run(load.run(port, messages, clients=CLIENTS, seconds=SECONDS))
    if set(seen.statuses) != {201}:
        raise RuntimeError(f"answers other than 201: {seen.statuses}")
    return seen.per_second
