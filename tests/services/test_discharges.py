"""Full repayment does not free a right: discharge, cancellation per register, then free."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.core.money import Money
from app.lifecycle.deals import DealStatus, LoanStatus, PledgeeKind, RegistrationStatus
from app.lifecycle.financing import RequestStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.deals import DealRight, Registration
from app.models.financing import FinancingRequest
from app.services import discharges
from app.services.actor import Actor
from app.services.deals import NotPledgee
from app.services.discharges import Discharge, NotRepaid
from tests.make.limits import at
from tests.make.loans import Drawn, make_drawn
from tests.make.parties import make_actor, make_organisation

ON = date(2026, 7, 1)


async def make_repaid(session: AsyncSession, *, pledgee: PledgeeKind = PledgeeKind.BANK) -> Drawn:
    drawn = await make_drawn(session, pledgee=pledgee)
    drawn.loan.status = LoanStatus.REPAID
    drawn.deal.status = DealStatus.REPAID
    await session.flush()
    return drawn


async def discharge(session: AsyncSession, drawn: Drawn, actor: Actor | None) -> Discharge:
    assert actor is not None
    return await discharges.discharge(session, actor=actor, deal_id=drawn.deal.id, now=at(ON))


async def cancel(
    session: AsyncSession, actor: Actor | None, registration: Registration, *, on: date = ON
) -> Registration:
    assert actor is not None
    return await discharges.record_cancellation(
        session, actor=actor, registration_id=registration.id, cancelled_on=on, now=at(ON)
    )


async def locked(session: AsyncSession, drawn: Drawn) -> set[str]:
    rows = await session.scalars(
        select(DealRight)
        .where(DealRight.deal_id == drawn.deal.id, DealRight.released_at.is_(None))
        .execution_options(populate_existing=True)
    )
    return {row.register.value for row in rows}


async def request_status(session: AsyncSession, drawn: Drawn) -> RequestStatus:
    request = await session.get_one(FinancingRequest, drawn.deal.request_id, populate_existing=True)
    return request.status


class TestDischarge:
    async def test_sends_every_registration_to_cancellation_and_frees_nothing_yet(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_repaid(session)

        done = await discharge(session, drawn, drawn.bank)

        assert {r.status for r in done.registrations} == {RegistrationStatus.CANCELLING}
        assert done.awaiting == frozenset()
        assert await locked(session, drawn) == {"patents", "trademarks"}

    async def test_joint_pledgees_both_discharge(self, session: AsyncSession) -> None:
        drawn = await make_repaid(session, pledgee=PledgeeKind.JOINT)

        first = await discharge(session, drawn, drawn.guarantor)
        assert first.awaiting == {"bank"}
        assert {r.status for r in first.registrations} == {RegistrationStatus.REGISTERED}
        second = await discharge(session, drawn, drawn.bank)

        assert {r.status for r in second.registrations} == {RegistrationStatus.CANCELLING}

    async def test_the_guarantor_alone_where_it_holds_the_pledge(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_repaid(session, pledgee=PledgeeKind.GUARANTOR)
        with pytest.raises(NotPledgee):
            await discharge(session, drawn, drawn.bank)

        done = await discharge(session, drawn, drawn.guarantor)

        assert {r.status for r in done.registrations} == {RegistrationStatus.CANCELLING}

    async def test_after_a_call_the_guarantor_must_consent(self, session: AsyncSession) -> None:
        drawn = await make_repaid(session)
        drawn.loan.settled_by_calls = Money.yuan(1)

        first = await discharge(session, drawn, drawn.bank)
        assert first.awaiting == {"guarantor"}
        assert {r.status for r in first.registrations} == {RegistrationStatus.REGISTERED}
        second = await discharge(session, drawn, drawn.guarantor)

        assert {r.status for r in second.registrations} == {RegistrationStatus.CANCELLING}

    async def test_refuses_while_money_is_owed(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(NotRepaid):
            await discharge(session, drawn, drawn.bank)

    async def test_a_pledge_is_released_after_a_write_off(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        drawn.loan.status = LoanStatus.WRITTEN_OFF
        await session.flush()

        done = await discharge(session, drawn, drawn.bank)
        assert {r.status for r in done.registrations} == {RegistrationStatus.CANCELLING}
        for registration in drawn.registrations:
            await cancel(session, drawn.bank, registration)

        assert await locked(session, drawn) == set()
        assert drawn.deal.status is DealStatus.ACTIVE

    async def test_a_deal_without_registrations_is_closed_at_once(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_repaid(session)
        for registration in drawn.registrations:
            await session.delete(registration)
        await session.flush()

        done = await discharge(session, drawn, drawn.bank)

        assert done.deal.status is DealStatus.CLOSED
        assert await locked(session, drawn) == set()
        assert await request_status(session, drawn) is RequestStatus.CLOSED

    async def test_nobody_else_may(self, session: AsyncSession) -> None:
        drawn = await make_repaid(session)
        other = await make_organisation(session, OrganisationKind.BANK)

        with pytest.raises(NotFound):
            await discharge(session, drawn, await make_actor(session, other))
        with pytest.raises(Forbidden):
            await discharge(session, drawn, drawn.firm)


class TestRecordCancellation:
    async def test_frees_the_rights_of_that_register_and_closes_with_the_last(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_repaid(session)
        await discharge(session, drawn, drawn.bank)
        patents, trademarks = drawn.registrations

        await cancel(session, drawn.bank, patents)
        assert await locked(session, drawn) == {"trademarks"}
        assert drawn.deal.status.value == "repaid"
        assert await request_status(session, drawn) is RequestStatus.MATCHED
        await cancel(session, drawn.bank, trademarks)

        assert await locked(session, drawn) == set()
        assert drawn.deal.status is DealStatus.CLOSED
        assert patents.cancelled_on == ON
        assert await request_status(session, drawn) is RequestStatus.CLOSED

    async def test_refuses_before_the_discharge(self, session: AsyncSession) -> None:
        drawn = await make_repaid(session)

        with pytest.raises(IllegalMove):
            await cancel(session, drawn.bank, drawn.registrations[0])

    async def test_refuses_for_a_live_deal(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(NotRepaid):
            await cancel(session, drawn.bank, drawn.registrations[0])

    @pytest.mark.parametrize("on", [date(2026, 5, 19), date(2026, 7, 2)])
    async def test_refuses_a_day_before_registration_or_after_today(
        self, session: AsyncSession, on: date
    ) -> None:
        drawn = await make_repaid(session)
        await discharge(session, drawn, drawn.bank)

        with pytest.raises(FieldRefused, match="cancelled_on"):
            await cancel(session, drawn.bank, drawn.registrations[0], on=on)

    async def test_only_the_pledgee_records_it(self, session: AsyncSession) -> None:
        drawn = await make_repaid(session)
        await discharge(session, drawn, drawn.bank)
        other = await make_organisation(session, OrganisationKind.BANK)

        with pytest.raises(NotPledgee):
            await cancel(session, drawn.guarantor, drawn.registrations[0])
        with pytest.raises(NotFound):
            await cancel(session, await make_actor(session, other), drawn.registrations[0])

    @pytest.mark.parametrize(
        "status",
        [
            RegistrationStatus.REGISTERED,
            RegistrationStatus.PREPARED,
            RegistrationStatus.REFUSED,
            RegistrationStatus.CANCELLING,
        ],
    )
    async def test_a_failed_deal_unlocks_its_rights_by_cancellation(
        self, session: AsyncSession, status: RegistrationStatus
    ) -> None:
        drawn = await make_drawn(session)
        drawn.deal.status = DealStatus.FAILED
        drawn.registrations[0].status = status
        await session.flush()

        cancelled = await cancel(session, drawn.bank, drawn.registrations[0])

        assert cancelled.status is RegistrationStatus.CANCELLED
        assert await locked(session, drawn) == {"trademarks"}
        assert drawn.deal.status is DealStatus.FAILED
