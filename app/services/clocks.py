"""Clocks of the green channel: read for the parties, judged and announced by the worker."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lifecycle.financing import RequestStatus
from app.models.financing import FinancingRequest
from app.models.workdays import ClockJudgement, GreenEntry
from app.schemas.green_channel import ClockOut, ClocksOut
from app.services import outbox, rules, work_calendar
from app.services.actor import SYSTEM, Actor, as_platform, bind
from app.services.clock_spans import Span, list_spans
from app.services.deals import get_deal
from app.services.requests import get_request
from app.workdays.clocks import OPEN, Outcome, Reading, read_clock

LEVELS = "service_levels"
BATCH = 100

_ENDED = (RequestStatus.WITHDRAWN, RequestStatus.EXPIRED, RequestStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class Clock:
    """A span and how it stands; one that was judged when it stopped stays as it was judged."""

    span: Span
    reading: Reading
    judgement: ClockJudgement | None

    @property
    def is_judged(self) -> bool:
        return self.judgement is not None and self.judgement.stopped_at is not None


async def read_clocks(
    session: AsyncSession, request_ids: Collection[UUID], *, on: date
) -> list[Clock]:
    """Every clock of these requests on the day ``on``. The caller may see them all."""
    spans = await list_spans(session, request_ids)
    calendar = await work_calendar.load(session)
    judged = {
        (row.step, row.subject_id): row
        for row in await session.scalars(
            select(ClockJudgement)
            .where(ClockJudgement.request_id.in_(request_ids))
            .execution_options(populate_existing=True)
        )
    }
    levels: dict[date, dict[str, Any]] = {}
    clocks = []
    for span in spans:
        started_on = business_date(span.started_at)
        if started_on not in levels:
            levels[started_on] = await rules.get(session, LEVELS, on=started_on)
        judgement = judged.get((span.step, span.subject_id))
        reading = read_clock(
            calendar,
            started_on=started_on,
            level_days=levels[started_on]["steps"][span.step][span.role],
            stopped_on=business_date(span.stopped_at) if span.stopped_at else None,
            done=span.done,
            on=on,
            due_on=judgement.due_on if judgement else None,
        )
        if judgement is not None and judgement.stopped_at is not None:
            reading = Reading(
                judgement.due_on, judgement.outcome, judgement.working_days, judgement.provisional
            )
        clocks.append(Clock(span, reading, judgement))
    return clocks


async def show_request(
    session: AsyncSession, *, actor: Actor, request_id: UUID, now: datetime
) -> ClocksOut:
    """The clocks of one of the firm's requests, and of the deals made of it."""
    request = await get_request(session, actor=actor, request_id=request_id)
    return await _show(session, request.id, on=business_date(now))


async def show_deal(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime
) -> ClocksOut:
    """The clocks of a deal, for its parties."""
    deal = await get_deal(session, actor=actor, deal_id=deal_id)
    return await _show(session, deal.request_id, on=business_date(now), deal_id=deal.id)


async def _show(
    session: AsyncSession, request_id: UUID, *, on: date, deal_id: UUID | None = None
) -> ClocksOut:
    async with as_platform(session):  # an institution sees its partners' steps, not their quotes
        entry = await session.get(GreenEntry, request_id)
        clocks = [] if entry is None else await read_clocks(session, [request_id], on=on)
    return ClocksOut(
        grounds=[] if entry is None else entry.grounds,
        clocks=[clock_out(clock) for clock in clocks if deal_id in {None, clock.span.deal_id}],
    )


def clock_out(clock: Clock) -> ClockOut:
    span, reading = clock.span, clock.reading
    return ClockOut(
        step=span.step,
        role=span.role,
        party_id=span.party_id,
        deal_id=span.deal_id,
        started_at=span.started_at,
        due_on=reading.due_on,
        stopped_at=span.stopped_at,
        outcome=reading.outcome,
        working_days=reading.working_days,
        provisional=reading.provisional,
    )


async def judge_due(session: AsyncSession, *, now: datetime) -> int:
    """Judge what has stopped, announce what became late; how many requests were looked at.

    Each is looked at once for one ``now``, a batch at most; busy ones are left for the next round.
    """
    await bind(session, SYSTEM)
    due = await session.scalars(
        select(GreenEntry)
        .where(GreenEntry.settled_at.is_(None), GreenEntry.checked_at < now)
        .order_by(GreenEntry.checked_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    entries: Sequence[GreenEntry] = due.all()
    by_id = {entry.request_id: entry for entry in entries}
    running = set()
    for clock in await read_clocks(session, by_id, on=business_date(now)):
        if clock.reading.outcome in OPEN:
            running.add(clock.span.request_id)
        if not clock.is_judged:
            await _judge(session, by_id[clock.span.request_id], clock, now=now)
    ended = await session.scalars(
        select(FinancingRequest.id).where(
            FinancingRequest.id.in_(by_id), FinancingRequest.status.in_(_ENDED)
        )
    )
    over = set(ended) - running
    for entry in entries:
        entry.checked_at = now
        if entry.request_id in over:
            entry.settled_at = now
    await session.flush()
    return len(entries)


async def _judge(session: AsyncSession, entry: GreenEntry, clock: Clock, *, now: datetime) -> None:
    span, reading = clock.span, clock.reading
    if reading.outcome is Outcome.RUNNING:
        return
    was_late = clock.judgement is not None
    late = reading.outcome in {Outcome.LATE, Outcome.DONE_LATE}
    if was_late and span.stopped_at is None:
        return
    row = {
        "step": span.step,
        "subject_id": span.subject_id,
        "request_id": entry.request_id,
        "deal_id": span.deal_id,
        "firm_id": entry.firm_id,
        "park_code": entry.park_code,
        "role": span.role,
        "party_id": span.party_id,
        "started_at": span.started_at,
        "due_on": reading.due_on,
        "late_at": now if late else None,
        "stopped_at": span.stopped_at,
        "outcome": reading.outcome,
        "working_days": reading.working_days,
        "provisional": reading.provisional,
    }
    stopped = ("stopped_at", "outcome", "working_days", "provisional")
    statement = insert(ClockJudgement).values(row)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["step", "subject_id"],
            set_={name: statement.excluded[name] for name in stopped},
        )
    )
    if late and not was_late:
        subject = span.deal_id or span.request_id
        for party in dict.fromkeys((span.party_id, entry.firm_id)):
            if party is not None:
                outbox.announce(session, "clock.late", subject, organisation_id=party, now=now)
