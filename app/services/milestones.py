"""Acts of a deal's parties that the deal waits for and that have no states of their own."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.deals import Deal, Milestone
from app.services import history
from app.services.actor import Actor


async def record(
    session: AsyncSession,
    deal: Deal,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    reference: str | None = None,
) -> None:
    """Note the act once; again it changes nothing. The caller holds the deal's lock."""
    first = await session.scalar(
        insert(Milestone)
        .values(
            deal_id=deal.id,
            kind=kind,
            recorded_by=actor.organisation_id,
            recorded_at=now,
            reference=reference,
        )
        .on_conflict_do_nothing()
        .returning(Milestone.kind)
    )
    if first is not None:
        history.note(session, "milestone", deal.id, kind, actor=actor, now=now)
