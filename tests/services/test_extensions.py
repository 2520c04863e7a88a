"""展期: asked for by the firm, consented to by all, recorded by the registers, then in force."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import ExtensionStatus, LoanStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.schemas.loans import ExtensionIn
from app.services import extensions, history, repayments, reversals, schedules
from app.services.actor import Actor
from app.services.extensions import (
    ConsentGiven,
    ExtensionDetail,
    ExtensionOpen,
    NotInOrder,
    RegistrationsMissing,
    RightsEndTooSoon,
)
from tests.make.limits import at, balances
from tests.make.loans import Drawn, make_drawn, pay, receipt
from tests.make.parties import make_actor, make_organisation

JUNE_1 = date(2026, 6, 1)


async def ask(
    session: AsyncSession, drawn: Drawn, *, months: int = 6, on: date = JUNE_1
) -> ExtensionDetail:
    return await extensions.request(
        session,
        actor=drawn.firm,
        loan_id=drawn.loan.id,
        data=ExtensionIn(extra_months=months, reason="客户回款延期"),
        now=at(on),
    )


async def consent(
    session: AsyncSession, detail: ExtensionDetail, *actors: Actor | None, yes: bool = True
) -> None:
    for actor in actors:
        assert actor is not None
        await extensions.decide(
            session, actor=actor, extension_id=detail.extension.id, consents=yes, now=at(JUNE_1)
        )


async def effect(session: AsyncSession, drawn: Drawn, detail: ExtensionDetail) -> ExtensionDetail:
    return await extensions.take_effect(
        session,
        actor=drawn.bank,
        extension_id=detail.extension.id,
        registration_ids=[registration.id for registration in drawn.registrations],
        now=at(JUNE_1),
    )


class TestRequest:
    async def test_asks_every_party_and_counts_the_firm_as_consenting(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, insured=True)

        detail = await ask(session, drawn)

        assert detail.extension.maturity_on == date(2027, 11, 20)
        assert {c.role: c.consented_at is not None for c in detail.consents} == {
            "bank": False,
            "guarantor": False,
            "insurer": False,
            "pledgor": True,
        }

    async def test_a_third_party_that_pledged_is_asked_too(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, guarantor_type=None)
        owner = await make_organisation(session, OrganisationKind.ENTERPRISE)
        drawn.rights[0].owner_id = owner.id
        await session.flush()
        detail = await ask(session, drawn)

        await consent(session, detail, drawn.bank)
        assert detail.extension.status.value == "requested"
        await consent(session, detail, await make_actor(session, owner))

        assert detail.extension.status is ExtensionStatus.AGREED

    async def test_refuses_patents_that_end_before_the_new_maturity(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        drawn.rights[0].expires_on = date(2027, 11, 19)

        with pytest.raises(RightsEndTooSoon) as refusal:
            await ask(session, drawn)

        assert refusal.value.numbers == [drawn.rights[0].number]

    async def test_a_mark_may_end_before_since_it_is_renewable(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        drawn.rights[1].expires_on = date(2027, 1, 1)

        assert await ask(session, drawn)

    async def test_refuses_a_second_one_while_the_first_is_open(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        await ask(session, drawn)

        with pytest.raises(ExtensionOpen):
            await ask(session, drawn)

    async def test_refuses_while_an_instalment_is_unpaid(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(NotInOrder):
            await ask(session, drawn, on=date(2026, 6, 20))

    async def test_refuses_a_repaid_or_matured_loan(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        drawn.loan.status = LoanStatus.REPAID

        with pytest.raises(NotInOrder):
            await ask(session, drawn)

    async def test_another_firm_sees_no_loan(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        other = await make_organisation(session, OrganisationKind.ENTERPRISE)
        drawn.firm = await make_actor(session, other)

        with pytest.raises(NotFound):
            await ask(session, drawn)


class TestDecide:
    async def test_one_refusal_ends_it(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.guarantor, yes=False)

        assert detail.extension.status is ExtensionStatus.REFUSED
        with pytest.raises(IllegalMove):
            await consent(session, detail, drawn.bank)  # too late to be recorded
        assert await ask(session, drawn)  # and another may be asked for

    async def test_consent_is_given_once(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.bank)

        with pytest.raises(ConsentGiven):
            await consent(session, detail, drawn.bank)

    async def test_a_bank_outside_the_deal_finds_nothing(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)
        other = await make_organisation(session, OrganisationKind.BANK)

        with pytest.raises(NotFound):
            await consent(session, detail, await make_actor(session, other))


class TestTakeEffect:
    async def test_spreads_the_rest_over_the_longer_term_and_keeps_the_liability(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, terms={"method": "equal_principal"})
        before = await balances(session, drawn.deal)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.bank, drawn.guarantor)

        done = await effect(session, drawn, detail)

        assert done.extension.status is ExtensionStatus.EFFECTIVE
        loan = drawn.loan
        assert (loan.maturity_on, loan.term_months) == (date(2027, 11, 20), 18)
        lines = await schedules.list_lines(session, loan)
        assert len(lines) == 18
        assert lines[0].principal == Money.yuan("277777.78")
        assert Money.sum([line.principal for line in lines]) == loan.outstanding
        assert loan.liability == Money.yuan(4_000_000)
        assert await balances(session, drawn.deal) == before
        changes = await history.list_changes(session, [drawn.registrations[0].id])
        assert [change.event for change in changes] == ["change"]

    async def test_needs_the_change_of_every_registration(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.bank, drawn.guarantor)
        left_out = drawn.registrations.pop()

        with pytest.raises(RegistrationsMissing) as refusal:
            await effect(session, drawn, detail)

        assert refusal.value.missing == [left_out.id]

    async def test_refuses_registrations_of_another_deal(self, session: AsyncSession) -> None:
        drawn, other = await make_drawn(session), await make_drawn(session)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.bank, drawn.guarantor)
        drawn.registrations += other.registrations

        with pytest.raises(FieldRefused, match="registration_ids"):
            await effect(session, drawn, detail)

    async def test_refuses_before_all_have_agreed(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)

        with pytest.raises(IllegalMove):
            await effect(session, drawn, detail)

    async def test_refuses_when_the_loan_is_late_by_then(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.bank, drawn.guarantor)
        drawn.loan.status = LoanStatus.OVERDUE

        with pytest.raises(NotInOrder):
            await effect(session, drawn, detail)

    async def test_instalments_go_on_from_the_longer_schedule(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        detail = await ask(session, drawn)
        await consent(session, detail, drawn.bank, drawn.guarantor)
        await effect(session, drawn, detail)

        repayment = await repayments.record(
            session,
            actor=drawn.bank,
            loan_id=drawn.loan.id,
            data=receipt("15500.00", date(2026, 6, 20)),
            now=at(date(2026, 6, 20)),
        )

        assert repayment.interest == Money.yuan(15_500)


async def test_the_parties_list_the_extensions_of_a_loan(session: AsyncSession) -> None:
    drawn = await make_drawn(session)
    detail = await ask(session, drawn)

    assert drawn.guarantor is not None
    listed = await extensions.list_extensions(session, actor=drawn.guarantor, loan_id=drawn.loan.id)

    assert [item.extension.id for item in listed] == [detail.extension.id]


class TestAfterAPrepayment:
    @pytest.mark.parametrize("months", [3, 9])
    async def test_it_counts_from_the_maturity_that_the_prepayment_left(
        self, session: AsyncSession, months: int
    ) -> None:
        drawn = await make_drawn(session, terms={"method": "equal_principal"})
        paid = await pay(
            session, drawn, "3000000.00", date(2026, 5, 25), PrepaymentChoice.KEEP_INSTALMENT
        )
        assert drawn.loan.maturity_on == date(2026, 10, 20)

        detail = await ask(session, drawn, months=months)
        await consent(session, detail, drawn.bank, drawn.guarantor)
        await effect(session, drawn, detail)

        lines = await schedules.list_lines(session, drawn.loan)
        assert lines[-1].due_on == drawn.loan.maturity_on == detail.extension.maturity_on
        assert paid.loan_before["maturity_on"] == "2027-05-20"

    async def test_reversing_the_prepayment_brings_the_maturity_back(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, terms={"method": "equal_principal"})
        paid = await pay(
            session, drawn, "3000000.00", date(2026, 5, 25), PrepaymentChoice.KEEP_INSTALMENT
        )

        await reversals.reverse(
            session, actor=drawn.bank, repayment_id=paid.id, reason="误记", now=at(JUNE_1)
        )

        assert drawn.loan.maturity_on == date(2027, 5, 20)
