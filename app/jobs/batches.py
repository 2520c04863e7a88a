"""Runs a use case that works on a batch at most, a transaction each, until nothing is left."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from app.core.db import Sessions

UseCase = Callable[..., Awaitable[int]]
"""``use_case(session, now=now)`` answers how much it did; 0 when nothing was left."""


async def in_batches(sessions: Sessions, use_case: UseCase, *, now: datetime) -> int:
    """How much was done in all."""
    total = 0
    while True:
        async with sessions.begin() as session:
            done = await use_case(session, now=now)
        if not done:
            return total
        total += done
