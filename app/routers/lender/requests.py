"""Open financing requests, for banks, guarantors and insurers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.routers.access import lenders
from app.routers.deps import CurrentActor, Limit, Session
from app.routers.problems import problems
from app.schemas.base import Instant
from app.schemas.requests import LenderRequestOut, OpenRequestPage
from app.services import open_requests

router = APIRouter(
    prefix="/lender/requests", tags=["lender"], dependencies=[lenders(scope="requests:read")]
)


@router.get("", responses=problems(FieldRefused), summary="Open requests, newest first")
async def list_open_requests(
    *,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    park: Annotated[str | None, Query(max_length=32, description="Code of a park.")] = None,
    after_opened_at: Annotated[Instant | None, Query(description="From `next`.")] = None,
    after_id: Annotated[UUID | None, Query(description="From `next`.")] = None,
) -> OpenRequestPage:
    """Anonymous: what is asked for and a summary of the rights, no name and no number."""
    return await open_requests.list_open_requests(
        session,
        actor=actor,
        limit=limit,
        park=park,
        after_opened_at=after_opened_at,
        after_id=after_id,
    )


@router.get("/{request_id}", responses=problems(NotFound), summary="One request")
async def get_request(request_id: UUID, actor: CurrentActor, session: Session) -> LenderRequestOut:
    """One that is open or that you quoted on. `firm` is null until the firm consents to you."""
    return await open_requests.get_for_lender(session, actor=actor, request_id=request_id)
