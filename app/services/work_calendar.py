"""The working calendar in force: the published decrees, and the days that the authority has set."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import extract, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused
from app.core.messages import say
from app.lifecycle.parties import OrganisationKind
from app.models.workdays import CalendarDay
from app.schemas.green_channel import CalendarBody, CalendarDayOut, CalendarOut
from app.services.actor import Actor
from app.workdays.calendar import Source, WorkCalendar

EVIDENCE = ("decree", "document_number", "published_on")

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


# A year is decreed once: two managers at once do not both find it open.
_LOCK = 0x7A68_CA1E


@dataclass(eq=False)
class YearDecreed(Conflict):
    message = (
        "The days of {year} are decreed: propose a programme change of the kind calendar, on which"
        " another manager decides."
    )

    year: int


async def load(session: AsyncSession) -> WorkCalendar:
    rows = (
        await session.scalars(
            select(CalendarDay).order_by(CalendarDay.on).execution_options(populate_existing=True)
        )
    ).all()
    return WorkCalendar(
        {row.on: row.working for row in rows},
        frozenset(row.on.year for row in rows if row.whole_year),
    )


async def set_days(
    session: AsyncSession,
    *,
    actor: Actor,
    year: int,
    body: CalendarBody,
    now: datetime,
) -> CalendarOut:
    """Set days of a year not decreed yet; ``whole_year`` says that these are all its decree has.

    That needs the decree's number and date. YearDecreed afterwards: from then on two people change
    its days.
    """
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    for day in body.days:
        if day.on.year != year:
            raise FieldRefused("days", say("{day} is not a day of {year}", day=day.on, year=year))
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if not (await load(session)).is_provisional(year):
        raise YearDecreed(year)
    if body.whole_year:
        await must_be_decreed(session, body, year=year, on=business_date(now))
    await put_days(session, body, set_by=actor.organisation_id, now=now)
    return await show_year(session, year=year)


async def must_be_decreed(
    session: AsyncSession, body: CalendarBody, *, year: int, on: date, at: str = ""
) -> None:
    """Raise FieldRefused if nobody decreed the year and ``body`` names no decree published by then.

    ``at`` is where the body's fields stand in what the caller sent.
    """
    if body.published_on is not None and body.published_on > on:
        raise FieldRefused(f"{at}published_on", say("must not be in the future"))
    if not (await load(session)).is_provisional(year):
        return
    for name in ("document_number", "published_on"):
        if getattr(body, name) is None:
            raise FieldRefused(
                f"{at}{name}",
                say("is needed: no decree for {year} is known here, so name the one", year=year),
            )


async def put_days(
    session: AsyncSession, body: CalendarBody, *, set_by: UUID, now: datetime
) -> None:
    """Set days in place of what was set for them before.

    Clocks that run are read by them from now on; those that were judged stay as they are.
    """
    statement = insert(CalendarDay)
    written = ("working", *EVIDENCE, "whole_year", "set_by", "set_at")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["on"], set_={name: statement.excluded[name] for name in written}
        ),
        [
            {
                "on": day.on,
                "working": day.working,
                **{name: getattr(body, name) for name in EVIDENCE},
                "whole_year": body.whole_year,
                "set_by": set_by,
                "set_at": now,
            }
            for day in body.days
        ],
    )


async def are_in_force(session: AsyncSession, body: CalendarBody) -> bool:
    """Whether the days were set before just as they are stated here."""
    rows = await session.scalars(
        select(CalendarDay)
        .where(CalendarDay.on.in_([day.on for day in body.days]))
        .execution_options(populate_existing=True)
    )
    told = (body.whole_year, *(getattr(body, name) for name in EVIDENCE))
    stated = {(day.on, day.working, *told) for day in body.days}
    return stated == {
        (row.on, row.working, row.whole_year, *(getattr(row, name) for name in EVIDENCE))
        for row in rows
    }


async def show_year(session: AsyncSession, *, year: int) -> CalendarOut:
    """The days of a year on which weekdays are off or weekends are worked, and who says so."""
    calendar = await load(session)
    provisional = calendar.is_provisional(year)
    rows = {
        row.on: row
        for row in await session.scalars(
            select(CalendarDay)
            .where(extract("year", CalendarDay.on) == year)
            .execution_options(populate_existing=True)
        )
    }
    days, day, count = [], date(year, 1, 1), 0
    while day.year == year:
        working = calendar.is_working_day(day)
        count += working
        if working is (day.weekday() >= _SATURDAY) or day in rows:
            days.append(_told(day, rows.get(day), working=working, provisional=provisional))
        day += _ONE_DAY
    return CalendarOut(
        year=year,
        provisional=provisional,
        working_days=count,
        exceptions=days,
    )


def _told(
    day: date, row: CalendarDay | None, *, working: bool, provisional: bool
) -> CalendarDayOut:
    """A day and who says so; one set in advance of the year's decree is provisional too."""
    if row is not None and (row.document_number is not None or not provisional):
        source = Source.DECREE
    else:
        source = Source.PROVISIONAL if provisional else Source.LIBRARY
    evidence = {name: getattr(row, name, None) for name in EVIDENCE}
    return CalendarDayOut(on=day, working=working, source=source, **evidence)
