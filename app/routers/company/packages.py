"""The firm compares packages of loan, guarantee and insurance."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.problems import problems
from app.schemas.packages import PackagesOut
from app.services import packages

router = APIRouter(prefix="/company/requests", tags=["company"])


@router.get(
    "/{request_id}/packages",
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="requests:read")],
    responses=problems(NotFound),
    summary="Compare packages",
)
async def list_packages(
    request_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> PackagesOut:
    """Every admissible combination of the live quotes, cheapest first before subsidies.

    Each has its cost sheet (综合融资成本清单), the quote ids *and* revisions that accepting it
    must name, and whether the guarantor's liability has room now or the deal would queue.
    """
    return await packages.build(session, actor=actor, request_id=request_id, now=now)
