"""One batch of an import: rows become rights, changes or refusals; no bad row loses a good one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import FieldRefused
from app.core.messages import Language, say, told
from app.identifiers.rights import Register
from app.models.deals import DealRight
from app.models.imports import Import, ImportRow
from app.models.rights import CoOwner, Right
from app.registers.records import Refusal
from app.services import right_events, right_fields
from app.services.import_records import (
    Entry,
    Ready,
    changes,
    dates_of,
    event_rows,
    new_right,
    ready,
    refusal_of,
)
from app.services.rights import NUMBER_UNIQUE, is_demo

Key = tuple[Register, str, str]

ACCEPTED, CHANGED, UNCHANGED, REFUSED = "accepted", "changed", "unchanged", "refused"


async def write_batch(
    session: AsyncSession, job: Import, entries: Sequence[Entry], *, now: datetime
) -> None:
    """Take ``entries`` in: new rights inserted, own ones completed, the rest refused.

    Acts under the importing firm's own name. The caller holds the import's lock and commits.
    """
    refusals: list[Refusal] = []
    items: list[Ready] = []
    for entry in entries:
        if isinstance(entry, Refusal):
            refusals.append(entry)
            continue
        try:
            items.append(ready(entry, today=business_date(now)))
        except FieldRefused as error:
            refusals.append(refusal_of(entry, error))
    known = await _lock_known(session, job.owner_id, [item.key for item in items])
    fresh = [item for item in items if item.key not in known]
    made = await _insert(session, job.owner_id, fresh, now=now)
    pledged = await _pledged(session, [right.id for right in known.values()])
    outcomes: dict[Key, str] = dict.fromkeys(made, ACCEPTED)
    replaced: dict[Key, dict[str, Any]] = {}
    for item in items:
        if (right := known.get(item.key)) is not None:
            if (changed := changes(right, item)) and right.id in pledged:
                refusals.append(
                    _refused(item, say("is pledged for a live deal and keeps its record"))
                )
                continue
            try:
                right_fields.check_dates(dates_of(right) | changed, today=business_date(now))
            except FieldRefused as error:
                refusals.append(refusal_of(item.row, error))
                continue
            replaced[item.key] = {name: getattr(right, name) for name in changed}
            _apply(right, changed, now=now)
            outcomes[item.key] = CHANGED if changed else UNCHANGED
        elif item.key not in made:
            refusals.append(_refused(item, say("is already registered on the platform")))
    rights = {**known, **made}
    taken = [(rights[item.key], item) for item in items if item.key in outcomes]
    for name, keys in (await _add_children(session, taken, now=now)).items():
        for key in keys & known.keys():
            outcomes[key] = CHANGED
            replaced[key][name] = None
    await _record(session, job, refusals, [_taken(job, r, i, outcomes, replaced) for r, i in taken])
    job.rows_done += len(entries)


def _taken(
    job: Import,
    right: Right,
    item: Ready,
    outcomes: Mapping[Key, str],
    replaced: Mapping[Key, dict[str, Any]],
) -> dict[str, Any]:
    """The row of the report of an entry that was taken in."""
    before = to_jsonable_python(replaced.get(item.key)) or None
    return _row(job, item.row.line, outcomes[item.key]) | {
        "right_id": right.id,
        "replaced": before,
    }


def _refused(item: Ready, reason: str) -> Refusal:
    return Refusal(item.row.line, "number", reason, item.row.record.number)


def _apply(right: Right, changed: dict[str, Any], *, now: datetime) -> None:
    for name, value in changed.items():
        setattr(right, name, value)
    if changed:
        right.updated_at = now


async def _lock_known(
    session: AsyncSession, owner_id: UUID, keys: Sequence[Key]
) -> dict[Key, Right]:
    """The firm's own rights among ``keys``, locked in the order of ids."""
    found = await session.scalars(
        select(Right)
        .where(
            Right.owner_id == owner_id,
            tuple_(Right.register, Right.jurisdiction, Right.number).in_(keys),
        )
        .order_by(Right.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {(right.register, right.jurisdiction, right.number): right for right in found}


async def _insert(
    session: AsyncSession, owner_id: UUID, fresh: Sequence[Ready], *, now: datetime
) -> dict[Key, Right]:
    """Those that nobody has yet. A number of another firm is passed over by the database."""
    if not fresh:
        return {}
    demo = await session.scalar(select(is_demo(owner_id)))
    rows = [
        new_right(item)
        | {
            "id": new_id(),
            "owner_id": owner_id,
            "demo": demo,
            "source": f"{item.row.record.source.format}:{item.row.record.source.record_id}",
            "updated_at": now,
        }
        # In one order for everybody, so that two imports of the same numbers cannot deadlock.
        for item in sorted(fresh, key=lambda item: item.key)
    ]
    made = await session.scalars(
        insert(Right).on_conflict_do_nothing(constraint=NUMBER_UNIQUE).returning(Right), rows
    )
    return {(right.register, right.jurisdiction, right.number): right for right in made}


async def _pledged(session: AsyncSession, right_ids: Sequence[UUID]) -> set[UUID]:
    held = await session.scalars(
        select(DealRight.right_id).where(
            DealRight.right_id.in_(right_ids), DealRight.released_at.is_(None)
        )
    )
    return set(held)


async def _add_children(
    session: AsyncSession, taken: Sequence[tuple[Right, Ready]], *, now: datetime
) -> dict[str, set[Key]]:
    """Further holders and legal events; which rights got a new one of each."""
    owners = [
        {"id": new_id(), "right_id": right.id, "name": name}
        for right, item in taken
        for name in item.row.record.holders[1:]
    ]
    with_owners: set[UUID] = set()
    if owners:
        with_owners |= set(
            await session.scalars(
                insert(CoOwner).on_conflict_do_nothing().returning(CoOwner.right_id), owners
            )
        )
    effects = await right_events.effects(session, on=business_date(now))
    rows = event_rows([(right.id, item) for right, item in taken], effects)
    with_events = await right_events.add_events(session, [row | {"id": new_id()} for row in rows])
    await right_events.apply_events(
        session, [right for right, _ in taken if right.id in with_events], now=now
    )
    return {
        name: {item.key for right, item in taken if right.id in ids}
        for name, ids in (("co_owners", with_owners), ("events", with_events))
    }


async def _record(
    session: AsyncSession,
    job: Import,
    refusals: Sequence[Refusal],
    taken: Sequence[dict[str, Any]],
) -> None:
    """A row for each outcome. A row of the file with several refusals has a row for each."""
    rows = [
        _row(job, refusal.line, REFUSED)
        | {
            "field": refusal.field,
            "reason": refusal.reason,
            "reason_zh": told(refusal.reason, Language.CHINESE),
            "value": refusal.value,
        }
        for refusal in refusals
    ]
    rows += taken
    in_order = [row | {"id": new_id()} for row in sorted(rows, key=lambda row: row["line"])]
    await session.execute(insert(ImportRow), in_order)
    counts = Counter(row["outcome"] for row in rows)
    job.accepted += counts[ACCEPTED]
    job.changed += counts[CHANGED]
    job.unchanged += counts[UNCHANGED]
    job.refused += counts[REFUSED]


def _row(job: Import, line: int, outcome: str) -> dict[str, Any]:
    return {
        "import_id": job.id,
        "line": line,
        "outcome": outcome,
        "right_id": None,
        "field": None,
        "reason": None,
        "reason_zh": None,
        "value": None,
        "replaced": None,
    }
