"""The parts of a case that every move writes: its entry, its clocks, what is public of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.casework import chain, clocks
from app.casework.clocks import Running
from app.casework.kind import Clock, KindVersion
from app.core.grams import grams_of
from app.models.cases import Case, CaseClock, CaseEntry, CasePublication
from app.models.documents import Document
from app.services.actor import Actor
from app.workdays.calendar import WorkCalendar, working_days_between


def append_entry(
    session: AsyncSession,
    case: Case,
    *,
    move: str,
    source: str,
    note: str,
    fields: Mapping[str, Any],
    document: Document | None,
    actor: Actor,
    now: datetime,
) -> None:
    """The next link of the case's chain. The caller holds the case's lock."""
    entry = CaseEntry(
        case_id=case.id,
        number=case.entries + 1,
        move=move,
        source=source,
        target=case.state,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        note=note,
        fields=dict(fields),
        document_id=None if document is None else document.id,
        document_sha256=None if document is None else document.sha256.hex(),
        at=now,
        previous=case.head,
        digest=b"",
    )
    entry.digest = chain.digest_of(content_of(entry), case.head)
    case.entries, case.head = entry.number, entry.digest
    session.add(entry)


def content_of(entry: CaseEntry) -> dict[str, Any]:
    """What an entry's digest covers, besides the digest before it."""
    return {
        "case": str(entry.case_id),
        "number": entry.number,
        "move": entry.move,
        "source": entry.source,
        "target": entry.target,
        "organisation": str(entry.organisation_id),
        "user": None if entry.user_id is None else str(entry.user_id),
        "note": entry.note,
        "fields": entry.fields,
        "document_sha256": entry.document_sha256,
        "at_us": round(entry.at.timestamp() * 1_000_000),
    }


async def turn_clocks(
    session: AsyncSession,
    case: Case,
    version: KindVersion,
    *,
    entered: bool,
    calendar: WorkCalendar,
    on: date,
) -> None:
    """Start, rest, resume and stop the clocks of a case that ``entered`` its state, or stayed."""
    rows = (await session.scalars(select(CaseClock).where(CaseClock.case_id == case.id))).all()
    due = []
    for clock in version.clocks:
        runs = [row for row in rows if row.clock == clock.id]
        row = next((row for row in runs if row.stopped_on is None), None)
        if row is None and entered and case.state in clock.starts:
            row = CaseClock(case_id=case.id, clock=clock.id, run=len(runs) + 1, started_on=on)
            row.due_on = clocks.due_on(clock, started_on=on, fields=case.fields, calendar=calendar)
            session.add(row)
        elif row is not None:
            _turn(row, clock, case, calendar=calendar, on=on)
        if row is not None and row.stopped_on is None and row.paused_on is None and row.due_on:
            due.append(row.due_on)
    case.due_on = min(due, default=None)


def _turn(row: CaseClock, clock: Clock, case: Case, *, calendar: WorkCalendar, on: date) -> None:
    if clock.due_field is not None:  # the day may be set, or set anew, while it runs
        row.due_on = clocks.due_on(
            clock, started_on=row.started_on, fields=case.fields, calendar=calendar
        )
    if row.paused_on is not None and case.state not in clock.pauses:
        assert row.due_on is not None
        running = Running(row.started_on, row.due_on, row.paused_on)
        row.due_on, row.paused_on = clocks.resumed(clock, running, on=on, calendar=calendar), None
    if case.state in clock.stops:
        row.stopped_on = on
        row.working_days = working_days_between(calendar, row.started_on, on)
        row.late = row.due_on is not None and on > row.due_on
    elif case.state in clock.pauses and row.paused_on is None and row.due_on is not None:
        row.paused_on = on


async def publish(
    session: AsyncSession, case: Case, version: KindVersion, *, now: datetime
) -> None:
    """Show of the case what its kind makes public in its state, or nothing any more."""
    if not version.public_states:
        return
    shown = case.state in version.public_states
    fields = {name: case.fields[name] for name in version.public_fields if name in case.fields}
    values = {
        "parent_id": case.parent_id,
        "kind": case.kind,
        "title": case.title,
        "state": case.state,
        "fields": fields,
        "grams": grams_of(case.title, *(v for v in fields.values() if isinstance(v, str))),
        "published_at": now,
        "withdrawn_at": None if shown else now,
    }
    known = await session.scalar(select(func.count()).where(CasePublication.case_id == case.id))
    if not shown and not known:
        return
    await session.execute(
        insert(CasePublication)
        .values(case_id=case.id, **values)
        .on_conflict_do_update(
            index_elements=["case_id"],
            set_={name: value for name, value in values.items() if name != "published_at"},
        )
    )


async def broken_at(session: AsyncSession, case: Case) -> int | None:
    """The number of the first entry of the case that is not what it was; None if all are."""
    entries: Sequence[CaseEntry] = (
        await session.scalars(
            select(CaseEntry).where(CaseEntry.case_id == case.id).order_by(CaseEntry.number)
        )
    ).all()
    broken = chain.first_broken(
        (entry.number, content_of(entry), entry.previous, entry.digest) for entry in entries
    )
    if broken is None and (len(entries), entries[-1].digest) != (case.entries, case.head):
        return len(entries) + 1
    return broken


async def clocks_of(session: AsyncSession, case_id: UUID) -> Sequence[CaseClock]:
    """The runs of the case's clocks, the earliest first."""
    rows = select(CaseClock).where(CaseClock.case_id == case_id)
    ordered = rows.order_by(CaseClock.started_on, CaseClock.clock, CaseClock.run)
    return (await session.scalars(ordered)).all()
