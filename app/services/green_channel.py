"""Figures of the green channel: per step how many were in time, for parks, authority and public."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.workdays import ClockJudgement, GreenEntry
from app.schemas.green_channel import (
    GreenChannelOut,
    GreenChannelsOut,
    PublicGreenChannelOut,
    PublicStep,
    StepFigures,
    share_pct,
)
from app.services import clocks, rules
from app.services.actor import Actor, as_platform
from app.services.clocks import LEVELS
from app.workdays.clocks import Outcome, Step

PERIOD = timedelta(days=365)
LIVE_BATCH = 500
MONTHS_OF_QUARTER = 3

_ENDS = (Outcome.ON_TIME, Outcome.DONE_LATE)


@dataclass(slots=True)
class _Tally:
    """Ended clocks by outcome and working days taken; running ones by outcome."""

    ended: Counter[tuple[Outcome, int]] = field(default_factory=Counter)
    running: Counter[Outcome] = field(default_factory=Counter)
    provisional: int = 0

    def figures(self, step: Step) -> StepFigures:
        counted = sum(self.ended.values())
        on_time = sum(n for (outcome, _), n in self.ended.items() if outcome is Outcome.ON_TIME)
        days = Counter[int]()
        for (_, taken), n in self.ended.items():
            days[taken] += n
        return StepFigures(
            step=step,
            counted=counted,
            on_time=on_time,
            on_time_share_pct=share_pct(on_time, counted),
            median_working_days=median(days),
            running=sum(self.running.values()),
            late_now=self.running[Outcome.LATE],
            provisional=self.provisional,
        )


def median(days: Counter[int]) -> Decimal | None:
    """The middle of a histogram, or halfway between the two in the middle."""
    count = sum(days.values())
    if not count:
        return None
    wanted = {(count - 1) // 2, count // 2}
    middle, seen = [], 0
    for taken in sorted(days):
        seen_before, seen = seen, seen + days[taken]
        middle += [taken for place in wanted if seen_before <= place < seen]
    return Decimal(sum(middle)) / len(middle)


async def show_park(
    session: AsyncSession, *, actor: Actor, since: date | None, until: date | None, now: datetime
) -> GreenChannelsOut:
    """The figures of the actor's own park."""
    actor.must_be(OrganisationKind.PARK)
    park_code = await session.scalar(
        select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
    )
    if park_code is None:
        raise NotFound
    return await read(session, park_code=park_code, since=since, until=until, now=now)


async def show_all(
    session: AsyncSession, *, actor: Actor, since: date | None, until: date | None, now: datetime
) -> GreenChannelsOut:
    """The figures of every park that has requests on the channel."""
    actor.must_be(OrganisationKind.AUTHORITY)
    return await read(session, park_code=None, since=since, until=until, now=now)


