"""The working calendar in force: the published decrees, and the days that the authority has set."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import extract, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.messages import say
from app.lifecycle.parties import OrganisationKind
from app.models.workdays import CalendarDay
from app.schemas.green_channel import CalendarDayIn, CalendarDayOut, CalendarOut
from app.services.actor import Actor
from app.workdays.calendar import WorkCalendar

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


async def load(session: AsyncSession) -> WorkCalendar:
    rows = (await session.scalars(select(CalendarDay).order_by(CalendarDay.on))).all()
    return WorkCalendar(
        {row.on: row.working for row in rows},
        frozenset(row.on.year for row in rows if row.whole_year),
    )


async def set_days(
    session: AsyncSession,
    *,
    actor: Actor,
    decree: str,
    year: int,
    whole_year: bool,
    days: Sequence[CalendarDayIn],
    now: datetime,
) -> CalendarOut:
    """Set days of one year as a decree has them; ``whole_year`` says that these are all it has.

    Clocks that run are read by them from now on; those that were judged stay as they are.
    """
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    for day in days:
        if day.on.year != year:
            raise FieldRefused("days", say("{day} is not a day of {year}", day=day.on, year=year))
    statement = insert(CalendarDay)
    written = ("working", "decree", "whole_year", "set_by", "set_at")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["on"], set_={name: statement.excluded[name] for name in written}
        ),
        [
            {
                "on": day.on,
                "working": day.working,
                "decree": decree,
                "whole_year": whole_year,
                "set_by": actor.organisation_id,
                "set_at": now,
            }
            for day in {day.on: day for day in days}.values()
        ],
    )
    return await show_year(session, year=year)


async def show_year(session: AsyncSession, *, year: int) -> CalendarOut:
    """The days of a year on which weekdays are off or weekends are worked, and who says so."""
    calendar = await load(session)
    decrees = {
        row.on: row.decree
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
        if working is (day.weekday() >= _SATURDAY) or day in decrees:
            days.append(CalendarDayOut(on=day, working=working, decree=decrees.get(day)))
        day += _ONE_DAY
    return CalendarOut(
        year=year,
        provisional=calendar.is_provisional(year),
        working_days=count,
        exceptions=days,
    )
