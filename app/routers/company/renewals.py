"""Renewals as the firm asks for them (无还本续贷)."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.financing import FinancingRequest
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.renewals import RenewalIn, RenewalsOut
from app.schemas.requests import RequestOut
from app.services import renewals
from app.services.deals import DealNotReady
from app.services.old_loans import OldLoanInTheWay
from app.services.renewals import RenewalUnderWay, TooEarlyToRenew
from app.services.requests import NotEligible, ReferenceTaken

router = APIRouter(prefix="/company", tags=["company"], route_class=KeyedRoute)


@router.get(
    "/renewals",
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="loans:read")],
    summary="The firm's loans that mature soon",
)
async def list_renewals(actor: CurrentActor, session: Session, now: Now) -> RenewalsOut:
    """Those inside the window of the dated rule, and what stands against renewing each today."""
    return await renewals.list_renewals(session, actor=actor, now=now)


@router.post(
    "/deals/{deal_id}/renewal",
    status_code=201,
    response_model=RequestOut,
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="requests:write")],
    responses=problems(
        NotFound,
        DealNotReady,
        TooEarlyToRenew,
        OldLoanInTheWay,
        RenewalUnderWay,
        ReferenceTaken,
        NotEligible,
    ),
    summary="Ask for a renewal",
)
async def open_renewal(
    deal_id: UUID, given: RenewalIn, actor: CurrentActor, session: Session, now: Now
) -> FinancingRequest:
    """An open request on the rights that the old deal holds, for its bank to quote on.

    They stay locked by the old deal until the renewal is drawn; a renewal that fails before that
    leaves the old deal as it was. Acceptance holds only the liability beyond the old one.
    """
    return await renewals.open_renewal(session, actor=actor, deal_id=deal_id, data=given, now=now)
