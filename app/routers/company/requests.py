"""Financing requests of the firm: draft, submit, withdraw, and who may see who it is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.financing import FinancingRequest, IdentityConsent
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page, Reference
from app.schemas.quotes import FirmQuoteOut
from app.schemas.requests import IdentityConsentIn, IdentityConsentOut, RequestIn, RequestOut
from app.services import open_requests, quotes, requests
from app.services.requests import NotADraft, NotEligible, ReferenceTaken

router = APIRouter(prefix="/company/requests", tags=["company"], route_class=KeyedRoute)

READS = may(OrganisationKind.ENTERPRISE, scope="requests:read")
WRITES = may(OrganisationKind.ENTERPRISE, scope="requests:write")


@router.post(
    "",
    status_code=201,
    response_model=RequestOut,
    dependencies=[WRITES],
    responses=problems(ReferenceTaken, FieldRefused),
    summary="Draft a financing request",
)
async def create_request(
    draft: RequestIn, actor: CurrentActor, session: Session, now: Now
) -> FinancingRequest:
    """Nothing is judged yet: a draft can be rewritten until it is submitted."""
    return await requests.create_request(session, actor=actor, draft=draft, now=now)


@router.get("", dependencies=[READS], summary="The firm's financing requests")
async def list_requests(
    *,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
    reference: Annotated[Reference | None, Query(description="The firm's own reference.")] = None,
) -> Page[RequestOut]:
    """Newest first. A caller that lost an answer finds its request by its own reference."""
    rows = await requests.list_requests(
        session, actor=actor, limit=limit, after=after, reference=reference
    )
    return Page(
        items=[RequestOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/{request_id}",
    response_model=RequestOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One financing request",
)
async def get_request(request_id: UUID, actor: CurrentActor, session: Session) -> FinancingRequest:
    """With the trace of every eligibility rule, once it was submitted."""
    return await requests.get_request(session, actor=actor, request_id=request_id)


@router.put(
    "/{request_id}",
    response_model=RequestOut,
    dependencies=[WRITES],
    responses=problems(NotFound, NotADraft, ReferenceTaken, FieldRefused),
    summary="Rewrite a draft",
)
async def edit_request(
    request_id: UUID, draft: RequestIn, actor: CurrentActor, session: Session
) -> FinancingRequest:
    """The draft as a whole; what is left out takes its default."""
    return await requests.edit_request(session, actor=actor, request_id=request_id, draft=draft)


@router.post(
    "/{request_id}/submission",
    response_model=RequestOut,
    dependencies=[WRITES],
    responses=problems(NotFound, IllegalMove, NotEligible),
    summary="Open a draft to the lenders",
)
async def submit_request(
    request_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> FinancingRequest:
    """Tries every eligibility rule and answers `not-eligible` with all that is wrong at once."""
    return await requests.submit_request(session, actor=actor, request_id=request_id, now=now)


@router.post(
    "/{request_id}/withdrawal",
    response_model=RequestOut,
    dependencies=[WRITES],
    responses=problems(NotFound, IllegalMove),
    summary="Take a request back",
)
async def withdraw_request(
    request_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> FinancingRequest:
    """A draft or an open one. The quotes made on it are declined."""
    return await requests.withdraw_request(session, actor=actor, request_id=request_id, now=now)


@router.post(
    "/{request_id}/identity-consents",
    status_code=201,
    response_model=IdentityConsentOut,
    dependencies=[WRITES],
    responses=problems(NotFound, FieldRefused),
    summary="Let an institution see who the firm is",
)
async def give_identity_consent(
    request_id: UUID, consent: IdentityConsentIn, actor: CurrentActor, session: Session, now: Now
) -> IdentityConsent:
    """Name, code, profile and the rights with their numbers, for this one institution."""
    return await open_requests.give_identity_consent(
        session,
        actor=actor,
        request_id=request_id,
        institution_id=consent.institution_id,
        now=now,
    )


@router.get(
    "/{request_id}/quotes",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="The quotes on a request",
)
async def list_quotes(
    request_id: UUID,
    *,
    actor: CurrentActor,
    session: Session,
    now: Now,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[FirmQuoteOut]:
    """In order of arrival, also those no longer live. A rate on the LPR is resolved for today."""
    items = await quotes.list_for_firm(
        session, actor=actor, request_id=request_id, now=now, limit=limit, after=after
    )
    return Page(items=items, next=items[-1].id if len(items) == limit else None)
