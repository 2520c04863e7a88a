"""A live deal in whose pledge a right stands: only the rows that hold it."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.lifecycle.deals import DealStatus, PledgeeKind
from app.lifecycle.financing import QuoteKind, QuoteStatus, RequestStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, DealRight
from app.models.financing import FinancingRequest, Quote
from app.models.organisations import Organisation
from app.models.rights import Right
from app.services.actor import SYSTEM, bind
from tests.make.parties import NOW, make_organisation
from tests.make.rights import make_portfolio

AMOUNT = Money.yuan(1_000_000)


async def make_request(
    session: AsyncSession, firm: Organisation, right: Right, status: RequestStatus
) -> FinancingRequest:
    """A request on a portfolio of its own with ``right`` in it."""
    portfolio = await make_portfolio(session, firm, right)
    request = FinancingRequest(
        id=new_id(),
        firm_id=firm.id,
        park_code="REGION",
        portfolio_id=portfolio.id,
        amount=AMOUNT,
        term_months=12,
        purpose="research",
        purpose_text="研发",
        method="interest_only",
        frequency="monthly",
        status=status,
        summary={},
        eligibility=[],
        created_at=NOW,
        opened_at=NOW,
        expires_at=NOW + timedelta(days=90),
    )
    session.add(request)
    await session.flush()
    return request


async def pledge_right(session: AsyncSession, firm: Organisation, right: Right) -> Organisation:
    """Hold ``right`` for a deal under approval; the bank of that deal. Acts as the platform."""
    await bind(session, SYSTEM)
    bank = await make_organisation(session, OrganisationKind.BANK)
    request = await make_request(session, firm, right, RequestStatus.MATCHED)
    quote = Quote(
        id=new_id(),
        request_id=request.id,
        firm_id=firm.id,
        institution_id=bank.id,
        kind=QuoteKind.LOAN,
        status=QuoteStatus.ACCEPTED,
        revision=1,
        terms={},
        offered_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )
    session.add(quote)
    await session.flush()
    deal = Deal(
        id=new_id(),
        request_id=request.id,
        firm_id=firm.id,
        bank_id=bank.id,
        loan_quote_id=quote.id,
        park_code="REGION",
        status=DealStatus.APPROVING,
        principal=AMOUNT,
        term_months=12,
        guarantee_share_pct=Decimal(0),
        insurance_share_pct=Decimal(0),
        liability=Money(0),
        in_programme=False,
        loan_terms={},
        pledgee=PledgeeKind.BANK,
        held=Money(0),
        accepted_at=NOW,
    )
    session.add(deal)
    await session.flush()
    session.add(
        DealRight(deal_id=deal.id, right_id=right.id, register=right.register, locked_at=NOW)
    )
    await session.flush()
    return bank
