"""Accepting a package: request matched, quotes taken, rights locked, room held, in one act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.lifecycle.deals import DealStatus
from app.lifecycle.financing import (
    QUOTE,
    REQUEST,
    QuoteStatus,
    RequestEvent,
)
from app.lifecycle.parties import GuarantorType, OrganisationKind, OrganisationStatus
from app.lifecycle.words import state_of
from app.models.deals import Deal
from app.models.financing import FinancingRequest, Quote
from app.models.organisations import Organisation
from app.schemas.quotes import LoanTerms
from app.services import acceptance_rows as rows
from app.services import caps, failures, old_loans, queue_rule, renewal_rules, room, rules
from app.services.acceptance_rows import Package, Taken
from app.services.actor import Actor, bind
from app.services.deals import lock_deal, must_be_in
from app.services.old_loans import Old, OldLoanInTheWay
from app.services.packages import check_combination, load_cooperations
from app.services.quotes import StaleRevision
from app.services.reference import PROGRAMME
from app.services.requests import visible_requests
from app.services.room import Reservation
from app.services.tasks import Task, enqueue

Choice = tuple[UUID, int]
"""A quote's id and the revision the firm read."""


@dataclass(eq=False)
class QuoteNotOffered(Conflict):
    message = "Quote {quote_id} {status}; only one on offer can be accepted."

    quote_id: UUID
    status: QuoteStatus

    def words(self) -> Mapping[str, Any]:
        return {"status": state_of(QUOTE.name, self.status)}


@dataclass(eq=False)
class InstitutionSuspended(Conflict):
    message = "The institution behind quote {quote_id} does not work at present."

    quote_id: UUID


@dataclass(eq=False)
class RightAlreadyPledged(Conflict):
    """The database lets one live pledge stand on a right."""

    message = "These rights are pledged for another deal: {right_ids}."

    right_ids: list[UUID]


async def accept_package(
    session: AsyncSession,
    *,
    actor: Actor,
    request_id: UUID,
    loan: Choice,
    guarantee: Choice | None,
    insurance: Choice | None,
    now: datetime,
) -> Deal:
    """Match the request, take the quotes, lock the rights and hold the guarantor's liability.

    Accepting is consent: the chosen institutions see who the firm is from here on. Without room
    the deal is queued, its rights locked all the same; a cap that it would exceed refuses it. Nine
    round trips: request, quotes, cooperations, institutions and rules are read, caps are locked
    and tested, accounts found, room is taken, one writes.
    """
    actor.must_be(OrganisationKind.ENTERPRISE)
    request = await _lock_request(session, actor, request_id)
    REQUEST.after(request.status, RequestEvent.ACCEPT)
    quotes = await _lock_quotes(session, request_id)
    package = await _choose(session, quotes, loan, guarantee, insurance, now=now)
    old = await _load_old(session, request, package, now=now)
    institutions = await _load_institutions(session, package)
    deal_id = new_id()
    taken = await _take_room(session, request, package, institutions, old, deal_id=deal_id, now=now)
    values = rows.deal_values(request, package, taken, deal_id=deal_id, now=now)
    rivals = [q for q in quotes.values() if q.status is QuoteStatus.OFFERED]
    pledged = await rows.write(
        session, actor, request, package=package, rivals=rivals, taken=taken, deal=values, now=now
    )
    if pledged:
        raise RightAlreadyPledged(pledged)
    return Deal(**values)


async def change_package(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    loan: Choice,
    guarantee: Choice | None,
    insurance: Choice | None,
    now: datetime,
) -> Deal:
    """Leave the queue and accept another package, at its tail if that lacks room; or neither.

    Another guarantor or a larger loan gives up the place: nobody grows ahead of others.
    """
    actor.must_be(OrganisationKind.ENTERPRISE)
    async with session.begin_nested():
        deal = await lock_deal(session, actor=actor, deal_id=deal_id)
        must_be_in(deal, DealStatus.QUEUED)
        await failures.fail(session, deal, reason="another package chosen", actor=actor, now=now)
        await session.flush()
        await bind(session, actor)
        return await accept_package(
            session,
            actor=actor,
            request_id=deal.request_id,
            loan=loan,
            guarantee=guarantee,
            insurance=insurance,
            now=now,
        )


