"""What the worker does for deals: promotion, expiry of holds and approvals, end of availability."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import drawdowns, failures, queue


async def promote_queue(sessions: Sessions, *, now: datetime) -> int:
    """Give room to whoever waits; how many were promoted."""
    async with sessions.begin() as session:
        return await queue.promote(session, now=now)


async def expire_due(sessions: Sessions, *, now: datetime) -> int:
    """Fail what ran out: holds, approvals, availability periods; how many deals were touched."""
    done = [
        await in_batches(sessions, use_case, now=now)
        for use_case in (failures.expire_due, failures.lapse_due, drawdowns.end_availability)
    ]
    return sum(done)
