"""Who is on the green channel (绿色通道): firms of key parks and industries, from opening."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.financing import FinancingRequest
from app.models.workdays import GreenEntry
from app.services import outbox

KEY_PARK, KEY_INDUSTRY = "key_park", "key_industry"


async def enter(session: AsyncSession, request: FinancingRequest, *, now: datetime) -> None:
    """Put a request that opens on the green channel, if its park or its industry is a key one."""
    grounds = [KEY_PARK] if request.summary.get("key_park") else []
    grounds += [KEY_INDUSTRY] if request.key_industry else []
    if not grounds:
        return
    await session.flush()
    entered = await session.scalar(
        insert(GreenEntry)
        .values(
            request_id=request.id,
            firm_id=request.firm_id,
            park_code=request.park_code,
            grounds=grounds,
            entered_at=now,
            checked_at=now,
        )
        .on_conflict_do_nothing()
        .returning(GreenEntry.request_id)
    )
    if entered is not None:
        outbox.announce(
            session, "green_channel.entered", request.id, organisation_id=request.firm_id, now=now
        )
