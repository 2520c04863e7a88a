"""Changes of the programme: two people, a signature, a day, and postings that name the change."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import DomainError, FieldRefused, Forbidden, NotFound
from app.core.money import Money
from app.lifecycle.parties import Level, OrganisationKind, OrganisationStatus
from app.lifecycle.programme import ChangeKind, ChangeStatus
from app.models.ledger import LedgerAccount, LedgerTransfer
from app.models.organisations import Organisation, Park
from app.models.programme import ProgrammeChange
from app.models.records import OutboxEvent
from app.schemas.programme import ChangeIn
from app.schemas.public import QuotaOut
from app.services import history, programme, programme_changes, sealing
from app.services.actor import KindRefused, ManagerNeeded
from app.services.change_effects import (
    AllocationBelowUse,
    CapacityBelowUse,
    NothingToChange,
    OverAllocation,
    ParkExists,
    UnknownPark,
)
from app.services.programme_changes import AlreadyDecided, Backdated, SamePerson
from tests.make.deals import accept, make_table
from tests.make.parties import NOW, make_actor, make_organisation
from tests.make.programme import (
    TODAY,
    Pair,
    approve,
    decide,
    make_change,
    make_pair,
    propose,
    transfer,
)

TOMORROW = NOW + timedelta(days=1)
MILLION = "1000000.00"


@pytest.fixture
async def pair(session: AsyncSession) -> Pair:
    return await make_pair(session)


async def quota_of(session: AsyncSession, park: str) -> QuotaOut:
    forget_accounts(session)
    (quota,) = await programme.get_quota(session, park_code=park)
    return quota


def forget_accounts(session: AsyncSession) -> None:
    """The ledger's functions write behind the session's back."""
    for row in session:
        if isinstance(row, LedgerAccount):
            session.expunge(row)


async def reserve(session: AsyncSession) -> Money:
    forget_accounts(session)
    return (await programme.get_figures(session, on=TODAY)).reserve


async def count_changes(session: AsyncSession) -> int:
    return len((await session.scalars(select(ProgrammeChange.id))).all())


class TestTwoPeople:
    async def test_nothing_moves_until_another_approves(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        before = await reserve(session)
        change = await propose(
            session, pair, "transfer", source="RESERVE", target="PINGLUO", amount=MILLION
        )
        assert (change.status, await reserve(session)) == (ChangeStatus.PROPOSED, before)

        await approve(session, pair, change)

        assert change.status is ChangeStatus.IN_FORCE
        assert (change.proposed_by, change.decided_by) == (pair.maker.user_id, pair.checker.user_id)
        assert await reserve(session) == before - Money.yuan(1_000_000)
        moves = await history.list_changes(session, [change.id])
        assert [move.event for move in moves] == ["create", "approve", "take_effect"]

    @pytest.mark.parametrize("act", ["approve", "refuse"])
    async def test_whoever_proposed_does_not_decide(
        self, session: AsyncSession, pair: Pair, act: str
    ) -> None:
        change = await propose(session, pair, "capacity", capacity="250000000.00")
        note = {"note": "否"} if act == "refuse" else {}

        with pytest.raises(SamePerson):
            await getattr(programme_changes, act)(
                session, actor=pair.maker, change_id=change.id, now=NOW, **note
            )

        await session.refresh(change)
        assert (change.status, change.decided_by) == (ChangeStatus.PROPOSED, None)

    async def test_what_is_decided_is_decided(self, session: AsyncSession, pair: Pair) -> None:
        change = await propose(session, pair, "capacity", capacity="250000000.00")
        await programme_changes.refuse(
            session, actor=pair.checker, change_id=change.id, note="依据不足", now=NOW
        )
        assert (change.status, change.note) == (ChangeStatus.REFUSED, "依据不足")

        with pytest.raises(AlreadyDecided) as refusal:
            await approve(session, pair, change)
        with pytest.raises(AlreadyDecided):
            await programme_changes.withdraw(
                session, actor=pair.maker, change_id=change.id, note="撤回", now=NOW
            )

        assert refusal.value.status == "refused"

    async def test_the_proposer_withdraws(self, session: AsyncSession, pair: Pair) -> None:
        change = await propose(session, pair, "capacity", capacity="250000000.00")

        await programme_changes.withdraw(
            session, actor=pair.maker, change_id=change.id, note="撤回", now=NOW
        )

        assert change.status is ChangeStatus.WITHDRAWN

    async def test_it_is_for_managers_in_person(self, session: AsyncSession, pair: Pair) -> None:
        office = await session.get_one(Organisation, pair.maker.organisation_id)
        clerk = await make_actor(session, office, level=Level.MEMBER)
        bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
        form = make_change("capacity", capacity="250000000.00")
        program = type(pair.maker)(
            pair.maker.organisation_id, OrganisationKind.AUTHORITY, Level.MANAGER
        )

        for actor, error in ((clerk, ManagerNeeded), (bank, KindRefused), (program, Forbidden)):
            with pytest.raises(error):
                await programme_changes.propose(session, actor=actor, form=form, now=NOW)

    async def test_a_bank_sees_none(self, session: AsyncSession, pair: Pair) -> None:
        change = await propose(session, pair, "capacity", capacity="250000000.00")
        bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))

        assert not await programme_changes.list_changes(session, actor=bank, limit=9)
        with pytest.raises(NotFound):
            await programme_changes.get_change(session, actor=bank, change_id=change.id)


class TestBadInput:
    @pytest.mark.parametrize(
        ("kind", "facts", "error"),
        [
            ("transfer", {"source": "RESERVE", "target": "NOWHERE", "amount": "1.00"}, UnknownPark),
            ("transfer", {"source": "NOWHERE", "target": "RESERVE", "amount": "1.00"}, UnknownPark),
            (
                "transfer",
                {"source": "RESERVE", "target": "PINGLUO", "amount": "20000000.01"},
                OverAllocation,
            ),
            (
                "transfer",
                {"source": "PINGLUO", "target": "RESERVE", "amount": "32000000.01"},
                AllocationBelowUse,
            ),
            ("capacity", {"capacity": "3999999.99"}, CapacityBelowUse),
            ("capacity", {"capacity": "179999999.99"}, OverAllocation),
            ("capacity", {"capacity": "200000000.00"}, NothingToChange),
            ("capacity", {"capacity": "1.00", "on": "2026-11-22"}, Backdated),
            (
                "park",
                {
                    "code": "PINGLUO",
                    "name_zh": "平罗",
                    "name_en": "Pingluo",
                    "city": "石嘴山",
                    "key_park": True,
                },
                ParkExists,
            ),
            (
                "guarantor_terms",
                {"guarantor_id": str(new_id()), "signed_capacity": "1.00"},
                FieldRefused,
            ),
        ],
    )
    async def test_each_has_its_own_error_and_writes_nothing(
        self,
        session: AsyncSession,
        pair: Pair,
        kind: str,
        facts: dict[str, Any],
        error: type[DomainError],
    ) -> None:
        await accept(session, await make_table(session))  # 4,000,000 of PINGLUO are held
        before = await reserve(session)

        with pytest.raises(error):
            await propose(session, pair, kind, **facts)

        assert await count_changes(session) == 0
        assert await reserve(session) == before

    async def test_the_figures_are_told(self, session: AsyncSession, pair: Pair) -> None:
        await accept(session, await make_table(session))

        with pytest.raises(AllocationBelowUse) as refusal:
            await propose(
                session, pair, "transfer", source="PINGLUO", target="REGION", amount="33000000.00"
            )

        assert refusal.value.facts() == {
            "park_code": "PINGLUO",
            "allocated": "3000000.00",
            "used": "4000000.00",
        }

    async def test_a_guarantor_that_waits_has_no_terms(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        waiting = await make_organisation(
            session, OrganisationKind.GUARANTOR, status=OrganisationStatus.PENDING
        )

        with pytest.raises(DomainError, match="has not been verified"):
            await propose(
                session,
                pair,
                "guarantor_terms",
                guarantor_id=str(waiting.id),
                signed_capacity=MILLION,
            )


class TestEffects:
    async def test_capacity_goes_into_the_reserve_and_comes_out_of_it(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        raised = await decide(session, pair, "capacity", capacity="250000000.00")
        assert await reserve(session) == Money.yuan(70_000_000)

        lowered = await decide(session, pair, "capacity", capacity="180000000.00")
        assert await reserve(session) == Money(0)

        forget_accounts(session)
        figures = await programme.get_figures(session, on=TODAY)
        assert figures.capacity == Money.yuan(180_000_000)
        postings = await session.execute(
            select(LedgerTransfer.reference, LedgerTransfer.amount)
            .where(LedgerTransfer.reference.in_([raised.id, lowered.id]))
            .order_by(LedgerTransfer.id)
        )
        assert [tuple(row) for row in postings] == [
            (raised.id, Money.yuan(50_000_000).fen),
            (lowered.id, Money.yuan(70_000_000).fen),
        ]
        assert await sealing.verify(session) == []

    async def test_an_allocation_can_be_cut_down_to_what_is_used(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        await accept(session, await make_table(session))

        await transfer(session, pair, "PINGLUO", "NINGDONG", "32000000.00")

        source, target = await quota_of(session, "PINGLUO"), await quota_of(session, "NINGDONG")
        assert (source.allocated, source.available) == (Money.yuan(4_000_000), Money(0))
        assert target.available == Money.yuan(68_000_000)

    async def test_a_new_park_gets_an_account_and_then_room(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        await decide(
            session,
            pair,
            "park",
            code="SUYIN",
            name_zh="苏银产业园",
            name_en="Suyin Industrial Park",
            city="银川",
            key_park=False,
        )
        await transfer(session, pair, "RESERVE", "SUYIN", MILLION)

        assert (await session.get_one(Park, "SUYIN")).city == "银川"
        assert (await quota_of(session, "SUYIN")).available == Money.yuan(1_000_000)

    async def test_room_that_appears_moves_the_queue(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        await transfer(session, pair, "RESERVE", "PINGLUO", MILLION)

        jobs = await session.scalar(
            text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'promote_queue'")
        )
        assert jobs == 1


class TestLaterDays:
    async def test_it_waits_for_its_day(self, session: AsyncSession, pair: Pair) -> None:
        change = await transfer(session, pair, "RESERVE", "PINGLUO", MILLION, on="2026-11-24")
        assert change.in_force_at is None

        assert await programme_changes.take_effect_due(session, now=NOW) == 0
        assert await programme_changes.take_effect_due(session, now=TOMORROW) == 1
        assert await programme_changes.take_effect_due(session, now=TOMORROW) == 0

        assert change.status is ChangeStatus.IN_FORCE
        assert (await quota_of(session, "PINGLUO")).allocated == Money.yuan(37_000_000)

    async def test_what_no_longer_holds_on_its_day_fails_and_is_announced(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        late = await transfer(session, pair, "RESERVE", "PINGLUO", "20000000.00", on="2026-11-24")
        kept = await transfer(session, pair, "RESERVE", "REGION", MILLION, on="2026-11-24")
        await transfer(session, pair, "RESERVE", "NINGDONG", MILLION)

        assert await programme_changes.take_effect_due(session, now=TOMORROW) == 2

        assert late.status is ChangeStatus.FAILED
        assert late.failure == "The reserve holds 19000000.00; 20000000.00 was asked of it."
        assert kept.status is ChangeStatus.IN_FORCE
        announced = await session.scalars(
            select(OutboxEvent.kind).where(OutboxEvent.subject_id == late.id)
        )
        assert "programme.change_failed" in set(announced)
        assert await reserve(session) == Money.yuan(18_000_000)

    async def test_an_approval_after_its_day_would_be_backdated(
        self, session: AsyncSession, pair: Pair
    ) -> None:
        change = await propose(session, pair, "capacity", capacity="250000000.00")

        with pytest.raises(Backdated) as refusal:
            await approve(session, pair, change, now=TOMORROW)

        assert refusal.value.today == date(2026, 11, 24)

    async def test_it_is_tested_at_approval_too(self, session: AsyncSession, pair: Pair) -> None:
        change = await propose(
            session, pair, "transfer", source="RESERVE", target="PINGLUO", amount="20000000.00"
        )
        await transfer(session, pair, "RESERVE", "REGION", MILLION)

        with pytest.raises(OverAllocation):
            await approve(session, pair, change)


def test_every_kind_has_an_example_in_the_guide() -> None:
    extra = ChangeIn.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    examples = extra["examples"]
    assert isinstance(examples, list)
    read: Callable[[object], ChangeIn] = ChangeIn.model_validate
    assert {read(example).facts.kind for example in examples} == set(ChangeKind)
