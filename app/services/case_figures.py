"""Figures of cases: how many, how they stand, how their clocks were kept; and what is public."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.casework.kind import Kind
from app.casework.kind_files import KINDS
from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.core.grams import grams_of_query
from app.core.messages import say
from app.models.cases import Case, CaseClock, CasePublication
from app.schemas.cases import (
    ClockFiguresOut,
    FiguresOut,
    KindFiguresOut,
    PublicFiguresOut,
    PublicKindOut,
)
from app.schemas.green_channel import share_pct
from app.services import cases, disclosure
from app.services.actor import Actor, as_platform
from app.services.green_channel import median, quarter_days
from app.services.searching import matches

PERIOD = timedelta(days=365)

_OPENED_ON = cast(func.timezone("Asia/Shanghai", Case.opened_at), Date)


async def show(
    session: AsyncSession,
    *,
    actor: Actor,
    since: date | None,
    until: date | None,
    group: str | None,
    now: datetime,
) -> FiguresOut:
    """Of every kind the actor has cases of: what it handles, for the authority all."""
    scope = [] if actor.is_staff else [Case.handler_id == actor.organisation_id]
    return await _read(session, scope, since=since, until=until, group=group, now=now)


async def show_below(
    session: AsyncSession,
    *,
    actor: Actor,
    case_id: UUID,
    since: date | None,
    until: date | None,
    now: datetime,
) -> FiguresOut:
    """Of the cases below one that the actor opened or sees: a station's or an agency's record."""
    case = await cases.get_case(session, actor=actor, case_id=case_id)
    async with as_platform(session):  # counts only; whoever applied is not named
        return await _read(
            session, [Case.parent_id == case.id], since=since, until=until, group=None, now=now
        )


async def _read(
    session: AsyncSession,
    scope: Sequence[ColumnElement[bool]],
    *,
    since: date | None,
    until: date | None,
    group: str | None,
    now: datetime,
) -> FiguresOut:
    today = business_date(now)
    until = until or today
    since = since or until - PERIOD
    if since > until:
        raise FieldRefused("since", say("must not be after {until}", until=until))
    where = [*scope, _OPENED_ON.between(since, until)]
    states: dict[str, Counter[str]] = defaultdict(Counter)
    closed: Counter[str] = Counter()
    for kind, state, count, ended in await session.execute(
        select(Case.kind, Case.state, func.count(), func.count(Case.closed_at))
        .where(*where)
        .group_by(Case.kind, Case.state)
    ):
        states[kind][state] += count
        closed[kind] += ended
    applicants = {
        row[0]: row[1]
        for row in await session.execute(
            select(Case.kind, func.count(Case.applicant_id.distinct()))
            .where(*where)
            .group_by(Case.kind)
        )
    }
    clocks = await _clocks(session, where, today=today)
    return FiguresOut(
        since=since,
        until=until,
        kinds=[
            KindFiguresOut(
                kind=kind.id,
                text=kind.text,
                opened=states[kind.id].total(),
                closed=closed[kind.id],
                applicants=applicants[kind.id],
                by_state=dict(sorted(states[kind.id].items())),
                clocks=_figures(kind, clocks[kind.id]),
            )
            for kind in KINDS.values()
            if kind.id in states and group in {None, kind.group}
        ],
    )


Tally = dict[str, Counter[tuple[Any, ...]]]


async def _clocks(
    session: AsyncSession, where: Iterable[ColumnElement[bool]], *, today: date
) -> dict[str, Tally]:
    """Per kind and clock: how many by whether they stopped, were late, and took so many days."""
    running_late = CaseClock.stopped_on.is_(None) & (CaseClock.due_on < today)
    late = or_(CaseClock.late.is_(True), running_late & CaseClock.paused_on.is_(None))
    stopped = CaseClock.stopped_on.is_not(None)
    rows = await session.execute(
        select(Case.kind, CaseClock.clock, stopped, late, CaseClock.working_days, func.count())
        .join(Case, Case.id == CaseClock.case_id)
        .where(*where)
        .group_by(Case.kind, CaseClock.clock, stopped, late, CaseClock.working_days)
    )
    tallies: dict[str, Tally] = defaultdict(lambda: defaultdict(Counter))
    for kind, clock, ended, is_late, days, count in rows:
        tallies[kind][clock][bool(ended), bool(is_late), days] += count
    return tallies


def _figures(kind: Kind, tallies: Tally) -> list[ClockFiguresOut]:
    named = {clock.id: clock.text for version in kind.versions for clock in version.clocks}
    told = []
    for clock, text in named.items():
        if clock not in tallies:
            continue
        tally = tallies[clock]
        ended = sum(n for (stopped, _, _), n in tally.items() if stopped)
        late = sum(n for (stopped, was_late, _), n in tally.items() if stopped and was_late)
        days = Counter[int]()
        for (stopped, _, taken), n in tally.items():
            if stopped:
                days[taken] += n
        told.append(
            ClockFiguresOut(
                clock=clock,
                text=text,
                ended=ended,
                on_time=ended - late,
                on_time_share_pct=share_pct(ended - late, ended),
                median_working_days=median(days),
                running=sum(tally.values()) - ended,
                late_now=sum(
                    n for (stopped, was_late, _), n in tally.items() if not stopped and was_late
                ),
            )
        )
    return told


async def show_public(session: AsyncSession, *, quarter: str, now: datetime) -> PublicFiguresOut:
    """Of a whole quarter and the whole region; null where too few applicants stand behind."""
    first, last = quarter_days(quarter)
    if last >= business_date(now):
        raise FieldRefused("quarter", say("is not over yet"))
    limits = await disclosure.limits_on(session, on=last)
    opened: dict[str, Counter[UUID]] = defaultdict(Counter)
    closed: dict[str, Counter[UUID]] = defaultdict(Counter)
    async with as_platform(session):
        for kind, applicant, count, ended in await session.execute(
            select(Case.kind, Case.applicant_id, func.count(), func.count(Case.closed_at))
            .where(_OPENED_ON.between(first, last))
            .group_by(Case.kind, Case.applicant_id)
        ):
            opened[kind][applicant] += count
            closed[kind][applicant] += ended
    return PublicFiguresOut(
        quarter=quarter,
        kinds=[
            PublicKindOut(
                kind=kind.id,
                text=kind.text,
                opened=_told(limits, opened[kind.id]),
                closed=_told(limits, +closed[kind.id]),
            )
            for kind in KINDS.values()
            if kind.id in opened
        ],
    )


def _told(limits: Any, counts: Counter[UUID]) -> int | None:
    return counts.total() if disclosure.may_tell(limits, counts) else None


async def list_public(
    session: AsyncSession,
    *,
    kind: str,
    parent_id: UUID | None,
    query: str | None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[CasePublication]:
    """What the kind's file makes public of its cases: a register; the best matches first."""
    if kind not in KINDS:
        raise NotFound
    row = CasePublication
    rows = select(row).where(row.kind == kind, row.withdrawn_at.is_(None)).limit(limit)
    if parent_id is not None:
        rows = rows.where(row.parent_id == parent_id)
    if query is None:
        rows = rows.order_by(row.case_id.desc())
        if after is not None:
            rows = rows.where(row.case_id < after)
    else:
        if not grams_of_query(query):
            raise FieldRefused("q", say("holds nothing to search for"))
        found, order = matches(row.grams, query)
        rows = rows.where(found).order_by(order, row.case_id.desc())
    return (await session.scalars(rows)).all()
