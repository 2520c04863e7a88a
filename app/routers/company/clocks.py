"""The green channel's clocks, for the firm whose request they are on."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.problems import problems
from app.schemas.green_channel import ClocksOut
from app.services import clocks

router = APIRouter(prefix="/company", tags=["company"])


@router.get(
    "/requests/{request_id}/clocks",
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="requests:read")],
    responses=problems(NotFound),
    summary="The clocks of a request",
)
async def show_request(
    request_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ClocksOut:
    """Every step that an institution owes, when it is due in working days, and how it was kept."""
    return await clocks.show_request(session, actor=actor, request_id=request_id, now=now)


@router.get(
    "/deals/{deal_id}/clocks",
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="deals:read")],
    responses=problems(NotFound),
    summary="The clocks of a deal",
)
async def show_deal(deal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> ClocksOut:
    """Those of its steps; empty for a deal that is not on the green channel."""
    return await clocks.show_deal(session, actor=actor, deal_id=deal_id, now=now)
