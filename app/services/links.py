"""One-time links: joining by a colleague's invitation, and setting a forgotten password."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import NotFound
from app.core.messages import say
from app.lifecycle.parties import Level
from app.models.accounts import Invitation, PasswordReset, User
from app.services import outbox, passwords, rules, tokens
from app.services.accounts import Taken, create_user, find_user, managing_person, visible_users
from app.services.actor import SYSTEM, Actor, bind
from app.services.passwords import Chosen


class LinkUnusable(NotFound):
    message = "The link is unknown, was used, or has expired; ask for a new one."


async def invite(
    session: AsyncSession, *, actor: Actor, email: str, level: Level, now: datetime
) -> tuple[Invitation, str]:
    """Ask a colleague in: the invitation, and the token that goes into its link."""
    inviter = managing_person(actor)
    if await find_user(session, email=email) is not None:
        raise Taken("email", say("a user with this e-mail address exists"))
    rule = await rules.get(session, "security", on=business_date(now))
    token = tokens.new_token()
    invitation = Invitation(
        id=new_id(),
        organisation_id=actor.organisation_id,
        email=email,
        level=level,
        digest=tokens.digest_of(token),
        invited_by=inviter,
        expires_at=now + timedelta(days=rule["invitation_days"]),
    )
    session.add(invitation)
    await session.flush()
    return invitation, token


async def accept_invitation(
    session: AsyncSession, *, token: str, name: str, password: Chosen, now: datetime
) -> User:
    """Become a user by an invitation's token, once. LinkUnusable, Taken or FieldRefused."""
    await bind(session, SYSTEM)  # only the link says who comes
    invitation = await session.scalar(
        select(Invitation)
        .where(
            Invitation.digest == tokens.digest_of(token),
            Invitation.accepted_at.is_(None),
            Invitation.expires_at > now,
        )
        .with_for_update()
    )
    if invitation is None:
        raise LinkUnusable
    passwords.check_choice(password, email=invitation.email)
    invitation.accepted_at = now
    user = await create_user(
        session,
        organisation_id=invitation.organisation_id,
        email=invitation.email,
        name=name,
        password_hash=password.hash,
        level=invitation.level,
        now=now,
    )
    outbox.announce(session, "user.joined", user.id, organisation_id=user.organisation_id, now=now)
    return user


async def issue_reset(
    session: AsyncSession, *, actor: Actor, user_id: UUID, now: datetime
) -> tuple[PasswordReset, str]:
    """A token by which a user sets a new password; handed over by a manager or the authority."""
    managing_person(actor)
    user = await session.scalar(visible_users(actor).where(User.id == user_id))
    if user is None:
        raise NotFound
    rule = await rules.get(session, "security", on=business_date(now))
    token = tokens.new_token()
    reset = PasswordReset(
        id=new_id(),
        user_id=user_id,
        digest=tokens.digest_of(token),
        expires_at=now + timedelta(hours=rule["reset_hours"]),
    )
    session.add(reset)
    # Whoever may set a password could act as the user: the organisation is told.
    outbox.announce(
        session, "user.reset_issued", user.id, organisation_id=user.organisation_id, now=now
    )
    await session.flush()
    return reset, token


async def use_reset(session: AsyncSession, *, token: str, password: Chosen, now: datetime) -> None:
    """Set a new password by a reset's token, once; ends every session and every other reset."""
    await bind(session, SYSTEM)  # only the link says who comes
    user = await session.scalar(
        select(User)
        .join(PasswordReset, PasswordReset.user_id == User.id)
        .where(
            PasswordReset.digest == tokens.digest_of(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > now,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if user is None:
        raise LinkUnusable
    passwords.check_choice(password, email=user.email)
    await session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    user.password_hash = password.hash
    user.failures, user.locked_until = 0, None
    await tokens.revoke_of_user(session, user.id, now=now)
    outbox.announce(
        session, "user.password_reset", user.id, organisation_id=user.organisation_id, now=now
    )
