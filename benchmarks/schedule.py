"""An 18-month repayment schedule against a bare FastAPI route that takes and returns JSON."""

import asyncio
import itertools
import json
import statistics
from typing import Any

from fastapi import FastAPI

from benchmarks import load
from benchmarks.serving import served

BODY = json.dumps(
    {
        "principal": "5000.00",
        "annual_rate_pct": "12",
        "term_months": 18,
        "method": "equal_instalment",
        "day_count": "30/360",
        "first_day": "2022-11-01",
    }
).encode()
JSON = {"Content-Type": "application/json"}
ROUNDS = 5
SECONDS = 3.0
CLIENTS = 8


def bare() -> FastAPI:
    """The opponent: the framework alone."""
    app = FastAPI()

    @app.post("/bare")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    return app


def measure() -> dict[str, Any]:
    """Requests per second of both, in turn; the goal is a ratio of at least 0.5."""
    ours = load.request("POST", "/v1/calculators/repayment-schedule", body=BODY, headers=JSON)
    theirs = load.request("POST", "/bare", body=BODY, headers=JSON)
    # The calculators send no SQL, so no database is behind this address.
    environment = {
        "ZHIRONG_CALCULATOR_RATE": "0",
        "ZHIRONG_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }
    with (
        served("app.main:create_app", environment=environment) as our_port,
        served("benchmarks.schedule:bare") as their_port,
    ):
        rounds = []
        for _ in range(ROUNDS):
            rounds.append((_per_second(our_port, ours), _per_second(their_port, theirs)))
    ratios = [mine / other for mine, other in rounds]
    return {
        "schedule_per_second": statistics.median(mine for mine, _ in rounds),
        "bare_per_second": statistics.median(other for _, other in rounds),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "goal": "ratio >= 0.5",
    }


def _per_second(port: int, message: bytes) -> float:
    seen = asyncio.run(
        load.run(port, lambda _: itertools.repeat(message), clients=CLIENTS, seconds=SECONDS)
    )
    if set(seen.statuses) != {200}:
        raise RuntimeError(f"answers other than 200: {seen.statuses}")
    return seen.per_second
