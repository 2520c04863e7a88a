"""A guarantor's own terms: what the authority proposes to it, and what it signed."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.programme import ChangeStatus
from app.models.programme import GuarantorTerms, ProgrammeChange
from app.risk.guarantors import Mix
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.programme import ChangeOut, GuarantorTermsOut, MixOut, NoteIn
from app.services import guarantors, programme_changes
from app.services.change_effects import NothingToChange
from app.services.guarantors import GuarantorNotVerified
from app.services.programme_changes import AlreadyDecided, Backdated

router = APIRouter(prefix="/lender/guarantor", tags=["lender"], route_class=KeyedRoute)

READS = may(OrganisationKind.GUARANTOR, scope="programme:read")
SIGNS = may(OrganisationKind.GUARANTOR, manager=True)


@router.get("/changes", dependencies=[READS], summary="Changes of your own terms")
async def list_changes(
    *,
    actor: CurrentActor,
    session: Session,
    status: Annotated[ChangeStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[ChangeOut]:
    """From the authority's approval on, newest first: `status=approved` waits for you."""
    rows = await programme_changes.list_changes(
        session, actor=actor, status=status, limit=limit, after=after
    )
    return Page(
        items=[ChangeOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/changes/{change_id}/signature",
    response_model=ChangeOut,
    dependencies=[SIGNS],
    responses=problems(NotFound, AlreadyDecided, Backdated, NothingToChange, GuarantorNotVerified),
    summary="Sign a change of your terms",
)
async def sign(change_id: UUID, actor: CurrentActor, session: Session, now: Now) -> ProgrammeChange:
    """One of today takes effect here. Your limit becomes what you signed, or what is used."""
    return await programme_changes.sign(session, actor=actor, change_id=change_id, now=now)


@router.post(
    "/changes/{change_id}/refusal",
    response_model=ChangeOut,
    dependencies=[SIGNS],
    responses=problems(NotFound, AlreadyDecided),
    summary="Refuse a change of your terms",
)
async def refuse(
    change_id: UUID, given: NoteIn, actor: CurrentActor, session: Session, now: Now
) -> ProgrammeChange:
    """Nobody allocates you a risk that you did not sign for."""
    return await programme_changes.decline(
        session, actor=actor, change_id=change_id, note=given.note, now=now
    )


@router.get(
    "/terms",
    response_model=list[GuarantorTermsOut],
    dependencies=[READS],
    summary="What you signed for",
)
async def list_terms(actor: CurrentActor, session: Session) -> Sequence[GuarantorTerms]:
    """Newest first; the first one is in force."""
    return await guarantors.list_terms(session, actor=actor, guarantor_id=actor.organisation_id)


@router.get(
    "/mix", response_model=MixOut, dependencies=[READS], summary="How your liability is spread"
)
async def get_mix(actor: CurrentActor, session: Session, today: Today) -> Mix:
    """Shares of small and micro firms and of small tickets beside the least you promised."""
    return await guarantors.get_mix(
        session, actor=actor, guarantor_id=actor.organisation_id, on=today
    )
