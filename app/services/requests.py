"""Financing requests as the firm works with them: draft, submit, withdraw; and their expiry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, false, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.financing import (
    QUOTE,
    REQUEST,
    QuoteEvent,
    QuoteStatus,
    RequestEvent,
    RequestStatus,
)
from app.lifecycle.parties import (
    MembershipStatus,
    OrganisationKind,
)
from app.lifecycle.words import state_of
from app.models.financing import FinancingRequest, Quote, RequestRight
from app.models.organisations import ParkMembership
from app.models.portfolios import Portfolio
from app.schemas.requests import RequestIn
from app.services import eligibility, green_entries, history, outbox
from app.services.actor import SYSTEM, Actor, bind
from app.services.constraints import refusing
from app.services.reference import REGION

EXPIRY_BATCH = 200

UNIQUE_REFERENCE = "uq_financing_requests_firm_id_reference"

_LIVE_QUOTES = (QuoteStatus.OFFERED, QuoteStatus.STANDING_BY)


@dataclass(eq=False)
class ReferenceTaken(Conflict):
    message = "You have used the reference {reference} before."

    reference: str


@dataclass(eq=False)
class NotADraft(Conflict):
    message = "The request {state}; only a draft can be rewritten."

    state: RequestStatus

    def words(self) -> Mapping[str, Any]:
        return {"state": state_of(REQUEST.name, self.state)}


@dataclass(eq=False)
class NotEligible(Conflict):
    """The request cannot open. ``reasons`` holds all that is wrong: rule, field, both languages."""

    message = "The request is not eligible for {count} reasons."

    reasons: list[dict[str, str]]

    def facts(self) -> dict[str, Any]:
        return super().facts() | {"count": len(self.reasons)}

    def __str__(self) -> str:
        if len(self.reasons) == 1:
            return str(say("The request is not eligible for one reason."))
        return super().__str__()


def visible_requests(actor: Actor) -> Select[FinancingRequest]:
    """The requests ``actor`` may see: a firm its own, lenders the open ones and those they quoted.

    What a lender may see *of* one is decided in ``open_requests``.
    """
    requests = select(FinancingRequest)
    match actor.kind:
        case OrganisationKind.ENTERPRISE:
            return requests.where(FinancingRequest.firm_id == actor.organisation_id)
        case OrganisationKind.BANK | OrganisationKind.INSURER | OrganisationKind.GUARANTOR:
            quoted = exists().where(
                Quote.request_id == FinancingRequest.id,
                Quote.institution_id == actor.organisation_id,
            )
            return requests.where(or_(FinancingRequest.status == RequestStatus.OPEN, quoted))
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return requests
        case OrganisationKind.PARK | OrganisationKind.AGENCY:
            return requests.where(false())


async def get_request(session: AsyncSession, *, actor: Actor, request_id: UUID) -> FinancingRequest:
    request: FinancingRequest | None = await session.scalar(
        visible_requests(actor).where(FinancingRequest.id == request_id)
    )
    if request is None:
        raise NotFound
    return request


async def list_requests(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    after: UUID | None = None,
    reference: str | None = None,
) -> Sequence[FinancingRequest]:
    """The firm's requests, newest first; or the one under its own ``reference``."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    statement = visible_requests(actor).order_by(FinancingRequest.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(FinancingRequest.id < after)
    if reference is not None:
        statement = statement.where(FinancingRequest.reference == reference)
    return (await session.scalars(statement)).all()


async def create_request(
    session: AsyncSession, *, actor: Actor, draft: RequestIn, now: datetime
) -> FinancingRequest:
    """A new draft on a portfolio of the firm's; ReferenceTaken if it used the reference before."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    await _must_own_portfolio(session, actor, draft.portfolio_id)
    request: FinancingRequest | None = await session.scalar(
        insert(FinancingRequest)
        .values(
            id=new_id(),
            firm_id=actor.organisation_id,
            park_code=await find_park(session, actor.organisation_id),
            created_at=now,
            **dict(draft),
        )
        .on_conflict_do_nothing(index_elements=["firm_id", "reference"])
        .returning(FinancingRequest)
    )
    if request is None:
        raise ReferenceTaken(draft.reference or "")
    history.begin(session, request, REQUEST, actor=actor, now=now)
    return request


async def edit_request(
    session: AsyncSession, *, actor: Actor, request_id: UUID, draft: RequestIn
) -> FinancingRequest:
    """Rewrite a draft as a whole."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    request = await _lock_request(session, actor, request_id)
    if request.status is not RequestStatus.DRAFT:
        raise NotADraft(request.status)
    await _must_own_portfolio(session, actor, draft.portfolio_id)
    async with refusing(session, {UNIQUE_REFERENCE: ReferenceTaken(draft.reference or "")}):
        for name, value in draft:
            setattr(request, name, value)
    return request


