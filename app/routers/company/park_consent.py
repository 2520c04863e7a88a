"""A firm's consent that its park sees its name where it is stuck or late."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.exposures import ParkConsent
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.figures import ParkConsentOut
from app.services import park_views
from app.services.park_views import AlreadyConsented

router = APIRouter(prefix="/company/park-consent", tags=["company"], route_class=KeyedRoute)

READS = may(OrganisationKind.ENTERPRISE, scope="organisation:read")
DECIDES = may(OrganisationKind.ENTERPRISE, manager=True)


@router.get(
    "", response_model=list[ParkConsentOut], dependencies=[READS], summary="Consents to the park"
)
async def list_consents(actor: CurrentActor, session: Session) -> Sequence[ParkConsent]:
    """All that was given and withdrawn, the latest first."""
    return await park_views.list_consents(session, actor=actor)


@router.post(
    "",
    response_model=ParkConsentOut,
    status_code=201,
    dependencies=[DECIDES],
    responses=problems(AlreadyConsented),
    summary="Let the park see the firm's name",
)
async def give_consent(actor: CurrentActor, session: Session, now: Now) -> ParkConsent:
    """Its name and its manager's contact, where a deal is stuck or a loan is late."""
    return await park_views.consent(session, actor=actor, now=now)


@router.post(
    "/withdrawal",
    response_model=ParkConsentOut,
    dependencies=[DECIDES],
    responses=problems(NotFound),
    summary="Withdraw the consent",
)
async def withdraw_consent(actor: CurrentActor, session: Session, now: Now) -> ParkConsent:
    """From now on the park sees no name; the consent stays on record."""
    return await park_views.withdraw_consent(session, actor=actor, now=now)
