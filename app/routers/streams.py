"""Live streams (server-sent events): how many at once, and that they end with the service."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from app.core.errors import NotFound
from app.core.messages import say
from app.routers.deps import CurrentActor, Session
from app.schemas.figures import QuotaEvent
from app.services import park_views, quota_feed
from app.services.quota_feed import QuotaFeed

RETRY_MS = 2000
"""When a browser comes back after the end of a stream."""
RETRY_AFTER_S = 30


async def take_place(request: Request) -> AsyncIterator[QuotaFeed]:
    """One of the process's places for the length of the response; 429 when all are taken."""
    state = request.app.state
    if state.streams >= state.settings.streams_max:
        raise HTTPException(
            429,
            say("Too many streams are open; come back later."),
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    state.streams += 1
    try:
        yield state.quota_feed
    finally:
        state.streams -= 1


async def read_all(session: Session) -> list[QuotaEvent]:
    """Every account as it is, read before the stream begins and the request's session ends."""
    return await quota_feed.read_quota(session)


async def read_own(actor: CurrentActor, session: Session) -> list[QuotaEvent]:
    """The account of the park that the actor runs; NotFound without one."""
    park = await park_views.find_park(session, actor=actor)
    quotas = await quota_feed.read_quota(session, park_code=park.code)
    if not quotas:
        raise NotFound
    return quotas


# The scope of the request: the place is given back when the last byte is out.
Feed = Annotated[QuotaFeed, Depends(take_place)]
AllQuotas = Annotated[list[QuotaEvent], Depends(read_all, scope="function")]
OwnQuota = Annotated[list[QuotaEvent], Depends(read_own, scope="function")]
