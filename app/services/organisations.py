"""Organisations: signing up, being verified, suspended and reinstated by the authority."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.identifiers.identifier import IdentifierKind, identify
from app.lifecycle.parties import (
    ORGANISATION,
    GuarantorType,
    Level,
    OrganisationEvent,
    OrganisationKind,
    OrganisationStatus,
)
from app.models.accounts import User
from app.models.organisations import Organisation, Park
from app.schemas.organisations import SignUpIn
from app.services import guarantors, history, outbox, passwords, tokens
from app.services.accounts import Taken, create_user
from app.services.actor import SYSTEM, Actor, bind
from app.services.names import NAMES
from app.services.passwords import Chosen
from app.services.reference import REGION

NOBODYS_DOMAIN = ".invalid"
"""Addresses that can belong to nobody (RFC 2606): organisations under them are invented."""

_FIRST_AUTHORITY_LOCK = 7_204_119


class AuthorityExists(Conflict):
    message = "An authority exists already; its managers invite further people."


class AuthorityStands(Conflict):
    message = "An authority cannot be suspended."


@dataclass(eq=False)
class NoSuchFirm(NotFound):
    message = "No firm has signed up with the credit code {uscc}."

    uscc: str


def visible_organisations(actor: Actor) -> Select[Any]:
    """The actor's own organisation; the authority sees all."""
    organisations = select(Organisation)
    if actor.is_staff:
        return organisations
    return organisations.where(Organisation.id == actor.organisation_id)


def read_uscc(value: str) -> str:
    """The unified social credit code in its stored form, or FieldRefused with the reason."""
    answer = identify(IdentifierKind.USCC, value)
    if answer.normalised is None:
        raise FieldRefused("uscc", answer.reason or say("is not a unified social credit code"))
    return answer.normalised


async def sign_up(
    session: AsyncSession, *, form: SignUpIn, password: Chosen, now: datetime
) -> Organisation:
    """Enter an organisation and its first manager. Taken or FieldRefused name the field.

    Firms work at once; every other kind waits for the authority's verification.
    """
    uscc = read_uscc(form.uscc)
    _check_kind(form)
    passwords.check_choice(password, email=form.email)
    if form.park_code is not None:
        await check_park(session, form.park_code)
    await bind(session, SYSTEM)  # nobody is signed in yet
    organisation, manager = await _enter(
        session,
        kind=form.kind,
        uscc=uscc,
        name=form.name,
        guarantor_type=form.guarantor_type,
        park_code=form.park_code,
        manager_email=form.email,
        manager_name=form.manager_name,
        password_hash=password.hash,
        now=now,
    )
    actor = Actor(
        organisation.id, organisation.kind, Level.MANAGER, verified=False, user_id=manager.id
    )
    history.begin(session, organisation, ORGANISATION, actor=actor, now=now)
    outbox.announce(session, "organisation.signed_up", organisation.id, now=now)
    await session.flush()
    return organisation


def _check_kind(form: SignUpIn) -> None:
    """Raise FieldRefused for a kind that nobody signs up as, or facts of another kind."""
    if form.kind in {OrganisationKind.AUTHORITY, OrganisationKind.SYSTEM}:
        raise FieldRefused("kind", say("no {kind} signs up", kind=NAMES[form.kind]))
    for field, value, owner in (
        ("guarantor_type", form.guarantor_type, OrganisationKind.GUARANTOR),
        ("park_code", form.park_code, OrganisationKind.PARK),
    ):
        if (value is not None) is not (form.kind is owner):
            needed = (
                say("is missing")
                if value is None
                else say("is for a {kind} only", kind=NAMES[owner])
            )
            raise FieldRefused(field, needed)


async def first_authority(
    session: AsyncSession, *, uscc: str, name: str, email: str, password: Chosen, now: datetime
) -> Organisation:
    """The authority that verifies everybody else, made from the shell; AuthorityExists if any."""
    code = read_uscc(uscc)
    passwords.check_choice(password, email=email)
    await session.execute(
        text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _FIRST_AUTHORITY_LOCK}
    )
    authority = select(Organisation.id).where(Organisation.kind == OrganisationKind.AUTHORITY)
    if await session.scalar(authority.limit(1)) is not None:
        raise AuthorityExists
    organisation, _ = await _enter(
        session,
        kind=OrganisationKind.AUTHORITY,
        uscc=code,
        name=name,
        guarantor_type=None,
        park_code=None,
        manager_email=email,
        manager_name=name,
        password_hash=password.hash,
        now=now,
    )
    history.begin(session, organisation, ORGANISATION, actor=SYSTEM, now=now)
    history.move(
        session, organisation, ORGANISATION, OrganisationEvent.VERIFY, actor=SYSTEM, now=now
    )
    await session.flush()
    return organisation


async def has_demo(session: AsyncSession) -> bool:
    """Whether any organisation is invented."""
    found = await session.scalar(select(Organisation.id).where(Organisation.demo).limit(1))
    return found is not None


