"""What eligibility asks about a firm: its own figures, and the marks the authority sets on it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.core.messages import Pair, all_of, say
from app.identifiers.enterprise_size import find_industry
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import FirmProfile, Organisation
from app.schemas.organisations import FirmProfileIn
from app.services import outbox, rules
from app.services.actor import Actor


class NoProfile(NotFound):
    message = "The firm has not entered its profile yet."


def visible_profiles(actor: Actor) -> Select[Any]:
    """The firm's own profile; the authority sees all. What lenders see is another use case."""
    profiles = select(FirmProfile)
    if actor.is_staff:
        return profiles
    return profiles.where(FirmProfile.firm_id == actor.organisation_id)


async def put_profile(
    session: AsyncSession, *, actor: Actor, profile: FirmProfileIn, now: datetime
) -> FirmProfile:
    """Enter or replace the firm's profile; the authority's marks stay.

    FieldRefused for an unknown industry or field, or a date to come.
    """
    actor.must_be(OrganisationKind.ENTERPRISE)
    today = business_date(now)
    industry = find_industry(profile.industry)
    if profile.field is not None:
        fields = await rules.get(session, "key_industries", on=today)
        if profile.field not in fields:
            known = all_of(Pair(code, f"{code}（{fields[code]}）") for code in sorted(fields))
            raise FieldRefused("field", say("is none of {known}", known=known))
    if profile.registered_on > today:
        raise FieldRefused("registered_on", say("lies in the future"))
    if profile.credit_authorised_on is not None and profile.credit_authorised_on > today:
        raise FieldRefused("credit_authorised_on", say("lies in the future"))
    values = {**dict(profile), "industry": industry.code, "updated_at": now}
    await session.execute(
        insert(FirmProfile)
        .values(firm_id=actor.organisation_id, dishonest=False, abnormal=False, **values)
        .on_conflict_do_update(index_elements=["firm_id"], set_=values)
    )
    return await session.get_one(FirmProfile, actor.organisation_id, populate_existing=True)


async def get_profile(session: AsyncSession, *, actor: Actor, firm_id: UUID) -> FirmProfile:
    """A firm's profile, or NoProfile."""
    profile: FirmProfile | None = await session.scalar(
        visible_profiles(actor).where(FirmProfile.firm_id == firm_id)
    )
    if profile is None:
        raise NoProfile
    return profile


async def set_marks(
    session: AsyncSession,
    *,
    actor: Actor,
    firm_id: UUID,
    dishonest: bool,
    abnormal: bool,
    now: datetime,
) -> FirmProfile:
    """Record what public registers say: 失信被执行人 (dishonest), 经营异常名录 (abnormal)."""
    actor.must_be(OrganisationKind.AUTHORITY)
    firm = select(Organisation.id).where(
        Organisation.id == firm_id, Organisation.kind == OrganisationKind.ENTERPRISE
    )
    if await session.scalar(firm) is None:
        raise NotFound
    profile: FirmProfile | None = await session.scalar(
        visible_profiles(actor)
        .where(FirmProfile.firm_id == firm_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if profile is None:
        raise NoProfile
    profile.dishonest, profile.abnormal, profile.updated_at = dishonest, abnormal, now
    outbox.announce(session, "firm.marked", firm_id, organisation_id=firm_id, now=now)
    return profile
