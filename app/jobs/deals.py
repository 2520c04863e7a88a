"""What the worker does for deals: promotion, expiry of holds and approvals, end of availability."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from app.core.db import Sessions
from app.services import drawdowns, failures, queue


async def promote_queue(sessions: Sessions, *, now: datetime) -> int:
    """Give room to whoever waits; how many were promoted."""
    async with sessions.begin() as session:
        return await queue.promote(session, now=now)


async def expire_due(sessions: Sessions, *, now: datetime) -> int:
    """Fail what ran out: holds, approvals, availability periods; how many deals were touched."""
    due: list[Callable[..., Awaitable[int]]] = [
        failures.expire_due,
        failures.lapse_due,
        drawdowns.end_availability,
    ]
    total = 0
    for use_case in due:
        while True:
            async with sessions.begin() as session:
                touched = await use_case(session, now=now)
            if not touched:
                break
            total += touched
    return total