async def check_park(session: AsyncSession, code: str) -> None:
    """Raise FieldRefused unless ``code`` is a park; the regional account is none."""
    if code == REGION or await session.get(Park, code) is None:
        raise FieldRefused(
            "park_code", say("is not the code of a park; GET /v1/public/parks lists them")
        )


async def _enter(
    session: AsyncSession,
    *,
    kind: OrganisationKind,
    uscc: str,
    name: str,
    guarantor_type: GuarantorType | None,
    park_code: str | None,
    manager_email: str,
    manager_name: str,
    password_hash: str,
    now: datetime,
) -> tuple[Organisation, User]:
    organisation_id = await session.scalar(
        insert(Organisation)
        .values(
            id=new_id(),
            kind=kind,
            uscc=uscc,
            name=name,
            status=OrganisationStatus.PENDING,
            guarantor_type=guarantor_type,
            park_code=park_code,
            demo=manager_email.endswith(NOBODYS_DOMAIN),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["uscc"])
        .returning(Organisation.id)
    )
    if organisation_id is None:
        raise Taken("uscc", say("an organisation with this code is registered"))
    manager = await create_user(
        session,
        organisation_id=organisation_id,
        email=manager_email,
        name=manager_name,
        password_hash=password_hash,
        level=Level.MANAGER,
        now=now,
    )
    return await session.get_one(Organisation, organisation_id), manager


async def get_organisation(
    session: AsyncSession, *, actor: Actor, organisation_id: UUID
) -> Organisation:
    organisation: Organisation | None = await session.scalar(
        visible_organisations(actor).where(Organisation.id == organisation_id)
    )
    if organisation is None:
        raise NotFound
    return organisation


async def list_organisations(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    status: OrganisationStatus | None = None,
    kind: OrganisationKind | None = None,
    after: UUID | None = None,
) -> Sequence[Organisation]:
    """Organisations by status and kind, the ones waiting longest first."""
    actor.must_be(OrganisationKind.AUTHORITY)
    statement = visible_organisations(actor).order_by(Organisation.id).limit(limit)
    if status is not None:
        statement = statement.where(Organisation.status == status)
    if kind is not None:
        statement = statement.where(Organisation.kind == kind)
    if after is not None:
        statement = statement.where(Organisation.id > after)
    return (await session.scalars(statement)).all()


async def verify(
    session: AsyncSession, *, actor: Actor, organisation_id: UUID, now: datetime
) -> Organisation:
    """Let an organisation work. A guarantor's limit is opened, with nothing in it yet."""
    organisation = await _move(
        session, OrganisationEvent.VERIFY, actor=actor, organisation_id=organisation_id, now=now
    )
    if organisation.kind is OrganisationKind.GUARANTOR:
        await guarantors.open_accounts(session, guarantor_id=organisation.id)
    return organisation


async def suspend(
    session: AsyncSession, *, actor: Actor, organisation_id: UUID, now: datetime
) -> Organisation:
    """Shut an organisation out: every token of its people and programs ends now."""
    organisation = await _move(
        session, OrganisationEvent.SUSPEND, actor=actor, organisation_id=organisation_id, now=now
    )
    await tokens.revoke_of_organisation(session, organisation.id, now=now)
    return organisation


async def reinstate(
    session: AsyncSession, *, actor: Actor, organisation_id: UUID, now: datetime
) -> Organisation:
    """Let a suspended organisation back in as it was before; its people sign in anew."""
    verified = await history.has_happened(session, organisation_id, OrganisationEvent.VERIFY)
    event = OrganisationEvent.REINSTATE if verified else OrganisationEvent.READMIT
    return await _move(session, event, actor=actor, organisation_id=organisation_id, now=now)


async def _move(
    session: AsyncSession,
    event: OrganisationEvent,
    *,
    actor: Actor,
    organisation_id: UUID,
    now: datetime,
) -> Organisation:
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    organisation: Organisation | None = await session.scalar(
        visible_organisations(actor)
        .where(Organisation.id == organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if organisation is None:
        raise NotFound
    if organisation.kind is OrganisationKind.AUTHORITY:
        raise AuthorityStands
    history.move(session, organisation, ORGANISATION, event, actor=actor, now=now)
    outbox.announce(
        session,
        f"organisation.{event.value}",
        organisation.id,
        organisation_id=organisation.id,
        now=now,
    )
    return organisation


async def actor_of_firm(session: AsyncSession, *, uscc: str) -> Actor:
    """The shell acting for the firm with this credit code; NoSuchFirm if there is none."""
    firm = await session.scalar(
        select(Organisation.id).where(
            Organisation.uscc == read_uscc(uscc), Organisation.kind == OrganisationKind.ENTERPRISE
        )
    )
    if firm is None:
        raise NoSuchFirm(uscc)
    return Actor(organisation_id=firm, kind=OrganisationKind.ENTERPRISE)
