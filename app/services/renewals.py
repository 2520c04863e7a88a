"""The renewal desk (无还本续贷): loans that mature soon, and renewals on the pledge they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.lifecycle.deals import DealStatus
from app.lifecycle.financing import REQUEST, RequestStatus
from app.lifecycle.park_desk import RecommendationStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.deals import Deal
from app.models.financing import FinancingRequest
from app.models.loans import Loan
from app.models.organisations import Organisation
from app.models.park_desk import Recommendation
from app.schemas.renewals import ParkRenewalsOut, RenewalIn, RenewalOut, RenewalsOut
from app.services import history, old_loans, requests, rules
from app.services.actor import Actor, as_platform
from app.services.deals import lock_deal, must_be_in
from app.services.loans import visible_loans
from app.services.old_loans import Old, OldLoanInTheWay

LISTED_MAX = 200

_LIVE = (RequestStatus.DRAFT, RequestStatus.OPEN, RequestStatus.MATCHED)


@dataclass(eq=False)
class RenewalUnderWay(Conflict):
    message = "A renewal of this deal is under way already."


@dataclass(eq=False)
class TooEarlyToRenew(Conflict):
    message = "The loan matures on {maturity_on}; a renewal opens on {opens_on}."

    maturity_on: date
    opens_on: date


async def open_renewal(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, data: RenewalIn, now: datetime
) -> FinancingRequest:
    """Ask for a renewal of a deal's loan: an open request on the rights the deal holds.

    They stay locked by the old deal, whose account the renewal uses, until the renewal is drawn.
    """
    actor.must_be(OrganisationKind.ENTERPRISE)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, DealStatus.ACTIVE)
    old = await old_loans.load(session, deal.id)
    today = business_date(now)
    rule = await rules.get(session, old_loans.RENEWAL, on=today)
    opens_on = old.loan.maturity_on - timedelta(days=rule["window_days"])
    if today < opens_on:
        raise TooEarlyToRenew(old.loan.maturity_on, opens_on)
    if obstacles := await old_loans.find_obstacles(session, old, on=today):
        raise OldLoanInTheWay(old_loans.texts(obstacles))
    await _must_be_first(session, deal, data)
    before = await session.get_one(FinancingRequest, deal.request_id)
    request: FinancingRequest | None = await session.scalar(
        insert(FinancingRequest)
        .values(
            id=new_id(),
            firm_id=deal.firm_id,
            renews_deal_id=deal.id,
            park_code=deal.park_code,
            portfolio_id=before.portfolio_id,
            purpose=before.purpose,
            created_at=now,
            **dict(data),
        )
        .returning(FinancingRequest)
    )
    assert request is not None
    history.begin(session, request, REQUEST, actor=actor, now=now)
    return await requests.open_draft(session, request, actor=actor, now=now)


async def _must_be_first(session: AsyncSession, deal: Deal, data: RenewalIn) -> None:
    """The firm's lock on the deal keeps a second renewal out; a reference is checked by hand."""
    live = await session.scalar(
        select(FinancingRequest.id).where(
            FinancingRequest.renews_deal_id == deal.id, FinancingRequest.status.in_(_LIVE)
        )
    )
    if live is not None:
        raise RenewalUnderWay
    if data.reference is not None:
        used = await session.scalar(
            select(FinancingRequest.id).where(
                FinancingRequest.firm_id == deal.firm_id,
                FinancingRequest.reference == data.reference,
            )
        )
        if used is not None:
            raise requests.ReferenceTaken(data.reference)


async def list_renewals(session: AsyncSession, *, actor: Actor, now: datetime) -> RenewalsOut:
    """The actor's loans that mature inside the window, with what stands against each."""
    actor.must_be(OrganisationKind.ENTERPRISE, *LENDERS)
    today = business_date(now)
    rule = await rules.get(session, old_loans.RENEWAL, on=today)
    due = visible_loans(actor).add_columns(Deal, Organisation.name)
    items = await _items(session, due, today=today, window_days=rule["window_days"])
    return RenewalsOut(window_days=rule["window_days"], items=items)


async def list_for_park(session: AsyncSession, *, actor: Actor, now: datetime) -> ParkRenewalsOut:
    """Loans on the park's account that mature soon: by name where the firm lets the park follow."""
    actor.must_be(OrganisationKind.PARK)
    park_code = await session.scalar(
        select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
    )
    if park_code is None:
        raise NotFound
    async with as_platform(session):  # of others' loans only what is agreed is told
        return await _for_park(session, park_code, now=now)


async def _for_park(session: AsyncSession, park_code: str, *, now: datetime) -> ParkRenewalsOut:
    today = business_date(now)
    rule = await rules.get(session, old_loans.RENEWAL, on=today)
    due = (
        select(Loan, Deal, Organisation.name)
        .join(Deal, Deal.id == Loan.deal_id)
        .where(Deal.park_code == park_code)
    )
    items = await _items(session, due, today=today, window_days=rule["window_days"])
    named = set(
        await session.scalars(
            select(Recommendation.firm_id).where(
                Recommendation.park_code == park_code,
                Recommendation.status == RecommendationStatus.CONSENTED,
                Recommendation.by_name,
            )
        )
    )
    shown = [item for item in items if item.firm_id in named]
    return ParkRenewalsOut(
        window_days=rule["window_days"], items=shown, unnamed=len(items) - len(shown)
    )


async def _items(
    session: AsyncSession, due: Select[Loan, Deal, str], *, today: date, window_days: int
) -> list[RenewalOut]:
    rows = await session.execute(
        due.join(Organisation, Organisation.id == Loan.firm_id)
        .where(
            Deal.status == DealStatus.ACTIVE,
            Loan.maturity_on.between(today, today + timedelta(days=window_days)),
        )
        .order_by(Loan.maturity_on, Loan.id)
        .limit(LISTED_MAX)
    )
    found: Sequence[tuple[Loan, Deal, str]] = [(row[0], row[1], row[2]) for row in rows]
    under_way = {
        request.renews_deal_id: request
        for request in await session.scalars(
            select(FinancingRequest).where(
                FinancingRequest.renews_deal_id.in_([deal.id for _, deal, _ in found]),
                FinancingRequest.status.in_(_LIVE),
            )
        )
    }
    items = []
    for loan, deal, name in found:
        request = under_way.get(deal.id)
        obstacles = await old_loans.find_obstacles(session, Old(deal, loan), on=today)
        items.append(
            RenewalOut(
                deal_id=deal.id,
                loan_id=loan.id,
                firm_id=deal.firm_id,
                firm_name=name,
                bank_id=deal.bank_id,
                maturity_on=loan.maturity_on,
                days_left=(loan.maturity_on - today).days,
                outstanding=loan.outstanding,
                obstacles=old_loans.texts(obstacles),
                request_id=request.id if request else None,
                request_status=request.status if request else None,
            )
        )
    return items
