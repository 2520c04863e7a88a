"""What a park reads every morning: its figures, who is stuck, whom to call, its returns."""

from collections.abc import AsyncIterable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.alerts import AlertStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.alerts import Alert
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.files import CSV_FILE, XLSX_FILE, csv_file, xlsx_file
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.routers.streams import RETRY_MS, Feed, OwnQuota
from app.schemas.base import Day, Instant, Page
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

router = APIRouter(prefix="/park", tags=["park"], route_class=KeyedRoute)

READS = may(OrganisationKind.PARK, scope="programme:read")

At = Annotated[
    Instant | None,
    Query(description="A past instant with its offset; without it the figures are live."),
]
FirstDay = Annotated[Day, Query(alias="from", description="First day, in Ningxia.")]
LastDay = Annotated[
    Day | None, Query(alias="to", description="Last day, in Ningxia; by default today.")
]
Period = Annotated[
    str, Path(description="A month or a quarter.", examples=["2026-11", "2026-Q4"], max_length=8)
]


@router.get(
    "/figures",
    dependencies=[READS],
    responses=problems(NotFound, FieldRefused),
    summary="Figures of the park",
)
async def get_figures(actor: CurrentActor, session: Session, now: Now, at: At = None) -> FiguresOut:
    """Quota, lending, concentration, releases to come, queue and steps; live or at an instant."""
    return await figures.get_figures(session, actor=actor, at=at, now=now)


@router.get(
    "/figures.csv",
    dependencies=[READS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound, FieldRefused),
    summary="Figures of the park as CSV",
)
async def get_figures_csv(
    actor: CurrentActor, session: Session, now: Now, at: At = None
) -> Response:
    """The same figures, one in a line; then the queue and who is stuck."""
    found = await figures.get_file(session, actor=actor, at=at, now=now)
    return csv_file(exports.figures_csv(found), name=f"figures-{found.figures.park_code}")


@router.get(
    "/figures.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound, FieldRefused),
    summary="Figures of the park as XLSX",
)
async def get_figures_xlsx(
    actor: CurrentActor, session: Session, now: Now, at: At = None
) -> Response:
    """The same figures, one in a line; the queue and who is stuck on other sheets."""
    found = await figures.get_file(session, actor=actor, at=at, now=now)
    return xlsx_file(exports.figures_sheets(found), name=f"figures-{found.figures.park_code}")


@router.get(
    "/stuck",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Deals that wait for cash",
)
async def list_stuck(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[StuckOut]:
    """Who is in which step since when, the longest first; named with the firm's consent."""
    rows = await stuck.list_stuck(session, actor=actor, after=after, limit=limit)
    return Page(items=list(rows), next=rows[-1].deal_id if len(rows) == limit else None)


@router.get(
    "/quota/statement.csv",
    dependencies=[READS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound, FieldRefused, PeriodTooLong),
    summary="Every entry of the quota account in a period, as CSV",
)
async def get_statement_csv(
    actor: CurrentActor, session: Session, now: Now, first_day: FirstDay, last_day: LastDay = None
) -> Response:
    """The last line sums them; to the fen what the ledger says."""
    found = await statements.get_statement(
        session, actor=actor, first_day=first_day, last_day=last_day, now=now
    )
    return csv_file(exports.lines_sheet(found), name=f"statement-{found.park_code}")


@router.get(
    "/quota/statement.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound, FieldRefused, PeriodTooLong),
    summary="The quota account in a period, as XLSX",
)
async def get_statement_xlsx(
    actor: CurrentActor, session: Session, now: Now, first_day: FirstDay, last_day: LastDay = None
) -> Response:
    """Accounts with opening, change and closing on one sheet, every entry on the other."""
    found = await statements.get_statement(
        session, actor=actor, first_day=first_day, last_day=last_day, now=now
    )
    return xlsx_file(exports.statement_sheets(found), name=f"statement-{found.park_code}")


@router.get(
    "/returns/{period}",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound, FieldRefused),
    summary="The park's return for a month or a quarter, as XLSX",
)
async def get_return(period: Period, actor: CurrentActor, session: Session, now: Now) -> Response:
    """Opening, flows and closing of the quota and the floor; loans, days, overdue, concentration;
    the green channel, the funnel and the alerts of the period.
    """
    found = await park_returns.get_return(session, actor=actor, named=period, now=now)
    return xlsx_file(
        [*return_sheets.as_sheets(found), *exports.statement_sheets(found.statement)],
        name=f"return-{found.park_code}-{found.name}",
    )


@router.get(
    "/call-list",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Whom to call today",
)
async def list_calls(actor: CurrentActor, session: Session, now: Now) -> list[CallOut]:
    """Loans overdue, holds and approvals about to end, conditions unmet."""
    return list(await call_list.list_calls(session, actor=actor, now=now))


@router.get(
    "/call-list.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound),
    summary="Whom to call today, as XLSX",
)
async def get_call_list_xlsx(actor: CurrentActor, session: Session, now: Now) -> Response:
    """The same list, for a desk without the platform."""
    calls = await call_list.list_calls(session, actor=actor, now=now)
    return xlsx_file([call_list.as_sheet(calls)], name="call-list")


@router.get(
    "/quota/stream",
    dependencies=[READS],
    response_class=EventSourceResponse,
    responses=problems(NotFound),
    summary="The park's quota as it changes",
)
async def stream_quota(feed: Feed, first: OwnQuota) -> AsyncIterable[ServerSentEvent]:
    """The account's five counters as an event `quota`: at once, then at every change.

    A comment keeps the line open. The stream ends after a while; come back, as browsers do.
    """
    async for quota in feed.watch(first, park_code=first[0].park_code):
        yield ServerSentEvent(data=quota, event="quota", retry=RETRY_MS)


@router.get("/alerts", dependencies=[READS], summary="Alerts on the park's account")
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
    dependencies=[may(OrganisationKind.PARK)],
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
