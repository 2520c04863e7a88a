"""Quotes of banks, guarantors and insurers: offered, revised, withdrawn."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.models.financing import Quote
from app.routers.access import lenders
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page, Reference
from app.schemas.quotes import QuoteIn, QuoteOut, QuoteRevisionIn
from app.services import quotes
from app.services.actor import KindRefused
from app.services.quotes import AlreadyQuoted, QuoteNotLive, RequestNotOpen, StaleRevision
from app.services.renewal_rules import PartyMustStay
from app.services.requests import ReferenceTaken

router = APIRouter(prefix="/lender", tags=["lender"], route_class=KeyedRoute)

READS = lenders(scope="quotes:read")
WRITES = lenders(scope="quotes:write")


@router.post(
    "/requests/{request_id}/quotes",
    status_code=201,
    response_model=QuoteOut,
    dependencies=[WRITES],
    responses=problems(
        KindRefused,
        NotFound,
        RequestNotOpen,
        AlreadyQuoted,
        ReferenceTaken,
        FieldRefused,
        PartyMustStay,
    ),
    summary="Quote on a request",
)
async def offer_quote(
    request_id: UUID, offer: QuoteIn, actor: CurrentActor, session: Session, now: Now
) -> Quote:
    """Banks quote loans, guarantors guarantees, insurers insurance. Rivals never see it."""
    return await quotes.offer_quote(
        session, actor=actor, request_id=request_id, offer=offer, now=now
    )


@router.get("/quotes", dependencies=[READS], summary="The institution's quotes")
async def list_quotes(
    *,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
    request_id: UUID | None = None,
    reference: Annotated[Reference | None, Query(description="Your own reference.")] = None,
) -> Page[QuoteOut]:
    """Newest first. A caller that lost an answer finds its quote by its own reference."""
    rows = await quotes.list_quotes(
        session,
        actor=actor,
        limit=limit,
        after=after,
        request_id=request_id,
        reference=reference,
    )
    return Page(
        items=[QuoteOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/quotes/{quote_id}",
    response_model=QuoteOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One quote",
)
async def get_quote(quote_id: UUID, actor: CurrentActor, session: Session) -> Quote:
    """As it stands now, at its latest revision."""
    return await quotes.get_quote(session, actor=actor, quote_id=quote_id)


@router.post(
    "/quotes/{quote_id}/revisions",
    status_code=201,
    response_model=QuoteOut,
    dependencies=[WRITES],
    responses=problems(NotFound, StaleRevision, QuoteNotLive, FieldRefused, PartyMustStay),
    summary="Revise a quote",
)
async def revise_quote(
    quote_id: UUID, revised: QuoteRevisionIn, actor: CurrentActor, session: Session, now: Now
) -> Quote:
    """Until it expires or is accepted. Names the revision it revises; a stale one is refused."""
    return await quotes.revise_quote(
        session, actor=actor, quote_id=quote_id, revised=revised, now=now
    )


@router.post(
    "/quotes/{quote_id}/withdrawal",
    response_model=QuoteOut,
    dependencies=[WRITES],
    responses=problems(NotFound, IllegalMove),
    summary="Withdraw a quote",
)
async def withdraw_quote(quote_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Quote:
    """One that nobody has accepted."""
    return await quotes.withdraw_quote(session, actor=actor, quote_id=quote_id, now=now)
