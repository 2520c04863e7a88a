"""What the worker does for the ledger: seals it off the hot path, and closes its days."""

from datetime import datetime

from app.core.db import Sessions
from app.services import sealing
from app.services.actor import SYSTEM, bind


async def seal_ledger(sessions: Sessions) -> int:
    """Chain all finished transfers that are not sealed yet; how many."""
    total = 0
    while True:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            sealed = await sealing.seal(session)
        if not sealed:
            return total
        total += sealed


async def close_days(sessions: Sessions, *, now: datetime) -> int:
    """Write the root of each business day that is over; how many."""
    await seal_ledger(sessions)
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        return await sealing.close_days(session, now=now)
