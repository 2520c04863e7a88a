"""Deals that were drawn: rows and ledger as the road before them would have left them."""

import itertools
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import (
    DealStatus,
    DrawdownStatus,
    PledgeeKind,
)
from app.lifecycle.financing import QuoteKind, QuoteStatus, RequestStatus
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.deals import Deal, Drawdown, Registration
from app.models.financing import FinancingRequest, Quote
from app.models.loans import Loan, Repayment
from app.models.organisations import Organisation
from app.models.portfolios import Portfolio
from app.models.rights import Right
from app.schemas.loans import RepaymentIn, RepaymentKind
from app.services import ledger, loans, repayments
from app.services.actor import Actor
from app.services.ledger import AccountRole, Book
from tests.make.limits import at, get_account, make_limit
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.pledged import make_registrations, make_rights

PARK = "PINGLUO"
DRAWN_ON = date(2026, 5, 20)
AMOUNT = Money.yuan(5_000_000)
LIMIT = Money.yuan(10_000_000)

_serials = itertools.count(1)

LOAN_TERMS: dict[str, Any] = {
    "kind": "loan",
    "amount": "5000000.00",
    "rate": {"type": "fixed", "annual_rate_pct": "3.6"},
    "term_months": 12,
    "method": "interest_only",
    "day_count": "ACT/360",
    "settlement_day": 20,
    "penalty_multiple": "1.5",
}


@dataclass
class Drawn:
    """A drawn deal and who takes part in it."""

    deal: Deal
    loan: Loan
    bank: Actor
    firm: Actor
    guarantor: Actor | None
    insurer: Actor | None
    rights: list[Right]
    registrations: list[Registration]


async def make_drawn(
    session: AsyncSession,
    *,
    amount: Money = AMOUNT,
    terms: dict[str, Any] | None = None,
    share_pct: Decimal = Decimal(80),
    guarantor_type: GuarantorType | None = GuarantorType.GOVERNMENT,
    insured: bool = False,
    limit: Money = LIMIT,
    pledgee: PledgeeKind = PledgeeKind.BANK,
    drawn_on: date = DRAWN_ON,
) -> Drawn:
    """A deal whose (first) tranche of ``amount`` was drawn; without a guarantor if type is None."""
    bank = await make_organisation(session, OrganisationKind.BANK)
    firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
    guarantor = insurer = None
    if guarantor_type is not None:
        guarantor = await make_organisation(
            session, OrganisationKind.GUARANTOR, guarantor_type=guarantor_type
        )
        await make_limit(session, guarantor, limit)
    else:
        share_pct = Decimal(0)
    if insured:
        insurer = await make_organisation(session, OrganisationKind.INSURER)
    deal = await _make_deal(
        session,
        bank,
        firm,
        guarantor,
        insurer,
        amount=amount,
        terms=LOAN_TERMS | {"amount": str(amount)} | (terms or {}),
        share_pct=share_pct,
        in_programme=guarantor_type is GuarantorType.GOVERNMENT,
        pledgee=pledgee,
    )
    rights = await make_rights(session, firm, deal)
    registrations = await make_registrations(session, deal)
    bank_actor = await make_actor(session, bank)
    loan = await draw(session, deal, amount, actor=bank_actor, on=drawn_on)
    return Drawn(
        deal,
        loan,
        bank_actor,
        await make_actor(session, firm),
        await make_actor(session, guarantor) if guarantor else None,
        await make_actor(session, insurer) if insurer else None,
        rights,
        registrations,
    )


async def _make_deal(
    session: AsyncSession,
    bank: Organisation,
    firm: Organisation,
    guarantor: Organisation | None,
    insurer: Organisation | None,
    *,
    amount: Money,
    terms: dict[str, Any],
    share_pct: Decimal,
    in_programme: bool,
    pledgee: PledgeeKind,
) -> Deal:
    request = await _make_request(session, firm, amount, terms)
    quotes = {
        institution.id: await _make_quote(session, request, institution, kind, terms)
        for institution, kind in (
            (bank, QuoteKind.LOAN),
            (guarantor, QuoteKind.GUARANTEE),
            (insurer, QuoteKind.INSURANCE),
        )
        if institution is not None
    }
    deal = Deal(
        id=new_id(),
        request_id=request.id,
        firm_id=firm.id,
        bank_id=bank.id,
        guarantor_id=guarantor.id if guarantor else None,
        insurer_id=insurer.id if insurer else None,
        loan_quote_id=quotes[bank.id].id,
        guarantee_quote_id=quotes[guarantor.id].id if guarantor else None,
        insurance_quote_id=quotes[insurer.id].id if insurer else None,
        park_code=PARK,
        status=DealStatus.ACTIVE,
        principal=amount,
        term_months=terms["term_months"],
        guarantee_share_pct=share_pct,
        insurance_share_pct=Decimal(10) if insurer else Decimal(0),
        liability=amount.times(share_pct / 100),
        in_programme=in_programme,
        loan_terms=terms,
        guarantee_terms=None,
        insurance_terms=None,
        pledgee=pledgee,
        held=ZERO,
        accepted_at=NOW,
    )
    session.add(deal)
    await session.flush()
    return deal


