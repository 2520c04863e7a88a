"""The programme for everybody: exact where deal.md says so, else only what singles no firm out."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI
from app.core.money import ZERO, Money
from app.lifecycle.deals import QueueKind
from app.models.claims import Recovery
from app.models.deals import Deal, QueueEntry
from app.models.loans import Loan
from app.schemas.public import PublicProgrammeOut, QueuedOut, RecoveredOut
from app.services import disclosure, programme
from app.services.actor import as_platform

MONTHS_OF_QUARTER = 3


async def get_figures(session: AsyncSession, *, on: date) -> PublicProgrammeOut:
    """The programme's figures, with what joined the queue and what recoveries have brought."""
    figures = await programme.get_figures(session, on=on)
    first, after = last_quarter(on)
    return PublicProgrammeOut(
        **dict(figures),
        queued=await _queued(session, first, after),
        recovered=await _recovered(session, after),
    )


async def _recovered(session: AsyncSession, after: date) -> RecoveredOut:
    """All quarters before the day ``after``, but the last ones that would single a firm out.

    A quarter of too few firms is added together with the next ones, never alone: so no difference
    of two answers is what a single firm lost.
    """
    limits = await disclosure.limits_on(session, on=after - timedelta(days=1))
    day = func.timezone(SHANGHAI.key, Recovery.recorded_at)
    statement = (
        select(
            func.date_trunc("quarter", day).label("first"),
            Loan.firm_id,
            func.sum(Recovery.principal).label("amount"),
        )
        .join(Loan, Loan.id == Recovery.loan_id)
        .where(
            Loan.in_programme,
            Recovery.principal > ZERO,
            Recovery.recorded_at < datetime.combine(after, time(0), SHANGHAI),
        )
        .group_by("first", Loan.firm_id)
        .order_by("first")
    )
    async with as_platform(session):
        rows = (await session.execute(statement)).all()
    told, waiting = RecoveredOut(quarter=None, amount=None), Counter[UUID]()
    for first, of_quarter in groupby(rows, key=lambda row: row.first):
        for row in of_quarter:
            waiting[row.firm_id] += row.amount.fen
        if disclosure.may_tell(limits, waiting):
            amount = (told.amount or ZERO) + Money(waiting.total())
            told = RecoveredOut(quarter=name_of(first), amount=amount)
            waiting = Counter()
    return told


async def _queued(session: AsyncSession, first: date, after: date) -> QueuedOut:
    """Entries by the quarter in which they joined: no entry is in two, and none is told live.

    So no difference of two answers singles a firm out. As on the green channel, a figure needs
    enough firms, none of them too large.
    """
    limits = await disclosure.limits_on(session, on=after - timedelta(days=1))
    start, end = (datetime.combine(day, time(0), SHANGHAI) for day in (first, after))
    statement = (
        select(Deal.firm_id, func.count(), func.sum(QueueEntry.amount))
        .join(Deal, Deal.id == QueueEntry.deal_id)
        .where(
            QueueEntry.kind == QueueKind.DEAL,
            QueueEntry.quota_account_id.is_not(None),
            QueueEntry.joined_at >= start,
            QueueEntry.joined_at < end,
        )
        .group_by(Deal.firm_id)
    )
    deals: Counter[UUID] = Counter()
    amounts: Counter[UUID] = Counter()
    async with as_platform(session):
        for firm_id, count, amount in await session.execute(statement):
            deals[firm_id], amounts[firm_id] = count, amount.fen
    told = disclosure.may_tell(limits, deals, amounts)
    return QueuedOut(
        quarter=name_of(first),
        amount=Money(amounts.total()) if told else None,
        deals=deals.total() if told else None,
    )


def name_of(first: date) -> str:
    """What the quarter that begins on ``first`` is called, such as 2026Q3."""
    return f"{first.year}Q{(first.month - 1) // MONTHS_OF_QUARTER + 1}"


def last_quarter(on: date) -> tuple[date, date]:
    """The first day of the last whole quarter before ``on``, and the first day after it."""
    month = (on.month - 1) // MONTHS_OF_QUARTER * MONTHS_OF_QUARTER + 1
    after = date(on.year, month, 1)
    if month == 1:
        return date(on.year - 1, 12 - MONTHS_OF_QUARTER + 1, 1), after
    return date(on.year, month - MONTHS_OF_QUARTER, 1), after
