"""Works out valuation runs, and revalues what is pledged."""

import json
from datetime import UTC, datetime
from uuid import UUID

from pgqueuer.models import Job

from app.core.db import Sessions
from app.services import revaluations, valuation_runs


async def value_portfolio(job: Job, *, sessions: Sessions) -> None:
    """Task.VALUE_PORTFOLIO: {"run_id": …}. Safe to run again after a crash."""
    payload = json.loads(job.payload or b"{}")
    await valuation_runs.compute(sessions, run_id=UUID(payload["run_id"]), now=datetime.now(UTC))


async def revalue_pledge(job: Job, *, sessions: Sessions) -> None:
    """Task.REVALUE_PLEDGE: {"round_id": …, "deal_id": …}. Safe to run again after a crash."""
    payload = json.loads(job.payload or b"{}")
    await revaluations.revalue(
        sessions,
        round_id=UUID(payload["round_id"]),
        deal_id=UUID(payload["deal_id"]),
        now=datetime.now(UTC),
    )
