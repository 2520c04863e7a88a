"""What the worker does for alerts each minute."""

from datetime import datetime

from app.core.db import Sessions
from app.services import alerts


async def sweep(sessions: Sessions, *, now: datetime) -> int:
    """Raise and clear alerts as the thresholds say; how many."""
    async with sessions.begin() as session:
        return await alerts.sweep(session, now=now)
