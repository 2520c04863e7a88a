"""Whether a firm belongs to a park: the firm claims it, the park certifies it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.lifecycle.parties import MEMBERSHIP, MembershipEvent, MembershipStatus, OrganisationKind
from app.models.organisations import Organisation, ParkMembership
from app.services import history, outbox
from app.services.actor import Actor
from app.services.organisations import check_park


class AlreadyClaimed(Conflict):
    message = "The firm has claimed a park, or belongs to one; a firm has one park at a time."


def visible_memberships(actor: Actor) -> Select[Any]:
    """A firm sees its own, a park those in it, the authority all."""
    memberships = select(ParkMembership)
    if actor.is_staff:
        return memberships
    if actor.kind is OrganisationKind.PARK:
        run = select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
        return memberships.where(ParkMembership.park_code == run.scalar_subquery())
    return memberships.where(ParkMembership.firm_id == actor.organisation_id)


async def claim(
    session: AsyncSession, *, actor: Actor, park_code: str, now: datetime
) -> ParkMembership:
    """The firm says that it lies in a park. FieldRefused for an unknown one, AlreadyClaimed."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    await check_park(session, park_code)
    membership_id = await session.scalar(
        insert(ParkMembership)
        .values(
            id=new_id(),
            firm_id=actor.organisation_id,
            park_code=park_code,
            status=MembershipStatus.CLAIMED,
            claimed_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["firm_id"], index_where=text("status IN ('claimed', 'certified')")
        )
        .returning(ParkMembership.id)
    )
    if membership_id is None:
        raise AlreadyClaimed
    membership = await session.get_one(ParkMembership, membership_id)
    history.begin(session, membership, MEMBERSHIP, actor=actor, now=now)
    outbox.announce(session, "membership.claimed", membership.id, now=now)
    return membership


async def list_memberships(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    status: MembershipStatus | None = None,
    after: UUID | None = None,
) -> Sequence[tuple[ParkMembership, Organisation]]:
    """Memberships and their firms, oldest claim first."""
    statement = (
        visible_memberships(actor)
        .join(Organisation, Organisation.id == ParkMembership.firm_id)
        .add_columns(Organisation)
        .order_by(ParkMembership.id)
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(ParkMembership.status == status)
    if after is not None:
        statement = statement.where(ParkMembership.id > after)
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def certify(
    session: AsyncSession, *, actor: Actor, membership_id: UUID, now: datetime
) -> ParkMembership:
    """The park confirms that the firm lies in it; its quota carries the firm's loans from now."""
    actor.must_be(OrganisationKind.PARK)
    return await _decide(
        session, MembershipEvent.CERTIFY, actor=actor, membership_id=membership_id, now=now
    )


async def refuse(
    session: AsyncSession, *, actor: Actor, membership_id: UUID, now: datetime
) -> ParkMembership:
    """The park says that the firm does not lie in it."""
    actor.must_be(OrganisationKind.PARK)
    return await _decide(
        session, MembershipEvent.REFUSE, actor=actor, membership_id=membership_id, now=now
    )


async def end(
    session: AsyncSession, *, actor: Actor, membership_id: UUID, now: datetime
) -> ParkMembership:
    """The firm has moved away: said by the park or by the firm. Deals made stay where they are."""
    actor.must_be(OrganisationKind.PARK, OrganisationKind.ENTERPRISE)
    return await _decide(
        session, MembershipEvent.END, actor=actor, membership_id=membership_id, now=now
    )


async def _decide(
    session: AsyncSession,
    event: MembershipEvent,
    *,
    actor: Actor,
    membership_id: UUID,
    now: datetime,
) -> ParkMembership:
    membership: ParkMembership | None = await session.scalar(
        visible_memberships(actor)
        .where(ParkMembership.id == membership_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if membership is None:
        raise NotFound
    history.move(session, membership, MEMBERSHIP, event, actor=actor, now=now)
    membership.decided_at = now
    outbox.announce(
        session,
        f"membership.{membership.status.value}",
        membership.id,
        organisation_id=membership.firm_id,
        now=now,
    )
    return membership
