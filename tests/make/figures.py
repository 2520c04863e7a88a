"""Parks that look at their figures, and the database's own clock."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import OrganisationKind
from app.services.actor import Actor
from tests.make.parties import make_actor, make_organisation


async def make_park(session: AsyncSession, code: str = "PINGLUO") -> Actor:
    """Whoever runs the park."""
    return await make_actor(
        session, await make_organisation(session, OrganisationKind.PARK, park_code=code)
    )


async def clock(session: AsyncSession) -> datetime:
    """The instant by which figures and entries are stamped."""
    now: datetime | None = await session.scalar(select(func.clock_timestamp()))
    assert now is not None
    return now
