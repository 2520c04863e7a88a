"""The authority's days: they win, they belong to one year, they can settle an undecreed one."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.schemas.green_channel import CalendarDayIn, CalendarOut
from app.services import work_calendar
from tests.make.parties import NOW, make_actor, make_organisation


async def set_day(
    session: AsyncSession, day: date, *, working: bool, year: int, whole_year: bool = False
) -> CalendarOut:
    organisation = await make_organisation(session, OrganisationKind.AUTHORITY)
    return await work_calendar.set_days(
        session,
        actor=await make_actor(session, organisation),
        decree="通知",
        year=year,
        whole_year=whole_year,
        days=[CalendarDayIn(on=day, working=working)],
        now=NOW,
    )


async def test_a_published_year_has_its_make_up_saturdays_and_is_not_provisional(
    session: AsyncSession,
) -> None:
    shown = await work_calendar.show_year(session, year=2026)

    worked = {day.on for day in shown.exceptions if day.working}
    assert date(2026, 10, 10) in worked
    assert (shown.provisional, shown.working_days) == (False, 248)


async def test_a_day_set_by_the_authority_wins_and_names_its_decree(session: AsyncSession) -> None:
    before = await work_calendar.show_year(session, year=2026)
    shown = await set_day(session, date(2026, 10, 10), working=False, year=2026)

    assert shown.working_days == before.working_days - 1
    mine = next(day for day in shown.exceptions if day.on == date(2026, 10, 10))
    assert (mine.working, mine.decree) == (False, "通知")


async def test_an_undecreed_year_is_provisional_until_its_whole_decree_is_entered(
    session: AsyncSession,
) -> None:
    day = date(2040, 1, 2)

    assert (await set_day(session, day, working=False, year=2040)).provisional
    assert not (await set_day(session, day, working=False, year=2040, whole_year=True)).provisional


async def test_a_day_of_another_year_is_refused(session: AsyncSession) -> None:
    with pytest.raises(FieldRefused, match="2027"):
        await set_day(session, date(2027, 1, 4), working=True, year=2026)
