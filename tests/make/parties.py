"""Organisations with valid codes, and actors who belong to them."""

import itertools
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.identifiers.uscc import check_character
from app.lifecycle.parties import (
    GuarantorType,
    Level,
    OrganisationKind,
    OrganisationStatus,
)
from app.models.accounts import User
from app.models.organisations import Organisation
from app.services.actor import Actor, as_platform

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""The morning of 2026-11-23 in Ningxia."""

_serials = itertools.count(1)


def make_uscc() -> str:
    """A valid, invented code of a firm in 平罗."""
    body = f"91640221MA{next(_serials):07d}"
    return body + check_character(body)


async def make_organisation(
    session: AsyncSession,
    kind: OrganisationKind,
    *,
    name: str = "",
    status: OrganisationStatus = OrganisationStatus.VERIFIED,
    guarantor_type: GuarantorType | None = None,
    park_code: str | None = None,
) -> Organisation:
    if kind is OrganisationKind.GUARANTOR and guarantor_type is None:
        guarantor_type = GuarantorType.GOVERNMENT
    organisation = Organisation(
        id=new_id(),
        kind=kind,
        uscc=make_uscc(),
        name=name or f"示例{kind.value}",
        status=status,
        guarantor_type=guarantor_type,
        park_code=park_code or ("PINGLUO" if kind is OrganisationKind.PARK else None),
    )
    async with as_platform(session):
        session.add(organisation)
        await session.flush()
    return organisation


async def make_actor(
    session: AsyncSession, organisation: Organisation, *, level: Level = Level.MANAGER
) -> Actor:
    """A user of ``organisation``, as a signed-in actor. Its password cannot be used."""
    user = User(
        id=new_id(),
        organisation_id=organisation.id,
        email=f"{new_id()}@example.test",
        name="测试用户",
        password_hash="!",
        level=level,
    )
    async with as_platform(session):
        session.add(user)
        await session.flush()
    return Actor(
        organisation_id=organisation.id,
        kind=organisation.kind,
        level=level,
        verified=organisation.status is OrganisationStatus.VERIFIED,
        user_id=user.id,
    )
