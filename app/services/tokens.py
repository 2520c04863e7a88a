"""Access tokens: opaque, stored only as a hash, revocable at once; for browsers and API clients."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import Level, OrganisationKind
from app.models.accounts import AccessToken
from app.services.actor import Actor


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def issue(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    user_id: UUID | None = None,
    client_id: UUID | None = None,
    scopes: frozenset[str] = frozenset(),
    lifetime: timedelta,
    now: datetime,
) -> str:
    """A new token for a user's session or an API client. Only its hash is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        AccessToken(
            digest=digest_of(token),
            organisation_id=organisation_id,
            user_id=user_id,
            client_id=client_id,
            scopes=sorted(scopes),
            expires_at=now + lifetime,
        )
    )
    return token


async def authenticate(session: AsyncSession, token: str) -> Actor | None:
    """Who ``token`` was issued to, if it is in force; binds row-level security in the same call."""
    row = (
        await session.execute(
            text("SELECT * FROM authenticate(:digest)"), {"digest": digest_of(token)}
        )
    ).one_or_none()
    if row is None:
        return None
    return Actor(
        organisation_id=row.organisation_id,
        kind=OrganisationKind(row.kind),
        level=Level(row.level),
        verified=row.verified,
        user_id=row.user_id,
        client_id=row.client_id,
        scopes=frozenset(row.scopes),
    )
