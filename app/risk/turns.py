"""Whose turn it is: the order of a queue, with an optional priority that starves nobody."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits, and for what. A retake goes before every deal, whatever the rule says."""

    id: UUID
    needs: frozenset[str]
    since: datetime
    preferred: bool = False
    passed: int = 0  # times that priority let a later one by
    retake: bool = False


@dataclass(frozen=True, slots=True)
class Priority:
    """How far the preferred may go ahead."""

    passes_max: int
    days_max: int


def in_turn(
    arrived: Sequence[Waiting], priority: Priority | None, *, now: datetime
) -> list[Waiting]:
    """``arrived`` in order of arrival, put in the order in which room is offered.

    Under ``priority`` a preferred one goes before those that are not, as far as they want
    something in common; but never past one that was passed often enough or waited long enough.
    """
    if priority is None:
        return list(arrived)
    order: list[Waiting] = []
    passes = Counter({one.id: one.passed for one in arrived})
    for one in arrived:
        behind = _let_by(order, one, priority, passes, now) if one.preferred else []
        passes.update(order[index].id for index in behind)
        order.insert(min(behind, default=len(order)), one)
    return order


def _let_by(
    order: Sequence[Waiting],
    one: Waiting,
    priority: Priority,
    passes: Counter[UUID],
    now: datetime,
) -> list[int]:
    """The places of those that ``one`` goes ahead of."""
    places = []
    for index in range(len(order) - 1, -1, -1):
        ahead = order[index]
        if not competes(ahead, one):
            continue
        protected = passes[ahead.id] >= priority.passes_max or now - ahead.since >= timedelta(
            days=priority.days_max
        )
        if ahead.retake or ahead.preferred or protected:
            break
        places.append(index)
    return places


def competes(one: Waiting, other: Waiting) -> bool:
    """Whether the two want room of the same account."""
    return not one.needs.isdisjoint(other.needs)
