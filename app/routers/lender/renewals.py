"""Loans of an institution that mature soon."""

from fastapi import APIRouter

from app.routers.access import lenders
from app.routers.deps import CurrentActor, Now, Session
from app.schemas.renewals import RenewalsOut
from app.services import renewals

router = APIRouter(prefix="/lender", tags=["lender"])


@router.get(
    "/renewals",
    dependencies=[lenders(scope="loans:read")],
    summary="Loans that mature soon",
)
async def list_renewals(actor: CurrentActor, session: Session, now: Now) -> RenewalsOut:
    """Those inside the window of the dated rule, the next maturity first."""
    return await renewals.list_renewals(session, actor=actor, now=now)
