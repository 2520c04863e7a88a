"""Whatever two people click, a claim is paid once and a recovery returned once."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, connect
from app.core.errors import DomainError
from app.core.money import ZERO, Money
from app.lifecycle.funds import ClaimKind
from app.models.claims import Claim
from app.models.loans import Loan
from app.schemas.claims import ClaimPaymentIn, RecoveryIn
from app.services import claim_decisions, claim_payments, funds, recoveries, sealing
from app.services.actor import SYSTEM, Actor, bind
from tests.make.funds import LATE, Funded, claim_on, make_defaulted

PEOPLE = 8

Act = Callable[[AsyncSession, int], Awaitable[object]]


async def at_once(sessions: Sessions, actor: Actor, act: Act) -> list[str]:
    """What came of the same act by several people: done, or the code of the refusal."""

    async def one(number: int) -> str:
        try:
            async with sessions.begin() as session:
                await bind(session, actor)
                await act(session, number)
        except DomainError as error:
            return error.error_code()
        return "done"

    return await asyncio.gather(*(one(number) for number in range(PEOPLE)))


async def make_claim(sessions: Sessions) -> tuple[Funded, Loan, Claim]:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan(5_000_000))
        await claim_decisions.review(
            session, actor=funded.manager, claim_id=claim.id, note="同意", now=LATE
        )
        return funded, loan, claim


async def state_of(sessions: Sessions, fund_id: UUID) -> funds.FundState:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        assert await sealing.verify(session) == []
        return funds.state_of(await funds.accounts_of(session, fund_id))


async def test_two_people_approving_and_paying_at_once_pay_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=PEOPLE) as sessions:
        funded, _, claim = await make_claim(sessions)

        async def approve(session: AsyncSession, number: int) -> object:
            return await claim_decisions.approve(
                session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
            )

        approved = await at_once(sessions, funded.colleague, approve)
        assert sorted(approved) == ["done"] + ["illegal-move"] * (PEOPLE - 1)
        assert (await state_of(sessions, funded.fund.id)).committed == claim.amount

        async def pay(session: AsyncSession, number: int) -> object:
            data = ClaimPaymentIn(paid_on=LATE.date(), reference=f"PAY-{number}")
            return await claim_payments.pay(
                session, actor=funded.manager, claim_id=claim.id, data=data, now=LATE
            )

        paid = await at_once(sessions, funded.manager, pay)
        assert sorted(paid) == ["done"] + ["paid-otherwise"] * (PEOPLE - 1)
        state = await state_of(sessions, funded.fund.id)
        assert (state.paid, state.committed) == (claim.amount, ZERO)


async def test_one_receipt_is_recovered_once_and_returned_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=PEOPLE) as sessions:
        funded, loan, claim = await make_claim(sessions)
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            await claim_decisions.approve(
                session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
            )
            data = ClaimPaymentIn(paid_on=LATE.date(), reference="PAY-1")
            await claim_payments.pay(
                session, actor=funded.manager, claim_id=claim.id, data=data, now=LATE
            )
            await claim_payments.confirm(
                session, actor=funded.claimant, claim_id=claim.id, now=LATE
            )
        found: list[UUID] = []

        async def record(session: AsyncSession, number: int) -> object:
            receipt = RecoveryIn(
                reference="REC-1", received_on=LATE.date(), amount=Money.yuan(1_000_000)
            )
            done = await recoveries.record(
                session, actor=funded.claimant, loan_id=loan.id, data=receipt, now=LATE
            )
            found.append(done.recovery.id)
            return done

        assert await at_once(sessions, funded.claimant, record) == ["done"] * PEOPLE
        assert len(set(found)) == 1

        async def receive(session: AsyncSession, number: int) -> object:
            return await recoveries.receive(
                session, actor=funded.manager, recovery_id=found[0], now=LATE
            )

        assert await at_once(sessions, funded.manager, receive) == ["done"] * PEOPLE
        state = await state_of(sessions, funded.fund.id)
        assert state.paid == claim.amount - Money.yuan(540_000)