async def _make_request(
    session: AsyncSession, firm: Organisation, amount: Money, terms: dict[str, Any]
) -> FinancingRequest:
    portfolio = Portfolio(id=new_id(), firm_id=firm.id, name="示例组合", created_at=NOW)
    session.add(portfolio)
    await session.flush()
    request = FinancingRequest(
        id=new_id(),
        firm_id=firm.id,
        park_code=PARK,
        portfolio_id=portfolio.id,
        amount=amount,
        term_months=terms["term_months"],
        purpose="working_capital",
        purpose_text="采购原料",
        method=terms["method"],
        frequency="monthly",
        status=RequestStatus.MATCHED,
        created_at=NOW,
    )
    session.add(request)
    await session.flush()
    return request


async def _make_quote(
    session: AsyncSession,
    request: FinancingRequest,
    institution: Organisation,
    kind: QuoteKind,
    terms: dict[str, Any],
) -> Quote:
    quote = Quote(
        id=new_id(),
        request_id=request.id,
        institution_id=institution.id,
        firm_id=request.firm_id,
        kind=kind,
        status=QuoteStatus.ACCEPTED,
        terms=terms if kind is QuoteKind.LOAN else {},
        offered_at=NOW,
        expires_at=NOW,
    )
    session.add(quote)
    await session.flush()
    return quote


async def draw(
    session: AsyncSession,
    deal: Deal,
    amount: Money,
    *,
    actor: Actor,
    on: date,
    now: datetime = NOW,
) -> Loan:
    """A tranche, its liability moved to outstanding on every limit that the deal touches."""
    liability = amount.times(deal.guarantee_share_pct / 100)
    tranche = next(_serials)
    drawdown = Drawdown(
        id=new_id(),
        deal_id=deal.id,
        bank_id=deal.bank_id,
        tranche=tranche,
        amount=amount,
        last=True,
        status=DrawdownStatus.DRAWN,
        released_at=now,
        valid_until=on,
        drawn_on=on,
        liability=liability,
        reference=f"D-{tranche}",
        reported_at=now,
    )
    session.add(drawdown)
    await session.flush()
    limits = [(Book.GUARANTOR, str(deal.guarantor_id))] if deal.guarantor_id else []
    if deal.in_programme:
        limits.append((Book.QUOTA, deal.park_code))
    for book, owner in limits:
        available = await get_account(session, book, owner, AccountRole.AVAILABLE)
        outstanding = await get_account(session, book, owner, AccountRole.OUTSTANDING)
        hold = ledger.hold("accept", available.id, outstanding.id, liability, deal.id)
        await ledger.apply(session, [hold, ledger.post("drawdown", hold.id, liability, deal.id)])
    return await loans.open_or_add(session, deal=deal, drawdown=drawdown, actor=actor, now=now)


def receipt(
    amount: Money | str,
    on: date,
    *,
    reference: str = "",
    choice: PrepaymentChoice | None = None,
) -> RepaymentIn:
    """What the bank sends: a scheduled repayment, or with a ``choice`` a prepayment."""
    return RepaymentIn.model_validate(
        {
            "reference": reference or f"R-{next(_serials)}",
            "amount": str(amount),
            "received_on": on.isoformat(),
            "kind": RepaymentKind.PREPAYMENT if choice else RepaymentKind.SCHEDULED,
            "choice": choice,
        }
    )


async def pay(
    session: AsyncSession,
    drawn: Drawn,
    amount: Money | str,
    on: date,
    choice: PrepaymentChoice | None = None,
    *,
    reference: str = "",
) -> Repayment:
    """The bank confirms ``amount`` on the day it came in."""
    return await repayments.record(
        session,
        actor=drawn.bank,
        loan_id=drawn.loan.id,
        data=receipt(amount, on, choice=choice, reference=reference),
        now=at(on),
    )
