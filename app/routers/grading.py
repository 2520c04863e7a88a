"""The table of indicators, and grade sheets as those read them who may see the right."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.core.errors import NotFound
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.routers.access import may, signed_in
from app.routers.deps import CurrentActor, Limit, Session, Today
from app.routers.documents import Store, as_download
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.grading import GradeSheetDetailOut, GradeSheetOut, GradingTableOut
from app.services import documents, grade_results, grade_sheets
from app.services.documents import DocumentDamaged
from app.services.grade_sheets import NoTableInForce
from app.valuation.grading_table import table_on

router = APIRouter(tags=["grading"], route_class=KeyedRoute)

_READS = may(OrganisationKind.ENTERPRISE, *LENDERS, OrganisationKind.AUTHORITY, scope="values:read")


@router.get(
    "/grading-table",
    dependencies=[signed_in(scope="values:read")],
    responses=problems(NoTableInForce),
    summary="The indicators that grade a patent",
)
async def get_table(today: Today) -> GradingTableOut:
    """In the shape of GB/T 42748-2023: 3 dimensions, 14 groups, 27 indicators, weights by use.

    `verified` says of each row whether somebody has read it in the standard: so far nobody has, and
    no conformity is claimed.
    """
    table = table_on(today)
    if table is None:
        raise NoTableInForce
    return grade_results.tell_table(table)


@router.get("/grade-sheets", dependencies=[_READS], summary="Grade sheets")
async def list_sheets(
    actor: CurrentActor,
    session: Session,
    right_id: Annotated[UUID | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[GradeSheetOut]:
    """A firm's own; a lender's are the finished ones of rights it may see. Newest first."""
    found = await grade_sheets.list_sheets(
        session, actor=actor, right_id=right_id, limit=limit, after=after
    )
    return Page(
        items=[GradeSheetOut.model_validate(sheet) for sheet in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get(
    "/grade-sheets/{sheet_id}",
    dependencies=[_READS],
    responses=problems(NotFound),
    summary="A grade sheet, indicator by indicator",
)
async def get_sheet(sheet_id: UUID, actor: CurrentActor, session: Session) -> GradeSheetDetailOut:
    """Each answer with who gave it and on what evidence; what is missing is shown, never guessed.

    `whole` runs from what is missing at its worst to what is missing at its best. `composite` is
    of the register alone: percentiles in the patent's cohort, or uncalibrated without one.
    """
    sheet = await grade_sheets.get_sheet(session, actor=actor, sheet_id=sheet_id)
    return await grade_results.tell(
        session,
        sheet,
        grade_sheets.find_table(sheet),
        await grade_sheets.list_answers(session, sheet),
    )


@router.get(
    "/grade-sheets/{sheet_id}/answers/{indicator}/evidence",
    dependencies=[_READS],
    response_class=Response,
    responses=problems(NotFound, DocumentDamaged)
    | {200: {"description": "The bytes.", "content": {"application/octet-stream": {}}}},
    summary="Download the evidence of an answer",
)
async def download_evidence(
    sheet_id: UUID, indicator: str, actor: CurrentActor, session: Session, store: Store
) -> Response:
    """As it was uploaded, checked against its hash; an answer may rest on a note alone."""
    document = await grade_sheets.get_evidence(
        session, actor=actor, sheet_id=sheet_id, indicator=indicator
    )
    await session.commit()  # nothing stays open while the store is read
    return as_download(document, await documents.read_bytes(store, document))
