"""A claim approved for less than it comes to: why, and what of the principal stays open."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lifecycle.funds import ClaimKind, ClaimStatus
from app.models.claims import Claim
from app.services import claim_decisions, claim_payments, claims, funds, fuses
from app.services.claims import ApprovedInFull
from tests.make.funds import FIVE, LATE, Funded, claim_of
from tests.services.test_claims_of_filings import approve, make_claim, pay


async def cut(
    session: AsyncSession, funded: Funded, claim: Claim, reason: str | None = "部分损失未能证明"
) -> Claim:
    """Two thirds of what it comes to."""
    return await claim_decisions.approve(
        session,
        actor=funded.colleague,
        claim_id=claim.id,
        amount=Money.yuan(1_800_000),
        reason=reason,
        now=LATE,
    )


async def test_a_cut_needs_a_reason(session: AsyncSession) -> None:
    funded, claim = await make_claim(session)
    with pytest.raises(FieldRefused) as refused:
        await cut(session, funded, claim, reason=None)
    assert refused.value.field == "reason"


async def test_a_cut_settles_its_part_and_the_rest_can_be_claimed(session: AsyncSession) -> None:
    funded, claim = await make_claim(session)
    await cut(session, funded, claim)
    await pay(session, funded, claim)
    await claim_payments.confirm(session, actor=funded.claimant, claim_id=claim.id, now=LATE)
    assert claim.settles == Money.yuan("3333333.33")
    ratio = await fuses.ratio_of(session, funded.fund.id, bank_id=None, year=LATE.year)
    assert ratio.lost == claim.settles

    rest = await claims.submit(
        session,
        actor=funded.claimant,
        loan_id=claim.loan_id,
        data=claim_of(ClaimKind.FUND, FIVE - claim.settles),
        now=LATE,
    )

    assert rest.amount == Money.yuan(900_000)


async def test_a_cut_may_be_appealed_and_a_full_approval_not(session: AsyncSession) -> None:
    funded, claim = await make_claim(session)
    await cut(session, funded, claim)
    await claims.appeal(
        session, actor=funded.claimant, claim_id=claim.id, reason="已补证", now=LATE
    )
    assert (claim.status, claim.approved, claim.settles) == (ClaimStatus.SUBMITTED, None, FIVE)
    accounts = await funds.accounts_of(session, funded.fund.id)
    assert funds.state_of(accounts).committed == ZERO

    await claim_decisions.review(
        session, actor=funded.manager, claim_id=claim.id, note="复核", now=LATE
    )
    await approve(session, funded, claim)
    with pytest.raises(ApprovedInFull):
        await claims.appeal(session, actor=funded.claimant, claim_id=claim.id, reason="?", now=LATE)
