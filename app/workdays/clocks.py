"""The clock of one step of the green channel (绿色通道): when it is due, and how it was kept."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.workdays.calendar import WorkCalendar, add_working_days, working_days_between


class Step(StrEnum):
    """Steps that an institution must take, in the order in which they come."""

    FIRST_QUOTE = "first_quote"
    APPROVAL = "approval"
    CONTRACTS = "contracts"
    REGISTRATION_FILING = "registration_filing"
    GUARANTEE_EFFECTIVE = "guarantee_effective"
    DRAWDOWN = "drawdown"
    DISCHARGE = "discharge"


class Outcome(StrEnum):
    """RUNNING and LATE clocks still run; ENDED ones stopped because the step fell away."""

    RUNNING = "running"
    LATE = "late"
    ON_TIME = "on_time"
    DONE_LATE = "done_late"
    ENDED = "ended"


OPEN = frozenset({Outcome.RUNNING, Outcome.LATE})


@dataclass(frozen=True, slots=True)
class Reading:
    """A clock read on a day."""

    due_on: date
    outcome: Outcome
    working_days: int  # taken until the stop, or until the day of reading
    provisional: bool  # a year it touches is not decreed yet


def read_clock(
    calendar: WorkCalendar,
    *,
    started_on: date,
    level_days: int,
    stopped_on: date | None,
    done: bool,
    on: date,
    due_on: date | None = None,
) -> Reading:
    """How the clock stands on the day ``on``; ``done`` says whether a stop was the step itself.

    ``due_on`` is the day once announced as missed: it stays, whatever is decreed afterwards.
    """
    due = due_on or add_working_days(calendar, started_on, level_days)
    end = max(started_on, stopped_on or on)
    late = end > due
    if stopped_on is None:
        outcome = Outcome.LATE if late else Outcome.RUNNING
    elif done:
        outcome = Outcome.DONE_LATE if late else Outcome.ON_TIME
    else:
        outcome = Outcome.DONE_LATE if late else Outcome.ENDED
    return Reading(
        due_on=due,
        outcome=outcome,
        working_days=working_days_between(calendar, started_on, end),
        provisional=calendar.spans_provisional(started_on, max(due, end)),
    )
