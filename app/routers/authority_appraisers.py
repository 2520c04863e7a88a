"""The authority says which agencies may appraise, and until when."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import Accreditation
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.appraisals import AccreditationIn, AccreditationOut, RevocationIn
from app.services import accreditations
from app.services.accreditations import NotAccredited, RevokedAlready

router = APIRouter(prefix="/authority", tags=["appraisals"], route_class=KeyedRoute)

_READ = may(OrganisationKind.AUTHORITY)
_WRITE = may(OrganisationKind.AUTHORITY, manager=True)


@router.post(
    "/appraisers/{appraiser_id}/accreditations",
    status_code=201,
    response_model=AccreditationOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused, NotAccredited),
    summary="Accredit an appraiser",
)
async def accredit(
    appraiser_id: UUID, stated: AccreditationIn, actor: CurrentActor, session: Session, now: Now
) -> Accreditation:
    """A verified agency, from a day to a day; a further one prolongs it."""
    return await accreditations.accredit(
        session, actor=actor, appraiser_id=appraiser_id, stated=stated, now=now
    )


@router.get(
    "/appraisers/{appraiser_id}/accreditations",
    response_model=list[AccreditationOut],
    dependencies=[_READ],
    summary="Accreditations of an appraiser",
)
async def list_accreditations(
    appraiser_id: UUID, actor: CurrentActor, session: Session
) -> Sequence[Accreditation]:
    """Newest first, those that ended or were revoked included."""
    return await accreditations.list_accreditations(session, actor=actor, appraiser_id=appraiser_id)


@router.post(
    "/accreditations/{accreditation_id}/revocation",
    response_model=AccreditationOut,
    dependencies=[_WRITE],
    responses=problems(NotFound, RevokedAlready),
    summary="Revoke an accreditation",
)
async def revoke(
    accreditation_id: UUID, stated: RevocationIn, actor: CurrentActor, session: Session, now: Now
) -> Accreditation:
    """At once: no new order, agreement or report; reports delivered keep what they say."""
    return await accreditations.revoke(
        session, actor=actor, accreditation_id=accreditation_id, reason=stated.reason, now=now
    )
