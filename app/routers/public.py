"""What anyone may read: health, parks and the quota figures of every account."""

from collections.abc import AsyncIterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.messages import say
from app.models.organisations import Park
from app.routers.access import public
from app.routers.deps import Limit, Now, Session
from app.routers.problems import problems
from app.routers.streams import RETRY_MS, AllQuotas, Feed
from app.schemas.base import Day, shape
from app.schemas.fund_figures import PublicFundOut
from app.schemas.green_channel import CalendarOut, PublicGreenChannelOut
from app.schemas.public import Health, LedgerRootOut, LedgerRootsOut, ParkOut, PublicProgrammeOut
from app.services import (
    green_channel,
    programme,
    public_funds,
    public_programme,
    sealing,
    work_calendar,
)
from app.workdays.calendar import YEAR_MAX, YEAR_MIN

health = APIRouter(tags=["public"], dependencies=[public()])
router = APIRouter(prefix="/public", tags=["public"], dependencies=[public()])


@health.head("/health", include_in_schema=False)
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
async def get_programme(session: Session, now: Now) -> PublicProgrammeOut:
    """Allocated, held, outstanding, called and available: exact, per account, live.

    What joined the queue is about deals: it is told for the last whole quarter and the whole
    region, and null where too few firms, or one above all, stand behind.
    """
    return await public_programme.get_figures(session, on=business_date(now))


@router.get("/funds", summary="Compensation funds")
async def list_funds(session: Session, now: Now) -> list[PublicFundOut]:
    """Capital paid in, live.

    Balance, leverage and loans are those at the end of the last whole quarter, and null
    where too few firms, or one above all, stand behind. No firm and no bank is told.
    """
    return await public_funds.list_funds(session, on=business_date(now))


@router.get(
    "/calendar/{year}",
    responses=problems(FieldRefused),
    summary="The working calendar of a year",
)
async def show_calendar(
    year: Annotated[int, Path(ge=YEAR_MIN, le=YEAR_MAX)], session: Session
) -> CalendarOut:
    """Weekdays that are off and weekend days that are worked. Provisional until it is decreed."""
    return await work_calendar.show_year(session, year=year)


@router.get(
    "/green-channel",
    responses=problems(FieldRefused),
    summary="How the green channel was kept in a quarter",
)
async def show_green_channel(
    session: Session,
    now: Now,
    quarter: Annotated[
        str,
        Query(
            pattern=shape(r"^20[0-9]{2}-Q[1-4]$", say("must be a quarter, such as 2026-Q3")),
            description="Such as 2026-Q3.",
        ),
    ],
) -> PublicGreenChannelOut:
    """The whole region and a whole quarter; a figure behind which too few firms stand is null."""
    return await green_channel.show_public(session, quarter=quarter, now=now)


@router.get("/ledger/roots", summary="Daily roots of the ledger's hash chain")
async def list_ledger_roots(
    session: Session, limit: Limit = 50, before: Day | None = None
) -> LedgerRootsOut:
    """One hash per business day over the whole history of the ledger up to its end.

    Whoever keeps one can later prove that no transfer, entry or account up to that day was
    rewritten: `zhirong verify --journal FILE --root HASH`, or the stand-alone script that
    docs/ledger.md describes.
    """
    roots = await sealing.list_roots(session, limit=limit, before=before)
    return LedgerRootsOut(
        items=[LedgerRootOut.model_validate(root) for root in roots],
        next=roots[-1].business_on if len(roots) == limit else None,
    )
