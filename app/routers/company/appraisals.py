"""A firm orders external appraisals of its rights."""

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

router = APIRouter(prefix="/company", tags=["appraisals"], route_class=KeyedRoute)


@router.post(
    "/portfolios/{portfolio_id}/appraisal-orders",
    status_code=201,
    response_model=AppraisalOrderOut,
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="values:write")],
    responses=problems(NotFound, FieldRefused, NothingToAppraise, NotAccredited),
    summary="Order an appraisal of your rights",
)
async def order_appraisal(
    portfolio_id: UUID, stated: AppraisalOrderIn, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """From an appraiser that the authority verified and accredited: GET /v1/appraisers.

    The lenders you tell who you are see the report once it is delivered.
    """
    return await appraisal_orders.order_for_firm(
        session, actor=actor, portfolio_id=portfolio_id, stated=stated, now=now
    )
