"""Loans fall overdue on the business day after a due day, and are cured when they catch up."""

from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.jobs.loans import mark_overdue
from app.lifecycle.deals import LoanStatus
from app.services import history, overdue, repayments, schedules
from tests.make.limits import at
from tests.make.loans import make_drawn, receipt

JUNE_20 = date(2026, 6, 20)


class TestMark:
    async def test_the_due_day_itself_is_not_late(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        # 15:59 UTC is a minute before midnight in Ningxia.
        moved = await overdue.mark(session, now=datetime(2026, 6, 20, 15, 59, tzinfo=UTC))

        assert moved == 0
        assert drawn.loan.status is LoanStatus.PERFORMING

    async def test_the_next_business_day_is_late(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        moved = await overdue.mark(session, now=datetime(2026, 6, 20, 16, 0, tzinfo=UTC))

        assert moved == 1
        assert drawn.loan.status is LoanStatus.OVERDUE
        lines = await schedules.list_lines(session, drawn.loan)
        assert schedules.days_past_due(lines, on=date(2026, 6, 21)) == 1
        assert schedules.days_past_due(lines, on=date(2026, 8, 20)) == 61  # from the oldest

    async def test_cures_what_was_paid(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        await repayments.record(
            session,
            actor=drawn.bank,
            loan_id=drawn.loan.id,
            data=receipt("15500.00", JUNE_20),
            now=at(JUNE_20),
        )
        drawn.loan.status = LoanStatus.OVERDUE
        await session.flush()

        await overdue.mark(session, now=at(date(2026, 6, 22)))

        assert drawn.loan.status is LoanStatus.PERFORMING
        changes = await history.list_changes(session, [drawn.loan.id])
        assert [change.event for change in changes] == ["create", "cure"]


async def test_the_job_goes_on_until_nothing_is_left(
    session: AsyncSession, sessions: Sessions
) -> None:
    for _ in range(2):
        await make_drawn(session)
    await session.flush()

    first = await mark_overdue(sessions, now=at(date(2026, 6, 21)))
    second = await mark_overdue(sessions, now=at(date(2026, 6, 21)))

    assert (first, second) == (2, 0)
