"""Valuation runs, read and challenged by the firm and by the lenders whose loan they back."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.valuation_runs import ValuationResult, ValuationRun
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.valuation_runs import (
    ChallengeIn,
    ChallengeOut,
    DifferenceOut,
    RunDetailOut,
    RunOut,
)
from app.services import report_files, valuation_reports, valuation_runs
from app.services.valuation_reports import NotWorkedOut
from app.services.valuation_runs import KINDS, NotToChallenge, OwnRun, Worked

router = APIRouter(prefix="/valuation-runs", tags=["valuations"], route_class=KeyedRoute)

READS = may(*KINDS, OrganisationKind.AUTHORITY, scope="values:read")
CHALLENGES = may(*KINDS, scope="values:write")
_RUN = tuple(name for name in RunOut.model_fields if name in ValuationRun.__table__.columns)
_RESULT = tuple(name for name in RunOut.model_fields if name not in _RUN)
_REPORT = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
_HTML: dict[int | str, dict[str, Any]] = {
    200: {"description": "One HTML page that needs nothing else.", "content": {"text/html": {}}}
}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "PDF/A-2b with its fonts.", "content": {report_files.PDF: {}}}
}


def _fields(worked: Worked) -> dict[str, Any]:
    result: ValuationResult | None = worked.result
    told = {name: getattr(worked.run, name) for name in _RUN}
    return told | {name: getattr(result, name, None) for name in _RESULT}


@router.get("", summary="Valuation runs", dependencies=[READS])
async def list_runs(  # noqa: PLR0917  FastAPI reads parameters from the signature
    actor: CurrentActor,
    session: Session,
    portfolio_id: UUID | None = None,
    request_id: UUID | None = None,
    loan_id: UUID | None = None,
    limit: Limit = 20,
    after: UUID | None = None,
) -> Page[RunOut]:
    """Newest first: a firm's own; for a lender those behind its requests and loans."""
    found = await valuation_runs.list_runs(
        session,
        actor=actor,
        portfolio_id=portfolio_id,
        request_id=request_id,
        loan_id=loan_id,
        limit=limit,
        after=after,
    )
    items = [RunOut(**_fields(worked)) for worked in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/{run_id}",
    summary="A valuation run in full",
    dependencies=[READS],
    responses=problems(NotFound),
)
async def get_run(run_id: UUID, actor: CurrentActor, session: Session) -> RunDetailOut:
    """Every input with its evidence, every method with its reason, distribution, four values."""
    worked = await valuation_runs.get_run(session, actor=actor, run_id=run_id)
    results = None if worked.result is None else worked.result.results
    return RunDetailOut(**_fields(worked), inputs=worked.run.inputs, results=results)


@router.get(
    "/{run_id}/report.html",
    response_class=Response,
    summary="The report of a valuation, as a page",
    dependencies=[READS],
    responses=problems(NotFound, NotWorkedOut) | _HTML,
)
async def get_report_page(run_id: UUID, actor: CurrentActor, session: Session) -> Response:
    """Facts and evidence, methods, working, distribution, four values, sources, both sides of a
    challenge; Chinese with English beside it. A model value, not a 资产评估报告.
    """
    report = await valuation_reports.gather(session, actor=actor, run_id=run_id)
    await session.commit()  # nothing stays open while it is rendered
    return Response(
        await report_files.to_html(report),
        media_type="text/html; charset=utf-8",
        headers=_REPORT | {"Content-Security-Policy": report_files.policy()},
    )


@router.get(
    "/{run_id}/report.pdf",
    response_class=Response,
    summary="The report of a valuation, to print and to keep",
    dependencies=[READS],
    responses=problems(NotFound, NotWorkedOut) | _PDF,
)
async def get_report_pdf(run_id: UUID, actor: CurrentActor, session: Session) -> Response:
    """What the page says, as PDF/A: the same run gives the same bytes until it is challenged."""
    report = await valuation_reports.gather(session, actor=actor, run_id=run_id)
    await session.commit()  # nothing stays open while it is rendered
    return Response(
        await report_files.to_pdf(report),
        media_type=report_files.PDF,
        headers=_REPORT | {"Content-Disposition": f'attachment; filename="valuation-{run_id}.pdf"'},
    )


@router.post(
    "/{run_id}/challenges",
    status_code=202,
    summary="Challenge a valuation",
    dependencies=[CHALLENGES],
    responses=problems(NotFound, OwnRun, NotToChallenge, FieldRefused),
)
async def challenge(
    run_id: UUID, data: ChallengeIn, actor: CurrentActor, session: Session, now: Now
) -> RunOut:
    """Your inputs and reason, on the same facts, rules and draws; the first run stays as it is."""
    run = await valuation_runs.challenge(
        session, actor=actor, run_id=run_id, reason=data.reason, rights=data.rights, now=now
    )
    return RunOut(**_fields(Worked(run, None)))


@router.get(
    "/{run_id}/challenges",
    summary="The other sides of a valuation",
    dependencies=[READS],
    responses=problems(NotFound),
)
async def list_challenges(
    run_id: UUID, actor: CurrentActor, session: Session, limit: Limit = 50
) -> list[ChallengeOut]:
    """Oldest first, each with its values and the inputs in which it differs."""
    sides = await valuation_runs.list_challenges(session, actor=actor, run_id=run_id, limit=limit)
    return [
        ChallengeOut(
            run=RunOut(**_fields(side.worked)),
            differences=[DifferenceOut.model_validate(one) for one in side.differences],
        )
        for side in sides
    ]
