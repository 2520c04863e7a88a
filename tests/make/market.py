"""Firms that may ask for a loan, their portfolios and requests, and the quotes on them."""

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.identifiers.rights import RightKind, register_of
from app.lending.periods import Frequency
from app.lending.terms import RepaymentMethod
from app.lifecycle.financing import RequestStatus
from app.lifecycle.parties import GuarantorType, MembershipStatus, OrganisationKind
from app.models.financing import FinancingRequest, Quote, RequestRight
from app.models.organisations import Cooperation, FirmProfile, Organisation, ParkMembership
from app.models.portfolios import Portfolio, PortfolioRight, Valuation, ValuationItem
from app.models.rights import Right
from app.schemas.quotes import QuoteIn
from app.schemas.requests import RequestIn
from app.services import ledger, quotes
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book
from tests.make.parties import NOW, make_actor, make_organisation

_serials = itertools.count(1)

FIVE_MILLION = Money.yuan(5_000_000)
SIX_MILLION = Money.yuan(6_000_000)

SUMMARY = {
    "counts": {"invention": 1},
    "total_value": "20000000.00",
    "lendable": "6000000.00",
    "shortest_life_months": 120,
    "key_park": True,
    "field": None,
}

LOAN: dict[str, Any] = {
    "kind": "loan",
    "amount": "5000000.00",
    "rate": {"type": "fixed", "annual_rate_pct": "4.35"},
    "term_months": 12,
    "method": "interest_only",
    "day_count": "30/360",
    "penalty_multiple": "1.5",
}
GUARANTEE: dict[str, Any] = {
    "kind": "guarantee",
    "share_pct": "80",
    "fee_pct_per_year": "1",
    "counter_guarantee": False,
}
INSURANCE: dict[str, Any] = {
    "kind": "insurance",
    "share_pct": "20",
    "premium_pct": "2",
    "waiting_period_days": 60,
}


async def make_institution(session: AsyncSession, kind: OrganisationKind, **changes: Any) -> Actor:
    """A verified bank, guarantor or insurer, as its manager."""
    return await make_actor(session, await make_organisation(session, kind, **changes))


async def make_guarantor(
    session: AsyncSession, *, limit: int, kind: GuarantorType = GuarantorType.GOVERNMENT
) -> Actor:
    """A guarantor that signed for ``limit`` yuan."""
    guarantor = await make_institution(session, OrganisationKind.GUARANTOR, guarantor_type=kind)
    owner = str(guarantor.organisation_id)
    source, available = [
        await ledger.open_account(session, book=Book.GUARANTOR, owner=owner, role=role)
        for role in (AccountRole.SOURCE, AccountRole.AVAILABLE)
    ]
    amount = Money.yuan(limit)
    await ledger.apply(
        session, [ledger.transfer("sign", source.id, available.id, amount, source.id)]
    )
    return guarantor


async def make_firm(
    session: AsyncSession, *, park: str | None = "PINGLUO", **profile: Any
) -> Actor:
    """A small industrial firm in good standing, certified by ``park``, as its manager."""
    await bind(session, SYSTEM)
    firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
    facts: dict[str, Any] = {
        "industry": "industry",
        "field": None,
        "employees": 80,
        "revenue": Money.yuan(30_000_000),
        "assets": None,
        "registered_on": date(2018, 5, 1),
        "credit_authorised_on": date(2026, 11, 1),
        "updated_at": NOW,
    }
    session.add(FirmProfile(firm_id=firm.id, **(facts | profile)))
    if park is not None:
        session.add(
            ParkMembership(
                firm_id=firm.id,
                park_code=park,
                status=MembershipStatus.CERTIFIED,
                claimed_at=NOW,
                decided_at=NOW,
            )
        )
    await session.flush()
    return await make_actor(session, firm)


async def make_right(
    session: AsyncSession,
    firm: Actor,
    *,
    kind: RightKind = RightKind.INVENTION,
    expires_on: date | None = date(2038, 3, 1),
    **changes: Any,
) -> Right:
    """A Chinese right in force that the firm alone owns."""
    owner = await session.get_one(Organisation, firm.organisation_id)
    right = Right(
        id=new_id(),
        owner_id=owner.id,
        kind=kind,
        register=register_of(kind),
        jurisdiction="CN",
        number=f"20181{next(_serials):07d}.X",
        title="一种光伏组件清洗装置",
        holder_name=owner.name,
        filed_on=date(2018, 3, 1),
        granted_on=date(2020, 6, 2),
        expires_on=expires_on,
        annuity_paid_through_year=9,
        source="manual",
        updated_at=NOW,
        **changes,
    )
    session.add(right)
    await session.flush()
    return right


