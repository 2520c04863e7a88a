"""Facts for the world, written in the transaction of the fact. Delivery comes after the commit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.records import OutboxEvent


def announce(
    session: AsyncSession,
    kind: str,
    subject_id: UUID,
    *,
    organisation_id: UUID | None = None,
    now: datetime,
) -> None:
    """Put a fact in the outbox. ``organisation_id`` is whom it concerns, if one party only."""
    session.add(
        OutboxEvent(kind=kind, subject_id=subject_id, organisation_id=organisation_id, at=now)
    )


def announce_to(
    session: AsyncSession,
    organisation_ids: Iterable[UUID],
    kind: str,
    subject_id: UUID,
    *,
    now: datetime,
) -> None:
    """Put a fact in the outbox once for each party that it concerns."""
    for organisation_id in organisation_ids:
        announce(session, kind, subject_id, organisation_id=organisation_id, now=now)


async def list_events(
    session: AsyncSession, *, organisation_id: UUID, after: UUID | None = None, limit: int
) -> Sequence[OutboxEvent]:
    """What concerns the organisation, in an order in which nothing is ever put between.

    By the transaction that wrote it, and only once every earlier transaction has ended: whoever
    reads on from the last event seen misses none.
    """
    # A statement of its own: the next one's snapshot then has all that ended before.
    settled = await session.scalar(select(func.app_settled_transaction()))
    events = (
        select(OutboxEvent)
        .where(
            OutboxEvent.organisation_id == organisation_id,
            OutboxEvent.transaction < settled,
        )
        .order_by(OutboxEvent.transaction, OutboxEvent.id)
        .limit(limit)
    )
    if after is not None:
        seen = select(OutboxEvent.transaction, OutboxEvent.id).where(
            OutboxEvent.id == after, OutboxEvent.organisation_id == organisation_id
        )
        last = (await session.execute(seen)).one_or_none()
        if last is not None:
            events = events.where(tuple_(OutboxEvent.transaction, OutboxEvent.id) > tuple_(*last))
    return (await session.scalars(events)).all()
