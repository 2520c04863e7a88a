"""API clients get tokens for the scopes they were given, until they are revoked."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import Level, OrganisationKind, OrganisationStatus
from app.models.accounts import ApiClient
from app.models.organisations import Organisation
from app.services import clients, tokens
from app.services.accounts import ForPeople
from app.services.actor import Actor, ManagerNeeded
from app.services.clients import MEANINGS, Scope, ScopeRefused, TooManyClients, UnknownClient
from tests.make.accounts import make_client_actor
from tests.make.parties import make_actor, make_organisation

TWO = frozenset({Scope.QUOTES_READ, Scope.QUOTES_WRITE})


@pytest.fixture
async def bank(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.BANK)


@pytest.fixture
async def manager(session: AsyncSession, bank: Organisation) -> Actor:
    return await make_actor(session, bank)


async def create(
    session: AsyncSession, actor: Actor, now: datetime, scopes: frozenset[str] = TWO
) -> tuple[ApiClient, str]:
    return await clients.create_client(
        session, actor=actor, name="核心系统", scopes=scopes, now=now
    )


def test_every_scope_says_what_it_means() -> None:
    assert MEANINGS.keys() == set(Scope)


class TestCreateClient:
    async def test_keeps_only_a_hash_of_the_secret(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        client, secret = await create(session, manager, now)

        assert client.scopes == ["quotes:read", "quotes:write"]
        assert client.secret_hash == tokens.digest_of(secret)
        assert len(secret) == 43

    async def test_gives_no_scope_that_does_not_exist(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match=r"scopes: all:write is none of claims:read"):
            await create(session, manager, now, frozenset({"all:write"}))

    async def test_is_for_managing_people(
        self, session: AsyncSession, bank: Organisation, manager: Actor, now: datetime
    ) -> None:
        member = await make_actor(session, bank, level=Level.MEMBER)
        program = await make_client_actor(session, manager, *Scope)

        for actor, error in ((member, ManagerNeeded), (program, ForPeople)):
            with pytest.raises(error):
                await create(session, actor, now)

    async def test_stops_at_a_number(
        self,
        session: AsyncSession,
        manager: Actor,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(clients, "CLIENTS_MAX", 2)
        first, _ = await create(session, manager, now)
        await create(session, manager, now)
        with pytest.raises(TooManyClients):
            await create(session, manager, now)

        await clients.revoke_client(session, actor=manager, client_id=first.id, now=now)

        await create(session, manager, now)


class TestGrantToken:
    async def test_carries_all_scopes_or_those_asked_for(
        self, session: AsyncSession, manager: Actor
    ) -> None:
        now = datetime.now().astimezone()
        client, secret = await create(session, manager, now)

        for asked in (None, frozenset({"quotes:read"})):
            granted = await clients.grant_token(
                session, client_id=client.id, secret=secret, scopes=asked, now=now
            )

            assert granted.lifetime == timedelta(hours=1)
            await session.flush()
            actor = await tokens.authenticate(session, granted.token)
            assert actor is not None
            assert actor.client_id == client.id
            assert actor.scopes == (asked or TWO)

    async def test_refuses_more_than_the_client_was_given(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        client, secret = await create(session, manager, now)

        with pytest.raises(ScopeRefused, match="loans:write"):
            await clients.grant_token(
                session,
                client_id=client.id,
                secret=secret,
                scopes=frozenset({"quotes:read", "loans:write"}),
                now=now,
            )

    async def test_refuses_the_wrong_the_unknown_and_the_suspended(
        self, session: AsyncSession, bank: Organisation, manager: Actor, now: datetime
    ) -> None:
        client, secret = await create(session, manager, now)

        for client_id, tried in ((client.id, "wrong"), (new_id(), secret)):
            with pytest.raises(UnknownClient):
                await clients.grant_token(
                    session, client_id=client_id, secret=tried, scopes=None, now=now
                )
        bank.status = OrganisationStatus.SUSPENDED
        with pytest.raises(UnknownClient):
            await clients.grant_token(
                session, client_id=client.id, secret=secret, scopes=None, now=now
            )


class TestRevokeClient:
    async def test_ends_its_tokens_and_grants_no_more(
        self, session: AsyncSession, manager: Actor
    ) -> None:
        now = datetime.now().astimezone()
        client, secret = await create(session, manager, now)
        granted = await clients.grant_token(
            session, client_id=client.id, secret=secret, scopes=None, now=now
        )

        for at in (now, now + timedelta(hours=1)):  # the second time changes nothing
            revoked = await clients.revoke_client(
                session, actor=manager, client_id=client.id, now=at
            )
            assert revoked.revoked_at == now

        assert await tokens.authenticate(session, granted.token) is None
        with pytest.raises(UnknownClient):
            await clients.grant_token(
                session, client_id=client.id, secret=secret, scopes=None, now=now
            )

    async def test_is_not_for_others(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        client, _ = await create(session, manager, now)
        other = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))

        with pytest.raises(NotFound):
            await clients.revoke_client(session, actor=other, client_id=client.id, now=now)
        assert await clients.list_clients(session, actor=other, limit=9) == []


async def test_clients_are_listed_newest_first(
    session: AsyncSession, manager: Actor, now: datetime
) -> None:
    made = [(await create(session, manager, now))[0] for _ in range(3)]

    first = await clients.list_clients(session, actor=manager, limit=2)
    rest = await clients.list_clients(session, actor=manager, limit=2, after=first[-1].id)

    assert [*first, *rest] == made[::-1]
