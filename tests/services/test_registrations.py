"""What the pledgee records of each register, and the milestones of guarantor and insurer."""

from datetime import date, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.identifiers.rights import Register
from app.lifecycle.deals import DealStatus, PledgeeKind, RegistrationEvent, RegistrationStatus
from app.lifecycle.machine import IllegalMove
from app.models.deals import Deal, DealRight, Milestone, Registration
from app.schemas.deals import FilingEvent, MilestoneKind
from app.services import failures, history, registrations
from app.services.actor import Actor, KindRefused
from app.services.deals import DealNotReady, NotPledgee
from app.services.registrations import NumberTaken
from tests.make.deals import Table, accept, approve_all, confirm_all, make_table
from tests.make.parties import NOW

TODAY = business_date(NOW)

SUBMIT: Final = RegistrationEvent.SUBMIT
ASK: Final = RegistrationEvent.ASK
REGISTER: Final = RegistrationEvent.REGISTER
REFUSE: Final = RegistrationEvent.REFUSE
CHANGE: Final = RegistrationEvent.CHANGE
WITHDRAW: Final = RegistrationEvent.WITHDRAW


async def make_perfecting(
    session: AsyncSession, table: Table, *, insured: bool = False
) -> tuple[Deal, Registration]:
    """A deal whose contracts are confirmed, and its registration in the patent register."""
    deal = await accept(session, table, insured=insured, guaranteed=not insured)
    parties = [table.bank, table.insurer] if insured else table.institutions
    await approve_all(session, table, deal, by=parties)
    await confirm_all(session, table, deal)
    found = await session.scalars(select(Registration).where(Registration.deal_id == deal.id))
    return deal, found.one()


async def record(
    session: AsyncSession,
    actor: Actor,
    deal: Deal,
    event: FilingEvent,
    *,
    register: Register = Register.PATENTS,
    number: str | None = None,
    on: date | None = None,
    remark: str | None = None,
) -> Registration:
    return await registrations.record(
        session,
        actor=actor,
        deal_id=deal.id,
        register=register,
        event=event,
        number=number,
        on=on,
        remark=remark,
        now=NOW,
    )


async def make_failed(session: AsyncSession, *events: FilingEvent) -> tuple[Table, Deal]:
    """A deal that failed after ``events`` of its filing."""
    table = await make_table(session)
    deal, _ = await make_perfecting(session, table)
    for event in events:
        await record(session, table.bank, deal, event, remark="补正")
    await failures.withdraw_deal(session, actor=table.firm, deal_id=deal.id, reason="另议", now=NOW)
    return table, deal


async def is_locked(session: AsyncSession, deal: Deal) -> bool:
    released = await session.scalars(
        select(DealRight.released_at).where(DealRight.deal_id == deal.id)
    )
    return None in released.all()


