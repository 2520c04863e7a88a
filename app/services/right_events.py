"""Legal events of the registers: recorded once, and what they do to the right.

The effect of a code is dated data (event-effects.toml). The state of a right follows from all its
events in the order of their days, so that it does not matter in which order they are learnt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden
from app.core.messages import say
from app.models.rights import LegalEvent, Right
from app.schemas.rights import EventIn
from app.services import outbox, rights, rules
from app.services.actor import Actor

ENDINGS = frozenset({"lapse", "expiry", "end", "invalid", "abandon", "discontinued"})
_UNCLEAR = "_unclear"


RELIEFS = frozenset({"restore", "preservation_end", "pledge_end"})
"""Effects that lift what stands against a right: not the owner's to say."""


class ReliefNotYours(Forbidden):
    message = "An event that lifts what stands against a right is recorded by the authority."


class EventKnown(Conflict):
    message = "This event of this day is recorded already."


@dataclass(frozen=True, slots=True)
class Standing:
    """What the events of a right amount to."""

    ended_on: date | None = None
    preserved: bool = False
    pledged: bool = False
    unclear: bool = False


def standing_of(events: Iterable[LegalEvent]) -> Standing:
    """The standing after all events, by the day each takes effect; equal days as recorded."""
    ordered = sorted(events, key=lambda e: (e.effective_on or e.announced_on, e.id))
    ended_on: date | None = None
    preserved = pledged = False
    unclear: set[str] = set()
    for event in ordered:
        match event.effect:
            case effect if effect in ENDINGS:
                ended_on = ended_on or event.effective_on or event.announced_on
            case "restore":
                ended_on = None
            case "preservation" | "preservation_end":
                preserved = event.effect == "preservation"
                unclear.discard("preservation_unclear")
            case "pledge" | "pledge_end":
                pledged = event.effect == "pledge"
                unclear.discard("pledge_unclear")
            case str() as effect if effect.endswith(_UNCLEAR):
                unclear.add(effect)
    return Standing(ended_on, preserved, pledged, bool(unclear))


async def effects(session: AsyncSession, *, on: date) -> Mapping[str, Mapping[str, str]]:
    """Effect by jurisdiction and event code, of the table in force on the day ``on``."""
    return await rules.get(session, "event_effects", on=on)


async def record_event(
    session: AsyncSession, *, actor: Actor, right_id: UUID, stated: EventIn, now: datetime
) -> LegalEvent:
    """Record an event of the register and apply it; EventKnown if it stands there already.

    By the owner, or by the authority on anybody's right.
    """
    right = await rights.lock_right(session, actor=actor, right_id=right_id, staff=True)
    today = business_date(now)
    if stated.announced_on > today:
        raise FieldRefused("announced_on", say("is in the future"))
    table = (await effects(session, on=today)).get(right.jurisdiction, {})
    if table.get(stated.code) in RELIEFS and not actor.is_staff:
        raise ReliefNotYours
    event: LegalEvent | None = await session.scalar(
        insert(LegalEvent)
        .values(
            id=new_id(),
            right_id=right.id,
            effect=table.get(stated.code),
            source="manual",
            **stated.model_dump(),
        )
        .on_conflict_do_nothing()
        .returning(LegalEvent)
    )
    if event is None:
        raise EventKnown
    await apply_events(session, [right], now=now)
    outbox.announce(session, "right.event", right.id, organisation_id=right.owner_id, now=now)
    return event


async def add_events(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Write events in bulk, once each; the rights that got a new one."""
    if not rows:
        return set()
    written = await session.scalars(
        insert(LegalEvent).on_conflict_do_nothing().returning(LegalEvent.right_id), list(rows)
    )
    return set(written)


async def apply_events(session: AsyncSession, changed: Sequence[Right], *, now: datetime) -> None:
    """Bring ended and preserved in line with all events of these rights. The caller holds locks."""
    by_right: dict[UUID, list[LegalEvent]] = {right.id: [] for right in changed}
    events = await session.scalars(select(LegalEvent).where(LegalEvent.right_id.in_(by_right)))
    for event in events:
        by_right[event.right_id].append(event)
    for right in changed:
        standing = standing_of(by_right[right.id])
        right.ended_on, right.preserved = standing.ended_on, standing.preserved
        right.updated_at = now
