"""The end of a loan: nothing is owed on it any more, and nothing more will be drawn."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lifecycle.deals import (
    DEAL,
    LOAN,
    DealEvent,
    DrawdownStatus,
    LoanEvent,
)
from app.models.deals import Deal, Drawdown
from app.models.loans import Loan
from app.services import history, outbox, room, schedules
from app.services.actor import Actor
from app.services.deals import has_release, parties_of
from app.services.tasks import Task, enqueue


async def end_if_settled(
    session: AsyncSession, deal: Deal, loan: Loan, *, actor: Actor, now: datetime
) -> bool:
    """Loan and deal are repaid once nothing is owed and no tranche can follow; whether they are.

    The hold of a tranche that can follow stays. The request stays matched until the pledge is
    discharged, for a reversal revives the deal.
    """
    if loan.outstanding or await may_draw_more(session, deal, now=now):
        return False
    lines = await schedules.list_lines(session, loan)
    if schedules.dues_on(loan, lines, on=business_date(now)):
        return False
    if await room.give_back(session, deal, expired=False, code="repaid"):
        history.note(session, "hold", deal.id, "void", actor=actor, now=now)
        await enqueue(session, Task.PROMOTE_QUEUE)
    history.move(session, loan, LOAN, LoanEvent.REPAY, actor=actor, now=now)
    history.move(session, deal, DEAL, DealEvent.REPAY, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "loan.repaid", loan.id, now=now)
    return True


async def may_draw_more(session: AsyncSession, deal: Deal, *, now: datetime) -> bool:
    """Whether a tranche is released, or can be: the last one is not drawn and there is time."""
    if await has_release(session, deal.id):
        return True
    last = await session.scalar(
        select(Drawdown.id).where(
            Drawdown.deal_id == deal.id,
            Drawdown.status == DrawdownStatus.DRAWN,
            Drawdown.last,
        )
    )
    over = deal.available_until is not None and deal.available_until < business_date(now)
    return last is None and not over
