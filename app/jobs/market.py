"""What the worker does for the market: what has run out, and the clocks of the green channel."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import clocks, quotes, requests


async def expire_due(sessions: Sessions, *, now: datetime) -> int:
    """Expire requests with the quotes on them, then quotes; how many."""
    expired = await in_batches(sessions, requests.expire_due, now=now)
    return expired + await in_batches(sessions, quotes.expire_due, now=now)


async def judge_clocks(sessions: Sessions, *, now: datetime) -> int:
    """Judge the clocks of the green channel and announce what became late; requests looked at."""
    return await in_batches(sessions, clocks.judge_due, now=now)
