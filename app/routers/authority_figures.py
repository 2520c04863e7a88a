"""What the authority reads of any park: figures, who is stuck, whom to call, returns, alerts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.alerts import AlertStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.alerts import Alert
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.files import CSV_FILE, XLSX_FILE, csv_file, xlsx_file
from app.routers.keyed import KeyedRoute
from app.routers.park_figures import At, FirstDay, LastDay, Period
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.figures import AcknowledgementIn, AlertOut, CallOut, FiguresOut, StuckOut
from app.services import (
    alerts,
    call_list,
    exports,
    figures,
    park_returns,
    return_sheets,
    statements,
    stuck,
)
from app.services.alerts import AlertAcknowledged
from app.services.statements import PeriodTooLong

router = APIRouter(prefix="/authority", tags=["authority"], route_class=KeyedRoute)

READS = may(OrganisationKind.AUTHORITY, scope="programme:read")

Code = Annotated[str, Path(description="The park's code.", examples=["PINGLUO"], max_length=32)]


@router.get(
    "/parks/{code}/figures",
    dependencies=[READS],
    responses=problems(NotFound, FieldRefused),
    summary="Figures of a park",
)
async def get_figures(
    code: Code, actor: CurrentActor, session: Session, now: Now, at: At = None
) -> FiguresOut:
    """Quota, lending, concentration, releases to come, queue and steps; live or at an instant."""
    return await figures.get_figures(session, actor=actor, park_code=code, at=at, now=now)


@router.get(
    "/parks/{code}/figures.csv",
    dependencies=[READS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound, FieldRefused),
    summary="Figures of a park as CSV",
)
async def get_figures_csv(
    code: Code, actor: CurrentActor, session: Session, now: Now, at: At = None
) -> Response:
    """The same figures, one in a line; then the queue and who is stuck."""
    found = await figures.get_file(session, actor=actor, park_code=code, at=at, now=now)
    return csv_file(exports.figures_csv(found), name=f"figures-{found.figures.park_code}")


@router.get(
    "/parks/{code}/figures.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound, FieldRefused),
    summary="Figures of a park as XLSX",
)
async def get_figures_xlsx(
    code: Code, actor: CurrentActor, session: Session, now: Now, at: At = None
) -> Response:
    """The same figures, one in a line; the queue and who is stuck on other sheets."""
    found = await figures.get_file(session, actor=actor, park_code=code, at=at, now=now)
    return xlsx_file(exports.figures_sheets(found), name=f"figures-{found.figures.park_code}")


@router.get(
    "/parks/{code}/stuck",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Deals of a park that wait for cash",
)
async def list_stuck(
    code: Code, actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[StuckOut]:
    """Who is in which step since when, the longest first; named with the firm's consent."""
    rows = await stuck.list_stuck(session, actor=actor, park_code=code, after=after, limit=limit)
    return Page(items=list(rows), next=rows[-1].deal_id if len(rows) == limit else None)


@router.get(
    "/parks/{code}/quota/statement.csv",
    dependencies=[READS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound, FieldRefused, PeriodTooLong),
    summary="Every entry of a park's quota account in a period, as CSV",
)
async def get_statement_csv(
    *,
    code: Code,
    actor: CurrentActor,
    session: Session,
    now: Now,
    first_day: FirstDay,
    last_day: LastDay = None,
) -> Response:
    """The last line sums them; to the fen what the ledger says."""
    found = await statements.get_statement(
        session, actor=actor, park_code=code, first_day=first_day, last_day=last_day, now=now
    )
    return csv_file(exports.lines_sheet(found), name=f"statement-{found.park_code}")


@router.get(
    "/parks/{code}/quota/statement.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound, FieldRefused, PeriodTooLong),
    summary="A quota account in a period, as XLSX",
)
async def get_statement_xlsx(
    *,
    code: Code,
    actor: CurrentActor,
    session: Session,
    now: Now,
    first_day: FirstDay,
    last_day: LastDay = None,
) -> Response:
    """Accounts with opening, change and closing on one sheet, every entry on the other."""
    found = await statements.get_statement(
        session, actor=actor, park_code=code, first_day=first_day, last_day=last_day, now=now
    )
    return xlsx_file(exports.statement_sheets(found), name=f"statement-{found.park_code}")


@router.get(
    "/parks/{code}/returns/{period}",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound, FieldRefused),
    summary="A park's return for a month or a quarter, as XLSX",
)
async def get_return(
    code: Code, period: Period, actor: CurrentActor, session: Session, now: Now
) -> Response:
    """Opening, flows and closing of the quota and the floor; loans, days, overdue, concentration;
    the green channel, the funnel and the alerts of the period.
    """
    found = await park_returns.get_return(
        session, actor=actor, park_code=code, named=period, now=now
    )
    return xlsx_file(
        [*return_sheets.as_sheets(found), *exports.statement_sheets(found.statement)],
        name=f"return-{found.park_code}-{found.name}",
    )


@router.get(
    "/parks/{code}/call-list",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Whom a park should call today",
)
async def list_calls(code: Code, actor: CurrentActor, session: Session, now: Now) -> list[CallOut]:
    """Loans overdue, holds and approvals about to end, conditions unmet."""
    return list(await call_list.list_calls(session, actor=actor, park_code=code, now=now))


@router.get(
    "/parks/{code}/call-list.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound),
    summary="Whom a park should call today, as XLSX",
)
async def get_call_list_xlsx(
    code: Code, actor: CurrentActor, session: Session, now: Now
) -> Response:
    """The same list, for a desk without the platform."""
    calls = await call_list.list_calls(session, actor=actor, park_code=code, now=now)
    return xlsx_file([call_list.as_sheet(calls)], name="call-list")


@router.get("/alerts", dependencies=[READS], summary="Alerts of all parks and guarantors")
async def list_alerts(
    *,
    actor: CurrentActor,
    session: Session,
    status: Annotated[AlertStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[AlertOut]:
    """Newest first; cleared ones stay on record.

    Concentration raises none while there are fewer live loans than the figures tell in
    `concentration_alerts_from_loans`.
    """
    rows = await alerts.list_alerts(session, actor=actor, status=status, after=after, limit=limit)
    return Page(
        items=[AlertOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/alerts/{alert_id}/acknowledgement",
    response_model=AlertOut,
    dependencies=[may(OrganisationKind.AUTHORITY)],
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
