"""What everybody is told of the queue: whole quarters, enough firms, none too large."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.models.claims import Recovery
from app.models.deals import QueueEntry
from app.schemas.public import QueuedOut
from app.services import public_programme
from app.services.actor import SYSTEM, bind
from tests.make.deals import accept, make_table
from tests.make.funds import make_drawn_filed

AUGUST = datetime(2026, 8, 20, tzinfo=UTC)
TODAY = date(2026, 11, 25)


async def queue_up(session: AsyncSession, *amounts: int, joined: datetime = AUGUST) -> None:
    """A deal of a firm of its own per amount, which waits for its guarantor's limit."""
    for yuan in amounts:
        deal = await accept(session, await make_table(session, limit=Money(1)))
        await bind(session, SYSTEM)
        entry = (
            await session.scalars(select(QueueEntry).where(QueueEntry.deal_id == deal.id))
        ).one()
        entry.amount, entry.joined_at = Money.yuan(yuan), joined
    await session.flush()


async def told(session: AsyncSession, *, on: date = TODAY) -> QueuedOut:
    found = await public_programme.get_figures(session, on=on)
    await bind(session, SYSTEM)
    return found.queued


async def test_five_firms_of_the_last_whole_quarter_are_told(session: AsyncSession) -> None:
    await queue_up(session, 1_000_000, 2_000_000, 1_000_000, 1_000_000, 1_000_000)

    found = await told(session)

    assert (found.quarter, found.amount, found.deals) == ("2026Q3", Money.yuan(6_000_000), 5)


async def test_four_firms_are_not(session: AsyncSession) -> None:
    await queue_up(session, 1_000_000, 1_000_000, 1_000_000, 1_000_000)

    found = await told(session)

    assert (found.quarter, found.amount, found.deals) == ("2026Q3", None, None)


async def test_one_firm_above_all_hides_the_figure(session: AsyncSession) -> None:
    await queue_up(session, 9_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)

    assert (await told(session)).amount is None


async def test_who_joins_now_changes_nothing_that_is_told(session: AsyncSession) -> None:
    await queue_up(session, *[1_000_000] * 5)
    before = await told(session)

    later = datetime(2026, 9, 30, 16, tzinfo=UTC)  # midnight in Ningxia: the next quarter
    await queue_up(session, 3_000_000, joined=later)
    await queue_up(session, 3_000_000, joined=AUGUST - timedelta(days=90))

    assert await told(session) == before


@pytest.mark.parametrize(
    ("on", "quarter"),
    [
        (date(2026, 1, 1), "2025Q4"),
        (date(2026, 3, 31), "2025Q4"),
        (date(2026, 4, 1), "2026Q1"),
        (date(2026, 12, 31), "2026Q3"),
    ],
)
async def test_the_quarter_is_the_last_whole_one(
    session: AsyncSession, on: date, quarter: str
) -> None:
    assert (await told(session, on=on)).quarter == quarter


async def recover(session: AsyncSession, *, at: datetime) -> None:
    """A million of principal of a firm of its own, that a recovery brought."""
    _, loan = await make_drawn_filed(session)
    await bind(session, SYSTEM)
    million = Money.yuan(1_000_000)
    session.add(
        Recovery(
            id=new_id(),
            loan_id=loan.id,
            reference="REC-1",
            received_on=at.date(),
            amount=million,
            principal=million,
            claims_paid=0,
            recorded_by=loan.bank_id,
            recorded_at=at,
        )
    )
    await session.flush()


async def test_recoveries_are_told_once_enough_firms_stand_behind(session: AsyncSession) -> None:
    for _ in range(4):
        await recover(session, at=AUGUST)
    await recover(session, at=datetime(2026, 11, 2, tzinfo=UTC))

    early = (await public_programme.get_figures(session, on=TODAY)).recovered
    found = (await public_programme.get_figures(session, on=date(2027, 1, 2))).recovered
    await recover(session, at=datetime(2027, 2, 2, tzinfo=UTC))
    later = (await public_programme.get_figures(session, on=date(2027, 4, 2))).recovered

    assert (early.quarter, early.amount) == (None, None)
    assert (found.quarter, found.amount) == ("2026Q4", Money.yuan(5_000_000))
    assert later == found  # one firm's loss alone is not the difference of two answers
