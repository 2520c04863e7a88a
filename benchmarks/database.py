"""A throw-away service database: a durable embedded server, as an installation has it."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import migrating
from app.core.db import connect
from app.core.embedded import EmbeddedPostgres
from app.core.postgres_tools import shared_place
from app.lifecycle.parties import OrganisationKind
from app.services import reference, tokens
from app.services.actor import SYSTEM, bind
from tests.make.parties import make_actor, make_organisation


@dataclass(frozen=True, slots=True)
class Database:
    server: EmbeddedPostgres

    @property
    def environment(self) -> dict[str, str]:
        """What a service on this database is started with."""
        return {
            "ZHIRONG_DATABASE_URL": self.server.app_url(),
            "ZHIRONG_CALCULATOR_RATE": "0",
        }

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction that acts as the platform; committed at the end."""
        async with connect(self.server.app_url()) as sessions, sessions.begin() as session:
            await bind(session, SYSTEM)
            yield session

    async def sign_in(self, kind: OrganisationKind) -> str:
        """A bearer token of a new, verified organisation of ``kind``."""
        async with self.session() as session:
            actor = await make_actor(session, await make_organisation(session, kind))
            return tokens.issue(
                session,
                organisation_id=actor.organisation_id,
                user_id=actor.user_id,
                lifetime=timedelta(days=1),
                now=datetime.now(UTC),
            )


@contextlib.contextmanager
def database() -> Iterator[Database]:
    """Migrated, with reference data; removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="zhirong-bench-", dir=shared_place()))
    directory.chmod(0o755)
    server = EmbeddedPostgres(directory, settings={"shared_buffers": "512MB"})
    try:
        with server.owned():
            migrating.upgrade(server.owner_url(), app_url=server.app_url())
            ready = Database(server)
            asyncio.run(_load(ready))
            yield ready
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _load(ready: Database) -> None:
    async with ready.session() as session:
        await reference.load(session)
