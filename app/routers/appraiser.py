"""What an appraiser does with an order: takes it on or declines it, and delivers the report."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import AppraisalOrder
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.appraisals import AppraisalOrderOut, OrderReasonIn, ReportIn
from app.services import appraisal_orders, appraisal_reports
from app.services.accreditations import NotAccredited

router = APIRouter(prefix="/appraiser/orders", tags=["appraisals"], route_class=KeyedRoute)

_WRITE = may(OrganisationKind.AGENCY, scope="values:write")


@router.post(
    "/{order_id}/agreement",
    response_model=AppraisalOrderOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, IllegalMove, NotAccredited),
    summary="Take an order on",
)
async def agree(order_id: UUID, actor: CurrentActor, session: Session, now: Now) -> AppraisalOrder:
    """At the price and by the day of the order; GET /v1/appraisal-orders lists yours."""
    return await appraisal_orders.agree(session, actor=actor, order_id=order_id, now=now)


@router.post(
    "/{order_id}/refusal",
    response_model=AppraisalOrderOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, IllegalMove),
    summary="Decline an order",
)
async def decline(
    order_id: UUID, stated: OrderReasonIn, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """With the reason, which whoever ordered it reads."""
    return await appraisal_orders.decline(
        session, actor=actor, order_id=order_id, reason=stated.reason, now=now
    )


@router.post(
    "/{order_id}/reports",
    status_code=201,
    response_model=AppraisalOrderOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused, IllegalMove, NotAccredited),
    summary="Deliver the signed report",
)
async def deliver(
    order_id: UUID, stated: ReportIn, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """Also late, and again after a dispute; the firm and whoever ordered it may then read it."""
    return await appraisal_reports.deliver(
        session, actor=actor, order_id=order_id, stated=stated, now=now
    )
