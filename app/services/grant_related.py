"""On record for grants: recognitions of organisations, and which firms are one group."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.grants.measure import Measure
from app.grants.measure_files import find_version
from app.lifecycle.parties import OrganisationKind
from app.models.grants import FirmRelation, Recognition
from app.models.organisations import Organisation
from app.schemas.grants import RecognitionIn, RelationIn
from app.services import grant_rules, outbox
from app.services.actor import Actor, as_platform
from app.services.constraints import refusing

GROUP_MAX = 200
"""More firms than any group here has; a bound for the walk."""


class RecognisedAlready(Conflict):
    message = "The organisation is recognised under this number already."


async def recognise(
    session: AsyncSession,
    *,
    actor: Actor,
    data: RecognitionIn,
    measures: Mapping[int, Measure],
    now: datetime,
) -> Recognition:
    """Record a designation or accreditation; its facts are those of the measure that day."""
    actor.must_be(OrganisationKind.AUTHORITY)
    rules = find_version(data.measure, data.recognised_on, measures)
    grant_rules.check_facts(rules, data.facts)
    if data.recognised_on > business_date(now):
        raise FieldRefused("recognised_on", say("lies in the future"))
    await _must_exist(session, "organisation_id", data.organisation_id)
    row = Recognition(
        id=new_id(),
        **dict(data),
        recorded_by=grant_rules.person(actor),
        recorded_at=now,
    )
    async with refusing(session, {"uq_recognitions_key": RecognisedAlready()}):
        session.add(row)
    outbox.announce(
        session, "grant.recognised", row.id, organisation_id=row.organisation_id, now=now
    )
    return row


async def end_recognition(
    session: AsyncSession, *, actor: Actor, recognition_id: UUID, now: datetime
) -> Recognition:
    """It fills no application in any more."""
    actor.must_be(OrganisationKind.AUTHORITY)
    row = await session.get(Recognition, recognition_id, with_for_update=True)
    if row is None:
        raise NotFound
    if row.ended_on is None:
        row.ended_on = business_date(now)
    await session.flush()
    return row


async def list_recognitions(
    session: AsyncSession,
    *,
    actor: Actor,
    measure: int | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Recognition]:
    """One's own, newest first; the authority sees all."""
    rows = select(Recognition).order_by(Recognition.id.desc()).limit(limit)
    if not actor.is_staff:
        rows = rows.where(Recognition.organisation_id == actor.organisation_id)
    if measure is not None:
        rows = rows.where(Recognition.measure == measure)
    if after is not None:
        rows = rows.where(Recognition.id < after)
    return (await session.scalars(rows)).all()


async def relate(
    session: AsyncSession, *, actor: Actor, data: RelationIn, now: datetime
) -> FirmRelation:
    """Two organisations belong to one group; said again it changes nothing."""
    actor.must_be(OrganisationKind.AUTHORITY)
    if data.firm_id == data.related_id:
        raise FieldRefused("related_id", say("is the same organisation"))
    for field in ("firm_id", "related_id"):
        await _must_exist(session, field, getattr(data, field))
    first, second = sorted((data.firm_id, data.related_id))
    values = {
        "firm_id": first,
        "related_id": second,
        "ground": data.ground,
        "recorded_by": grant_rules.person(actor),
        "recorded_at": now,
    }
    await session.execute(insert(FirmRelation).values(values).on_conflict_do_nothing())
    return await session.get_one(FirmRelation, (first, second))


async def group_of(session: AsyncSession, organisation_id: UUID) -> set[UUID]:
    """Every organisation that is related to this one, over others too; it is itself among them."""
    found, fresh = {organisation_id}, {organisation_id}
    async with as_platform(session):
        while fresh and len(found) < GROUP_MAX:
            pairs = await session.execute(
                select(FirmRelation.firm_id, FirmRelation.related_id)
                .where(FirmRelation.firm_id.in_(fresh) | FirmRelation.related_id.in_(fresh))
                .limit(GROUP_MAX)
            )
            fresh = {one for pair in pairs for one in pair} - found
            found |= fresh
    return found


async def _must_exist(session: AsyncSession, field: str, organisation_id: UUID) -> None:
    if await session.get(Organisation, organisation_id) is None:
        raise FieldRefused(field, say("is no organisation here"))
