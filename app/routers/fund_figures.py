"""A compensation fund's page of figures, and the same as files."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.core.errors import NotFound
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Snapshot
from app.routers.files import CSV_FILE, XLSX_FILE, csv_file, xlsx_file
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.fund_figures import FundFiguresOut
from app.services import fund_figures, fund_files

router = APIRouter(prefix="/funds/{fund_id}", tags=["funds"], route_class=KeyedRoute)

READS = may(*fund_figures.READERS, scope="funds:read")
LISTS = may(*fund_files.LISTERS, scope="funds:read")


@router.get(
    "/figures",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="A fund's page of figures",
)
async def get_figures(
    fund_id: UUID, actor: CurrentActor, session: Snapshot, now: Now
) -> FundFiguresOut:
    """Capital, balance, leverage and room; exposure by bank and firm; claims in flight with their
    deadlines; what was paid and came back; the year's loss ratio against every fuse.

    A park is told no firm, and of banks and claims only what singles no firm out.
    """
    return await fund_figures.get_figures(session, actor=actor, fund_id=fund_id, now=now)


@router.get(
    "/figures.csv",
    dependencies=[READS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound),
    summary="A fund's figures as CSV",
)
async def get_figures_csv(
    fund_id: UUID, actor: CurrentActor, session: Snapshot, now: Now
) -> Response:
    """The same figures, one in a line."""
    found = await fund_figures.get_figures(session, actor=actor, fund_id=fund_id, now=now)
    return csv_file(fund_files.summary(found), name="fund")


@router.get(
    "/figures.xlsx",
    dependencies=[READS],
    response_class=Response,
    responses=XLSX_FILE | problems(NotFound),
    summary="A fund's figures as XLSX",
)
async def get_figures_xlsx(
    fund_id: UUID, actor: CurrentActor, session: Snapshot, now: Now
) -> Response:
    """The figures, banks and fuses; for manager and authority every filing, claim and recovery."""
    found = await fund_files.get_file(session, actor=actor, fund_id=fund_id, now=now)
    return xlsx_file(fund_files.all_of(found), name="fund")


@router.get(
    "/filings.csv",
    dependencies=[LISTS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound),
    summary="Every filing with a fund, as CSV",
)
async def get_filings_csv(
    fund_id: UUID, actor: CurrentActor, session: Snapshot, now: Now
) -> Response:
    """The last line sums them; to the fen what the fund's accounts say."""
    found = await fund_files.get_file(session, actor=actor, fund_id=fund_id, now=now)
    return csv_file(fund_files.filings_sheet(found), name="filings")


@router.get(
    "/claims.csv",
    dependencies=[LISTS],
    response_class=Response,
    responses=CSV_FILE | problems(NotFound),
    summary="Every claim on a fund, as CSV",
)
async def get_claims_csv(
    fund_id: UUID, actor: CurrentActor, session: Snapshot, now: Now
) -> Response:
    """The last line sums what is approved and not paid yet, and what was paid, as the ledger."""
    found = await fund_files.get_file(session, actor=actor, fund_id=fund_id, now=now)
    return csv_file(fund_files.claims_sheet(found), name="claims")
