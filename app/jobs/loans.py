"""What the worker does for loans each business day."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import overdue


async def mark_overdue(sessions: Sessions, *, now: datetime) -> int:
    """Mark loans that fell overdue, and cure those that caught up; how many were moved."""
    return await in_batches(sessions, overdue.mark, now=now)
