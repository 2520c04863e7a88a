"""Clocks of a case: when one starts, rests, stops, and when it is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.casework.kind import Clock
from app.workdays.calendar import WorkCalendar, add_working_days, working_days_between


@dataclass(frozen=True, slots=True)
class Running:
    """A clock of one case that has started and not stopped."""

    started_on: date
    due_on: date
    paused_on: date | None


def due_on(
    clock: Clock, *, started_on: date, fields: Mapping[str, Any], calendar: WorkCalendar
) -> date | None:
    """When a clock that starts is due; None while the day that it hangs on is not stated."""
    if clock.due_field is not None:
        stated = fields.get(clock.due_field)
        return None if stated is None else date.fromisoformat(stated)
    assert clock.days is not None
    if clock.unit == "calendar":
        return started_on + timedelta(days=clock.days)
    return add_working_days(calendar, started_on, clock.days)


def resumed(clock: Clock, running: Running, *, on: date, calendar: WorkCalendar) -> date:
    """When a clock is due that rested until ``on``: later by the days of the rest."""
    assert running.paused_on is not None
    if clock.due_field is not None:
        return running.due_on
    if clock.unit == "calendar":
        return running.due_on + (on - running.paused_on)
    rested = max(0, working_days_between(calendar, running.paused_on, on))
    return add_working_days(calendar, running.due_on, rested)
