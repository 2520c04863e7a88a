"""A request that opens on the eve of National Day, and who acts on it when."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.deals import Deal
from app.models.financing import FinancingRequest
from app.models.organisations import Organisation
from app.services import acceptance, approvals, quotes, requests
from app.services.actor import SYSTEM, Actor, bind
from tests.make.limits import make_limit
from tests.make.market import (
    GUARANTEE,
    LOAN,
    make_cooperation,
    make_draft,
    make_firm,
    make_institution,
    make_offer,
    make_portfolio,
    make_right,
)

EVE = date(2026, 9, 30)


def on(day: date) -> datetime:
    """Ten in the morning of ``day`` in Ningxia."""
    return datetime.combine(day, time(2), tzinfo=UTC)


@dataclass
class Green:
    firm: Actor
    bank: Actor
    guarantor: Actor
    request: FinancingRequest


async def make_green(
    session: AsyncSession,
    *,
    park: str | None = "PINGLUO",
    field: str | None = None,
    opened_on: date = EVE,
) -> Green:
    """A firm's request, opened for real on ``opened_on``, and two institutions that cooperate."""
    await bind(session, SYSTEM)
    firm = await make_firm(session, park=park, field=field, credit_authorised_on=opened_on)
    bank = await make_institution(session, OrganisationKind.BANK)
    guarantor = await make_institution(
        session, OrganisationKind.GUARANTOR, guarantor_type=GuarantorType.COMMERCIAL
    )
    organisation = await session.get_one(Organisation, guarantor.organisation_id)
    await make_limit(session, organisation, Money.yuan(100_000_000))
    await make_cooperation(session, bank, guarantor)
    portfolio = await make_portfolio(session, firm, [await make_right(session, firm)])
    draft = await requests.create_request(
        session, actor=firm, draft=make_draft(portfolio.id), now=on(opened_on)
    )
    opened = await requests.submit_request(
        session, actor=firm, request_id=draft.id, now=on(opened_on)
    )
    await session.flush()
    return Green(firm, bank, guarantor, opened)


async def quote_and_accept(
    session: AsyncSession, green: Green, *, quoted_on: date, accepted_on: date
) -> Deal:
    made = [
        await quotes.offer_quote(
            session,
            actor=actor,
            request_id=green.request.id,
            offer=make_offer(terms),
            now=on(quoted_on),
        )
        for actor, terms in ((green.bank, LOAN), (green.guarantor, GUARANTEE))
    ]
    deal = await acceptance.accept_package(
        session,
        actor=green.firm,
        request_id=green.request.id,
        loan=(made[0].id, 1),
        guarantee=(made[1].id, 1),
        insurance=None,
        now=on(accepted_on),
    )
    await session.refresh(green.request)
    return await session.get_one(Deal, deal.id)


async def approve(session: AsyncSession, deal: Deal, by: Actor, day: date) -> None:
    await approvals.approve(
        session,
        actor=by,
        deal_id=deal.id,
        principal=None,
        reference=None,
        valid_days=90,
        now=on(day),
    )
    await session.flush()
