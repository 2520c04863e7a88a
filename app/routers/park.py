"""What a park does: it says which firms lie in it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import MembershipStatus, OrganisationKind
from app.models.organisations import ParkMembership
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.organisations import FirmMembershipOut, MembershipOut
from app.services import memberships

router = APIRouter(prefix="/park", tags=["park"], route_class=KeyedRoute)

READS = may(OrganisationKind.PARK, scope="organisation:read")
DECIDES = may(OrganisationKind.PARK)


@router.get("/memberships", dependencies=[READS], summary="Firms of the park")
async def list_memberships(
    actor: CurrentActor,
    session: Session,
    status: Annotated[MembershipStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[FirmMembershipOut]:
    """Claimed, certified, refused and ended, the oldest claim first."""
    rows = await memberships.list_memberships(
        session, actor=actor, status=status, limit=limit, after=after
    )
    items = [
        FirmMembershipOut(
            **MembershipOut.model_validate(membership).model_dump(),
            firm_name=firm.name,
            firm_uscc=firm.uscc,
        )
        for membership, firm in rows
    ]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.post(
    "/memberships/{membership_id}/certification",
    response_model=MembershipOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Certify that a firm lies in the park",
)
async def certify(
    membership_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ParkMembership:
    """From now on the park's quota carries the firm's loans."""
    return await memberships.certify(session, actor=actor, membership_id=membership_id, now=now)


@router.post(
    "/memberships/{membership_id}/refusal",
    response_model=MembershipOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Refuse a claim",
)
async def refuse(
    membership_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ParkMembership:
    """The firm does not lie in the park; it may claim another."""
    return await memberships.refuse(session, actor=actor, membership_id=membership_id, now=now)


@router.post(
    "/memberships/{membership_id}/end",
    response_model=MembershipOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="End a membership",
)
async def end(
    membership_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ParkMembership:
    """The firm has left. Deals made before stay on the park's account."""
    return await memberships.end(session, actor=actor, membership_id=membership_id, now=now)
