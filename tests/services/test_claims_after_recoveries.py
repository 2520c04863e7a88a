"""What recoveries brought is no longer lost: it cannot be claimed, approved or paid."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.deals import LoanStatus
from app.lifecycle.funds import ClaimKind, ClaimStatus
from app.models.claims import Claim
from app.models.loans import Loan
from app.schemas.claims import ClaimPaymentIn, RecoveryIn
from app.services import claim_decisions, claim_payments, claims, exposures, recoveries
from app.services.actor import SYSTEM, bind
from app.services.claim_amounts import LossAboveOutstanding
from app.services.claim_decisions import ApprovedAbove
from app.services.claim_payments import NoLongerLost
from app.services.exposures import ExposureFault
from tests.make.funds import (
    FIVE,
    LATE,
    Funded,
    claim_on,
    colleague_of,
    make_defaulted,
    settle_on,
)


def yuan(amount: int) -> Money:
    return Money.yuan(amount)


async def recover(
    session: AsyncSession, funded: Funded, loan: Loan, amount: Money
) -> dict[str, Money]:
    data = RecoveryIn(reference=f"R-{amount}", received_on=LATE.date(), amount=amount)
    done = await recoveries.record(
        session, actor=funded.table.bank, loan_id=loan.id, data=data, now=LATE
    )
    await bind(session, SYSTEM)
    return {share.party: share.amount for share in done.shares}


async def test_calls_before_and_after_a_recovery_come_to_what_one_call_does(
    session: AsyncSession,
) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    first = await settle_on(session, funded, loan, ClaimKind.GUARANTEE, yuan(2_500_000))
    assert first.amount == yuan(2_000_000)  # 80 %
    assert await recover(session, funded, loan, yuan(2_500_000)) == {
        "bank": yuan(1_500_000),
        "guarantee": yuan(1_000_000),
    }
    await session.refresh(loan)
    assert (loan.liability, loan.called) == (yuan(1_000_000), yuan(2_000_000))

    with pytest.raises(LossAboveOutstanding) as refused:
        await claim_on(session, funded, loan, ClaimKind.GUARANTEE, yuan(1_250_001))
    assert refused.value.open == yuan(1_250_000)
    second = await settle_on(session, funded, loan, ClaimKind.GUARANTEE, yuan(1_250_000))

    # Of the 2,500,000 still lost the guarantor bears 80 %, as it would by one call for all.
    assert (second.amount, second.settles) == (yuan(1_000_000), yuan(2_500_000))
    await session.refresh(loan)
    assert (loan.liability, loan.called) == (ZERO, yuan(3_000_000))
    assert await recover(session, funded, loan, yuan(1_000_000)) == {
        "bank": yuan(200_000),
        "guarantee": yuan(800_000),
    }
    assert await recover(session, funded, loan, yuan(1_500_000)) == {
        "bank": yuan(300_000),
        "guarantee": yuan(1_200_000),
    }
    await session.refresh(loan)
    assert loan.status is LoanStatus.REPAID
    assert await exposures.verify(session) == []


async def test_what_the_guarantor_paid_is_called_though_a_recovery_came_before_the_bank_confirmed(
    session: AsyncSession,
) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    claim = await claim_on(session, funded, loan, ClaimKind.GUARANTEE, yuan(2_500_000))
    await _pay(session, funded, claim)

    await recover(session, funded, loan, yuan(2_500_000))

    await session.refresh(loan)
    assert (loan.liability, loan.called) == (yuan(3_000_000), ZERO)  # 1,000,000 is repaid
    await claim_payments.confirm(session, actor=funded.table.bank, claim_id=claim.id, now=LATE)
    await session.refresh(loan)
    assert (loan.liability, loan.called) == (yuan(1_000_000), yuan(2_000_000))
    assert await exposures.verify(session) == []


async def test_what_the_guarantor_paid_is_called_though_all_came_back_before(
    session: AsyncSession,
) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    claim = await claim_on(session, funded, loan, ClaimKind.GUARANTEE, FIVE)
    await _pay(session, funded, claim)

    await recover(session, funded, loan, FIVE)
    await claim_payments.confirm(session, actor=funded.table.bank, claim_id=claim.id, now=LATE)

    await session.refresh(loan)
    assert (loan.status, loan.outstanding) == (LoanStatus.REPAID, ZERO)
    assert (loan.liability, loan.called) == (ZERO, yuan(4_000_000))
    assert await exposures.verify(session) == []


async def _pay(session: AsyncSession, funded: Funded, claim: Claim) -> None:
    guarantor = funded.table.guarantor
    second = await colleague_of(session, guarantor)
    await claim_decisions.review(session, actor=guarantor, claim_id=claim.id, note="属实", now=LATE)
    await claim_decisions.approve(session, actor=second, claim_id=claim.id, amount=None, now=LATE)
    payment = ClaimPaymentIn(paid_on=LATE.date(), reference="PAY-1")
    await claim_payments.pay(session, actor=guarantor, claim_id=claim.id, data=payment, now=LATE)


async def test_a_claim_approved_before_a_recovery_is_paid_for_what_is_still_lost(
    session: AsyncSession,
) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    await settle_on(session, funded, loan, ClaimKind.GUARANTEE, yuan(1_000_000))
    claim = await claim_on(session, funded, loan, ClaimKind.GUARANTEE, yuan(4_000_000))
    guarantor = funded.table.guarantor
    second = await colleague_of(session, guarantor)
    await claim_decisions.review(session, actor=guarantor, claim_id=claim.id, note="属实", now=LATE)
    await claim_decisions.approve(session, actor=second, claim_id=claim.id, amount=None, now=LATE)
    payment = ClaimPaymentIn(paid_on=LATE.date(), reference="PAY-2")

    await recover(session, funded, loan, yuan(2_500_000))

    with pytest.raises(NoLongerLost) as refused:
        await claim_payments.pay(
            session, actor=guarantor, claim_id=claim.id, data=payment, now=LATE
        )
    assert (refused.value.approved, refused.value.open) == (yuan(3_200_000), yuan(1_600_000))
    await claim_decisions.refuse(
        session, actor=guarantor, claim_id=claim.id, reason="已收回", now=LATE
    )
    await claims.appeal(
        session, actor=funded.table.bank, claim_id=claim.id, reason="按余额", now=LATE
    )
    await claim_decisions.review(session, actor=guarantor, claim_id=claim.id, note="属实", now=LATE)
    with pytest.raises(ApprovedAbove, match=r"Name the amount 1600000\.00 to approve"):
        await claim_decisions.approve(
            session, actor=second, claim_id=claim.id, amount=None, now=LATE
        )
    await claim_decisions.approve(
        session, actor=second, claim_id=claim.id, amount=yuan(1_600_000), now=LATE
    )
    paid = await claim_payments.pay(
        session, actor=guarantor, claim_id=claim.id, data=payment, now=LATE
    )
    assert paid.status is ClaimStatus.PAID
    assert await exposures.verify(session) == []


async def test_a_fund_is_asked_for_what_call_and_recovery_left(session: AsyncSession) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    await settle_on(session, funded, loan, ClaimKind.GUARANTEE, FIVE)  # 4,000,000 of 5,000,000
    await recover(session, funded, loan, yuan(2_500_000))  # the bank still bears 500,000

    with pytest.raises(LossAboveOutstanding):
        await claim_on(session, funded, loan, ClaimKind.FUND, FIVE)
    claim = await claim_on(session, funded, loan, ClaimKind.FUND, yuan(2_500_000))

    assert (claim.amount, claim.settles) == (yuan(500_000), FIVE)
    assert claim.trace[-1]["rule"] == "total-indemnity"


async def test_two_kinds_of_claims_approved_at_once_never_promise_more_than_the_loss(
    session: AsyncSession,
) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    fund = await claim_on(session, funded, loan, ClaimKind.FUND, FIVE)
    guarantee = await claim_on(session, funded, loan, ClaimKind.GUARANTEE, FIVE)
    guarantor = funded.table.guarantor
    second = await colleague_of(session, guarantor)
    await claim_decisions.review(
        session, actor=funded.manager, claim_id=fund.id, note="同意", now=LATE
    )
    await claim_decisions.review(
        session, actor=guarantor, claim_id=guarantee.id, note="同意", now=LATE
    )
    await claim_decisions.approve(
        session, actor=second, claim_id=guarantee.id, amount=None, now=LATE
    )
    await claim_decisions.approve(
        session, actor=funded.colleague, claim_id=fund.id, amount=None, now=LATE
    )

    assert (fund.approved, guarantee.approved) == (yuan(1_000_000), yuan(4_000_000))


async def test_verification_names_a_bearer_who_has_more_than_it_bore(
    session: AsyncSession,
) -> None:
    funded, loan = await make_defaulted(session, guarantee_pct="80")
    claim = await settle_on(session, funded, loan, ClaimKind.GUARANTEE, FIVE)
    await recover(session, funded, loan, yuan(2_500_000))
    assert await exposures.verify(session) == []

    await session.execute(
        text("UPDATE claims SET amount = :more, approved = :more WHERE id = :id"),
        {"more": yuan(4_800_000).fen, "id": claim.id},
    )

    [finding] = await exposures.verify(session)
    assert finding.kind is ExposureFault.INDEMNITY_ABOVE_LOSS
    assert finding.detail == f"loan {loan.id}, bank"
