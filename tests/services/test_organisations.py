"""Organisations sign up, and the authority verifies, suspends and reinstates them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import Level, OrganisationKind, OrganisationStatus
from app.models.accounts import User
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.services import history, organisations, tokens
from app.services.accounts import Taken
from app.services.actor import Actor, KindRefused, ManagerNeeded, bind
from app.services.ledger import Book
from app.services.organisations import AuthorityExists, AuthorityStands
from tests.make.accounts import chosen, make_form
from tests.make.parties import make_actor, make_organisation, make_uscc


@pytest.fixture
async def authority(session: AsyncSession) -> Actor:
    return await make_actor(session, await make_organisation(session, OrganisationKind.AUTHORITY))


class TestSignUp:
    async def test_enters_the_organisation_and_its_first_manager(
        self, session: AsyncSession, now: datetime
    ) -> None:
        form = make_form(email="Zhang.San@Example.com")

        organisation = await organisations.sign_up(
            session, form=form, password=await chosen(), now=now
        )

        assert organisation.status is OrganisationStatus.PENDING
        manager = await session.scalar(select(User).where(User.organisation_id == organisation.id))
        assert manager is not None
        assert (manager.email, manager.level) == ("zhang.san@example.com", Level.MANAGER)
        assert manager.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        changes = await history.list_changes(session, [organisation.id])
        assert [(change.event, change.user_id) for change in changes] == [("create", manager.id)]

    async def test_stores_the_code_in_one_form(self, session: AsyncSession, now: datetime) -> None:
        uscc = make_uscc()

        organisation = await organisations.sign_up(
            session,
            form=make_form(uscc=f" {uscc[:8]} {uscc[8:].lower()} "),
            password=await chosen(),
            now=now,
        )

        assert organisation.uscc == uscc

    async def test_a_repeat_finds_the_code_taken(
        self, session: AsyncSession, now: datetime
    ) -> None:
        form = make_form()
        await organisations.sign_up(session, form=form, password=await chosen(), now=now)

        with pytest.raises(Taken) as refusal:
            await organisations.sign_up(session, form=form, password=await chosen(), now=now)

        assert refusal.value.field == "uscc"

    async def test_an_address_belongs_to_one_person(
        self, session: AsyncSession, now: datetime
    ) -> None:
        first = make_form()
        await organisations.sign_up(session, form=first, password=await chosen(), now=now)

        with pytest.raises(Taken) as refusal:
            await organisations.sign_up(
                session, form=make_form(email=first.email), password=await chosen(), now=now
            )

        assert refusal.value.field == "email"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"uscc": "91640221MA75X00041"}, "uscc"),
            ({"kind": "authority"}, "kind"),
            ({"kind": "system"}, "kind"),
            ({"kind": "guarantor"}, "guarantor_type"),
            ({"kind": "bank", "guarantor_type": "government"}, "guarantor_type"),
            ({"kind": "park"}, "park_code"),
            ({"kind": "park", "park_code": "NOWHERE"}, "park_code"),
            ({"kind": "park", "park_code": "REGION"}, "park_code"),
            ({"park_code": "PINGLUO"}, "park_code"),
            ({"email": "long.enough@x.cn", "password": "Long.Enough@X.cn"}, "password"),
            ({"email": "long.enough@x.cn", "password": "long.enough"}, "password"),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, session: AsyncSession, now: datetime, changes: dict[str, str], field: str
    ) -> None:
        with pytest.raises(FieldRefused) as refusal:
            await organisations.sign_up(
                session,
                form=(form := make_form(**changes)),
                password=await chosen(form.password.get_secret_value()),
                now=now,
            )

        assert refusal.value.field == field

    async def test_a_park_names_the_park_it_runs(
        self, session: AsyncSession, now: datetime
    ) -> None:
        form = make_form(kind="park", park_code="ZHONGNING")

        organisation = await organisations.sign_up(
            session, form=form, password=await chosen(), now=now
        )

        assert organisation.park_code == "ZHONGNING"


class TestFirstAuthority:
    async def test_is_verified_and_there_is_only_one(
        self, session: AsyncSession, now: datetime
    ) -> None:
        first = await organisations.first_authority(
            session,
            uscc=make_uscc(),
            name="示例主管部门",
            email="first@authority.example",
            password=await chosen(),
            now=now,
        )
        assert first.status is OrganisationStatus.VERIFIED
        assert [change.event for change in await history.list_changes(session, [first.id])] == [
            "create",
            "verify",
        ]

        with pytest.raises(AuthorityExists):
            await organisations.first_authority(
                session,
                uscc=make_uscc(),
                name="第二个",
                email="second@authority.example",
                password=await chosen(),
                now=now,
            )


class TestVerify:
    async def test_lets_a_lender_work(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        bank = await make_organisation(
            session, OrganisationKind.BANK, status=OrganisationStatus.PENDING
        )

        await organisations.verify(session, actor=authority, organisation_id=bank.id, now=now)

        assert bank.status is OrganisationStatus.VERIFIED
        changes = await history.list_changes(session, [bank.id])
        assert [(change.event, change.user_id) for change in changes] == [
            ("verify", authority.user_id)
        ]

    async def test_opens_a_guarantors_limit_with_nothing_in_it(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        guarantor = await make_organisation(
            session, OrganisationKind.GUARANTOR, status=OrganisationStatus.PENDING
        )

        await organisations.verify(session, actor=authority, organisation_id=guarantor.id, now=now)

        accounts = await accounts_of(session, guarantor)
        assert {role: account.limited for role, account in accounts.items()} == {
            "source": False,
            "available": True,
            "outstanding": True,
            "called": True,
        }
        assert accounts["available"].credits_posted == 0

    async def test_twice_is_an_illegal_move(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        bank = await make_organisation(session, OrganisationKind.BANK)

        with pytest.raises(IllegalMove):
            await organisations.verify(session, actor=authority, organisation_id=bank.id, now=now)

    async def test_is_the_authoritys_managers_to_do(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        bank = await make_organisation(session, OrganisationKind.BANK)
        itself = await make_actor(session, bank)
        office = await session.get_one(Organisation, authority.organisation_id)
        clerk = await make_actor(session, office, level=Level.MEMBER)

        with pytest.raises(KindRefused):
            await organisations.verify(session, actor=itself, organisation_id=bank.id, now=now)
        with pytest.raises(ManagerNeeded):
            await organisations.verify(session, actor=clerk, organisation_id=bank.id, now=now)

    async def test_of_nobody_is_not_found(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        with pytest.raises(NotFound):
            await organisations.verify(session, actor=authority, organisation_id=new_id(), now=now)


class TestSuspend:
    async def test_ends_every_token_and_reinstating_brings_none_back(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        bank = await make_organisation(
            session, OrganisationKind.BANK, status=OrganisationStatus.PENDING
        )
        await organisations.verify(session, actor=authority, organisation_id=bank.id, now=now)
        banker = await make_actor(session, bank)
        token = tokens.issue(
            session,
            organisation_id=bank.id,
            user_id=banker.user_id,
            lifetime=timedelta(days=3650),
            now=now,
        )
        await session.flush()
        assert await tokens.authenticate(session, token) == banker

        await bind(session, authority)
        await organisations.suspend(session, actor=authority, organisation_id=bank.id, now=now)
        assert await tokens.authenticate(session, token) is None
        await organisations.reinstate(session, actor=authority, organisation_id=bank.id, now=now)

        assert bank.status is OrganisationStatus.VERIFIED
        assert await tokens.authenticate(session, token) is None

    async def test_one_that_was_never_verified_comes_back_unverified(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        bank = await make_organisation(
            session, OrganisationKind.BANK, status=OrganisationStatus.PENDING
        )

        await organisations.suspend(session, actor=authority, organisation_id=bank.id, now=now)
        shut_out = bank.status
        await organisations.reinstate(session, actor=authority, organisation_id=bank.id, now=now)

        assert (shut_out, bank.status) == (
            OrganisationStatus.SUSPENDED,
            OrganisationStatus.PENDING,
        )

    async def test_an_authority_stands(
        self, session: AsyncSession, authority: Actor, now: datetime
    ) -> None:
        with pytest.raises(AuthorityStands):
            await organisations.suspend(
                session, actor=authority, organisation_id=authority.organisation_id, now=now
            )


class TestReading:
    async def test_the_authority_lists_who_waits_page_by_page(
        self, session: AsyncSession, authority: Actor
    ) -> None:
        waiting = [
            await make_organisation(session, OrganisationKind.INSURER, status=status)
            for status in (OrganisationStatus.PENDING,) * 3 + (OrganisationStatus.VERIFIED,)
        ][:3]

        first = await organisations.list_organisations(
            session,
            actor=authority,
            status=OrganisationStatus.PENDING,
            kind=OrganisationKind.INSURER,
            limit=2,
        )
        rest = await organisations.list_organisations(
            session,
            actor=authority,
            status=OrganisationStatus.PENDING,
            kind=OrganisationKind.INSURER,
            limit=2,
            after=first[-1].id,
        )

        assert [*first, *rest] == waiting

    async def test_others_see_only_themselves(self, session: AsyncSession) -> None:
        bank = await make_organisation(session, OrganisationKind.BANK)
        other = await make_organisation(session, OrganisationKind.BANK)
        banker = await make_actor(session, bank)

        own = await organisations.get_organisation(session, actor=banker, organisation_id=bank.id)

        assert own is bank
        with pytest.raises(NotFound):
            await organisations.get_organisation(session, actor=banker, organisation_id=other.id)

    async def test_the_shell_acts_for_a_firm_by_its_code(self, session: AsyncSession) -> None:
        firm = await make_organisation(session, OrganisationKind.ENTERPRISE)
        bank = await make_organisation(session, OrganisationKind.BANK)

        actor = await organisations.actor_of_firm(session, uscc=firm.uscc.lower())

        assert (actor.organisation_id, actor.kind) == (firm.id, OrganisationKind.ENTERPRISE)
        with pytest.raises(NotFound):
            await organisations.actor_of_firm(session, uscc=bank.uscc)

    async def test_without_filters_the_authority_sees_all(
        self, session: AsyncSession, authority: Actor
    ) -> None:
        bank = await make_organisation(session, OrganisationKind.BANK)

        everyone = await organisations.list_organisations(session, actor=authority, limit=200)

        assert {bank.id, authority.organisation_id} <= {one.id for one in everyone}


async def accounts_of(session: AsyncSession, guarantor: Organisation) -> dict[str, LedgerAccount]:
    rows = await session.scalars(
        select(LedgerAccount)
        .where(LedgerAccount.book == Book.GUARANTOR, LedgerAccount.owner == str(guarantor.id))
        .execution_options(populate_existing=True)
    )
    return {account.role: account for account in rows}