async def _lock_request(session: AsyncSession, actor: Actor, request_id: UUID) -> FinancingRequest:
    request: FinancingRequest | None = await session.scalar(
        visible_requests(actor)
        .where(FinancingRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise NotFound
    return request


async def _lock_quotes(session: AsyncSession, request_id: UUID) -> dict[UUID, Quote]:
    """All quotes of the request, read after its lock: none can be added from here on."""
    quotes = await session.scalars(
        select(Quote)
        .where(Quote.request_id == request_id)
        .order_by(Quote.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {quote.id: quote for quote in quotes}


async def _choose(
    session: AsyncSession,
    quotes: dict[UUID, Quote],
    loan: Choice,
    guarantee: Choice | None,
    insurance: Choice | None,
    *,
    now: datetime,
) -> Package:
    lent = _take(quotes, loan, now=now)
    guaranteed = guarantee and _take(quotes, guarantee, now=now)
    insured = insurance and _take(quotes, insurance, now=now)
    shares = check_combination(
        lent,
        guaranteed,
        insured,
        cooperations=await load_cooperations(session, [lent.institution_id]),
    )
    return Package(lent, guaranteed, insured, shares, LoanTerms.model_validate(lent.terms))


def _take(quotes: dict[UUID, Quote], choice: Choice, *, now: datetime) -> Quote:
    """The quote, if it is offered, unexpired and at the revision that the firm read."""
    quote_id, revision = choice
    quote = quotes.get(quote_id)
    if quote is None:
        raise NotFound
    if quote.revision != revision:
        raise StaleRevision(quote_id, revision, quote.revision)
    if quote.status is not QuoteStatus.OFFERED or quote.expires_at <= now:
        over = quote.status is QuoteStatus.OFFERED
        raise QuoteNotOffered(quote_id, QuoteStatus.EXPIRED if over else quote.status)
    return quote


async def _load_institutions(session: AsyncSession, package: Package) -> dict[UUID, Organisation]:
    """Who quoted, if all of them may work today."""
    rows = await session.scalars(
        select(Organisation).where(
            Organisation.id.in_([quote.institution_id for quote in package.quotes])
        )
    )
    institutions = {row.id: row for row in rows}
    for quote in package.quotes:
        if institutions[quote.institution_id].status is not OrganisationStatus.VERIFIED:
            raise InstitutionSuspended(quote.id)
    return institutions


async def _take_room(
    session: AsyncSession,
    request: FinancingRequest,
    package: Package,
    institutions: dict[UUID, Organisation],
    old: Old | None,
    *,
    deal_id: UUID,
    now: datetime,
) -> Taken:
    """Only a guarantee takes room, and only a government guarantor's takes quota.

    A renewal takes room for what its liability exceeds the old one by, often none.
    """
    if package.guarantee is None or not package.liability:
        return Taken(False, None, Reservation([]))
    guarantor = institutions[package.guarantee.institution_id]
    in_programme = guarantor.guarantor_type is GuarantorType.GOVERNMENT
    amount = package.liability
    if old is not None:
        amount -= min(
            amount,
            old_loans.carried_over(
                old,
                guarantor_id=guarantor.id,
                in_programme=in_programme,
                park_code=request.park_code,
            ),
        )
        if not amount:
            return Taken(in_programme, None, Reservation([]))
    found = await rules.get_all(
        session, [PROGRAMME, caps.CAPS, queue_rule.QUEUE_RULE], on=business_date(now)
    )
    await caps.check(
        session,
        caps=caps.read_caps(found[caps.CAPS]) if in_programme else None,
        firm_id=request.firm_id,
        bank_id=package.loan.institution_id,
        guarantor_id=guarantor.id,
        park_code=request.park_code,
        principal=package.terms.amount,
        liability=amount,
    )
    accounts = await room.find_accounts(
        session,
        guarantor_id=guarantor.id,
        park_code=request.park_code if in_programme else None,
    )
    reservation = await room.reserve(
        session,
        deal_id=deal_id,
        amount=amount,
        ttl=timedelta(days=found[PROGRAMME]["hold_days"]),
        accounts=accounts,
    )
    if reservation.lacks and found[queue_rule.QUEUE_RULE]["enabled"]:
        await enqueue(session, Task.PROMOTE_QUEUE)  # the priority in force may let it by
    return Taken(in_programme, accounts, reservation, amount)


async def _load_old(
    session: AsyncSession, request: FinancingRequest, package: Package, *, now: datetime
) -> Old | None:
    """The loan that the request renews, locked, if these quotes can renew it."""
    if request.renews_deal_id is None:
        return None
    old = await old_loans.load(session, request.renews_deal_id, lock=True)
    if obstacles := await old_loans.find_obstacles(session, old, on=business_date(now)):
        raise OldLoanInTheWay(old_loans.texts(obstacles))
    renewal_rules.check_bank(
        old.deal, bank_id=package.loan.institution_id, pledgee=package.terms.pledgee
    )
    guarantee = package.guarantee
    renewal_rules.check_guarantor(
        old.deal, guarantor_id=guarantee.institution_id if guarantee else None
    )
    return old
