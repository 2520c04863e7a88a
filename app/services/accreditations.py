"""Who may appraise: agencies that the authority accredits, each until a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import Text, say
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.appraisals import Accreditation
from app.models.organisations import Organisation
from app.schemas.appraisals import AccreditationIn, AppraiserOut
from app.services import history, outbox
from app.services.actor import Actor

SUBJECT = "accreditation"


@dataclass(eq=False)
class NotAccredited(Conflict):
    message = "{name} may not appraise: {reason}"

    name: str
    reason: str


class RevokedAlready(Conflict):
    message = "The accreditation is revoked already."


async def accredit(
    session: AsyncSession,
    *,
    actor: Actor,
    appraiser_id: UUID,
    stated: AccreditationIn,
    now: datetime,
) -> Accreditation:
    """The authority accredits a verified agency from a day to a day."""
    actor.must_be(OrganisationKind.AUTHORITY)
    agency = await session.get(Organisation, appraiser_id)
    if agency is None or agency.kind is not OrganisationKind.AGENCY:
        raise NotFound
    if agency.status is not OrganisationStatus.VERIFIED:
        raise NotAccredited(agency.name, say("the authority has not verified the organisation"))
    if stated.expires_on < stated.starts_on:
        raise FieldRefused("expires_on", say("is before {day}", day=stated.starts_on))
    if stated.expires_on < business_date(now):
        raise FieldRefused("expires_on", say("is in the past"))
    granted = Accreditation(
        id=new_id(),
        appraiser_id=agency.id,
        granted_by=actor.organisation_id,
        granted_at=now,
        **dict(stated),
    )
    session.add(granted)
    await session.flush()
    history.note(session, SUBJECT, granted.id, "grant", actor=actor, now=now)
    outbox.announce(session, "appraiser.accredited", granted.id, organisation_id=agency.id, now=now)
    return granted


async def revoke(
    session: AsyncSession, *, actor: Actor, accreditation_id: UUID, reason: str, now: datetime
) -> Accreditation:
    """End an accreditation at once; reports delivered under it keep what they say."""
    actor.must_be(OrganisationKind.AUTHORITY)
    found: Accreditation | None = await session.scalar(
        select(Accreditation)
        .where(Accreditation.id == accreditation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    if found.revoked_at is not None:
        raise RevokedAlready
    found.revoked_at, found.revocation = now, reason
    history.note(session, SUBJECT, found.id, "revoke", actor=actor, now=now)
    outbox.announce(
        session, "appraiser.revoked", found.id, organisation_id=found.appraiser_id, now=now
    )
    return found


async def list_accreditations(
    session: AsyncSession, *, actor: Actor, appraiser_id: UUID
) -> Sequence[Accreditation]:
    """Every accreditation an agency ever had, newest first, at most 200."""
    actor.must_be(OrganisationKind.AUTHORITY)
    found = await session.scalars(
        select(Accreditation)
        .where(Accreditation.appraiser_id == appraiser_id)
        .order_by(Accreditation.id.desc())
        .limit(200)
    )
    return found.all()


def _in_force(on: date) -> Select[Accreditation]:
    return select(Accreditation).where(
        Accreditation.starts_on <= on,
        Accreditation.expires_on >= on,
        Accreditation.revoked_at.is_(None),
    )


async def list_appraisers(
    session: AsyncSession, *, on: date, limit: int, after: UUID | None = None
) -> list[AppraiserOut]:
    """Whom one may order from on the day ``on``, by id; each with its last day."""
    in_force = _in_force(on).subquery()
    statement = (
        select(Organisation.id, Organisation.name, in_force.c.certificate_number)
        .add_columns(in_force.c.expires_on)
        .join(in_force, in_force.c.appraiser_id == Organisation.id)
        .where(Organisation.status == OrganisationStatus.VERIFIED)
        .ext(distinct_on(Organisation.id))
        .order_by(Organisation.id, in_force.c.expires_on.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Organisation.id > after)
    return [AppraiserOut.model_validate(row) for row in await session.execute(statement)]


async def must_be_accredited(session: AsyncSession, appraiser_id: UUID, *, on: date) -> None:
    """NotAccredited, with the reason in words, unless the agency may appraise on the day ``on``."""
    agency = await session.get(Organisation, appraiser_id, populate_existing=True)
    if agency is None or agency.kind is not OrganisationKind.AGENCY:
        raise FieldRefused("appraiser_id", say("is no appraiser; GET /v1/appraisers lists them"))
    if agency.status is not OrganisationStatus.VERIFIED:
        raise NotAccredited(agency.name, say("the authority has not verified the organisation"))
    if await session.scalar(_in_force(on).where(Accreditation.appraiser_id == agency.id)) is None:
        raise NotAccredited(agency.name, await _why_not(session, agency.id, on))


async def _why_not(session: AsyncSession, appraiser_id: UUID, on: date) -> Text:
    last: Accreditation | None = await session.scalar(
        select(Accreditation)
        .where(Accreditation.appraiser_id == appraiser_id)
        .order_by(Accreditation.expires_on.desc(), Accreditation.id.desc())
        .limit(1)
    )
    if last is None:
        return say("the authority has never accredited it")
    if last.revoked_at is not None:
        return say("its accreditation was revoked on {day}", day=business_date(last.revoked_at))
    if last.starts_on > on:
        return say("its accreditation begins on {day}", day=last.starts_on)
    return say("its accreditation ended on {day}", day=last.expires_on)
