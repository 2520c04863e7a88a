"""The authority's days: they win, they belong to one year, they can settle an undecreed one."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.programme import ChangeStatus
from app.schemas.green_channel import CalendarBody, CalendarOut
from app.services import programme_changes, work_calendar
from app.services.change_effects import NothingToChange
from app.services.programme_changes import SamePerson
from app.services.work_calendar import YearDecreed
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.programme import approve, decide, make_change, make_pair, propose

SATURDAY = date(2026, 10, 10)
"""A make-up day of the decree for 2026."""


def decree(*days: date, working: bool, whole_year: bool = False) -> dict[str, Any]:
    stated = [{"on": day.isoformat(), "working": working} for day in days]
    return {"decree": "通知", "whole_year": whole_year, "days": stated}


async def set_day(
    session: AsyncSession, day: date, *, working: bool, year: int, whole_year: bool = False
) -> CalendarOut:
    organisation = await make_organisation(session, OrganisationKind.AUTHORITY)
    return await work_calendar.set_days(
        session,
        actor=await make_actor(session, organisation),
        year=year,
        body=CalendarBody(**decree(day, working=working, whole_year=whole_year)),
        now=NOW,
    )


async def test_a_published_year_has_its_make_up_saturdays_and_is_not_provisional(
    session: AsyncSession,
) -> None:
    shown = await work_calendar.show_year(session, year=2026)

    worked = {day.on for day in shown.exceptions if day.working}
    assert SATURDAY in worked
    assert (shown.provisional, shown.working_days) == (False, 248)


async def test_an_undecreed_year_is_provisional_until_its_whole_decree_is_entered(
    session: AsyncSession,
) -> None:
    day = date(2040, 1, 2)

    assert (await set_day(session, day, working=False, year=2040)).provisional
    changed = await set_day(session, day, working=True, year=2040)
    assert (changed.provisional, changed.exceptions[0].working) == (True, True)
    assert not (await set_day(session, day, working=False, year=2040, whole_year=True)).provisional


async def test_one_manager_alone_changes_no_day_of_a_decreed_year(session: AsyncSession) -> None:
    day = date(2040, 1, 2)
    await set_day(session, day, working=False, year=2040, whole_year=True)
    before = await work_calendar.show_year(session, year=2040)

    for year, other in ((2026, SATURDAY), (2040, day)):
        with pytest.raises(YearDecreed, match="programme change"):
            await set_day(session, other, working=True, year=year)
    assert await work_calendar.show_year(session, year=2040) == before


async def test_two_people_change_a_day_of_a_decreed_year(session: AsyncSession) -> None:
    pair, facts = await make_pair(session), {"year": 2026, **decree(SATURDAY, working=False)}
    before = await work_calendar.show_year(session, year=2026)

    change = await propose(session, pair, "calendar", **facts)
    assert await work_calendar.show_year(session, year=2026) == before
    with pytest.raises(SamePerson):
        await programme_changes.approve(session, actor=pair.maker, change_id=change.id, now=NOW)
    await approve(session, pair, change)

    shown = await work_calendar.show_year(session, year=2026)
    mine = next(day for day in shown.exceptions if day.on == SATURDAY)
    assert (change.status, mine.working, mine.decree) == (ChangeStatus.IN_FORCE, False, "通知")
    assert shown.working_days == before.working_days - 1
    with pytest.raises(NothingToChange):
        await propose(session, pair, "calendar", **facts)
    back = await decide(session, pair, "calendar", year=2026, **decree(SATURDAY, working=True))
    assert back.status is ChangeStatus.IN_FORCE
    shown = await work_calendar.show_year(session, year=2026)
    assert shown.working_days == before.working_days


async def test_a_day_of_another_year_is_refused(session: AsyncSession) -> None:
    with pytest.raises(FieldRefused, match="2041"):
        await set_day(session, date(2041, 1, 4), working=True, year=2040)
    with pytest.raises(ValidationError, match="2027-01-04 is not a day of 2026"):
        make_change("calendar", year=2026, **decree(date(2027, 1, 4), working=True))


def test_a_day_is_stated_once() -> None:
    days = [{"on": SATURDAY, "working": working} for working in (True, False)]
    with pytest.raises(ValidationError, match="2026-10-10 is stated twice"):
        CalendarBody.model_validate({"decree": "通知", "whole_year": False, "days": days})
