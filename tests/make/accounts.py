"""People who can really sign in, API clients, and the forms that organisations sign up with."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.parties import Level, OrganisationKind
from app.models.accounts import ApiClient, User
from app.models.organisations import Organisation
from app.schemas.organisations import SignUpIn
from app.services import passwords, tokens
from app.services.actor import Actor, as_platform
from app.services.passwords import Chosen
from tests.make.parties import make_uscc

PASSWORD = "correct horse battery"


def sign_up_form(**changes: Any) -> dict[str, Any]:
    """A firm's sign-up, as JSON."""
    uscc = make_uscc()
    return {
        "kind": "enterprise",
        "uscc": uscc,
        "name": "宁夏示例新材料有限公司",
        "email": f"{uscc.lower()}@example.com",
        "manager_name": "张三",
        "password": PASSWORD,
    } | changes


def make_form(**changes: Any) -> SignUpIn:
    return SignUpIn.model_validate(sign_up_form(**changes))


async def chosen(password: str = PASSWORD) -> Chosen:
    return await passwords.choose(password)


async def make_user(
    session: AsyncSession,
    organisation: Organisation,
    *,
    password: str = PASSWORD,
    level: Level = Level.MANAGER,
) -> User:
    """A user who knows a password."""
    user = User(
        organisation_id=organisation.id,
        email=f"{make_uscc().lower()}@example.com",
        name="李四",
        password_hash=(await chosen(password)).hash,
        level=level,
    )
    async with as_platform(session):
        session.add(user)
        await session.flush()
    return user


def actor_of(organisation: Organisation, user: User) -> Actor:
    return Actor(organisation.id, organisation.kind, user.level, user_id=user.id)


async def make_client_actor(
    session: AsyncSession, manager: Actor, *scopes: str, secret: str = "s" * 43
) -> Actor:
    """An API client of the manager's organisation, as the actor its token makes."""
    assert manager.user_id is not None
    client = ApiClient(
        organisation_id=manager.organisation_id,
        name="核心系统",
        secret_hash=tokens.digest_of(secret),
        scopes=sorted(scopes),
        created_by=manager.user_id,
    )
    session.add(client)
    await session.flush()
    return Actor(
        manager.organisation_id,
        OrganisationKind(manager.kind),
        Level.MANAGER,
        verified=manager.verified,
        client_id=client.id,
        scopes=frozenset(scopes),
    )
