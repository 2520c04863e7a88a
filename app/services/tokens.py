"""Access tokens: opaque, stored only as a hash, revocable at once; for browsers and API clients."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import Level, OrganisationKind
from app.models.accounts import AccessToken
from app.services.actor import Actor


def new_token() -> str:
    """256 random bits, safe in a URL, a header and a cookie."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    """What is stored of a token. So much randomness needs no slow hash."""
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
    token = new_token()
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


async def revoke(session: AsyncSession, token: str, *, now: datetime) -> None:
    """End one token; it opens nothing from now on."""
    await _revoke(session, AccessToken.digest == digest_of(token), now=now)


async def revoke_of_user(session: AsyncSession, user_id: UUID, *, now: datetime) -> None:
    await _revoke(session, AccessToken.user_id == user_id, now=now)


async def revoke_of_client(session: AsyncSession, client_id: UUID, *, now: datetime) -> None:
    await _revoke(session, AccessToken.client_id == client_id, now=now)


async def revoke_of_organisation(
    session: AsyncSession, organisation_id: UUID, *, now: datetime
) -> None:
    await _revoke(session, AccessToken.organisation_id == organisation_id, now=now)


async def _revoke(session: AsyncSession, whose: ColumnElement[bool], *, now: datetime) -> None:
    await session.execute(
        update(AccessToken)
        .where(whose, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
