"""A firm grades its patents: the register answers what it can, people answer the rest."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import GradeAnswer, GradeSheet
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.grading import GradeAnswerIn, GradeAnswerOut, GradeSheetIn, GradeSheetOut
from app.services import grade_sheets
from app.services.grade_sheets import NoTableInForce, NotGraded, SheetStands, TableChanged

router = APIRouter(prefix="/company", tags=["grading"], route_class=KeyedRoute)

_WRITE = may(OrganisationKind.ENTERPRISE, scope="values:write")


@router.post(
    "/rights/{right_id}/grade-sheets",
    status_code=201,
    response_model=GradeSheetOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused, NotGraded, NoTableInForce, SheetStands),
    summary="Begin a grade sheet of a patent",
)
async def start(
    right_id: UUID, stated: GradeSheetIn, actor: CurrentActor, session: Session, now: Now
) -> GradeSheet:
    """With what the register answers today; family, claims and citations as you state them.

    One open sheet for each use of a right.
    """
    return await grade_sheets.start(session, actor=actor, right_id=right_id, stated=stated, now=now)


@router.put(
    "/grade-sheets/{sheet_id}/answers/{indicator}",
    response_model=GradeAnswerOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused, IllegalMove, TableChanged),
    summary="Answer an indicator",
)
async def answer(
    *,
    sheet_id: UUID,
    indicator: str,
    stated: GradeAnswerIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> GradeAnswer:
    """With a document or a note as evidence; what the register answers is not asked of people."""
    return await grade_sheets.answer(
        session, actor=actor, sheet_id=sheet_id, indicator=indicator, stated=stated, now=now
    )


@router.post(
    "/grade-sheets/{sheet_id}/completion",
    response_model=GradeSheetOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, IllegalMove, TableChanged),
    summary="Finish a grade sheet",
)
async def finish(sheet_id: UUID, actor: CurrentActor, session: Session, now: Now) -> GradeSheet:
    """It is kept as it is, missing answers included; lenders who may see the right may read it."""
    return await grade_sheets.finish(session, actor=actor, sheet_id=sheet_id, now=now)


@router.post(
    "/grade-sheets/{sheet_id}/discard",
    response_model=GradeSheetOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, IllegalMove),
    summary="Discard an open grade sheet",
)
async def discard(sheet_id: UUID, actor: CurrentActor, session: Session, now: Now) -> GradeSheet:
    """It counts for nothing from then on, and another may be begun."""
    return await grade_sheets.discard(session, actor=actor, sheet_id=sheet_id, now=now)
