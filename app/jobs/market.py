"""What the worker does for the market: what has run out, and the clocks of the green channel."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import appraisal_orders, clocks, quotes, requests


async def expire_due(sessions: Sessions, *, now: datetime) -> int:
    """Expire requests with the quotes on them, quotes, and orders of appraisals; how many."""
    done = [
        await in_batches(sessions, use_case, now=now)
        for use_case in (requests.expire_due, quotes.expire_due, appraisal_orders.end_due)
    ]
    return sum(done)


async def judge_clocks(sessions: Sessions, *, now: datetime) -> int:
    """Judge the clocks of the green channel and announce what became late; requests looked at."""
    return await in_batches(sessions, clocks.judge_due, now=now)
