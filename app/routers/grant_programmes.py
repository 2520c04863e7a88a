"""Programmes and calls of the measures, for the authority; and what it has on record for grants."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.grants import FirmRelation, GrantProgramme, GrantWindow, Recognition
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Measures, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.grants import (
    ApplicationOut,
    ProgrammeIn,
    ProgrammeOut,
    RecognitionIn,
    RecognitionOut,
    RelationIn,
    RelationOut,
    WindowIn,
    WindowOut,
)
from app.services import grant_programmes, grant_ranking, grant_related
from app.services.grant_programmes import ApplicationsInWindow, ProgrammeNotOpen, WindowsOpen
from app.services.grant_ranking import Unchecked
from app.services.grant_related import RecognisedAlready
from app.services.grant_reviews import SheetsMissing

router = APIRouter(prefix="/authority", tags=["grants"], route_class=KeyedRoute)

DESK = may(OrganisationKind.AUTHORITY)
MANAGES = may(OrganisationKind.AUTHORITY, manager=True)


@router.post(
    "/grant-programmes",
    status_code=201,
    response_model=ProgrammeOut,
    dependencies=[MANAGES],
    responses=problems(FieldRefused),
    summary="Run a measure in a year",
)
async def create_programme(
    form: ProgrammeIn, actor: CurrentActor, session: Session, measures: Measures, now: Now
) -> GrantProgramme:
    """By the rules of a day, kept with it whole. Its budget is opened on the ledger; a measure
    without a stated ceiling has none.
    """
    return await grant_programmes.create_programme(
        session, actor=actor, data=form, measures=measures, now=now
    )


@router.post(
    "/grant-programmes/{programme_id}/opening",
    response_model=ProgrammeOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove),
    summary="Open a programme",
)
async def open_programme(
    programme_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantProgramme:
    """Windows may then be announced."""
    return await grant_programmes.open_programme(
        session, actor=actor, programme_id=programme_id, now=now
    )


@router.post(
    "/grant-programmes/{programme_id}/closing",
    response_model=ProgrammeOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove, WindowsOpen),
    summary="Close a programme",
)
async def close_programme(
    programme_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantProgramme:
    """Once each of its windows is decided or cancelled."""
    return await grant_programmes.close_programme(
        session, actor=actor, programme_id=programme_id, now=now
    )


@router.post(
    "/grant-programmes/{programme_id}/windows",
    status_code=201,
    response_model=WindowOut,
    dependencies=[DESK],
    responses=problems(NotFound, FieldRefused, ProgrammeNotOpen),
    summary="Announce a window",
)
async def create_window(
    programme_id: UUID, form: WindowIn, actor: CurrentActor, session: Session, now: Now
) -> GrantWindow:
    """A call for applications, from one day to another."""
    return await grant_programmes.create_window(
        session, actor=actor, programme_id=programme_id, data=form, now=now
    )


@router.post(
    "/grant-windows/{window_id}/opening",
    response_model=WindowOut,
    dependencies=[DESK],
    responses=problems(NotFound, FieldRefused, IllegalMove),
    summary="Open a window",
)
async def open_window(
    window_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantWindow:
    """From its first day on."""
    return await grant_programmes.open_window(session, actor=actor, window_id=window_id, now=now)


@router.post(
    "/grant-windows/{window_id}/closing",
    response_model=WindowOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove),
    summary="Close a window",
)
async def close_window(
    window_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantWindow:
    """What came in is scored."""
    return await grant_programmes.close_window(session, actor=actor, window_id=window_id, now=now)


@router.post(
    "/grant-windows/{window_id}/cancellation",
    response_model=WindowOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove, ApplicationsInWindow),
    summary="Cancel a window",
)
async def cancel_window(
    window_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantWindow:
    """While no application stands in it."""
    return await grant_programmes.cancel_window(session, actor=actor, window_id=window_id, now=now)


@router.post(
    "/grant-windows/{window_id}/ranking",
    response_model=list[ApplicationOut],
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove, Unchecked, SheetsMissing),
    summary="Rank a window",
)
async def rank_window(
    window_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> list[ApplicationOut]:
    """Best first, whoever came first: recommended as far as the budget reaches, then those that
    wait for a freed place, then those below the pass mark. A window without scores is concluded.
    """
    rows = await grant_ranking.rank_window(session, actor=actor, window_id=window_id, now=now)
    return [ApplicationOut.model_validate(row) for row in rows]


@router.post(
    "/recognitions",
    status_code=201,
    response_model=RecognitionOut,
    dependencies=[DESK],
    responses=problems(FieldRefused, RecognisedAlready),
    summary="Record a designation or accreditation",
)
async def recognise(
    form: RecognitionIn, actor: CurrentActor, session: Session, measures: Measures, now: Now
) -> Recognition:
    """The organisation is then told what it is entitled to, its application filled in."""
    return await grant_related.recognise(
        session, actor=actor, data=form, measures=measures, now=now
    )


@router.post(
    "/recognitions/{recognition_id}/end",
    response_model=RecognitionOut,
    dependencies=[DESK],
    responses=problems(NotFound),
    summary="End a recognition",
)
async def end_recognition(
    recognition_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Recognition:
    """From today on; said again it changes nothing."""
    return await grant_related.end_recognition(
        session, actor=actor, recognition_id=recognition_id, now=now
    )


@router.get("/recognitions", dependencies=[DESK], summary="Recognitions on record")
async def list_recognitions(
    *,
    actor: CurrentActor,
    session: Session,
    measure: Annotated[int | None, Query(ge=1, le=999)] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[RecognitionOut]:
    """Newest first."""
    rows = await grant_related.list_recognitions(
        session, actor=actor, measure=measure, after=after, limit=limit
    )
    return Page(
        items=[RecognitionOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/firm-relations",
    status_code=201,
    response_model=RelationOut,
    dependencies=[DESK],
    responses=problems(FieldRefused),
    summary="Record that two firms are related",
)
async def relate(form: RelationIn, actor: CurrentActor, session: Session, now: Now) -> FirmRelation:
    """Awards to either count for both, and neither reviews the other."""
    return await grant_related.relate(session, actor=actor, data=form, now=now)
