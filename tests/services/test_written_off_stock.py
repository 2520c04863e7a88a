"""A loan written off leaves the live stock; its liability and what was drawn stay."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO
from app.models.loans import Loan
from app.schemas.claims import WriteOffIn
from app.services import exposures, figures, lender_exposure, programme, write_offs
from app.services.actor import SYSTEM, bind
from tests.make.funds import FIVE, LATE, Funded, make_defaulted
from tests.make.rights import make_document


async def write_off(session: AsyncSession, funded: Funded, loan: Loan) -> None:
    bank = funded.table.bank
    document = await make_document(session, bank.organisation_id)
    await write_offs.write_off(
        session,
        actor=bank,
        loan_id=loan.id,
        data=WriteOffIn(ground="bankruptcy", document_id=document.id),
        now=LATE,
    )


async def test_a_loan_written_off_leaves_the_live_stock(session: AsyncSession) -> None:
    funded, loan = await make_defaulted(session, scheme="guodan-2019")
    on = business_date(LATE)
    before = await programme.get_figures(session, on=on)
    row = await figures.last_figures(session, funded.deal.park_code, at=None)
    assert row is not None
    assert (row.live_loans, row.outstanding, row.overdue_loans) == (1, FIVE, 1)
    was = row.liability

    await write_off(session, funded, loan)

    await bind(session, SYSTEM)
    after = await programme.get_figures(session, on=on)
    assert before.floor.current_stock - after.floor.current_stock == FIVE
    assert after.floor.cumulative == before.floor.cumulative
    row = await figures.last_figures(session, funded.deal.park_code, at=None)
    assert row is not None
    assert (row.live_loans, row.outstanding, row.overdue_loans) == (0, ZERO, 0)
    assert (row.overdue_principal, row.drawn, row.liability) == (ZERO, FIVE, was)
    assert await exposures.verify(session) == []
    for institution in (funded.table.bank, funded.table.guarantor):
        told = await lender_exposure.get_exposure(session, actor=institution, now=datetime.now(UTC))
        assert (told.loans, told.outstanding) == (0, ZERO)
