"""Loans that were drawn over the whole road and mature soon, and renewals of them."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lending.periods import Frequency
from app.lending.terms import RepaymentMethod
from app.models.deals import Deal, Drawdown
from app.models.financing import FinancingRequest
from app.models.loans import Loan
from app.schemas.deals import MilestoneKind
from app.schemas.renewals import RenewalIn
from app.services import deals, drawdowns, registrations, renewals
from app.services.actor import SYSTEM, bind
from tests.make.deals import (
    Table,
    accept,
    approve_all,
    confirm_all,
    make_ready,
    make_table,
    register_all,
)
from tests.make.market import GUARANTEE, INSURANCE, LOAN, make_quote
from tests.make.parties import NOW

TODAY = date(2026, 11, 23)


@dataclass
class Maturing:
    """A drawn deal over the whole road, whose loan matures in a month."""

    table: Table
    deal: Deal
    loan: Loan


async def make_maturing(session: AsyncSession, *, term_months: int = 1, **terms: Any) -> Maturing:
    """Five million yuan, 80 % guaranteed, drawn today for a month."""
    loan = {"term_months": term_months} | terms.pop("loan", {})
    table = await make_table(session, loan=loan, term_months=term_months, **terms)
    deal = await make_ready(session, table)
    await draw_all(session, table, deal)
    return Maturing(table, deal, await loan_of(session, deal))


async def loan_of(session: AsyncSession, deal: Deal) -> Loan:
    return (await session.scalars(select(Loan).where(Loan.deal_id == deal.id))).one()


async def draw_all(
    session: AsyncSession, table: Table, deal: Deal, *, old_interest: Money = ZERO
) -> Drawdown:
    """The whole principal released and reported drawn, today."""
    await bind(session, SYSTEM)
    released = await drawdowns.release(
        session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
    )
    return await report(session, table, released, old_interest=old_interest)


async def report(
    session: AsyncSession, table: Table, released: Drawdown, *, old_interest: Money = ZERO
) -> Drawdown:
    return await drawdowns.report_drawn(
        session,
        actor=table.bank,
        deal_id=released.deal_id,
        drawdown_id=released.id,
        drawn_on=TODAY,
        reference=f"FK-{released.id}",
        last=True,
        old_interest=old_interest,
        now=NOW,
    )


def ask(amount: Money, **changes: Any) -> RenewalIn:
    fields: dict[str, Any] = {
        "amount": amount,
        "term_months": 12,
        "purpose_text": "续贷",
        "method": RepaymentMethod.INTEREST_ONLY,
        "frequency": Frequency.MONTHLY,
    }
    return RenewalIn(**(fields | changes))


async def make_renewal_table(
    session: AsyncSession, maturing: Maturing, amount: Money, *, now: datetime = NOW
) -> Table:
    """An open renewal request over ``amount`` with quotes of the same institutions."""
    old = maturing.table
    request: FinancingRequest = await renewals.open_renewal(
        session, actor=old.firm, deal_id=maturing.deal.id, data=ask(amount), now=now
    )
    loan = LOAN | {"amount": str(amount)}
    return replace(
        old,
        request=request,
        loan=await make_quote(session, old.bank, request, loan),
        guarantee=await make_quote(session, old.guarantor, request, GUARANTEE),
        insurance=await make_quote(session, old.insurer, request, INSURANCE),
    )


async def accept_renewal(
    session: AsyncSession, maturing: Maturing, amount: Money
) -> tuple[Table, Deal]:
    table = await make_renewal_table(session, maturing, amount)
    return table, await accept(session, table)


async def complete(session: AsyncSession, table: Table, deal: Deal) -> None:
    """Everything that the gate asks for, but the money."""
    await approve_all(session, table, deal)
    await confirm_all(session, table, deal)
    await register_all(session, table, deal)
    await registrations.record_milestone(
        session,
        actor=table.guarantor,
        deal_id=deal.id,
        kind=MilestoneKind.GUARANTEE_EFFECTIVE,
        reference=None,
        now=NOW,
    )
    await deals.state_use_of_funds(session, actor=table.firm, deal_id=deal.id, use="续贷", now=NOW)