async def read(
    session: AsyncSession,
    *,
    park_code: str | None,
    since: date | None,
    until: date | None,
    now: datetime,
) -> GreenChannelsOut:
    """The figures of one park or of all, for whoever may see them."""
    today = business_date(now)
    until = until or today
    since = since or until - PERIOD
    if since > until:
        raise FieldRefused("since", say("must not be after {until}", until=until))
    version = await rules.find_version(session, LEVELS, on=today)
    tallies: dict[str, dict[Step, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    async with as_platform(session):
        await _add_judged(session, tallies, park_code=park_code, since=since, until=until)
        await _add_live(
            session, tallies, park_code=park_code, since=since, until=until, today=today
        )
        counts = select(GreenEntry.park_code, func.count()).group_by(GreenEntry.park_code)
        if park_code is not None:
            counts = counts.where(GreenEntry.park_code == park_code)
        requests = {row[0]: row[1] for row in await session.execute(counts)}
    return GreenChannelsOut(
        since=since,
        until=until,
        uncalibrated=version is not None and version.uncalibrated,
        parks=[
            GreenChannelOut(
                park_code=park,
                requests=requests[park],
                steps=[tallies[park][step].figures(step) for step in Step if step in tallies[park]],
            )
            for park in sorted(requests)
        ],
    )


async def _add_judged(
    session: AsyncSession,
    tallies: dict[str, dict[Step, _Tally]],
    *,
    park_code: str | None,
    since: date,
    until: date,
) -> None:
    """What was judged stays as it was judged; a step that fell away in time counts for nobody."""
    row = ClockJudgement
    started_on = cast(func.timezone("Asia/Shanghai", row.started_at), Date)
    statement = (
        select(
            row.park_code, row.step, row.outcome, row.working_days, row.provisional, func.count()
        )
        .where(
            row.stopped_at.is_not(None),
            row.outcome.in_(_ENDS),
            started_on.between(since, until),
        )
        .group_by(row.park_code, row.step, row.outcome, row.working_days, row.provisional)
    )
    if park_code is not None:
        statement = statement.where(row.park_code == park_code)
    for park, step, outcome, taken, provisional, count in await session.execute(statement):
        tally = tallies[park][step]
        tally.ended[outcome, taken] += count
        tally.provisional += count if provisional else 0


async def _add_live(
    session: AsyncSession,
    tallies: dict[str, dict[Step, _Tally]],
    *,
    park_code: str | None,
    since: date,
    until: date,
    today: date,
) -> None:
    """What runs, and what has stopped since the worker's last round."""
    statement = select(GreenEntry).where(GreenEntry.settled_at.is_(None))
    if park_code is not None:
        statement = statement.where(GreenEntry.park_code == park_code)
    rows = (await session.scalars(statement.order_by(GreenEntry.request_id))).all()
    for start in range(0, len(rows), LIVE_BATCH):
        parks = {row.request_id: row.park_code for row in rows[start : start + LIVE_BATCH]}
        for clock in await clocks.read_clocks(session, parks, on=today):
            if clock.is_judged or not since <= business_date(clock.span.started_at) <= until:
                continue
            tally = tallies[parks[clock.span.request_id]][clock.span.step]
            reading = clock.reading
            if clock.span.stopped_at is None:
                tally.running[reading.outcome] += 1
            elif reading.outcome in _ENDS:
                tally.ended[reading.outcome, reading.working_days] += 1
            tally.provisional += reading.provisional


async def show_public(
    session: AsyncSession, *, quarter: str, now: datetime
) -> PublicGreenChannelOut:
    """A whole quarter of the region; a figure is there only with enough firms, none too large.

    Whole quarters of the whole region: no difference of two answers singles a firm out.
    """
    first, last = quarter_days(quarter)
    if last >= business_date(now):
        raise FieldRefused("quarter", say("is not over yet"))
    rule = await rules.get(session, LEVELS, on=last)
    row = ClockJudgement
    stopped_on = cast(func.timezone("Asia/Shanghai", row.stopped_at), Date)
    statement = (
        select(row.step, row.firm_id, row.outcome, row.working_days, func.count())
        .where(row.outcome.in_(_ENDS), stopped_on.between(first, last))
        .group_by(row.step, row.firm_id, row.outcome, row.working_days)
    )
    tallies: dict[Step, _Tally] = defaultdict(_Tally)
    firms: dict[Step, Counter[str]] = defaultdict(Counter)
    async with as_platform(session):
        for step, firm_id, outcome, taken, count in await session.execute(statement):
            tallies[step].ended[outcome, taken] += count
            firms[step][str(firm_id)] += count
    return PublicGreenChannelOut(
        quarter=quarter, steps=list(_public_steps(tallies, firms, rule=rule))
    )


def _public_steps(
    tallies: dict[Step, _Tally], firms: dict[Step, Counter[str]], *, rule: dict[str, int]
) -> Iterator[PublicStep]:
    for step in Step:
        found = tallies[step].figures(step)
        largest = max(firms[step].values(), default=0)
        told = (
            len(firms[step]) >= rule["public_firms_min"]
            and largest * 100 <= found.counted * rule["public_share_max_pct"]
        )
        yield PublicStep(
            step=step,
            counted=found.counted if told else None,
            on_time_share_pct=found.on_time_share_pct if told else None,
            median_working_days=found.median_working_days if told else None,
        )


def quarter_days(quarter: str) -> tuple[date, date]:
    """The first and the last day of such as 2026-Q3."""
    year, number = int(quarter[:4]), int(quarter[-1])
    first = date(year, (number - 1) * MONTHS_OF_QUARTER + 1, 1)
    later = first + timedelta(days=31 * MONTHS_OF_QUARTER)
    return first, later.replace(day=1) - timedelta(days=1)
