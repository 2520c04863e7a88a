"""The park's desk: renewals ahead, and what it does for the firms that lie in it (入园惠企)."""

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.renewals import ParkRenewalsOut
from app.services import renewals

router = APIRouter(prefix="/park", tags=["park"], route_class=KeyedRoute)

READS = may(OrganisationKind.PARK, scope="organisation:read")


@router.get(
    "/renewals",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Loans on the park's account that mature soon",
)
async def list_renewals(actor: CurrentActor, session: Session, now: Now) -> ParkRenewalsOut:
    """By name where the firm lets the park follow it; the others are counted."""
    return await renewals.list_for_park(session, actor=actor, now=now)
