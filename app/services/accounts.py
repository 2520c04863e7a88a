"""People of an organisation: who they are, signing in, being locked out, leaving."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.messages import say
from app.lifecycle.parties import Level, OrganisationStatus
from app.models.accounts import User
from app.models.organisations import Organisation
from app.services import outbox, rules, tokens
from app.services.actor import SYSTEM, Actor, ManagerNeeded, as_platform, bind


@dataclass(eq=False)
class Taken(Conflict):
    """A value that must be unique on the platform belongs to somebody already."""

    message = "{field}: {reason}"

    field: str
    reason: str


class ForPeople(Forbidden):
    message = "Only a person who is signed in may do this, not an API client."


class LastManager(Conflict):
    message = "This is the organisation's last manager; make another one first."


class ShutOut(Forbidden):
    """The person is who they say, and may not come in. Told only for the right password."""


class UserDisabled(ShutOut):
    message = "Your access was ended by a manager of your organisation."


class OrganisationSuspended(ShutOut):
    message = "Your organisation is suspended; ask the authority."


@dataclass(frozen=True, slots=True)
class SignedIn:
    user: User
    organisation: Organisation
    token: str
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """Why nobody was signed in: too many wrong passwords, or a right one of somebody shut out.

    Neither: the password is wrong, or nobody has the address.
    """

    locked_until: datetime | None = None
    shut_out: ShutOut | None = None


def managing_person(actor: Actor) -> UUID:
    """The manager behind ``actor``: a program decides neither about people nor about programs."""
    if actor.user_id is None:
        raise ForPeople
    if actor.level is not Level.MANAGER:
        raise ManagerNeeded
    return actor.user_id


def visible_users(actor: Actor) -> Select[Any]:
    """The people of the actor's organisation; the authority sees everybody."""
    users = select(User)
    if actor.is_staff:
        return users
    return users.where(User.organisation_id == actor.organisation_id)


async def find_user(session: AsyncSession, *, email: str) -> User | None:
    """Who has the address, to check a password against. Says nothing about the password."""
    async with as_platform(session):  # an address belongs to one person of the whole platform
        user: User | None = await session.scalar(select(User).where(User.email == email))
    return user


async def conclude_sign_in(
    session: AsyncSession, *, user_id: UUID, right: bool, now: datetime
) -> SignedIn | SignInRefused:
    """Count a wrong password, or open a session for a right one.

    A refusal is an answer and not an error: the caller commits it, or the count would be lost.
    Under the user's row lock, so that guesses sent at once are counted one by one.
    """
    await bind(session, SYSTEM)  # whoever signs in is nobody yet
    rule = await rules.get(session, "security", on=business_date(now))
    user = await session.get_one(User, user_id, with_for_update=True, populate_existing=True)
    if user.locked_until is not None and user.locked_until > now:
        return SignInRefused(user.locked_until)
    if not right:
        user.failures += 1
        if user.failures < rule["failures_max"]:
            return SignInRefused()
        user.failures, user.locked_until = 0, now + timedelta(minutes=rule["lock_minutes"])
        outbox.announce(
            session, "user.locked", user.id, organisation_id=user.organisation_id, now=now
        )
        return SignInRefused(user.locked_until)
    organisation = await session.get_one(Organisation, user.organisation_id)
    if user.disabled_at is not None:
        return SignInRefused(shut_out=UserDisabled())
    if organisation.status is OrganisationStatus.SUSPENDED:
        return SignInRefused(shut_out=OrganisationSuspended())
    user.failures, user.locked_until = 0, None
    lifetime = timedelta(hours=rule["session_hours"])
    token = tokens.issue(
        session, organisation_id=organisation.id, user_id=user.id, lifetime=lifetime, now=now
    )
    return SignedIn(user, organisation, token, lifetime)


async def create_user(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    email: str,
    name: str,
    password_hash: str,
    level: Level,
    now: datetime,
) -> User:
    """A new person of an organisation, or Taken: an address belongs to one person only."""
    user_id = await session.scalar(
        insert(User)
        .values(
            id=new_id(),
            organisation_id=organisation_id,
            email=email,
            name=name,
            password_hash=password_hash,
            level=level,
            failures=0,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(User.id)
    )
    if user_id is None:
        raise Taken("email", say("a user with this e-mail address exists"))
    return await session.get_one(User, user_id)


async def list_users(
    session: AsyncSession,
    *,
    actor: Actor,
    organisation_id: UUID,
    limit: int,
    after: UUID | None = None,
) -> Sequence[User]:
    """The people of an organisation, in the order they came. Others than the authority: own."""
    statement = (
        visible_users(actor)
        .where(User.organisation_id == organisation_id)
        .order_by(User.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(User.id > after)
    return (await session.scalars(statement)).all()


async def disable_user(
    session: AsyncSession, *, actor: Actor, user_id: UUID, now: datetime
) -> User:
    """Shut a colleague out and end their sessions; never the last manager."""
    managing_person(actor)
    # The organisation's row guards the count: two managers cannot disable each other at once.
    await session.get_one(Organisation, actor.organisation_id, with_for_update=True)
    user: User | None = await session.scalar(
        visible_users(actor)
        .where(User.id == user_id, User.organisation_id == actor.organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if user is None:
        raise NotFound
    if user.disabled_at is not None:
        return user
    if user.level is Level.MANAGER:
        managers = await session.scalar(
            select(func.count())
            .select_from(User)
            .where(
                User.organisation_id == actor.organisation_id,
                User.level == Level.MANAGER,
                User.disabled_at.is_(None),
            )
        )
        if managers == 1:
            raise LastManager
    user.disabled_at = now
    await tokens.revoke_of_user(session, user.id, now=now)
    outbox.announce(
        session, "user.disabled", user.id, organisation_id=user.organisation_id, now=now
    )
    return user