class TestRecord:
    async def test_a_corrected_filing_is_registered_and_changed(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal, row = await make_perfecting(session, table)

        await record(session, table.bank, deal, SUBMIT)
        asked = await record(session, table.bank, deal, ASK, remark="缺少共有人签字")
        assert (asked.status, asked.remark) == (RegistrationStatus.CORRECTION, "缺少共有人签字")
        await record(session, table.bank, deal, SUBMIT)
        await record(session, table.bank, deal, REGISTER, number="Y2026640000123", on=TODAY)
        await record(session, table.bank, deal, CHANGE, remark="质权人更名")

        assert row.status is RegistrationStatus.REGISTERED
        assert (row.number, row.registered_on) == ("Y2026640000123", TODAY)
        moves = [change.event for change in await history.list_changes(session, [row.id])]
        assert moves == ["create", "submit", "ask", "submit", "register", "change"]

    async def test_a_refused_filing_of_a_live_deal_is_filed_again(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal, row = await make_perfecting(session, table)

        await record(session, table.bank, deal, SUBMIT)
        await record(session, table.bank, deal, REFUSE, remark="存在权属纠纷")
        assert row.status is RegistrationStatus.REFUSED
        assert await is_locked(session, deal)

        again = await record(session, table.bank, deal, SUBMIT)
        assert again.status is RegistrationStatus.SUBMITTED

    @pytest.mark.parametrize(
        ("event", "given", "field"),
        [
            (REGISTER, {"on": TODAY}, "number"),
            (REGISTER, {"number": "Y1"}, "on"),
            (REGISTER, {"number": "Y1", "on": TODAY + timedelta(days=1)}, "on"),
            (REGISTER, {"number": "Y1", "on": TODAY - timedelta(days=1)}, "on"),
            (ASK, {}, "remark"),
            (REFUSE, {}, "remark"),
        ],
    )
    async def test_what_the_event_needs_is_asked_for(
        self, session: AsyncSession, event: FilingEvent, given: dict[str, Any], field: str
    ) -> None:
        table = await make_table(session)
        deal, _ = await make_perfecting(session, table)
        await record(session, table.bank, deal, SUBMIT)

        with pytest.raises(FieldRefused) as refused:
            await record(session, table.bank, deal, event, **given)

        assert refused.value.field == field

    async def test_a_number_stands_once_in_a_register(self, session: AsyncSession) -> None:
        table = await make_table(session)
        other = await make_table(session, bank=table.bank)
        deal, _ = await make_perfecting(session, table)
        rival, _ = await make_perfecting(session, other)
        for each in (deal, rival):
            await record(session, table.bank, each, SUBMIT)

        await record(session, table.bank, deal, REGISTER, number="Y1", on=TODAY)
        with pytest.raises(NumberTaken):
            await record(session, table.bank, rival, REGISTER, number="Y1", on=TODAY)

    async def test_a_register_without_rights_of_the_deal_has_none(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal, _ = await make_perfecting(session, table)

        with pytest.raises(NotFound):
            await record(session, table.bank, deal, SUBMIT, register=Register.COPYRIGHTS)

    async def test_only_the_pledgee_records(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal, _ = await make_perfecting(session, table)
        assert deal.pledgee is PledgeeKind.BANK

        with pytest.raises(NotPledgee):
            await record(session, table.guarantor, deal, SUBMIT)

    async def test_nothing_is_filed_before_the_contracts(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(DealNotReady):
            await record(session, table.bank, deal, SUBMIT)


class TestOfAFailedDeal:
    @pytest.mark.parametrize("events", [(SUBMIT,), (SUBMIT, ASK)])
    async def test_a_withdrawn_filing_frees_the_rights(
        self, session: AsyncSession, events: tuple[FilingEvent, ...]
    ) -> None:
        table, deal = await make_failed(session, *events)
        assert await is_locked(session, deal)

        row = await record(session, table.bank, deal, WITHDRAW)

        assert row.status is RegistrationStatus.CANCELLED
        assert not await is_locked(session, deal)

    async def test_a_refused_filing_frees_the_rights(self, session: AsyncSession) -> None:
        table, deal = await make_failed(session, SUBMIT)

        await record(session, table.bank, deal, REFUSE, remark="存在权属纠纷")

        assert not await is_locked(session, deal)

    async def test_a_filing_registered_after_all_keeps_them_until_cancelled(
        self, session: AsyncSession
    ) -> None:
        table, deal = await make_failed(session, SUBMIT)

        await record(session, table.bank, deal, REGISTER, number="Y1", on=TODAY)

        assert await is_locked(session, deal)
        with pytest.raises(IllegalMove):
            await record(session, table.bank, deal, WITHDRAW)

    async def test_nothing_new_is_filed(self, session: AsyncSession) -> None:
        table, deal = await make_failed(session, SUBMIT)

        with pytest.raises(DealNotReady):
            await record(session, table.bank, deal, ASK, remark="缺少共有人签字")

    async def test_a_filing_of_a_live_deal_is_not_withdrawn(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal, _ = await make_perfecting(session, table)
        await record(session, table.bank, deal, SUBMIT)

        with pytest.raises(DealNotReady):
            await record(session, table.bank, deal, WITHDRAW)


class TestRecordMilestone:
    async def milestone(
        self, session: AsyncSession, actor: Actor, deal: Deal, kind: MilestoneKind
    ) -> Milestone:
        return await registrations.record_milestone(
            session, actor=actor, deal_id=deal.id, kind=kind, reference="PICC-1", now=NOW
        )

    async def test_the_insurer_records_the_policy_paid_once(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal, _ = await make_perfecting(session, table, insured=True)
        assert deal.status is DealStatus.PERFECTING

        first = await self.milestone(session, table.insurer, deal, MilestoneKind.POLICY_PAID)
        again = await self.milestone(session, table.insurer, deal, MilestoneKind.POLICY_PAID)

        assert again is first
        assert (first.recorded_by, first.reference) == (table.insurer.organisation_id, "PICC-1")

    async def test_nobody_records_another_ones(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal, _ = await make_perfecting(session, table)

        with pytest.raises(KindRefused):
            await self.milestone(session, table.guarantor, deal, MilestoneKind.POLICY_PAID)
        with pytest.raises(NotFound):  # the insurer is no party of this deal
            await self.milestone(session, table.insurer, deal, MilestoneKind.POLICY_PAID)

    async def test_not_before_the_contracts(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(DealNotReady):
            await self.milestone(session, table.guarantor, deal, MilestoneKind.GUARANTEE_EFFECTIVE)
