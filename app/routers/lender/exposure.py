"""What a bank or guarantor has at stake, and the alerts on a guarantor's own limit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.core.errors import NotFound
from app.lifecycle.alerts import AlertStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.alerts import Alert
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.files import CSV_FILE, XLSX_FILE, csv_file, xlsx_file
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.figures import AcknowledgementIn, AlertOut, LenderExposureOut
from app.services import alerts, exposure_sheets, lender_exposure
from app.services.alerts import AlertAcknowledged

router = APIRouter(prefix="/lender", tags=["lender"], route_class=KeyedRoute)

READS = may(OrganisationKind.BANK, OrganisationKind.GUARANTOR, scope="loans:read")
READS_ALERTS = may(OrganisationKind.GUARANTOR, scope="loans:read")
ACKNOWLEDGES = may(OrganisationKind.GUARANTOR)


@router.get("/exposure", dependencies=[READS], summary="The institution's own exposure")
async def get_exposure(actor: CurrentActor, session: Session, now: Now) -> LenderExposureOut:
    """Live loans and liability per park and firm; a guarantor's limit, headroom and queue."""
    return await lender_exposure.get_exposure(session, actor=actor, now=now)


@router.get(
    "/exposure.csv",
    dependencies=[READS],
    response_class=Response,
    responses=CSV_FILE,
    summary="The institution's own exposure as CSV",
)
async def get_exposure_csv(actor: CurrentActor, session: Session, now: Now) -> Response:
    """The same figures, one in a line, without the lines by park and firm."""
    found = await lender_exposure.get_exposure(session, actor=actor, now=now)
    return csv_file(exposure_sheets.summary(found), name="exposure")


@router.get(
    "/exposure.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE,
    summary="The institution's own exposure as XLSX",
)
async def get_exposure_xlsx(actor: CurrentActor, session: Session, now: Now) -> Response:
    """The figures on one sheet, parks and firms on the others."""
    found = await lender_exposure.get_exposure(session, actor=actor, now=now)
    return xlsx_file(exposure_sheets.all_of(found), name="exposure")


@router.get("/alerts", dependencies=[READS_ALERTS], summary="Alerts on the guarantor's own limit")
async def list_alerts(
    *,
    actor: CurrentActor,
    session: Session,
    status: Annotated[AlertStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[AlertOut]:
    """Newest first; cleared ones stay on record."""
    rows = await alerts.list_alerts(session, actor=actor, status=status, after=after, limit=limit)
    return Page(
        items=[AlertOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/alerts/{alert_id}/acknowledgement",
    response_model=AlertOut,
    dependencies=[ACKNOWLEDGES],
    responses=problems(NotFound, IllegalMove, AlertAcknowledged),
    summary="Acknowledge an alert",
)
async def acknowledge_alert(
    alert_id: UUID, body: AcknowledgementIn, actor: CurrentActor, session: Session, now: Now
) -> Alert:
    """A person has seen it, and notes what comes of it."""
    return await alerts.acknowledge(
        session, actor=actor, alert_id=alert_id, note=body.note, now=now
    )
