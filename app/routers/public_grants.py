"""The measures for everybody: rules of any day, open choices, budgets, calls and notices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.lifecycle.grants import WindowStatus
from app.routers.access import public
from app.routers.deps import Limit, Measures, Session, Today
from app.routers.files import CSV_FILE, XLSX_FILE, csv_file, xlsx_file
from app.schemas.base import Day, Page
from app.schemas.calculators.grant_award import MeasureOut
from app.schemas.grants import BudgetOut, ChoiceOut, NoticeOut, ProgrammeOut, WindowOut
from app.services import grant_figures, grant_files, grant_notices, grant_programmes

router = APIRouter(prefix="/public", tags=["public"], dependencies=[public()])

FILE_ROWS = 20_000

OneMeasure = Annotated[int | None, Query(ge=1, le=999)]
OnDay = Annotated[Day | None, Query(description="The rules of this day; by default today's.")]


@router.get("/measures", summary="The measures of the policy")
async def list_measures(measures: Measures) -> list[MeasureOut]:
    """Every measure with all its dated rules: clauses, facts, award, budget, scoring, periods."""
    return [MeasureOut.model_validate(measure) for measure in measures.values()]


@router.get("/measures/choices", summary="What was chosen where the policy is open")
async def list_choices(measures: Measures, today: Today, on: OnDay = None) -> list[ChoiceOut]:
    """Once or yearly, the difference or the full amount, per deal or per firm: each question with
    the day of its decision, the alternatives and the reason.
    """
    return list(grant_figures.list_choices(measures, on=on or today))


@router.get("/grant-budgets", summary="Budgets of the measures")
async def list_budgets(session: Session, measure: OneMeasure = None) -> list[BudgetOut]:
    """Ceiling, reserved, committed, paid, left, live from the ledger; applications by state. A
    measure for which the policy states no ceiling has none.
    """
    return await grant_figures.list_budgets(session, measure=measure)


@router.get(
    "/grant-budgets.csv",
    response_class=Response,
    responses=CSV_FILE,
    summary="Budgets of the measures, as CSV",
)
async def budgets_csv(session: Session) -> Response:
    """The same, a line per measure and year."""
    budgets = await grant_figures.list_budgets(session)
    return csv_file(grant_files.budgets_sheet(budgets), name="grant-budgets")


@router.get(
    "/grants.xlsx",
    response_class=Response,
    responses=XLSX_FILE,
    summary="Budgets and notices, as XLSX",
)
async def grants_xlsx(session: Session, today: Today) -> Response:
    """A workbook of both tables."""
    budgets = await grant_figures.list_budgets(session)
    rows = await grant_notices.list_noticed(session, limit=FILE_ROWS)
    notices = [grant_figures.tell_notice(row, on=today) for row in rows]
    return xlsx_file(
        [grant_files.budgets_sheet(budgets), grant_files.notices_sheet(notices)], name="grants"
    )


@router.get("/grant-notices", summary="Awards on public notice")
async def list_notices(
    session: Session,
    today: Today,
    measure: OneMeasure = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[NoticeOut]:
    """公示: to whom, for what and how much, newest first; who objects, signs in and says so."""
    rows = await grant_notices.list_noticed(session, measure=measure, after=after, limit=limit)
    return Page(
        items=[grant_figures.tell_notice(row, on=today) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/grant-notices.csv",
    response_class=Response,
    responses=CSV_FILE,
    summary="Awards on public notice, as CSV",
)
async def notices_csv(session: Session, today: Today) -> Response:
    """The same, a line each."""
    rows = await grant_notices.list_noticed(session, limit=FILE_ROWS)
    notices = [grant_figures.tell_notice(row, on=today) for row in rows]
    return csv_file(grant_files.notices_sheet(notices), name="grant-notices")


@router.get("/grant-programmes", summary="Programmes of the measures")
async def list_programmes(
    *,
    session: Session,
    measure: OneMeasure = None,
    year: Annotated[int | None, Query(ge=2000, le=2199)] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[ProgrammeOut]:
    """Newest first, each with the rules it keeps."""
    rows = await grant_programmes.list_programmes(
        session, measure=measure, year=year, after=after, limit=limit
    )
    return Page(
        items=[ProgrammeOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get("/grant-windows", summary="Calls for applications")
async def list_windows(
    *,
    session: Session,
    programme_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[WindowStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[WindowOut]:
    """Newest first."""
    rows = await grant_programmes.list_windows(
        session, programme_id=programme_id, status=status, after=after, limit=limit
    )
    return Page(
        items=[WindowOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )
