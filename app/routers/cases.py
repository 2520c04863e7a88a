"""Cases of public services: the desk, adjudication, registers, plans and tickets in one."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from app.casework.kind_files import KINDS
from app.casework.reading import MoveRefused, NotYourMove
from app.core.clock import business_date
from app.core.errors import FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.models.cases import CasePublication
from app.routers.access import public, signed_in
from app.routers.case_shapes import case_out, detail, kind_out
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page, shape
from app.schemas.cases import (
    CaseDetailOut,
    CaseIn,
    CaseOut,
    ChainOut,
    FiguresOut,
    FindingOut,
    KindOut,
    MoveIn,
    PrecheckIn,
    PrecheckOut,
    PublicationOut,
    PublicFiguresOut,
)
from app.services import case_figures, case_moves, cases
from app.services.actor import KindRefused
from app.services.case_moves import PrecheckFailed, SamePersonAgain
from app.services.cases import NoSuchKind

registers = APIRouter(prefix="/public", tags=["public"], dependencies=[public()])
router = APIRouter(tags=["cases"], route_class=KeyedRoute)

READS = signed_in(scope="organisation:read")
ACTS = signed_in()

KindId = Annotated[
    str, Path(max_length=60, description="A kind of case, from GET /v1/public/case-kinds.")
]
DayQuery = Annotated[Day | None, Query(description="A day, such as 2026-01-01.")]


@registers.get("/case-kinds", summary="Kinds of case that are accepted")
async def list_kinds(
    today: Today,
    group: Annotated[str | None, Query(max_length=60, description="Such as desk.")] = None,
) -> list[KindOut]:
    """With fields, states, moves and time limits, as they are today. A kind is a dated file."""
    return [
        kind_out(kind, version)
        for kind in KINDS.values()
        if group in {None, kind.group} and (version := kind.version_on(today)) is not None
    ]


@registers.get(
    "/registers/{kind}",
    responses=problems(NotFound, FieldRefused),
    summary="What is public of the cases of a kind",
)
async def list_public(
    *,
    kind: KindId,
    session: Session,
    parent_id: Annotated[UUID | None, Query(description="Of the case above.")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Words, in Chinese.")] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[PublicationOut]:
    """A register, such as geographical indications, custody agencies or campaigns.

    With `q` the best matches first, in one page.
    """
    rows: Sequence[CasePublication] = await case_figures.list_public(
        session, kind=kind, parent_id=parent_id, query=q, limit=limit, after=after
    )
    return Page(
        items=[PublicationOut.model_validate(row) for row in rows],
        next=rows[-1].case_id if q is None and len(rows) == limit else None,
    )


@registers.get(
    "/case-figures", responses=problems(FieldRefused), summary="Cases of a quarter, by kind"
)
async def show_public_figures(
    session: Session,
    now: Now,
    quarter: Annotated[
        str,
        Query(
            pattern=shape(r"^20[0-9]{2}-Q[1-4]$", say("must be a quarter, such as 2026-Q3")),
            description="Such as 2026-Q3.",
        ),
    ],
) -> PublicFiguresOut:
    """The whole region; null behind which too few applicants stand."""
    return await case_figures.show_public(session, quarter=quarter, now=now)


@router.get(
    "/case-figures",
    dependencies=[READS],
    responses=problems(FieldRefused),
    summary="How the cases you handle stand",
)
async def show_figures(
    *,
    actor: CurrentActor,
    session: Session,
    now: Now,
    since: DayQuery = None,
    until: DayQuery = None,
    group: Annotated[str | None, Query(max_length=60)] = None,
) -> FiguresOut:
    """By kind: opened, closed, by state, and how the time limits were kept. The authority: all."""
    return await case_figures.show(
        session, actor=actor, since=since, until=until, group=group, now=now
    )


@router.get("/cases", dependencies=[READS], summary="Your cases")
async def list_cases(
    *,
    actor: CurrentActor,
    session: Session,
    today: Today,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    state: Annotated[str | None, Query(max_length=60)] = None,
    parent_id: UUID | None = None,
    overdue: Annotated[bool, Query(description="Only those past a time limit.")] = False,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[CaseOut]:
    """Those you opened, handle, or are drawn into; the authority sees all. Newest first."""
    rows = await cases.list_cases(
        session,
        actor=actor,
        kind=kind,
        state=state,
        parent_id=parent_id,
        overdue_on=today if overdue else None,
        limit=limit,
        after=after,
    )
    return Page(
        items=[case_out(row) for row in rows], next=rows[-1].id if len(rows) == limit else None
    )


@router.post(
    "/case-kinds/{kind}/cases",
    status_code=201,
    dependencies=[ACTS],
    responses=problems(NotFound, NoSuchKind, KindRefused, FieldRefused, PrecheckFailed),
    summary="Open a case",
)
async def open_case(
    kind: KindId, given: CaseIn, actor: CurrentActor, session: Session, now: Now
) -> CaseDetailOut:
    """By whom its kind says; the pre-check runs first."""
    case = await case_moves.open_case(session, actor=actor, kind=kind, data=given, now=now)
    return await detail(session, actor, case, today=business_date(now))


@router.post(
    "/case-kinds/{kind}/precheck",
    dependencies=[ACTS],
    responses=problems(NotFound, NoSuchKind, FieldRefused),
    summary="Try a case before it is opened",
)
async def precheck(
    kind: KindId, given: PrecheckIn, actor: CurrentActor, session: Session, now: Now
) -> PrecheckOut:
    """What blocks it and what only warns. For a pledge: the refusal grounds of its register."""
    found = await case_moves.precheck(session, actor=actor, kind=kind, fields=given.fields, now=now)
    return PrecheckOut(
        passes=not any(one.blocks for one in found),
        findings=[FindingOut.model_validate(one) for one in found],
    )


@router.get(
    "/cases/{case_id}", dependencies=[READS], responses=problems(NotFound), summary="One case"
)
async def get_case(case_id: UUID, actor: CurrentActor, session: Session, now: Now) -> CaseDetailOut:
    """With its clocks, every entry, and what you may do now."""
    case = await cases.get_case(session, actor=actor, case_id=case_id)
    return await detail(session, actor, case, today=business_date(now))


@router.post(
    "/cases/{case_id}/moves",
    status_code=201,
    dependencies=[ACTS],
    responses=problems(
        NotFound, FieldRefused, Forbidden, MoveRefused, NotYourMove, SamePersonAgain
    ),
    summary="Make a move in a case",
)
async def act(
    case_id: UUID, given: MoveIn, actor: CurrentActor, session: Session, now: Now
) -> CaseDetailOut:
    """One of the moves that the case shows you."""
    case = await case_moves.act(session, actor=actor, case_id=case_id, data=given, now=now)
    return await detail(session, actor, case, today=business_date(now))


@router.get(
    "/cases/{case_id}/chain",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Prove a case's chain of custody",
)
async def verify(case_id: UUID, actor: CurrentActor, session: Session) -> ChainOut:
    """Whether every entry, and the hash of every document in it, is what was written."""
    case, broken = await cases.verify(session, actor=actor, case_id=case_id)
    return ChainOut(
        intact=broken is None, entries=case.entries, head=case.head.hex(), broken_at=broken
    )


@router.get(
    "/cases/{case_id}/figures",
    dependencies=[READS],
    responses=problems(NotFound, FieldRefused),
    summary="Figures of the cases below one",
)
async def show_below(
    *,
    case_id: UUID,
    actor: CurrentActor,
    session: Session,
    now: Now,
    since: DayQuery = None,
    until: DayQuery = None,
) -> FiguresOut:
    """A station's or an agency's record: tickets, services, answer times, firms helped."""
    return await case_figures.show_below(
        session, actor=actor, case_id=case_id, since=since, until=until, now=now
    )
