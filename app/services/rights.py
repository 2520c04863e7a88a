"""IP rights of a firm: stated, corrected, listed; and who else owns, uses or holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, exists, false, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.identifiers.rights import Register, RightKind, register_of
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, DealRight
from app.models.financing import IdentityConsent, RequestRight
from app.models.organisations import Organisation
from app.models.rights import CoOwner, Encumbrance, Licence, Right
from app.schemas.rights import CoOwnerIn, EncumbranceIn, LicenceIn, RightIn
from app.services import documents, outbox, right_fields
from app.services.actor import Actor
from app.services.constraints import refusing

WHOLE_PCT = 100
NUMBER_UNIQUE = "uq_rights_jurisdiction_register_number"


@dataclass(eq=False)
class RightTaken(Conflict):
    """Says the number, never whose it is."""

    message = "The number {number} is already registered on the platform."

    number: str


@dataclass(eq=False)
class RightPledged(Conflict):
    message = "The right {number} is pledged for a live deal; it cannot be rewritten."

    number: str


class NotAPatent(Conflict):
    message = "Only patents have annual fees."


def visible_rights(actor: Actor) -> Select[Right]:
    """Rights ``actor`` may see: a firm its own, a lender those of its deals and of consents."""
    rights = select(Right)
    org = actor.organisation_id
    match actor.kind:
        case OrganisationKind.ENTERPRISE:
            return rights.where(Right.owner_id == org)
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return rights
        case OrganisationKind.BANK | OrganisationKind.INSURER | OrganisationKind.GUARANTOR:
            in_deal = exists().where(
                DealRight.right_id == Right.id,
                Deal.id == DealRight.deal_id,
                or_(Deal.bank_id == org, Deal.guarantor_id == org, Deal.insurer_id == org),
            )
            consented = exists().where(
                RequestRight.right_id == Right.id,
                IdentityConsent.request_id == RequestRight.request_id,
                IdentityConsent.institution_id == org,
            )
            return rights.where(or_(in_deal, consented))
        case OrganisationKind.PARK | OrganisationKind.AGENCY:
            return rights.where(false())


def is_demo(owner_id: UUID) -> ScalarSelect[bool]:
    """Whether the owner is invented, and so whatever it states is."""
    return select(Organisation.demo).where(Organisation.id == owner_id).scalar_subquery()


async def create_right(
    session: AsyncSession, *, actor: Actor, stated: RightIn, now: datetime
) -> Right:
    """A new right of the actor's firm; RightTaken if the number stands anywhere already."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    fields = right_fields.read(stated, today=business_date(now))
    right: Right | None = await session.scalar(
        insert(Right)
        .values(
            id=new_id(),
            owner_id=actor.organisation_id,
            source="manual",
            demo=is_demo(actor.organisation_id),
            updated_at=now,
            **fields,
        )
        .on_conflict_do_nothing(constraint=NUMBER_UNIQUE)
        .returning(Right)
    )
    if right is None:
        raise RightTaken(fields["number"])
    outbox.announce(session, "right.created", right.id, organisation_id=right.owner_id, now=now)
    return right


async def correct_right(
    session: AsyncSession, *, actor: Actor, right_id: UUID, stated: RightIn, now: datetime
) -> Right:
    """Rewrite a right as a whole; RightPledged while a live deal holds it.

    What the register announced (ended, preserved) is moved by events only.
    """
    right = await lock_right(session, actor=actor, right_id=right_id)
    if await is_locked(session, right.id):
        raise RightPledged(right.number)
    fields = right_fields.read(stated, today=business_date(now))
    async with refusing(session, {NUMBER_UNIQUE: RightTaken(fields["number"])}):
        for name, value in fields.items():
            setattr(right, name, value)
        right.updated_at = now
    return right


async def list_rights(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    after: UUID | None = None,
    kind: RightKind | None = None,
    register: Register | None = None,
    number: str | None = None,
) -> Sequence[Right]:
    """The rights the actor may see, newest first."""
    statement = visible_rights(actor).order_by(Right.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Right.id < after)
    if kind is not None:
        statement = statement.where(Right.kind == kind)
    if register is not None:
        statement = statement.where(Right.register == register)
    if number is not None:
        statement = statement.where(Right.number == number)
    return (await session.scalars(statement)).all()


