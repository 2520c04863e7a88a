"""What the worker does for loans each business day."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import exposures, overdue


async def mark_overdue(sessions: Sessions, *, now: datetime) -> int:
    """Mark loans that fell overdue, cure those that caught up, tell the parks; how many."""
    moved = await in_batches(sessions, overdue.mark, now=now)
    return moved + await in_batches(sessions, exposures.refresh_due, now=now)
