"""A guarantor's terms: signed by itself, dated, and its limit after them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.lifecycle.programme import ChangeStatus
from app.models.programme import ProgrammeChange
from app.services import guarantors, ledger, limits, programme_changes
from app.services.actor import Actor
from app.services.change_effects import NothingToChange
from app.services.ledger import AccountRole, Book
from app.services.programme_changes import AlreadyDecided
from tests.make.deals import accept, make_table
from tests.make.limits import get_account
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.programme import TODAY, Pair, approve, make_pair, propose, set_terms


@pytest.fixture
async def pair(session: AsyncSession) -> Pair:
    return await make_pair(session)


@pytest.fixture
async def guarantor(session: AsyncSession) -> Actor:
    organisation = await make_organisation(
        session, OrganisationKind.GUARANTOR, guarantor_type=GuarantorType.COMMERCIAL
    )
    await guarantors.open_accounts(session, guarantor_id=organisation.id)
    return await make_actor(session, organisation)


async def offer(
    session: AsyncSession, pair: Pair, guarantor: Actor, signed: str, **facts: Any
) -> ProgrammeChange:
    """Terms that the authority proposed and approved."""
    change = await propose(
        session,
        pair,
        "guarantor_terms",
        guarantor_id=str(guarantor.organisation_id),
        signed_capacity=signed,
        **facts,
    )
    return await approve(session, pair, change)


async def sign(
    session: AsyncSession, pair: Pair, guarantor: Actor, signed: str, **facts: Any
) -> ProgrammeChange:
    change = await offer(session, pair, guarantor, signed, **facts)
    return await programme_changes.sign(session, actor=guarantor, change_id=change.id, now=NOW)


async def available(session: AsyncSession, guarantor_id: UUID) -> Money:
    account = await get_account(session, Book.GUARANTOR, str(guarantor_id), AccountRole.AVAILABLE)
    return Money(account.credits_posted - account.debits_posted - account.debits_pending)


class TestSigning:
    async def test_only_the_signature_puts_terms_in_force(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        change = await offer(session, pair, guarantor, "50000000.00")
        assert change.status is ChangeStatus.APPROVED
        assert await available(session, guarantor.organisation_id) == Money(0)

        await programme_changes.sign(session, actor=guarantor, change_id=change.id, now=NOW)

        assert (change.status, change.answered_by) == (ChangeStatus.IN_FORCE, guarantor.user_id)
        assert await available(session, guarantor.organisation_id) == Money.yuan(50_000_000)
        (terms,) = await guarantors.list_terms(
            session, actor=guarantor, guarantor_id=guarantor.organisation_id
        )
        assert (terms.change_id, terms.valid_from) == (change.id, TODAY)

    async def test_what_a_change_leaves_out_stays_and_null_drops_it(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        whole: dict[str, Any] = {
            "client_cap": "8000000.00",
            "net_assets": "30000000.00",
            "net_asset_multiple": "10",
            "min_small_firm_pct": "80",
            "min_small_ticket_pct": "50",
            "small_ticket_max": "5000000.00",
        }
        await sign(session, pair, guarantor, "50000000.00", **whole)

        change = await sign(session, pair, guarantor, "60000000.00")
        terms = await guarantors.find_terms(session, guarantor.organisation_id, on=TODAY)
        assert terms is not None
        assert (terms.signed_capacity, terms.capacity) == (Money.yuan(60_000_000),) * 2
        assert terms.client_cap == Money.yuan(8_000_000)
        assert terms.small_ticket_max == Money.yuan(5_000_000)
        assert (terms.net_asset_multiple, terms.min_small_firm_pct) == (Decimal(10), Decimal(80))
        assert change.facts["client_cap"] == "8000000.00"  # what it signed is all of it

        await sign(session, pair, guarantor, "60000000.00", client_cap=None)
        terms = await guarantors.find_terms(session, guarantor.organisation_id, on=TODAY)
        assert terms is not None
        assert (terms.client_cap, terms.net_assets) == (None, Money.yuan(30_000_000))

        with pytest.raises(FieldRefused, match="small_ticket_max"):
            await offer(session, pair, guarantor, "60000000.00", small_ticket_max=None)

    async def test_a_guarantor_may_refuse(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        change = await offer(session, pair, guarantor, "50000000.00")

        await programme_changes.decline(
            session, actor=guarantor, change_id=change.id, note="超出风险偏好", now=NOW
        )

        assert change.status is ChangeStatus.REFUSED
        with pytest.raises(AlreadyDecided):
            await programme_changes.sign(session, actor=guarantor, change_id=change.id, now=NOW)
        assert [
            row.id
            for row in await programme_changes.list_changes(session, actor=guarantor, limit=9)
        ] == [change.id]

    async def test_it_sees_its_own_from_the_approval_on(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        rival = await make_actor(
            session, await make_organisation(session, OrganisationKind.GUARANTOR)
        )
        change = await propose(
            session,
            pair,
            "guarantor_terms",
            guarantor_id=str(guarantor.organisation_id),
            signed_capacity="1.00",
        )
        for actor in (guarantor, rival):
            with pytest.raises(NotFound):
                await programme_changes.sign(session, actor=actor, change_id=change.id, now=NOW)

        await approve(session, pair, change)

        assert await programme_changes.list_changes(session, actor=guarantor, limit=9)
        with pytest.raises(NotFound):
            await programme_changes.sign(session, actor=rival, change_id=change.id, now=NOW)

    async def test_unsigned_on_its_day_it_fails_the_day_after(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        change = await offer(session, pair, guarantor, "50000000.00")

        assert await programme_changes.take_effect_due(session, now=NOW) == 0
        assert await programme_changes.take_effect_due(session, now=NOW + timedelta(days=1)) == 1

        assert (change.status, change.failure) == (
            ChangeStatus.FAILED,
            programme_changes.NOT_SIGNED,
        )

    async def test_signed_for_a_later_day_it_takes_effect_then(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        change = await sign(session, pair, guarantor, "50000000.00", on="2026-11-24")
        assert change.status is ChangeStatus.SIGNED

        await programme_changes.take_effect_due(session, now=NOW + timedelta(days=1))

        assert await available(session, guarantor.organisation_id) == Money.yuan(50_000_000)

    async def test_what_is_in_force_is_not_signed_again(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        facts = {"net_assets": "9000000.00", "net_asset_multiple": "10"}
        await sign(session, pair, guarantor, "50000000.00", **facts)

        with pytest.raises(NothingToChange):
            await offer(session, pair, guarantor, "50000000.00", **facts)


class TestLimit:
    async def test_it_moves_up_and_down(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        for yuan in (50_000_000, 80_000_000, 20_000_000, 0):
            await sign(session, pair, guarantor, str(Money.yuan(yuan)))

            assert await available(session, guarantor.organisation_id) == Money.yuan(yuan)

    async def test_net_assets_bound_it(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        await sign(
            session,
            pair,
            guarantor,
            "50000000.00",
            net_assets="3000000.00",
            net_asset_multiple="10",
        )

        assert await available(session, guarantor.organisation_id) == Money.yuan(30_000_000)

    async def test_lowering_takes_no_more_than_what_is_free(
        self, session: AsyncSession, pair: Pair, guarantor: Actor
    ) -> None:
        owner = guarantor.organisation_id
        await sign(session, pair, guarantor, "10000000.00")
        sides = [
            await get_account(session, Book.GUARANTOR, str(owner), role)
            for role in (AccountRole.AVAILABLE, AccountRole.OUTSTANDING)
        ]
        used = ledger.hold("accept", sides[0].id, sides[1].id, Money.yuan(4_000_000), owner)
        await ledger.apply(session, [used])

        await sign(session, pair, guarantor, "1000000.00")
        assert await available(session, owner) == Money(0)

        # What is freed afterwards goes back to the source, down to what was signed for.
        await ledger.apply(session, [ledger.void("decline", used.id, owner)])
        limit = await guarantors.align_limit(session, guarantor_id=owner, reference=owner)
        assert limit == Money.yuan(1_000_000) == await available(session, owner)

    async def test_before_any_terms_there_is_no_capacity(
        self, session: AsyncSession, guarantor: Actor
    ) -> None:
        assert await limits.find_capacity(session, guarantor.organisation_id) is None


class TestMix:
    async def test_shares_below_the_minimum_are_named(self, session: AsyncSession) -> None:
        small = await make_table(session)
        large = await make_table(session, guarantor=small.guarantor, size="large")
        await accept(session, small)
        await accept(session, large)
        guarantor_id = small.guarantor.organisation_id
        await set_terms(
            session,
            guarantor_id,
            Money.yuan(50_000_000),
            min_small_firm_pct=80,
            min_small_ticket_pct=50,
            small_ticket_max=Money.yuan(5_000_000),
        )

        found = await guarantors.get_mix(
            session, actor=small.guarantor, guarantor_id=guarantor_id, on=TODAY
        )

        assert found.liability == Money.yuan(8_000_000)
        assert found.small_firms.share_pct == Decimal(50)
        assert found.small_tickets.share_pct == Decimal(100)
        assert found.below == ["small_firms"]

    async def test_it_is_nobody_elses(self, session: AsyncSession, guarantor: Actor) -> None:
        rival = await make_actor(
            session, await make_organisation(session, OrganisationKind.GUARANTOR)
        )

        with pytest.raises(NotFound):
            await guarantors.get_mix(
                session, actor=rival, guarantor_id=guarantor.organisation_id, on=TODAY
            )
