"""What the worker does for the market: quotes and requests whose time is up."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import quotes, requests


async def expire_due(sessions: Sessions, *, now: datetime) -> int:
    """Expire requests with the quotes on them, then quotes; how many."""
    expired = await in_batches(sessions, requests.expire_due, now=now)
    return expired + await in_batches(sessions, quotes.expire_due, now=now)
