"""Marks loans as overdue on the business day after a due day, and cures those that caught up."""

from datetime import datetime

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lifecycle.deals import LOAN, LoanEvent, LoanStatus
from app.models.deals import Deal
from app.models.loans import Instalment, Loan
from app.services import exposures, history, outbox
from app.services.actor import SYSTEM, bind
from app.services.deals import parties_of

BATCH_MAX = 500


async def mark(session: AsyncSession, *, now: datetime) -> int:
    """Bring up to ``BATCH_MAX`` loans in line with the day; how many were moved.

    Zero when nothing is left to do, so that a caller goes on until then.
    """
    await bind(session, SYSTEM)
    loans = (await session.scalars(_out_of_line(now).limit(BATCH_MAX))).all()
    deals = await session.scalars(select(Deal).where(Deal.id.in_([loan.deal_id for loan in loans])))
    parties = {deal.id: parties_of(deal) for deal in deals}
    for loan in loans:
        late = loan.status is LoanStatus.PERFORMING
        event = LoanEvent.FALL_OVERDUE if late else LoanEvent.CURE
        history.move(session, loan, LOAN, event, actor=SYSTEM, now=now)
        kind = "loan.overdue" if late else "loan.cured"
        outbox.announce_to(session, parties[loan.deal_id], kind, loan.id, now=now)
    await exposures.refresh(session, *loans, now=now)
    return len(loans)


def _out_of_line(now: datetime) -> Select[Loan]:
    late = exists().where(
        Instalment.loan_id == Loan.id,
        Instalment.version == Loan.schedule_version,
        Instalment.due_on < business_date(now),
        or_(
            Instalment.paid_principal < Instalment.principal,
            Instalment.paid_interest < Instalment.interest,
            Instalment.paid_penalty < Instalment.penalty,
        ),
    )
    return (
        select(Loan)
        .where(
            or_(
                and_(Loan.status == LoanStatus.PERFORMING, late),
                and_(Loan.status == LoanStatus.OVERDUE, ~late),
            )
        )
        .order_by(Loan.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
