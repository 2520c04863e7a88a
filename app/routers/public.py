"""What anyone may read: health, parks and the quota figures of every account."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.core.clock import business_date
from app.models.organisations import Park
from app.routers.access import public
from app.routers.deps import Now, Session
from app.schemas.public import Health, ParkOut, ProgrammeOut
from app.services import programme

health = APIRouter(tags=["public"], dependencies=[public()])
router = APIRouter(prefix="/public", tags=["public"], dependencies=[public()])


@health.get("/health", summary="Is the service up")
async def get_health(session: Session) -> Health:
    """Answers 200 while the service reaches its database."""
    await programme.ping(session)
    return Health(status="ok")


@router.get("/parks", response_model=list[ParkOut], summary="Parks")
async def list_parks(session: Session) -> Sequence[Park]:
    """The parks of the programme and the regional account for firms outside every park."""
    return await programme.list_parks(session)


@router.get("/programme", summary="Capacity, floor progress and quota of every account")
async def get_programme(session: Session, now: Now) -> ProgrammeOut:
    """Allocated, held, outstanding, called and available: exact, per account, live."""
    return await programme.get_figures(session, on=business_date(now))
