"""Which park an actor looks at, and which firms have let their park name them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.exposures import ParkConsent
from app.models.organisations import Organisation, Park
from app.services import outbox
from app.services.actor import Actor


class AlreadyConsented(Conflict):
    message = "The firm has consented already."


def visible_parks(actor: Actor) -> Select[Park]:
    """The parks whose figures ``actor`` may see: a park its own, the authority all."""
    parks = select(Park)
    if actor.is_staff:
        return parks
    if actor.kind is not OrganisationKind.PARK:
        return parks.where(false())
    own = select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
    return parks.where(Park.code == own.scalar_subquery())


async def find_park(session: AsyncSession, *, actor: Actor, park_code: str | None = None) -> Park:
    """The park named, or the actor's own; NotFound unless visible."""
    parks = visible_parks(actor)
    if park_code is not None:
        parks = parks.where(Park.code == park_code)
    elif actor.is_staff:
        raise NotFound
    park: Park | None = await session.scalar(parks)
    if park is None:
        raise NotFound
    return park


async def names_of(session: AsyncSession, firm_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those of ``firm_ids`` that let their park see them."""
    if not firm_ids:
        return {}
    rows = await session.execute(
        select(Organisation.id, Organisation.name)
        .join(ParkConsent, ParkConsent.firm_id == Organisation.id)
        .where(Organisation.id.in_(firm_ids), ParkConsent.withdrawn_at.is_(None))
    )
    return {row.id: row.name for row in rows}


def visible_consents(actor: Actor) -> Select[ParkConsent]:
    """A firm's own consents."""
    return select(ParkConsent).where(ParkConsent.firm_id == actor.organisation_id)


async def list_consents(session: AsyncSession, *, actor: Actor) -> Sequence[ParkConsent]:
    """All the firm has given and withdrawn, the latest first."""
    rows = await session.scalars(visible_consents(actor).order_by(ParkConsent.id.desc()).limit(200))
    return rows.all()


async def consent(session: AsyncSession, *, actor: Actor, now: datetime) -> ParkConsent:
    """The firm lets its park see its name and contact where it is stuck or late."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    consent_id = await session.scalar(
        insert(ParkConsent)
        .values(id=new_id(), firm_id=actor.organisation_id, given_by=actor.user_id, given_at=now)
        .on_conflict_do_nothing(
            index_elements=["firm_id"], index_where=ParkConsent.withdrawn_at.is_(None)
        )
        .returning(ParkConsent.id)
    )
    if consent_id is None:
        raise AlreadyConsented
    outbox.announce(session, "park_consent.given", consent_id, now=now)
    return await session.get_one(ParkConsent, consent_id)


async def withdraw_consent(session: AsyncSession, *, actor: Actor, now: datetime) -> ParkConsent:
    """From now on the park sees no name; NotFound without a consent."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    found: ParkConsent | None = await session.scalar(
        visible_consents(actor)
        .where(ParkConsent.withdrawn_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    found.withdrawn_at, found.withdrawn_by = now, actor.user_id
    outbox.announce(session, "park_consent.withdrawn", found.id, now=now)
    await session.flush()
    return found
