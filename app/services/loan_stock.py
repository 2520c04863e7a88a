"""What loans still owe, as it is told: the principal outstanding, and what of it is back."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.models.claims import Recovery
from app.models.loans import Loan
from app.schemas.loans import LoanDetailOut, LoanOut
from app.services.loans import LoanDetail


async def tell(session: AsyncSession, loans: Sequence[Loan]) -> list[LoanOut]:
    """Loans with what recoveries brought of their principal, in the order given."""
    recovered = await _recovered_of(session, [loan.id for loan in loans])
    return [_tell(loan, recovered.get(loan.id, ZERO)) for loan in loans]


async def tell_one(session: AsyncSession, loan: Loan) -> LoanOut:
    (told,) = await tell(session, [loan])
    return told


async def tell_detail(session: AsyncSession, detail: LoanDetail) -> LoanDetailOut:
    """A loan with its schedule and what it owes, as its bank and its firm see it."""
    return LoanDetailOut.model_validate(
        {
            "loan": await tell_one(session, detail.loan),
            "lines": detail.lines,
            "statement": detail.statement,
        }
    )


async def _recovered_of(session: AsyncSession, loan_ids: Collection[UUID]) -> dict[UUID, Money]:
    rows = await session.execute(
        select(Recovery.loan_id, func.sum(Recovery.principal).label("total"))
        .where(Recovery.loan_id.in_(loan_ids))
        .group_by(Recovery.loan_id)
    )
    return {row.loan_id: row.total for row in rows}


def _tell(loan: Loan, recovered: Money) -> LoanOut:
    more = {
        "recovered": recovered,
        "net_outstanding": max(ZERO, loan.outstanding - recovered),
    }
    own = {name: getattr(loan, name) for name in LoanOut.model_fields if name not in more}
    return LoanOut(**own, **more)
