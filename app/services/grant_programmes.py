"""Programmes and windows: a measure run in a year by the rules of a day, and its calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.grants.measure import Measure
from app.grants.measure_files import find_version
from app.lifecycle.grants import (
    GRANT_PROGRAMME,
    WINDOW,
    ApplicationStatus,
    ProgrammeEvent,
    ProgrammeStatus,
    WindowEvent,
    WindowStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.words import state_of
from app.models.grants import GrantApplication, GrantProgramme, GrantWindow
from app.schemas.grants import ProgrammeIn, WindowIn
from app.services import grant_budgets, grant_rules, history, outbox
from app.services.actor import Actor, as_platform


@dataclass(eq=False)
class ProgrammeNotOpen(Conflict):
    message = "The grant programme {state}; a window is announced in one that is open."

    state: ProgrammeStatus

    def words(self) -> Mapping[str, Any]:
        return {"state": state_of(GRANT_PROGRAMME.name, self.state)}


@dataclass(eq=False)
class WindowsOpen(Conflict):
    message = "{count} windows of the programme are not decided; decide or cancel them first."

    count: int


@dataclass(eq=False)
class ApplicationsInWindow(Conflict):
    message = "{count} applications stand in the window; it is cancelled when there is none."

    count: int


async def create_programme(
    session: AsyncSession,
    *,
    actor: Actor,
    data: ProgrammeIn,
    measures: Mapping[int, Measure],
    now: datetime,
) -> GrantProgramme:
    """Run a measure in a year. The rules in force on the day asked for are kept with it."""
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    on = data.rules_on or business_date(now)
    rules = find_version(data.measure, on, measures)
    assert rules.budget is not None
    measure = measures[data.measure]
    year = data.year or business_date(now).year
    budget = await grant_budgets.open_budget(
        session, measure=measure.number, year=year, budget=rules.budget
    )
    programme = GrantProgramme(
        id=new_id(),
        measure=measure.number,
        year=year,
        title=data.title,
        name_zh=measure.text_zh,
        name_en=measure.text_en,
        rules_on=on,
        rules=rules.model_dump(mode="json", exclude_none=True),
        budget_id=budget.id,
        status=ProgrammeStatus.PLANNED,
        created_by=grant_rules.person(actor),
        created_at=now,
    )
    session.add(programme)
    history.begin(session, programme, GRANT_PROGRAMME, actor=actor, now=now)
    await session.flush()
    return programme


async def open_programme(
    session: AsyncSession, *, actor: Actor, programme_id: UUID, now: datetime
) -> GrantProgramme:
    actor.must_be(OrganisationKind.AUTHORITY)
    programme = await lock_programme(session, programme_id)
    history.move(session, programme, GRANT_PROGRAMME, ProgrammeEvent.OPEN, actor=actor, now=now)
    await session.flush()
    return programme


async def close_programme(
    session: AsyncSession, *, actor: Actor, programme_id: UUID, now: datetime
) -> GrantProgramme:
    """No window opens in it any more; WindowsOpen while one is not decided."""
    actor.must_be(OrganisationKind.AUTHORITY)
    programme = await lock_programme(session, programme_id)
    count = await session.scalar(
        select(func.count()).where(
            GrantWindow.programme_id == programme.id,
            GrantWindow.status.not_in((WindowStatus.DECIDED, WindowStatus.CANCELLED)),
        )
    )
    if count:
        raise WindowsOpen(count)
    history.move(session, programme, GRANT_PROGRAMME, ProgrammeEvent.CLOSE, actor=actor, now=now)
    await session.flush()
    return programme


async def lock_programme(session: AsyncSession, programme_id: UUID) -> GrantProgramme:
    programme = await session.get(
        GrantProgramme, programme_id, with_for_update=True, populate_existing=True
    )
    if programme is None:
        raise NotFound
    return programme


async def get_programme(session: AsyncSession, *, programme_id: UUID) -> GrantProgramme:
    programme = await session.get(GrantProgramme, programme_id)
    if programme is None:
        raise NotFound
    return programme


async def list_programmes(
    session: AsyncSession,
    *,
    measure: int | None = None,
    year: int | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[GrantProgramme]:
    """Programmes, newest first; they are public."""
    programmes = select(GrantProgramme).order_by(GrantProgramme.id.desc()).limit(limit)
    if measure is not None:
        programmes = programmes.where(GrantProgramme.measure == measure)
    if year is not None:
        programmes = programmes.where(GrantProgramme.year == year)
    if after is not None:
        programmes = programmes.where(GrantProgramme.id < after)
    return (await session.scalars(programmes)).all()


async def create_window(
    session: AsyncSession, *, actor: Actor, programme_id: UUID, data: WindowIn, now: datetime
) -> GrantWindow:
    """Announce a call of an open programme; it opens by its own act."""
    actor.must_be(OrganisationKind.AUTHORITY)
    programme = await lock_programme(session, programme_id)
    if programme.status is not ProgrammeStatus.OPEN:
        raise ProgrammeNotOpen(programme.status)
    if data.closes_on < max(data.opens_on, business_date(now)):
        raise FieldRefused("closes_on", say("is before the window opens, or over"))
    window = GrantWindow(
        id=new_id(), programme_id=programme.id, status=WindowStatus.PLANNED, **dict(data)
    )
    session.add(window)
    history.begin(session, window, WINDOW, actor=actor, now=now)
    await session.flush()
    return window


async def open_window(
    session: AsyncSession, *, actor: Actor, window_id: UUID, now: datetime
) -> GrantWindow:
    """From its first day on; firms then apply."""
    actor.must_be(OrganisationKind.AUTHORITY)
    window = await lock_window(session, window_id)
    if business_date(now) < window.opens_on:
        raise FieldRefused("opens_on", say("is still to come: {day}", day=window.opens_on))
    history.move(session, window, WINDOW, WindowEvent.OPEN, actor=actor, now=now)
    outbox.announce(session, "grant.window_opened", window.id, now=now)
    await session.flush()
    return window


async def close_window(
    session: AsyncSession, *, actor: Actor, window_id: UUID, now: datetime
) -> GrantWindow:
    """No application comes in any more; those that did are scored."""
    actor.must_be(OrganisationKind.AUTHORITY)
    window = await lock_window(session, window_id)
    history.move(session, window, WINDOW, WindowEvent.CLOSE, actor=actor, now=now)
    await session.flush()
    return window


async def cancel_window(
    session: AsyncSession, *, actor: Actor, window_id: UUID, now: datetime
) -> GrantWindow:
    """A call in which nobody's application stands."""
    actor.must_be(OrganisationKind.AUTHORITY)
    window = await lock_window(session, window_id)
    count = await session.scalar(
        select(func.count()).where(
            GrantApplication.window_id == window.id,
            GrantApplication.status != ApplicationStatus.WITHDRAWN,
        )
    )
    if count:
        raise ApplicationsInWindow(count)
    history.move(session, window, WINDOW, WindowEvent.CANCEL, actor=actor, now=now)
    await session.flush()
    return window


async def lock_window(session: AsyncSession, window_id: UUID) -> GrantWindow:
    """The window under its lock, whoever acts: the first of every lock on a grant.

    Whoever drafts in it meanwhile is no hindrance: the window's key does not change.
    """
    async with as_platform(session):
        window = await session.get(
            GrantWindow, window_id, with_for_update={"key_share": True}, populate_existing=True
        )
    if window is None:
        raise NotFound
    return window


async def list_windows(
    session: AsyncSession,
    *,
    programme_id: UUID | None = None,
    status: WindowStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[GrantWindow]:
    """Calls, newest first; they are public."""
    windows = select(GrantWindow).order_by(GrantWindow.id.desc()).limit(limit)
    if programme_id is not None:
        windows = windows.where(GrantWindow.programme_id == programme_id)
    if status is not None:
        windows = windows.where(GrantWindow.status == status)
    if after is not None:
        windows = windows.where(GrantWindow.id < after)
    return (await session.scalars(windows)).all()
