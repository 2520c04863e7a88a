"""A fuse stops what its scheme says, for that bank and no other, until a decision resumes it."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.funds import ClaimKind, ClaimStatus
from app.lifecycle.programme import ChangeStatus
from app.models.claims import Claim
from app.models.funds import FundSuspension
from app.risk.scheme import Stops
from app.schemas.claims import ClaimPaymentIn
from app.services import claim_decisions, claim_payments, claims, fuses, grades
from app.services.fund_effects import NotSuspended
from app.services.fuses import FuseBlown
from tests.make.funds import (
    LATE,
    Funded,
    acknowledge,
    attach_all,
    claim_of,
    claim_on,
    file_another,
    make_defaulted,
    settle,
)
from tests.make.programme import approve, make_pair, propose
from tests.make.renewals import draw_all, loan_of


async def blow(session: AsyncSession) -> Funded:
    """One loan of the bank, lost: 100 % of what it lent, against a limit of 3 %."""
    funded, loan = await make_defaulted(session, scheme="guangzhou-2025")
    claim = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan(1_000_000))
    await settle(
        session, claim, payer=funded.manager, second=funded.colleague, claimant=funded.claimant
    )
    return funded


async def stopped(session: AsyncSession, funded: Funded, bank_id: UUID, stops: Stops) -> bool:
    try:
        await fuses.must_be_whole(session, funded.fund.id, bank_id=bank_id, stops=stops)
    except FuseBlown:
        return True
    return False


async def test_a_blown_fuse_stops_that_bank_and_not_others(session: AsyncSession) -> None:
    funded = await blow(session)
    own = funded.table.bank.organisation_id

    assert await stopped(session, funded, own, Stops.COMPENSATION)
    assert not await stopped(session, funded, own, Stops.FILINGS)
    other = funded.table.guarantor.organisation_id
    assert not await stopped(session, funded, other, Stops.COMPENSATION)


async def test_the_next_claim_is_refused_and_says_why(session: AsyncSession) -> None:
    funded = await blow(session)
    blown = (await session.scalars(select(FundSuspension))).one()
    assert blown.ratio_pct == 20  # one of five million

    with pytest.raises(FuseBlown) as refusal:
        await claims.submit(
            session,
            actor=funded.claimant,
            loan_id=await loan_id(session, funded),
            data=claim_of(ClaimKind.FUND, Money.yuan(1_000_000)),
            now=LATE,
        )
    assert refusal.value.ratio_pct == 20
    assert refusal.value.threshold_pct == 3


class TestClaimsUnderWay:
    async def test_one_that_was_reviewed_before_is_not_approved_after(
        self, session: AsyncSession
    ) -> None:
        funded, first, other = await make_two_claims(session)

        await settle(
            session, first, payer=funded.manager, second=funded.colleague, claimant=funded.claimant
        )

        with pytest.raises(FuseBlown):
            await approve_claim(session, funded, other)

    async def test_one_that_was_approved_before_is_not_paid_after(
        self, session: AsyncSession
    ) -> None:
        funded, first, other = await make_two_claims(session)
        await approve_claim(session, funded, other)

        await settle(
            session,
            first,
            payer=funded.manager,
            second=funded.colleague,
            claimant=funded.claimant,
            now=LATE + timedelta(days=1),
        )

        with pytest.raises(FuseBlown):
            await pay(session, funded, other, on=LATE + timedelta(days=1))
        # What had been paid the day before can be told.
        assert (await pay(session, funded, other, on=LATE)).status is ClaimStatus.PAID


async def make_two_claims(session: AsyncSession) -> tuple[Funded, Claim, Claim]:
    """Claims of one bank on one fund for two loans; the second one is reviewed."""
    funded, loan = await make_defaulted(session, scheme="guangzhou-2025")
    another = await file_another(session, funded, bank=funded.table.bank)
    await acknowledge(session, another)
    await draw_all(session, another.table, another.deal)
    await attach_all(session, another)
    second = await loan_of(session, another.deal)
    await grades.declare_default(session, actor=funded.table.bank, loan_id=second.id, now=LATE)
    first, other = [
        await claims.submit(
            session,
            actor=funded.claimant,
            loan_id=lost.id,
            data=claim_of(ClaimKind.FUND, Money.yuan(1_000_000)),
            now=LATE,
        )
        for lost in (loan, second)
    ]
    await claim_decisions.review(
        session, actor=funded.manager, claim_id=other.id, note="材料齐全", now=LATE
    )
    return funded, first, other


async def approve_claim(session: AsyncSession, funded: Funded, claim: Claim) -> None:
    await claim_decisions.approve(
        session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
    )


async def pay(session: AsyncSession, funded: Funded, claim: Claim, *, on: datetime) -> Claim:
    return await claim_payments.pay(
        session,
        actor=funded.manager,
        claim_id=claim.id,
        data=ClaimPaymentIn(paid_on=on.date(), reference="PAY-2"),
        now=LATE + timedelta(days=1),
    )


async def test_a_decision_of_two_people_resumes(session: AsyncSession) -> None:
    funded = await blow(session)
    blown = (await session.scalars(select(FundSuspension))).one()
    pair = await make_pair(session)
    change = await propose(session, pair, "fund_resumption", suspension_id=str(blown.id))
    done = await approve(session, pair, change)

    assert done.status is ChangeStatus.IN_FORCE
    assert not await stopped(session, funded, funded.table.bank.organisation_id, Stops.COMPENSATION)
    with pytest.raises(NotSuspended):
        await propose(session, pair, "fund_resumption", suspension_id=str(blown.id))


async def test_a_resumed_fuse_blows_again_at_the_next_payment_only(
    session: AsyncSession,
) -> None:
    funded = await blow(session)
    blown = (await session.scalars(select(FundSuspension))).one()
    pair = await make_pair(session)
    change = await propose(session, pair, "fund_resumption", suspension_id=str(blown.id))
    await approve(session, pair, change)
    claim = await claims.submit(
        session,
        actor=funded.claimant,
        loan_id=await loan_id(session, funded),
        data=claim_of(ClaimKind.FUND, Money.yuan(1_000_000)),
        now=LATE + timedelta(days=1),
    )
    await settle(
        session, claim, payer=funded.manager, second=funded.colleague, claimant=funded.claimant
    )

    rows = await session.scalars(select(FundSuspension).order_by(FundSuspension.id))
    assert [row.ended_at is None for row in rows] == [False, True]


async def loan_id(session: AsyncSession, funded: Funded) -> UUID:
    return (await loan_of(session, funded.deal)).id
