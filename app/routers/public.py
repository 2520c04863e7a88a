"""What anyone may read: health, parks and the quota figures of every account."""

from collections.abc import AsyncIterable, Sequence

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core.clock import business_date
from app.models.organisations import Park
from app.routers.access import public
from app.routers.deps import Now, Session
from app.routers.streams import RETRY_MS, AllQuotas, Feed
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


@router.get("/quota/stream", response_class=EventSourceResponse, summary="Quota as it changes")
async def stream_quota(feed: Feed, first: AllQuotas) -> AsyncIterable[ServerSentEvent]:
    """Each account's five counters as an event `quota`: at once, then at every change.

    A comment keeps the line open. The stream ends after a while; come back, as browsers do.
    """
    async for quota in feed.watch(first):
        yield ServerSentEvent(data=quota, event="quota", retry=RETRY_MS)


@router.get("/programme", summary="Capacity, floor progress and quota of every account")
async def get_programme(session: Session, now: Now) -> ProgrammeOut:
    """Allocated, held, outstanding, called and available: exact, per account, live."""
    return await programme.get_figures(session, on=business_date(now))
