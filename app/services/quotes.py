"""Quotes: made on open requests, sealed from rivals, revised and withdrawn; and their expiry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.financing import QUOTE, QuoteEvent, QuoteKind, QuoteStatus, RequestStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.lifecycle.words import state_of
from app.models.financing import FinancingRequest, Quote, QuoteRevision
from app.models.organisations import Organisation
from app.schemas.quotes import (
    TERMS,
    FirmQuoteOut,
    LoanTerms,
    QuoteIn,
    QuoteOut,
    QuoteRevisionIn,
)
from app.services import history, lpr, outbox, renewal_rules
from app.services.actor import SYSTEM, Actor, bind
from app.services.names import NAMES
from app.services.quote_terms import check_terms
from app.services.requests import ReferenceTaken, get_request, visible_requests

WHO_QUOTES = {
    QuoteKind.LOAN: OrganisationKind.BANK,
    QuoteKind.GUARANTEE: OrganisationKind.GUARANTOR,
    QuoteKind.INSURANCE: OrganisationKind.INSURER,
}

EXPIRY_BATCH = 500

_REVISABLE = (QuoteStatus.OFFERED, QuoteStatus.STANDING_BY)


class AlreadyQuoted(Conflict):
    message = "You have a live quote of this kind on the request; revise that one."


class RequestNotOpen(Conflict):
    message = "The request takes no more quotes."


@dataclass(eq=False)
class StaleRevision(Conflict):
    """The quote changed since the caller read it."""

    message = "Quote {quote_id} stands at revision {current}, not {given}."

    quote_id: UUID
    given: int
    current: int


@dataclass(eq=False)
class QuoteNotLive(Conflict):
    message = "The quote {state}; only one on offer or standing by can be revised."

    state: QuoteStatus

    def words(self) -> Mapping[str, Any]:
        return {"state": state_of(QUOTE.name, self.state)}


def visible_quotes(actor: Actor) -> Select[Quote]:
    """The quotes ``actor`` may see: an institution its own, a firm those on its requests.

    Rivals and parks see none.
    """
    quotes = select(Quote)
    match actor.kind:
        case OrganisationKind.ENTERPRISE:
            return quotes.where(Quote.firm_id == actor.organisation_id)
        case OrganisationKind.BANK | OrganisationKind.INSURER | OrganisationKind.GUARANTOR:
            return quotes.where(Quote.institution_id == actor.organisation_id)
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return quotes
        case OrganisationKind.PARK | OrganisationKind.AGENCY:
            return quotes.where(false())


async def get_quote(session: AsyncSession, *, actor: Actor, quote_id: UUID) -> Quote:
    quote: Quote | None = await session.scalar(visible_quotes(actor).where(Quote.id == quote_id))
    if quote is None:
        raise NotFound
    return quote


async def list_quotes(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    after: UUID | None = None,
    request_id: UUID | None = None,
    reference: str | None = None,
) -> Sequence[Quote]:
    """The institution's quotes, newest first; or the one under its own ``reference``."""
    actor.must_be(*LENDERS)
    statement = visible_quotes(actor).order_by(Quote.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Quote.id < after)
    if request_id is not None:
        statement = statement.where(Quote.request_id == request_id)
    if reference is not None:
        statement = statement.where(Quote.reference == reference)
    return (await session.scalars(statement)).all()


