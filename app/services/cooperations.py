"""Cooperation agreements: who may stand beside whom in one package. Recorded by both sides."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import either_of, say
from app.lifecycle.parties import LENDERS, OrganisationKind, OrganisationStatus
from app.models.organisations import Cooperation, Organisation
from app.services import outbox
from app.services.actor import Actor
from app.services.names import NAMES


class CooperationExists(Conflict):
    message = "These two have an agreement, or one is proposed; end it first."


class CooperationEnded(Conflict):
    message = "The agreement has ended."


class OwnProposal(Forbidden):
    message = "The other side confirms what you proposed."


def visible_cooperations(actor: Actor) -> Select[Any]:
    """The agreements of the actor's organisation; the authority sees all."""
    cooperations = select(Cooperation)
    if actor.is_staff:
        return cooperations
    own = actor.organisation_id
    return cooperations.where(or_(Cooperation.bank_id == own, Cooperation.partner_id == own))


async def list_institutions(
    session: AsyncSession, *, limit: int, after: UUID | None = None
) -> Sequence[Organisation]:
    """The verified banks, insurers and guarantors: public knowledge, to find a partner by."""
    statement = (
        select(Organisation)
        .where(Organisation.kind.in_(LENDERS), Organisation.status == OrganisationStatus.VERIFIED)
        .order_by(Organisation.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Organisation.id > after)
    return (await session.scalars(statement)).all()


async def propose(
    session: AsyncSession,
    *,
    actor: Actor,
    counterpart_id: UUID,
    agreement_number: str,
    signed_on: date,
    now: datetime,
) -> Cooperation:
    """Record an agreement between a bank and a guarantor or insurer, for the other to confirm."""
    actor.must_be(*LENDERS)
    if signed_on > business_date(now):
        raise FieldRefused("signed_on", say("lies in the future"))
    counterpart = await session.get(Organisation, counterpart_id)
    by_bank = actor.kind is OrganisationKind.BANK
    wanted = set(LENDERS) - {OrganisationKind.BANK} if by_bank else {OrganisationKind.BANK}
    if (
        counterpart is None
        or counterpart.kind not in wanted
        or counterpart.status is not OrganisationStatus.VERIFIED
    ):
        names = either_of(NAMES[kind] for kind in sorted(wanted))
        raise FieldRefused("counterpart_id", say("is not a verified {names}", names=names))
    own = actor.organisation_id
    cooperation_id = await session.scalar(
        insert(Cooperation)
        .values(
            id=new_id(),
            bank_id=own if by_bank else counterpart_id,
            partner_id=counterpart_id if by_bank else own,
            agreement_number=agreement_number,
            signed_on=signed_on,
            proposed_by=own,
        )
        .on_conflict_do_nothing(
            index_elements=["bank_id", "partner_id"], index_where=text("ended_on IS NULL")
        )
        .returning(Cooperation.id)
    )
    if cooperation_id is None:
        raise CooperationExists
    outbox.announce(
        session, "cooperation.proposed", cooperation_id, organisation_id=counterpart_id, now=now
    )
    return await session.get_one(Cooperation, cooperation_id)


async def confirm(
    session: AsyncSession, *, actor: Actor, cooperation_id: UUID, now: datetime
) -> Cooperation:
    """The other side says so too: in force from now on. Confirming again changes nothing."""
    actor.must_be(*LENDERS)
    cooperation = await _lock(session, actor, cooperation_id)
    if cooperation.proposed_by == actor.organisation_id:
        raise OwnProposal
    if cooperation.ended_on is not None:
        raise CooperationEnded
    if cooperation.confirmed_at is None:
        cooperation.confirmed_at = now
        _tell(session, cooperation, "confirmed", now)
    return cooperation


async def end(
    session: AsyncSession, *, actor: Actor, cooperation_id: UUID, now: datetime
) -> Cooperation:
    """Either side ends it, or turns a proposal down. Packages accepted before stay as they are."""
    actor.must_be(*LENDERS)
    cooperation = await _lock(session, actor, cooperation_id)
    if cooperation.ended_on is not None:
        raise CooperationEnded
    cooperation.ended_on = business_date(now)
    _tell(session, cooperation, "ended", now)
    return cooperation


def _tell(session: AsyncSession, cooperation: Cooperation, what: str, now: datetime) -> None:
    sides = (cooperation.bank_id, cooperation.partner_id)
    outbox.announce_to(session, sides, f"cooperation.{what}", cooperation.id, now=now)


async def list_cooperations(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[Cooperation]:
    """The organisation's agreements, newest first, ended ones too."""
    actor.must_be(*LENDERS)
    statement = visible_cooperations(actor).order_by(Cooperation.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Cooperation.id < after)
    return (await session.scalars(statement)).all()


async def _lock(session: AsyncSession, actor: Actor, cooperation_id: UUID) -> Cooperation:
    cooperation: Cooperation | None = await session.scalar(
        visible_cooperations(actor)
        .where(Cooperation.id == cooperation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if cooperation is None:
        raise NotFound
    return cooperation
