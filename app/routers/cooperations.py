"""Cooperation agreements of banks, guarantors and insurers: proposed, confirmed, ended."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.models.organisations import Cooperation
from app.routers.access import lenders
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.organisations import CooperationIn, CooperationOut
from app.services import cooperations
from app.services.cooperations import CooperationEnded, CooperationExists, OwnProposal

router = APIRouter(
    prefix="/organisation/cooperations",
    tags=["organisation"],
    route_class=KeyedRoute,
)

READS = lenders(scope="organisation:read")
DECIDES = lenders(manager=True)


@router.post(
    "",
    status_code=201,
    response_model=CooperationOut,
    dependencies=[DECIDES],
    responses=problems(FieldRefused, CooperationExists),
    summary="Propose a cooperation agreement",
)
async def propose(
    form: CooperationIn, actor: CurrentActor, session: Session, now: Now
) -> Cooperation:
    """Between a bank and a guarantor or insurer; in force once the other side confirms it."""
    return await cooperations.propose(
        session,
        actor=actor,
        counterpart_id=form.counterpart_id,
        agreement_number=form.agreement_number,
        signed_on=form.signed_on,
        now=now,
    )


@router.get("", dependencies=[READS], summary="Cooperation agreements")
async def list_cooperations(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[CooperationOut]:
    """The organisation's own, newest first: proposed, in force, ended."""
    rows = await cooperations.list_cooperations(session, actor=actor, limit=limit, after=after)
    return Page(
        items=[CooperationOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/{cooperation_id}/confirmation",
    response_model=CooperationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, OwnProposal, CooperationEnded),
    summary="Confirm what the other side proposed",
)
async def confirm(
    cooperation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Cooperation:
    """From now on the two may stand in one package."""
    return await cooperations.confirm(session, actor=actor, cooperation_id=cooperation_id, now=now)


@router.post(
    "/{cooperation_id}/end",
    response_model=CooperationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, CooperationEnded),
    summary="End an agreement, or turn a proposal down",
)
async def end(cooperation_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Cooperation:
    """Either side may. Packages accepted before stay as they are."""
    return await cooperations.end(session, actor=actor, cooperation_id=cooperation_id, now=now)
