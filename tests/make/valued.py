"""Deals whose pledge was valued in full, drawn or still asked for."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.models.deals import Deal
from app.models.loans import Loan
from app.models.portfolios import PortfolioRight, Valuation
from app.models.rights import Right
from app.models.valuation_runs import ValuationRun
from app.schemas.portfolios import RightInputs, ValuationInputs
from app.services import valuations
from app.services.actor import SYSTEM, bind
from tests.make.deals import Table, make_ready, make_table
from tests.make.parties import NOW
from tests.make.renewals import draw_all, loan_of

PLENTY = Money.yuan(200_000_000)
"""Yearly sales by which a patent covers a loan of five million twice over."""


@dataclass
class Backed:
    """An open request whose portfolio was valued, and the run behind it, not worked out yet."""

    table: Table
    right: Right
    valuation: Valuation
    run: ValuationRun


@dataclass
class Pledged(Backed):
    """The same drawn."""

    deal: Deal
    loan: Loan


async def make_backed(session: AsyncSession, revenue: Money = PLENTY, **stated: Any) -> Backed:
    """Acts as the platform at the end."""
    table = await make_table(session)
    right = (
        await session.scalars(
            select(Right)
            .join(PortfolioRight, PortfolioRight.right_id == Right.id)
            .where(PortfolioRight.portfolio_id == table.request.portfolio_id)
        )
    ).one()
    valuation = await valuations.value_portfolio(
        session,
        actor=table.firm,
        portfolio_id=table.request.portfolio_id,
        inputs=ValuationInputs(
            rights=[RightInputs(right_id=right.id, annual_revenue=revenue)], **stated
        ),
        now=NOW,
    )
    table.request.valuation_id = valuation.id
    await session.flush()
    run = await session.scalars(
        select(ValuationRun).where(ValuationRun.valuation_id == valuation.id)
    )
    return Backed(table, right, valuation, run.one())


async def make_pledged(session: AsyncSession, revenue: Money = PLENTY) -> Pledged:
    """Five million yuan drawn on one patent."""
    backed = await make_backed(session, revenue)
    deal = await make_ready(session, backed.table)
    await draw_all(session, backed.table, deal)
    await bind(session, SYSTEM)
    loan = await loan_of(session, deal)
    return Pledged(backed.table, backed.right, backed.valuation, backed.run, deal, loan)