async def get_right(session: AsyncSession, *, actor: Actor, right_id: UUID) -> Right:
    """The right with co-owners, licences, encumbrances and events loaded."""
    right: Right | None = await session.scalar(
        visible_rights(actor)
        .where(Right.id == right_id)
        .options(
            selectinload(Right.co_owners),
            selectinload(Right.licences),
            selectinload(Right.encumbrances),
            selectinload(Right.events),
        )
        .execution_options(populate_existing=True)
    )
    if right is None:
        raise NotFound
    return right


async def lock_right(
    session: AsyncSession, *, actor: Actor, right_id: UUID, staff: bool = False
) -> Right:
    """The firm's own right, locked until the transaction ends; for ``staff`` anybody's too."""
    actor.must_be(OrganisationKind.ENTERPRISE, *([OrganisationKind.AUTHORITY] if staff else []))
    right: Right | None = await session.scalar(
        visible_rights(actor)
        .where(Right.id == right_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if right is None:
        raise NotFound
    return right


async def is_locked(session: AsyncSession, right_id: UUID) -> bool:
    """Whether a live deal holds the right."""
    held = exists().where(DealRight.right_id == right_id, DealRight.released_at.is_(None))
    return bool(await session.scalar(select(held)))


async def add_co_owner(
    session: AsyncSession, *, actor: Actor, right_id: UUID, stated: CoOwnerIn, now: datetime
) -> CoOwner:
    """A further owner; naming one again completes it, for example with its consent document."""
    right = await lock_right(session, actor=actor, right_id=right_id)
    if stated.consent_document_id is not None:
        await _must_see(session, actor, stated.consent_document_id)
    uscc = None if stated.uscc is None else right_fields.read_uscc(stated.uscc)
    values = stated.model_dump() | {"uscc": uscc}
    statement = insert(CoOwner).values(id=new_id(), right_id=right.id, **values)
    given = {
        name: statement.excluded[name]
        for name in ("uscc", "share_pct", "consent_document_id")
        if values[name] is not None
    }
    co_owner: CoOwner | None = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["right_id", "name"], set_=given or {"name": statement.excluded.name}
        )
        .returning(CoOwner)
        .execution_options(populate_existing=True)
    )
    assert co_owner is not None
    shares = await session.scalar(
        select(func.sum(CoOwner.share_pct)).where(CoOwner.right_id == right.id)
    )
    if shares is not None and shares > WHOLE_PCT:
        raise FieldRefused("share_pct", say("the co-owners' shares come to more than 100 %"))
    right.updated_at = now
    return co_owner


async def _must_see(session: AsyncSession, actor: Actor, document_id: UUID) -> None:
    try:
        await documents.get_document(session, actor=actor, document_id=document_id)
    except NotFound:
        raise FieldRefused("consent_document_id", say("is no document of yours")) from None


async def add_licence(
    session: AsyncSession, *, actor: Actor, right_id: UUID, stated: LicenceIn, now: datetime
) -> Licence:
    """A licence in force or to come."""
    right = await lock_right(session, actor=actor, right_id=right_id)
    _must_be_ordered(stated.starts_on, stated.ends_on)
    return _add(session, right, Licence(right_id=right.id, **stated.model_dump()), now=now)


async def add_encumbrance(
    session: AsyncSession, *, actor: Actor, right_id: UUID, stated: EncumbranceIn, now: datetime
) -> Encumbrance:
    """A burden the register shows that was not made on this platform."""
    right = await lock_right(session, actor=actor, right_id=right_id)
    _must_be_ordered(stated.starts_on, stated.ends_on)
    return _add(session, right, Encumbrance(right_id=right.id, **stated.model_dump()), now=now)


def _must_be_ordered(starts_on: date, ends_on: date | None) -> None:
    if ends_on is not None and ends_on < starts_on:
        raise FieldRefused("ends_on", say("is before starts_on, {starts_on}", starts_on=starts_on))


RowT = TypeVar("RowT", bound=Any)


def _add(session: AsyncSession, right: Right, row: RowT, *, now: datetime) -> RowT:
    row.id = new_id()
    session.add(row)
    right.updated_at = now
    return row


async def record_annuity(
    session: AsyncSession, *, actor: Actor, right_id: UUID, paid_through_year: int, now: datetime
) -> Right:
    """Through which patent year the annual fees are paid."""
    right = await lock_right(session, actor=actor, right_id=right_id)
    if register_of(right.kind) is not Register.PATENTS:
        raise NotAPatent
    right.annuity_paid_through_year = paid_through_year
    right.updated_at = now
    return right
