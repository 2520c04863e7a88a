"""Facts for the world, written in the transaction of the fact. Delivery comes after the commit."""

from datetime import datetime
from uuid import UUID

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
