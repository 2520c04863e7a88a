"""Orders for external appraisals, as their parties read and answer them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.appraisals import AppraisalStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.appraisals import AppraisalOrder
from app.routers.access import may, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.documents import Store, as_download
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.appraisals import (
    AppraisalOrderDetailOut,
    AppraisalOrderOut,
    AppraiserOut,
    ComparisonOut,
    DisputeIn,
    OrderReasonIn,
)
from app.schemas.base import Page
from app.services import (
    accreditations,
    appraisal_orders,
    appraisal_reports,
    appraisal_values,
    documents,
)
from app.services.appraisal_orders import NotTheOrderer
from app.services.documents import DocumentDamaged

router = APIRouter(tags=["appraisals"], route_class=KeyedRoute)

_PARTIES = may(
    OrganisationKind.ENTERPRISE,
    *LENDERS,
    OrganisationKind.AGENCY,
    OrganisationKind.AUTHORITY,
    scope="values:read",
)
_COMPARES = may(*appraisal_values.READERS, scope="values:read")
_ORDERS = may(OrganisationKind.ENTERPRISE, OrganisationKind.BANK, scope="values:write")


@router.get(
    "/appraisers", dependencies=[signed_in(scope="values:read")], summary="Accredited appraisers"
)
async def list_appraisers(
    session: Session, today: Today, limit: Limit = 50, after: UUID | None = None
) -> Page[AppraiserOut]:
    """Agencies that the authority verified and whose accreditation is in force today."""
    items = await accreditations.list_appraisers(session, on=today, limit=limit, after=after)
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/appraisal-orders", dependencies=[_PARTIES], summary="Orders for appraisals")
async def list_orders(
    *,
    actor: CurrentActor,
    session: Session,
    portfolio_id: Annotated[UUID | None, Query()] = None,
    request_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[AppraisalStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[AppraisalOrderOut]:
    """Yours, newest first. A lender also finds the reports that firms ordered, once delivered, on
    rights that it may all see; what another bank ordered is that bank's and the firm's.

    `request_id` asks for those on the request's portfolio.
    """
    found = await appraisal_orders.list_orders(
        session,
        actor=actor,
        limit=limit,
        after=after,
        portfolio_id=portfolio_id,
        request_id=request_id,
        status=status,
    )
    return Page(
        items=[AppraisalOrderOut.model_validate(order) for order in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get(
    "/appraisal-orders/{order_id}",
    dependencies=[_PARTIES],
    responses=problems(NotFound),
    summary="An order with its scope and reports",
)
async def get_order(
    order_id: UUID, actor: CurrentActor, session: Session, today: Today
) -> AppraisalOrderDetailOut:
    """Every version of the report with what was answered to it; an expired one is marked so."""
    order = await appraisal_orders.get_order(session, actor=actor, order_id=order_id)
    return await appraisal_reports.tell(session, order, today=today)


@router.get(
    "/appraisal-orders/{order_id}/reports/{version}/content",
    dependencies=[_PARTIES],
    response_class=Response,
    responses=problems(NotFound, DocumentDamaged)
    | {200: {"description": "The bytes.", "content": {"application/octet-stream": {}}}},
    summary="Download a signed report",
)
async def download_report(
    order_id: UUID,
    version: Annotated[int, Path(ge=1, le=1000)],
    actor: CurrentActor,
    session: Session,
    store: Store,
) -> Response:
    """As the appraiser uploaded it, checked against its hash."""
    document = await appraisal_reports.get_report_document(
        session, actor=actor, order_id=order_id, version=version
    )
    await session.commit()  # nothing stays open while the store is read
    return as_download(document, await documents.read_bytes(store, document))


@router.get(
    "/appraisal-orders/{order_id}/comparison",
    dependencies=[_COMPARES],
    responses=problems(NotFound),
    summary="A report beside the model's value",
)
async def compare_report(
    order_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ComparisonOut:
    """Value, method, dates and key inputs of both, their ratio, and what may explain it.

    Beyond `level_pct`, which is dated and uncalibrated, the difference is a finding. `drawn_up` is
    the least of the values that count today: a report that has expired, is disputed or not yet
    accepted does not. The model's value is no appraisal (资产评估报告). The appraiser is not shown
    it.
    """
    return await appraisal_values.compare_report(session, actor=actor, order_id=order_id, now=now)


@router.post(
    "/appraisal-orders/{order_id}/acceptance",
    response_model=AppraisalOrderOut,
    dependencies=[_ORDERS],
    responses=problems(NotFound, NotTheOrderer, IllegalMove),
    summary="Accept a report",
)
async def accept_report(
    order_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """By whoever ordered it; from then on it counts until it expires."""
    return await appraisal_reports.accept(session, actor=actor, order_id=order_id, now=now)


@router.post(
    "/appraisal-orders/{order_id}/dispute",
    response_model=AppraisalOrderOut,
    dependencies=[_ORDERS],
    responses=problems(NotFound, NotTheOrderer, IllegalMove, FieldRefused),
    summary="Dispute a report",
)
async def dispute_report(
    order_id: UUID, stated: DisputeIn, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """Report and dispute both stay; the appraiser may deliver a further version."""
    return await appraisal_reports.dispute(
        session, actor=actor, order_id=order_id, stated=stated, now=now
    )


@router.post(
    "/appraisal-orders/{order_id}/cancellation",
    response_model=AppraisalOrderOut,
    dependencies=[_ORDERS],
    responses=problems(NotFound, NotTheOrderer, IllegalMove),
    summary="Cancel an order",
)
async def cancel_order(
    order_id: UUID, stated: OrderReasonIn, actor: CurrentActor, session: Session, now: Now
) -> AppraisalOrder:
    """While there is no report yet."""
    return await appraisal_orders.cancel(
        session, actor=actor, order_id=order_id, reason=stated.reason, now=now
    )
