"""What the worker does for the ledger: seals it off the hot path."""

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
