"""What the worker does for the programme: changes that were decided for a later day."""

from datetime import datetime

from app.core.db import Sessions
from app.jobs.batches import in_batches
from app.services import programme_changes


async def take_effect_due(sessions: Sessions, *, now: datetime) -> int:
    """Put in force what is due, or record why it cannot be; how many changes were moved."""
    return await in_batches(sessions, programme_changes.take_effect_due, now=now)