async def list_for_firm(
    session: AsyncSession,
    *,
    actor: Actor,
    request_id: UUID,
    now: datetime,
    limit: int,
    after: UUID | None = None,
) -> list[FirmQuoteOut]:
    """The quotes on one of the firm's requests, in order of arrival, with today's rates."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    await get_request(session, actor=actor, request_id=request_id)
    statement = (
        visible_quotes(actor)
        .add_columns(Organisation.name)
        .join(Organisation, Organisation.id == Quote.institution_id)
        .where(Quote.request_id == request_id)
        .order_by(Quote.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Quote.id > after)
    table = await lpr.load_table(session, on=business_date(now))
    shown = []
    for quote, name in await session.execute(statement):
        wire = QuoteOut.model_validate(quote)
        rate = table.resolve(wire.terms.rate) if isinstance(wire.terms, LoanTerms) else None
        shown.append(FirmQuoteOut(**dict(wire), institution_name=name, rate_today=rate))
    return shown


async def offer_quote(
    session: AsyncSession, *, actor: Actor, request_id: UUID, offer: QuoteIn, now: datetime
) -> Quote:
    """A new quote on an open request.

    Banks quote loans, guarantors guarantees, insurers insurance, once each and request.
    """
    actor.must_be(WHO_QUOTES[offer.terms.kind])
    request = await _share_request(session, actor, request_id)
    if request.status is not RequestStatus.OPEN or _is_over(request, now):
        raise RequestNotOpen
    await renewal_rules.check_quote(session, actor=actor, request=request, terms=offer.terms)
    await check_terms(session, offer.terms, request, on=business_date(now))
    quote: Quote | None = await session.scalar(
        insert(Quote)
        .values(
            id=new_id(),
            request_id=request.id,
            institution_id=actor.organisation_id,
            firm_id=request.firm_id,
            kind=offer.terms.kind,
            reference=offer.reference,
            terms=TERMS.dump_python(offer.terms, mode="json"),
            offered_at=now,
            expires_at=now + timedelta(days=offer.valid_days),
        )
        .on_conflict_do_nothing()
        .returning(Quote)
    )
    if quote is None:
        raise await _conflict(session, actor, offer.reference)
    session.add(_revision(quote, now))
    history.begin(session, quote, QUOTE, actor=actor, now=now)
    outbox.announce(session, "quote.offered", quote.id, organisation_id=quote.firm_id, now=now)
    return quote


async def revise_quote(
    session: AsyncSession, *, actor: Actor, quote_id: UUID, revised: QuoteRevisionIn, now: datetime
) -> Quote:
    """New terms under the next revision; StaleRevision if ``revised`` is based on an old one."""
    actor.must_be(*LENDERS)
    quote = await _lock_quote(session, actor, quote_id)
    if quote.revision != revised.revision:
        raise StaleRevision(quote.id, revised.revision, quote.revision)
    if quote.status not in _REVISABLE or quote.expires_at <= now:
        raise QuoteNotLive(QuoteStatus.EXPIRED if quote.status in _REVISABLE else quote.status)
    if revised.terms.kind != quote.kind:
        raise FieldRefused("terms.kind", say("must stay {kind}", kind=NAMES[quote.kind]))
    request = await session.get_one(FinancingRequest, quote.request_id)
    await renewal_rules.check_quote(session, actor=actor, request=request, terms=revised.terms)
    await check_terms(session, revised.terms, request, on=business_date(now))
    quote.revision += 1
    quote.terms = TERMS.dump_python(revised.terms, mode="json")
    quote.expires_at = now + timedelta(days=revised.valid_days)
    session.add(_revision(quote, now))
    outbox.announce(session, "quote.revised", quote.id, organisation_id=quote.firm_id, now=now)
    return quote


async def withdraw_quote(
    session: AsyncSession, *, actor: Actor, quote_id: UUID, now: datetime
) -> Quote:
    """Take a quote back that nobody has accepted."""
    actor.must_be(*LENDERS)
    quote = await _lock_quote(session, actor, quote_id)
    history.move(session, quote, QUOTE, QuoteEvent.WITHDRAW, actor=actor, now=now)
    outbox.announce(session, "quote.withdrawn", quote.id, organisation_id=quote.firm_id, now=now)
    return quote


async def expire_due(session: AsyncSession, *, now: datetime) -> int:
    """Expire quotes whose time is up; how many, a batch at most. Locked ones wait a round."""
    await bind(session, SYSTEM)
    due = await session.scalars(
        select(Quote)
        .where(Quote.status.in_(_REVISABLE), Quote.expires_at <= now)
        .order_by(Quote.expires_at)
        .limit(EXPIRY_BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    quotes = due.all()
    for quote in quotes:
        history.move(session, quote, QUOTE, QuoteEvent.EXPIRE, actor=SYSTEM, now=now)
        outbox.announce(
            session, "quote.expired", quote.id, organisation_id=quote.institution_id, now=now
        )
    return len(quotes)


def _is_over(request: FinancingRequest, now: datetime) -> bool:
    return request.expires_at is not None and request.expires_at <= now


async def _share_request(session: AsyncSession, actor: Actor, request_id: UUID) -> FinancingRequest:
    """The request under a shared lock: many may quote at once, but it cannot close meanwhile."""
    request: FinancingRequest | None = await session.scalar(
        visible_requests(actor)
        .where(FinancingRequest.id == request_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise NotFound
    return request


async def _lock_quote(session: AsyncSession, actor: Actor, quote_id: UUID) -> Quote:
    quote: Quote | None = await session.scalar(
        visible_quotes(actor)
        .where(Quote.id == quote_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if quote is None:
        raise NotFound
    return quote


async def _conflict(session: AsyncSession, actor: Actor, reference: str | None) -> Conflict:
    """Which of the two unique constraints refused the quote."""
    taken = reference is not None and await session.scalar(
        visible_quotes(actor).where(Quote.reference == reference).with_only_columns(Quote.id)
    )
    return ReferenceTaken(reference or "") if taken else AlreadyQuoted()


def _revision(quote: Quote, now: datetime) -> QuoteRevision:
    return QuoteRevision(
        quote_id=quote.id,
        revision=quote.revision,
        terms=quote.terms,
        expires_at=quote.expires_at,
        made_at=now,
    )
