"""The authority's days: they win, they belong to one year, they can settle an undecreed one."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.programme import ChangeKind, ChangeStatus
from app.schemas.green_channel import CalendarBody, CalendarOut
from app.services import programme_changes, work_calendar
from app.services.change_effects import NothingToChange
from app.services.programme_changes import SamePerson
from app.services.work_calendar import YearDecreed
from app.workdays.calendar import Source
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.programme import TODAY, approve, decide, make_change, make_pair, propose

SATURDAY = date(2026, 10, 10)
"""A make-up day of the decree for 2026."""
NUMBER = "国办发明电〔2026〕7号"


def decree(*days: date, working: bool, whole_year: bool = False) -> dict[str, Any]:
    stated = [{"on": day.isoformat(), "working": working} for day in days]
    named = {"document_number": NUMBER, "published_on": TODAY.isoformat()} if whole_year else {}
    return {"decree": "通知", "whole_year": whole_year, "days": stated} | named


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


async def test_a_change_for_a_year_that_nobody_decreed_names_the_decree(
    session: AsyncSession,
) -> None:
    pair, day = await make_pair(session), date(2040, 1, 2)
    facts = {"year": 2040, **decree(day, working=False)}
    tomorrow = (TODAY + timedelta(days=1)).isoformat()

    with pytest.raises(FieldRefused, match="document_number"):
        await propose(session, pair, "calendar", **facts)
    with pytest.raises(FieldRefused, match="published_on"):
        await propose(session, pair, "calendar", document_number=NUMBER, **facts)
    facts |= {"document_number": NUMBER, "published_on": tomorrow}
    with pytest.raises(FieldRefused, match="published_on"):
        await propose(session, pair, "calendar", **facts)

    facts["published_on"] = TODAY.isoformat()
    change = await propose(session, pair, "calendar", **facts)
    waiting = await programme_changes.list_changes(
        session,
        actor=pair.checker,
        limit=9,
        status=ChangeStatus.PROPOSED,
        kind=ChangeKind.CALENDAR,
    )
    told = [(row.facts["document_number"], row.facts["published_on"]) for row in waiting]
    assert told == [(NUMBER, TODAY.isoformat())]

    await approve(session, pair, change)
    shown = {day.on: day for day in (await work_calendar.show_year(session, year=2040)).exceptions}
    assert (shown[day].source, shown[day].document_number) == (Source.DECREE, NUMBER)
    assert shown[day].published_on == TODAY
    assert shown[date(2040, 10, 1)].source is Source.PROVISIONAL


async def test_one_manager_settles_no_year_without_its_decree(session: AsyncSession) -> None:
    organisation = await make_organisation(session, OrganisationKind.AUTHORITY)
    body = decree(date(2040, 1, 2), working=False) | {"whole_year": True}

    with pytest.raises(FieldRefused, match="document_number"):
        await work_calendar.set_days(
            session,
            actor=await make_actor(session, organisation),
            year=2040,
            body=CalendarBody.model_validate(body),
            now=NOW,
        )


async def test_each_day_tells_who_says_so(session: AsyncSession) -> None:
    await set_day(session, date(2040, 1, 2), working=False, year=2040)

    library = await work_calendar.show_year(session, year=2026)
    table = await work_calendar.show_year(session, year=2040)

    assert {day.source for day in library.exceptions} == {Source.LIBRARY}
    assert {day.source for day in table.exceptions} == {Source.PROVISIONAL}
    await set_day(session, date(2040, 1, 2), working=False, year=2040, whole_year=True)
    settled = await work_calendar.show_year(session, year=2040)
    assert (settled.exceptions[0].on, settled.exceptions[0].source) == (
        date(2040, 1, 2),
        Source.DECREE,
    )