async def submit_request(
    session: AsyncSession, *, actor: Actor, request_id: UUID, now: datetime
) -> FinancingRequest:
    """Open a draft to the lenders, or say everything that stands against it (NotEligible)."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    request = await _lock_request(session, actor, request_id)
    REQUEST.after(request.status, RequestEvent.SUBMIT)  # before the reasons of eligibility
    request.park_code = await find_park(session, request.firm_id)
    return await open_draft(session, request, actor=actor, now=now)


async def open_draft(
    session: AsyncSession, request: FinancingRequest, *, actor: Actor, now: datetime
) -> FinancingRequest:
    """Judge a draft, whose lock the caller holds, and open it."""
    found = await eligibility.assess_request(
        session, actor=actor, request=request, on=business_date(now)
    )
    if found.reasons:
        raise NotEligible(found.reasons)
    assert found.valuation_id is not None
    request.valuation_id = found.valuation_id
    request.eligibility = found.trace
    request.summary = found.summary
    request.industry, request.size = found.industry, found.size
    request.key_industry = found.key_industry
    request.opened_at = now
    request.expires_at = now + timedelta(days=found.open_days)
    await session.execute(
        insert(RequestRight),
        [
            {"request_id": request.id, "right_id": item.right_id}
            | {"value": item.value, "lendable": item.lendable}
            for item in found.carrying
        ],
    )
    history.move(session, request, REQUEST, RequestEvent.SUBMIT, actor=actor, now=now)
    await green_entries.enter(session, request, now=now)
    outbox.announce(session, "request.opened", request.id, now=now)
    return request


async def withdraw_request(
    session: AsyncSession, *, actor: Actor, request_id: UUID, now: datetime
) -> FinancingRequest:
    """Take a draft or an open request back; the quotes made on it are declined."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    request = await _lock_request(session, actor, request_id)
    history.move(session, request, REQUEST, RequestEvent.WITHDRAW, actor=actor, now=now)
    await _close_quotes(session, [request.id], QuoteEvent.DECLINE, actor=actor, now=now)
    outbox.announce(session, "request.withdrawn", request.id, now=now)
    return request


async def expire_due(session: AsyncSession, *, now: datetime) -> int:
    """Expire open requests whose time is up, with the quotes on them; how many, a batch at most.

    Requests that somebody is working on are left for the next round.
    """
    await bind(session, SYSTEM)
    due = await session.scalars(
        select(FinancingRequest)
        .where(FinancingRequest.status == RequestStatus.OPEN, FinancingRequest.expires_at <= now)
        .order_by(FinancingRequest.expires_at)
        .limit(EXPIRY_BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    requests = due.all()
    for request in requests:
        history.move(session, request, REQUEST, RequestEvent.EXPIRE, actor=SYSTEM, now=now)
        outbox.announce(
            session, "request.expired", request.id, organisation_id=request.firm_id, now=now
        )
    await _close_quotes(
        session, [request.id for request in requests], QuoteEvent.EXPIRE, actor=SYSTEM, now=now
    )
    return len(requests)


async def find_park(session: AsyncSession, firm_id: UUID) -> str:
    """The park that certifies the firm, or the regional account."""
    park: str | None = await session.scalar(
        select(ParkMembership.park_code).where(
            ParkMembership.firm_id == firm_id,
            ParkMembership.status == MembershipStatus.CERTIFIED,
        )
    )
    return park or REGION


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


async def _must_own_portfolio(session: AsyncSession, actor: Actor, portfolio_id: UUID) -> None:
    owned = await session.scalar(
        select(Portfolio.id).where(
            Portfolio.id == portfolio_id, Portfolio.firm_id == actor.organisation_id
        )
    )
    if owned is None:
        raise FieldRefused("portfolio_id", say("is no portfolio of yours"))


async def _close_quotes(
    session: AsyncSession,
    request_ids: Sequence[UUID],
    event: QuoteEvent,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Move every live quote on the requests; the caller holds the requests' locks."""
    quotes = await session.scalars(
        select(Quote)
        .where(Quote.request_id.in_(request_ids), Quote.status.in_(_LIVE_QUOTES))
        .order_by(Quote.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for quote in quotes:
        history.move(session, quote, QUOTE, event, actor=actor, now=now)
