"""What an endpoint may ask for: a session, an actor, the time."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from app.core.clock import business_date
from app.core.db import snapshots
from app.core.messages import say
from app.core.money import Money
from app.grants.measure import Measure
from app.grants.measure_files import MEASURES
from app.schemas.base import shape
from app.services import tokens
from app.services.actor import Actor, bind

SESSION_COOKIE = "zhirong_session"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One request, one transaction: commit if the endpoint returns, roll back if it raises.

    A keyed POST has opened the transaction already (keyed.py) and commits it itself.
    """
    if (session := getattr(request.state, "session", None)) is not None:
        yield session
        return
    async with request.app.state.sessions.begin() as session:
        yield session


# scope="function" commits before the response leaves; the default would commit after it.
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]


def unauthenticated(detail: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="zhirong"'})


def presented_token(request: Request) -> str:
    """The bearer token, or the browser's session cookie. A foreign site cannot use the cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not token:
            raise unauthenticated(say("The Authorization header must be: Bearer <token>."))
        return token
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        raise unauthenticated(say("Sign in, or send a bearer token."))
    if request.method not in SAFE_METHODS:
        refuse_foreign_origin(request)
    return token


def refuse_foreign_origin(request: Request) -> None:
    """Fetch Metadata, and Origin for browsers that lack it: no cross-site request forgery."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    if site not in {"same-origin", "none"} or (origin is not None and origin != own):
        raise HTTPException(403, say("The request comes from another site."))


async def authenticate(request: Request, session: AsyncSession) -> Actor:
    """Who presents the request's token; also binds row-level security to them. 401 if nobody."""
    actor = await tokens.authenticate(session, presented_token(request))
    if actor is None:
        raise unauthenticated(say("The token is unknown, expired or revoked."))
    return actor


async def get_actor(request: Request, session: Session) -> Actor:
    if (actor := getattr(request.state, "actor", None)) is not None:
        assert isinstance(actor, Actor)
        return actor
    return await authenticate(request, session)


CurrentActor = Annotated[Actor, Depends(get_actor, scope="function")]


async def get_snapshot(
    request: Request, actor: CurrentActor, session: Session
) -> AsyncIterator[AsyncSession]:
    """The actor's session in one snapshot, so that sums agree with what they sum; reads only.

    The request's own transaction is over by then.
    """
    await session.commit()
    async with snapshots(request.app.state.sessions).begin() as snapshot:
        await bind(snapshot, actor)
        yield snapshot


Snapshot = Annotated[AsyncSession, Depends(get_snapshot, scope="function")]


DEMO_DAYS = "Zhirong-Demo-Days"
_DAYS = re.compile(r"[0-9]{1,3}")


def get_now(request: Request) -> datetime:
    """The time; where a demo was asked for by name, as many days later as the caller says.

    Its notices and years would take as long as real ones otherwise.
    """
    now = datetime.now(UTC)
    days = request.headers.get(DEMO_DAYS, "")
    if request.app.state.settings.demo and _DAYS.fullmatch(days):
        return now + timedelta(days=int(days))
    return now


Now = Annotated[datetime, Depends(get_now)]


def get_today(now: Now) -> date:
    return business_date(now)


Today = Annotated[date, Depends(get_today)]


def get_measures(request: Request) -> Mapping[int, Measure]:
    """The measures of the policy, and those of this installation."""
    measures: Mapping[int, Measure] = getattr(request.app.state, "measures", MEASURES)
    return measures


Measures = Annotated[Mapping[int, Measure], Depends(get_measures)]

Limit = Annotated[int, Query(ge=1, le=200, description="At most this many, 1–200.")]


def read_amount(
    amount: Annotated[
        str | None,
        Query(
            pattern=shape(
                r"^[0-9]{1,11}(\.[0-9]{1,2})?$",
                say("must be yuan with at most two places, such as 2000000.00"),
            ),
            description="Yuan, such as 2000000.00.",
        ),
    ] = None,
) -> Money | None:
    return None if amount is None else Money.yuan(amount)


# FastAPI looks for a type like Money in the body unless a dependency reads it from the query.
QueryAmount = Annotated[Money | None, Depends(read_amount)]
