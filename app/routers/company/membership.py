"""What a firm says of itself: its figures, and the park it lies in."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import FirmProfile, ParkMembership
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.organisations import FirmProfileIn, FirmProfileOut, MembershipIn, MembershipOut
from app.services import firms, memberships
from app.services.firms import NoProfile
from app.services.memberships import AlreadyClaimed

router = APIRouter(prefix="/company", tags=["company"], route_class=KeyedRoute)

READS = may(OrganisationKind.ENTERPRISE, scope="organisation:read")
WRITES = may(OrganisationKind.ENTERPRISE)


@router.get(
    "/profile",
    response_model=FirmProfileOut,
    dependencies=[READS],
    responses=problems(NoProfile),
    summary="The firm's profile",
)
async def get_profile(actor: CurrentActor, session: Session) -> FirmProfile:
    """Its figures, and the marks that the authority has set."""
    return await firms.get_profile(session, actor=actor, firm_id=actor.organisation_id)


@router.post(
    "/profile",
    response_model=FirmProfileOut,
    dependencies=[WRITES],
    responses=problems(FieldRefused),
    summary="Enter or replace the firm's profile",
)
async def put_profile(
    profile: FirmProfileIn, actor: CurrentActor, session: Session, now: Now
) -> FirmProfile:
    """Eligibility is judged by it. The marks of public registers are the authority's to set."""
    return await firms.put_profile(session, actor=actor, profile=profile, now=now)


@router.post(
    "/park-membership",
    status_code=201,
    response_model=MembershipOut,
    dependencies=[WRITES],
    responses=problems(FieldRefused, AlreadyClaimed),
    summary="Claim that the firm lies in a park",
)
async def claim(
    form: MembershipIn, actor: CurrentActor, session: Session, now: Now
) -> ParkMembership:
    """The park certifies or refuses it. A firm outside every park uses the regional account."""
    return await memberships.claim(session, actor=actor, park_code=form.park_code, now=now)


@router.get("/park-membership", dependencies=[READS], summary="The firm's park memberships")
async def list_memberships(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[MembershipOut]:
    """All there were, oldest first; at most one is claimed or certified."""
    rows = await memberships.list_memberships(session, actor=actor, limit=limit, after=after)
    items = [MembershipOut.model_validate(membership) for membership, _ in rows]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.post(
    "/park-membership/{membership_id}/end",
    response_model=MembershipOut,
    dependencies=[WRITES],
    responses=problems(NotFound, IllegalMove),
    summary="Leave the park",
)
async def end(
    membership_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ParkMembership:
    """For a firm that has moved away. Deals made before stay on the park's account."""
    return await memberships.end(session, actor=actor, membership_id=membership_id, now=now)
