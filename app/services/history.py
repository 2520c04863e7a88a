"""The one way to change a status: the move and its record are one act."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import SelectBase, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.machine import E, Machine, S
from app.models.records import StatusChange
from app.services.actor import Actor


class HasStatus(Protocol):
    """Any row with an id and a status; SQLAlchemy's ``Mapped`` descriptors read as plain values."""

    id: Any
    status: Any


def move(
    session: AsyncSession,
    subject: HasStatus,
    machine: Machine[S, E],
    event: E,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Move ``subject`` along ``machine``, or raise IllegalMove. The caller holds the row's lock."""
    source: S = subject.status
    target = machine.after(source, event)
    subject.status = target
    session.add(_change(machine.name, subject.id, source, event, target, actor=actor, now=now))


def begin(
    session: AsyncSession,
    subject: HasStatus,
    machine: Machine[S, E],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Record that ``subject`` came to be, in the state it has."""
    session.add(
        _change(machine.name, subject.id, "", "create", subject.status, actor=actor, now=now)
    )


def note(
    session: AsyncSession,
    subject: str,
    subject_id: UUID,
    event: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Record an act on what has no states of its own, so that the history has every act."""
    session.add(_change(subject, subject_id, "", event, "", actor=actor, now=now))


def _change(
    machine: str,
    subject_id: UUID,
    source: str,
    event: str,
    target: str,
    *,
    actor: Actor,
    now: datetime,
) -> StatusChange:
    return StatusChange(
        subject=machine,
        subject_id=subject_id,
        source=source,
        event=event,
        target=target,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        client_id=actor.client_id,
        at=now,
    )


async def has_happened(session: AsyncSession, subject_id: UUID, event: StrEnum) -> bool:
    """Whether ``event`` ever moved the subject."""
    found = await session.scalar(
        select(StatusChange.id)
        .where(StatusChange.subject_id == subject_id, StatusChange.event == event)
        .limit(1)
    )
    return found is not None


async def list_changes(
    session: AsyncSession, subject_ids: SelectBase | Collection[UUID]
) -> Sequence[StatusChange]:
    """The moves of the subjects selected, oldest first; that they may be seen is checked."""
    changes = await session.scalars(
        select(StatusChange)
        .where(StatusChange.subject_id.in_(subject_ids))
        .order_by(StatusChange.id)
        .limit(1000)
    )
    return changes.all()
