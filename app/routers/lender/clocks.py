"""The green channel's clocks, for the institutions of a deal."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.routers.access import lenders
from app.routers.deps import CurrentActor, Now, Session
from app.routers.problems import problems
from app.schemas.green_channel import ClocksOut
from app.services import clocks

router = APIRouter(prefix="/lender", tags=["lender"])


@router.get(
    "/deals/{deal_id}/clocks",
    dependencies=[lenders(scope="deals:read")],
    responses=problems(NotFound),
    summary="The clocks of a deal",
)
async def show_deal(deal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> ClocksOut:
    """Whose step is due when, and which are late: the parties of a deal see each other's."""
    return await clocks.show_deal(session, actor=actor, deal_id=deal_id, now=now)
