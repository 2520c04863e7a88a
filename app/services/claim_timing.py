"""When a claim may be made and until when, and by when an answer is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict
from app.lending.grading import Grade, is_worse
from app.lifecycle.deals import LOAN, LoanEvent
from app.models.loans import Loan
from app.models.records import StatusChange
from app.risk.scheme import DayKind, SchemeVersion
from app.services import grades, rules, work_calendar
from app.services.names import NAMES
from app.workdays.calendar import add_working_days

RULE = "claims"


@dataclass(eq=False)
class TooEarly(Conflict):
    message = (
        "The loan is {days} days past due and graded {grade}; a claim opens at {overdue_days} days,"
        " or at the grade {opens_at}."
    )

    days: int
    grade: Grade
    overdue_days: int
    opens_at: Grade

    def words(self) -> Mapping[str, Any]:
        return {"grade": NAMES[self.grade], "opens_at": NAMES[self.opens_at]}


@dataclass(eq=False)
class TooLate(Conflict):
    message = "By the scheme a claim had to be made by {last}."

    last: date


async def must_be_ripe(
    session: AsyncSession, loan: Loan, version: SchemeVersion, *, on: date
) -> None:
    """Raise TooEarly before the days, or the grade, at which the scheme opens a claim."""
    stands = await grades.standing(session, loan, on=on)
    opens_at = Grade(version.claim.grade)
    if stands.days_past_due < version.claim.overdue_days and is_worse(opens_at, stands.grade):
        raise TooEarly(
            stands.days_past_due,
            stands.grade,
            version.claim.overdue_days,
            opens_at,
        )


async def must_be_in_time(
    session: AsyncSession, loan: Loan, version: SchemeVersion, *, now: datetime
) -> None:
    """Raise TooLate once the scheme's days since the declaration of default are over."""
    declared_at: datetime | None = await session.scalar(
        select(func.max(StatusChange.at)).where(
            StatusChange.subject == LOAN.name,
            StatusChange.subject_id == loan.id,
            StatusChange.event == LoanEvent.DEFAULT,
        )
    )
    assert declared_at is not None
    first = business_date(declared_at)
    if version.claim.deadline_in is DayKind.CALENDAR:
        last = first + timedelta(days=version.claim.deadline)
    else:
        calendar = await work_calendar.load(session)
        last = add_working_days(calendar, first, version.claim.deadline)
    if business_date(now) > last:
        raise TooLate(last)


async def answer_due(session: AsyncSession, *, now: datetime) -> date:
    """The day by which guarantors and insurers answer, by the dated rule."""
    on = business_date(now)
    rule = await rules.get(session, RULE, on=on)
    return add_working_days(await work_calendar.load(session), on, rule["answer_working_days"])