async def make_portfolio(
    session: AsyncSession,
    firm: Actor,
    rights: Sequence[Right],
    *,
    lendable: Money = SIX_MILLION,
    valued: bool = True,
) -> Portfolio:
    """A portfolio of ``rights``, each valued so that ``lendable`` can be lent on it."""
    portfolio = Portfolio(
        id=new_id(), firm_id=firm.organisation_id, name="示例组合", created_at=NOW
    )
    session.add(portfolio)
    await session.flush()
    session.add_all(PortfolioRight(portfolio_id=portfolio.id, right_id=one.id) for one in rights)
    if valued:
        await make_valuation(session, portfolio, rights, lendable=lendable)
    await session.flush()
    return portfolio


async def make_valuation(
    session: AsyncSession, portfolio: Portfolio, rights: Sequence[Right], *, lendable: Money
) -> Valuation:
    value = lendable.times(4)
    valuation = Valuation(
        id=new_id(),
        portfolio_id=portfolio.id,
        valued_on=date(2026, 11, 20),
        engine="test",
        inputs={},
        inputs_sha256=b"",
        value=value.times(len(rights)),
        liquidation_value=value.times(len(rights)),
        lendable=lendable.times(len(rights)),
        created_at=NOW,
    )
    session.add(valuation)
    await session.flush()
    session.add_all(
        ValuationItem(
            valuation_id=valuation.id,
            right_id=right.id,
            value=value,
            liquidation_value=value,
            lendable=lendable,
            life_years=8,
            working={},
        )
        for right in rights
    )
    await session.flush()
    return valuation


def make_draft(portfolio_id: UUID, **changes: Any) -> RequestIn:
    """Five million yuan for a year, interest monthly."""
    draft: dict[str, Any] = {
        "portfolio_id": portfolio_id,
        "amount": FIVE_MILLION,
        "term_months": 12,
        "purpose": "working_capital",
        "purpose_text": "采购原材料",
        "method": RepaymentMethod.INTEREST_ONLY,
    }
    return RequestIn(**(draft | changes))


async def make_open_request(
    session: AsyncSession, firm: Actor | None = None, **changes: Any
) -> FinancingRequest:
    """A request of ``firm`` that opened now on one patent; eligibility is not asked."""
    firm = firm or await make_firm(session)
    right = await make_right(session, firm)
    portfolio = await make_portfolio(session, firm, [right])
    columns: dict[str, Any] = {
        "id": new_id(),
        "firm_id": firm.organisation_id,
        "park_code": "PINGLUO",
        "portfolio_id": portfolio.id,
        "amount": FIVE_MILLION,
        "term_months": 12,
        "purpose": "working_capital",
        "purpose_text": "采购原材料",
        "method": RepaymentMethod.INTEREST_ONLY,
        "frequency": Frequency.MONTHLY,
        "status": RequestStatus.OPEN,
        "industry": "industry",
        "size": "small",
        "summary": SUMMARY,
        "created_at": NOW,
        "opened_at": NOW,
        "expires_at": NOW + timedelta(days=90),
    }
    request = FinancingRequest(**(columns | changes))
    session.add(request)
    await session.flush()
    session.add(
        RequestRight(
            request_id=request.id,
            right_id=right.id,
            value=Money.yuan(24_000_000),
            lendable=Money.yuan(6_000_000),
        )
    )
    await session.flush()
    return request


def make_offer(base: dict[str, Any], **changes: Any) -> QuoteIn:
    """What an institution sends: LOAN, GUARANTEE or INSURANCE, but for ``changes`` of terms."""
    reference = changes.pop("reference", None)
    valid_days = changes.pop("valid_days", 30)
    return QuoteIn.model_validate(
        {"reference": reference, "valid_days": valid_days, "terms": base | changes}
    )


async def make_quote(
    session: AsyncSession,
    institution: Actor,
    request: FinancingRequest,
    base: dict[str, Any],
    **changes: Any,
) -> Quote:
    return await quotes.offer_quote(
        session,
        actor=institution,
        request_id=request.id,
        offer=make_offer(base, **changes),
        now=NOW,
    )


async def make_cooperation(
    session: AsyncSession, bank: Actor, partner: Actor, **changes: Any
) -> Cooperation:
    """An agreement of both, in force."""
    columns: dict[str, Any] = {
        "bank_id": bank.organisation_id,
        "partner_id": partner.organisation_id,
        "agreement_number": f"HZ-{next(_serials)}",
        "signed_on": date(2026, 1, 5),
        "proposed_by": bank.organisation_id,
        "confirmed_at": NOW,
    }
    cooperation = Cooperation(**(columns | changes))
    session.add(cooperation)
    await session.flush()
    return cooperation
