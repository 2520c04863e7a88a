"""People sign in, are locked out, join by invitation, reset passwords and leave."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, connect, new_id
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import Level, OrganisationKind, OrganisationStatus
from app.models.accounts import User
from app.models.organisations import Organisation
from app.services import accounts, links, passwords, tokens
from app.services.accounts import (
    ForPeople,
    LastManager,
    OrganisationSuspended,
    SignedIn,
    SignInRefused,
    Taken,
    UserDisabled,
)
from app.services.actor import Actor, ManagerNeeded
from app.services.links import LinkUnusable
from tests.make.accounts import PASSWORD, actor_of, chosen, make_client_actor, make_user
from tests.make.parties import make_actor, make_organisation

FOREVER = timedelta(days=3650)


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def manager(session: AsyncSession, firm: Organisation) -> Actor:
    return await make_actor(session, firm)


class TestPasswords:
    async def test_only_the_right_one_matches(self) -> None:
        stored = (await chosen()).hash

        assert await passwords.verify(PASSWORD, stored)
        assert not await passwords.verify(PASSWORD + " ", stored)

    async def test_nobody_and_a_hash_that_is_none_match_nothing(self) -> None:
        assert not await passwords.verify(PASSWORD, None)
        assert not await passwords.verify(PASSWORD, "!")

    async def test_a_letter_composed_otherwise_is_the_same_letter(self) -> None:
        stored = (await chosen("caf\u00e9 caf\u00e9")).hash

        assert await passwords.verify("cafe\u0301 cafe\u0301", stored)


class TestConcludeSignIn:
    async def test_a_right_password_opens_a_session(
        self, session: AsyncSession, firm: Organisation
    ) -> None:
        user = await make_user(session, firm)
        user.failures = 4
        now = datetime.now().astimezone()

        outcome = await accounts.conclude_sign_in(session, user_id=user.id, right=True, now=now)

        assert isinstance(outcome, SignedIn)
        assert outcome.lifetime == timedelta(hours=8)
        assert user.failures == 0
        await session.flush()
        actor = await tokens.authenticate(session, outcome.token)
        assert actor is not None
        assert (actor.user_id, actor.organisation_id) == (user.id, firm.id)

    async def test_five_wrong_ones_lock_for_a_quarter_of_an_hour(
        self, session: AsyncSession, firm: Organisation, now: datetime
    ) -> None:
        user = await make_user(session, firm)
        later = now + timedelta(minutes=15)

        outcomes = [
            await accounts.conclude_sign_in(session, user_id=user.id, right=False, now=now)
            for _ in range(5)
        ]

        assert outcomes == [SignInRefused()] * 4 + [SignInRefused(later)]
        # Even the right one is refused now, and works again when the time is over.
        assert await accounts.conclude_sign_in(
            session, user_id=user.id, right=True, now=later - timedelta(seconds=1)
        ) == SignInRefused(later)
        assert isinstance(
            await accounts.conclude_sign_in(session, user_id=user.id, right=True, now=later),
            SignedIn,
        )

    async def test_guesses_sent_at_once_are_all_counted(
        self, fresh_database: str, now: datetime
    ) -> None:
        async with connect(fresh_database, pool_size=8) as sessions:
            async with sessions.begin() as session:
                firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
                user = await make_user(session, firm)

            outcomes = await asyncio.gather(*(guess(sessions, user, now) for _ in range(8)))

        locked = SignInRefused(now + timedelta(minutes=15))
        assert outcomes.count(SignInRefused()) == 4
        assert outcomes.count(locked) == 4

    async def test_the_disabled_and_the_suspended_are_told_so_for_the_right_password_only(
        self, session: AsyncSession, firm: Organisation, now: datetime
    ) -> None:
        user = await make_user(session, firm)
        user.disabled_at = now
        suspended = await make_organisation(
            session, OrganisationKind.BANK, status=OrganisationStatus.SUSPENDED
        )
        banker = await make_user(session, suspended)

        for someone, told in ((user, UserDisabled), (banker, OrganisationSuspended)):
            wrong, right = [
                await accounts.conclude_sign_in(session, user_id=someone.id, right=right, now=now)
                for right in (False, True)
            ]
            assert wrong == SignInRefused()
            assert isinstance(right, SignInRefused)
            assert isinstance(right.shut_out, told)


async def guess(sessions: Sessions, user: User, now: datetime) -> SignedIn | SignInRefused:
    async with sessions.begin() as session:
        return await accounts.conclude_sign_in(session, user_id=user.id, right=False, now=now)


class TestInvitations:
    async def test_a_colleague_joins_once_at_the_level_given(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        invitation, token = await links.invite(
            session, actor=manager, email="li@firm.example", level=Level.MEMBER, now=now
        )
        assert invitation.expires_at == now + timedelta(days=7)

        user = await links.accept_invitation(
            session, token=token, name="李四", password=await chosen(), now=now
        )

        assert (user.organisation_id, user.level) == (manager.organisation_id, Level.MEMBER)
        assert await passwords.verify(PASSWORD, user.password_hash)
        with pytest.raises(LinkUnusable):
            await links.accept_invitation(
                session, token=token, name="李四", password=await chosen(), now=now
            )

    async def test_a_late_or_unknown_token_opens_nothing(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        _, token = await links.invite(
            session, actor=manager, email="late@firm.example", level=Level.MEMBER, now=now
        )

        for tried, at in ((token, now + timedelta(days=7)), ("unknown", now)):
            with pytest.raises(LinkUnusable):
                await links.accept_invitation(
                    session, token=tried, name="李四", password=await chosen(), now=at
                )

    async def test_the_address_must_be_free_when_invited_and_when_accepted(
        self, session: AsyncSession, firm: Organisation, manager: Actor, now: datetime
    ) -> None:
        user = await make_user(session, firm)
        with pytest.raises(Taken):
            await links.invite(
                session, actor=manager, email=user.email, level=Level.MEMBER, now=now
            )

        twice = [
            await links.invite(
                session, actor=manager, email="twice@firm.example", level=Level.MEMBER, now=now
            )
            for _ in range(2)
        ]
        await links.accept_invitation(
            session, token=twice[0][1], name="李四", password=await chosen(), now=now
        )
        with pytest.raises(Taken):
            await links.accept_invitation(
                session, token=twice[1][1], name="李四", password=await chosen(), now=now
            )

    async def test_the_password_is_not_the_address(
        self, session: AsyncSession, manager: Actor, now: datetime
    ) -> None:
        _, token = await links.invite(
            session, actor=manager, email="wang@firm.example", level=Level.MEMBER, now=now
        )

        with pytest.raises(FieldRefused):
            await links.accept_invitation(
                session,
                token=token,
                name="王五",
                password=await chosen("Wang@firm.example"),
                now=now,
            )

    async def test_members_and_programs_invite_nobody(
        self, session: AsyncSession, firm: Organisation, manager: Actor, now: datetime
    ) -> None:
        member = await make_actor(session, firm, level=Level.MEMBER)
        program = await make_client_actor(session, manager, "organisation:read")

        for actor, error in ((member, ManagerNeeded), (program, ForPeople)):
            with pytest.raises(error):
                await links.invite(
                    session, actor=actor, email="x@firm.example", level=Level.MEMBER, now=now
                )


class TestPasswordReset:
    async def test_sets_a_new_password_and_ends_every_session(
        self, session: AsyncSession, firm: Organisation, manager: Actor, now: datetime
    ) -> None:
        user = await make_user(session, firm)
        user.locked_until = now + timedelta(minutes=15)
        old = tokens.issue(
            session, organisation_id=firm.id, user_id=user.id, lifetime=FOREVER, now=now
        )
        _, first = await links.issue_reset(session, actor=manager, user_id=user.id, now=now)
        reset, second = await links.issue_reset(session, actor=manager, user_id=user.id, now=now)
        assert reset.expires_at == now + timedelta(hours=24)

        await links.use_reset(
            session, token=second, password=await chosen("another good one"), now=now
        )

        stored = await session.get_one(User, user.id)
        assert await passwords.verify("another good one", stored.password_hash)
        assert stored.locked_until is None
        assert await tokens.authenticate(session, old) is None
        for used in (first, second):
            with pytest.raises(LinkUnusable):
                await links.use_reset(session, token=used, password=await chosen(), now=now)

    async def test_the_authority_may_issue_one_for_anybody_and_strangers_for_nobody(
        self, session: AsyncSession, firm: Organisation, now: datetime
    ) -> None:
        user = await make_user(session, firm)
        office = await make_organisation(session, OrganisationKind.AUTHORITY)
        authority = await make_actor(session, office)
        stranger = await make_actor(
            session, await make_organisation(session, OrganisationKind.BANK)
        )

        _, token = await links.issue_reset(session, actor=authority, user_id=user.id, now=now)
        with pytest.raises(NotFound):
            await links.issue_reset(session, actor=stranger, user_id=user.id, now=now)

        with pytest.raises(LinkUnusable):
            await links.use_reset(
                session, token=token, password=await chosen(), now=now + timedelta(hours=24)
            )


class TestDisableUser:
    async def test_ends_their_sessions(
        self, session: AsyncSession, firm: Organisation, manager: Actor, now: datetime
    ) -> None:
        user = await make_user(session, firm, level=Level.MEMBER)
        token = tokens.issue(
            session, organisation_id=firm.id, user_id=user.id, lifetime=FOREVER, now=now
        )

        for _ in range(2):  # the second time changes nothing
            disabled = await accounts.disable_user(session, actor=manager, user_id=user.id, now=now)
            assert disabled.disabled_at == now

        assert await tokens.authenticate(session, token) is None

    async def test_keeps_the_last_manager(
        self, session: AsyncSession, firm: Organisation, manager: Actor, now: datetime
    ) -> None:
        assert manager.user_id is not None
        other = await make_user(session, firm)
        await accounts.disable_user(session, actor=manager, user_id=other.id, now=now)

        with pytest.raises(LastManager):
            await accounts.disable_user(session, actor=manager, user_id=manager.user_id, now=now)

    async def test_reaches_into_no_other_organisation(
        self, session: AsyncSession, firm: Organisation, now: datetime
    ) -> None:
        user = await make_user(session, firm)
        office = await make_organisation(session, OrganisationKind.AUTHORITY)
        authority = await make_actor(session, office)

        for user_id in (user.id, new_id()):
            with pytest.raises(NotFound):
                await accounts.disable_user(session, actor=authority, user_id=user_id, now=now)


class TestListUsers:
    async def test_shows_ones_own_people_page_by_page(
        self, session: AsyncSession, firm: Organisation
    ) -> None:
        users = [await make_user(session, firm) for _ in range(3)]
        actor = actor_of(firm, users[0])

        first = await accounts.list_users(session, actor=actor, organisation_id=firm.id, limit=2)
        rest = await accounts.list_users(
            session, actor=actor, organisation_id=firm.id, limit=2, after=first[-1].id
        )

        assert [*first, *rest] == users

    async def test_shows_nobody_elses(self, session: AsyncSession, firm: Organisation) -> None:
        user = await make_user(session, firm)
        other = await make_organisation(session, OrganisationKind.ENTERPRISE)

        stranger = await make_actor(session, other)

        assert user in await accounts.list_users(
            session, actor=actor_of(firm, user), organisation_id=firm.id, limit=9
        )
        assert not await accounts.list_users(
            session, actor=stranger, organisation_id=firm.id, limit=9
        )
