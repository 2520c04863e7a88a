"""Who is acting: the person or program behind a use case, and what it may do."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Forbidden
from app.core.messages import either_of
from app.lifecycle.parties import Level, OrganisationKind
from app.services.names import NAMES


@dataclass(eq=False)
class KindRefused(Forbidden):
    message = "This is for the {allowed}, not for the {kind}."

    kind: OrganisationKind
    allowed: list[OrganisationKind]

    def words(self) -> Mapping[str, Any]:
        allowed = either_of(NAMES[kind] for kind in self.allowed)
        return {"kind": NAMES[self.kind], "allowed": allowed}


class ManagerNeeded(Forbidden):
    message = "Only a manager of the organisation may do this."


class NotVerified(Forbidden):
    message = "The authority has not verified your organisation yet."


@dataclass(eq=False)
class ScopeMissing(Forbidden):
    message = "The API client lacks the scope {scope}."

    scope: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in user (``user_id``) or an API client (``client_id``) of one organisation."""

    organisation_id: UUID
    kind: OrganisationKind
    level: Level = Level.MEMBER
    verified: bool = True
    user_id: UUID | None = None
    client_id: UUID | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)

    def must_be(
        self, *kinds: OrganisationKind, manager: bool = False, verified: bool = True
    ) -> None:
        """Raise unless the actor's organisation is one of ``kinds`` (and they manage it).

        Firms work from sign-up on; every other kind only after the authority verified it.
        """
        if self.kind not in kinds:
            raise KindRefused(self.kind, list(kinds))
        if verified and not self.verified and self.kind is not OrganisationKind.ENTERPRISE:
            raise NotVerified
        if manager and self.level is not Level.MANAGER:
            raise ManagerNeeded

    @property
    def is_staff(self) -> bool:
        """Whether the actor sees the whole region: the authority, or the platform itself."""
        return self.kind in {OrganisationKind.AUTHORITY, OrganisationKind.SYSTEM}


SYSTEM = Actor(organisation_id=UUID(int=0), kind=OrganisationKind.SYSTEM, level=Level.MANAGER)
"""The platform itself: jobs and the shell act as this."""


NOBODY = Actor(organisation_id=UUID(int=0), kind=OrganisationKind.ENTERPRISE, verified=False)
"""Whoever has not signed in: owns nothing and sees no tenant's rows."""


async def bind(session: AsyncSession, actor: Actor) -> None:
    """Tell row-level security who is acting, for the length of the transaction.

    This is also the transaction's first statement, so that BEGIN has been sent before anything
    is enqueued on the raw connection.
    """
    await session.execute(
        text("SELECT set_config('app.org', :org, true), set_config('app.kind', :kind, true)"),
        {"org": str(actor.organisation_id), "kind": actor.kind.value},
    )


@asynccontextmanager
async def as_platform(session: AsyncSession) -> AsyncIterator[None]:
    """Look beyond what the actor may see, for the length of the block; refuse or aggregate only.

    An error needs no undoing: the savepoint or transaction that it ends restores the settings.
    """
    acting = await session.execute(
        text("SELECT current_setting('app.org', true), current_setting('app.kind', true)")
    )
    organisation, kind = acting.one()
    await bind(session, SYSTEM)
    yield
    await session.execute(
        text("SELECT set_config('app.org', :org, true), set_config('app.kind', :kind, true)"),
        {"org": organisation or "", "kind": kind or ""},
    )
