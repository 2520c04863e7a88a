"""A real PostgreSQL: one database per process, one transaction per test, rolled back at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import NullPool

from app.core import migrating
from app.core.db import Sessions, connect
from app.core.settings import Settings
from app.main import create_app
from app.routers import deps
from app.services import reference, tokens
from app.services.actor import SYSTEM, Actor, bind
from tests import postgres
from tests.make.parties import NOW

# How long one example takes says something of the machine, and nothing of the code.
hypothesis.settings.register_profile("timeless", deadline=None)
hypothesis.settings.load_profile("timeless")


def _fill(owner_url: str, app_url: str) -> None:
    """The template: every migration, and the reference data every installation starts with."""
    migrating.upgrade(owner_url, app_url=app_url)

    async def load() -> None:
        async with connect(app_url) as sessions, sessions.begin() as session:
            await reference.load(session)

    asyncio.run(load())


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """This process's database: the app role's URL."""
    postgres.template_database(_fill)
    name = f"test_{uuid4().hex}"
    yield postgres.clone(name)[1]
    postgres.drop(name)


@pytest.fixture
def fresh_database() -> Iterator[str]:
    """A database for one test that needs real commits: races, jobs, the whole service."""
    postgres.template_database(_fill)
    name = f"fresh_{uuid4().hex}"
    yield postgres.clone(name)[1]
    postgres.drop(name)


@pytest.fixture(scope="session")
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database, poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session that acts as the platform; what a use case does in it is undone afterwards."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            await bind(session, SYSTEM)
            yield session
        await outer.rollback()


@pytest.fixture
def sessions(session: AsyncSession) -> Sessions:
    """For code that opens its own transactions: they become savepoints of the test's."""
    return async_sessionmaker(
        session.bind, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database,
        data_dir=tmp_path,
        documents_url=(tmp_path / "documents").as_uri(),
        calculator_rate=0,
        stream_seconds=0,  # a stream tells what is, and ends
    )


@pytest.fixture
def app(sessions: Sessions, settings: Settings, now: datetime) -> FastAPI:
    """The service on the test's own transaction and clock."""
    app = create_app(settings)
    app.state.sessions = sessions
    app.dependency_overrides[deps.get_now] = lambda: now
    return app


@pytest.fixture
def client_of(app: FastAPI, session: AsyncSession) -> "Callable[[Actor | None], ActorClient]":
    """Open an HTTP client that acts as the given actor, by a real token; None is anonymous."""

    def open_client(actor: Actor | None) -> ActorClient:
        return ActorClient(app, session, actor)

    return open_client


class ActorClient:
    """``async with client_of(actor) as client``: every POST gets a fresh Idempotency-Key."""

    def __init__(self, app: FastAPI, session: AsyncSession, actor: Actor | None) -> None:
        self._app, self._session, self._actor = app, session, actor

    async def __aenter__(self) -> httpx.AsyncClient:
        headers = {}
        if self._actor is not None:
            await bind(self._session, SYSTEM)
            token = tokens.issue(
                self._session,
                organisation_id=self._actor.organisation_id,
                user_id=self._actor.user_id,
                client_id=self._actor.client_id,
                scopes=self._actor.scopes,
                lifetime=timedelta(days=3650),
                now=NOW,
            )
            await self._session.flush()
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app, raise_app_exceptions=False),
            base_url="http://test",
            headers=headers,
            event_hooks={"request": [_add_key]},
        )
        return await self._client.__aenter__()

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.__aexit__()
        # What the requests wrote is read afresh, as the platform.
        self._session.expire_all()
        await bind(self._session, SYSTEM)


async def _add_key(request: httpx.Request) -> None:
    if request.method == "POST" and "Idempotency-Key" not in request.headers:
        request.headers["Idempotency-Key"] = str(uuid4())
