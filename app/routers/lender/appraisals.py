"""A bank orders external appraisals of the rights behind a request."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import AppraisalOrder
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.appraisals import AppraisalOrderIn, AppraisalOrderOut
from app.services import appraisal_orders
from app.services.accreditations import NotAccredited
from app.services.appraisal_orders import NothingToAppraise

router = APIRouter(prefix="/lender", tags=["appraisals"], route_class=KeyedRoute)


@router.post(
    "/requests/{request_id}/appraisal-orders",
    status_code=201,
    response_model=AppraisalOrderOut,
    dependencies=[may(OrganisationKind.BANK, scope="values:write")],
    responses=problems(NotFound, FieldRefused, NothingToAppraise, NotAccredited),
    summary="Order an appraisal of a request's rights",
)
async def order_appraisal(
    request_id: UUID, stated: AppraisalOrderIn, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """Of rights that you may see: after the firm told you who it is.

    The report is yours and the firm's; rival banks do not see it.
    """
    return await appraisal_orders.order_for_bank(
        session, actor=actor, request_id=request_id, stated=stated, now=now
    )
