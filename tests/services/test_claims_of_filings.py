"""A fund compensates what it took in before cash, and only while it stands behind it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.messages import Language, speaking
from app.lifecycle.funds import ClaimKind, ClaimStatus, FilingStatus
from app.models.claims import Claim
from app.schemas.claims import ClaimPaymentIn
from app.services import claim_decisions, claim_payments, claims
from app.services.claim_standing import FilingNotAcknowledged
from tests.make.funds import FIVE, LATE, Funded, claim_on, make_defaulted

LOST = [FilingStatus.FILED, FilingStatus.REFUSED, FilingStatus.ENDED]


async def make_claim(session: AsyncSession) -> tuple[Funded, Claim]:
    """A claim on a fund, reviewed."""
    funded, loan = await make_defaulted(session)
    claim = await claim_on(session, funded, loan, ClaimKind.FUND, FIVE)
    await claim_decisions.review(
        session, actor=funded.manager, claim_id=claim.id, note="材料齐全", now=LATE
    )
    return funded, claim


async def approve(session: AsyncSession, funded: Funded, claim: Claim) -> Claim:
    return await claim_decisions.approve(
        session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
    )


async def pay(session: AsyncSession, funded: Funded, claim: Claim) -> Claim:
    return await claim_payments.pay(
        session,
        actor=funded.manager,
        claim_id=claim.id,
        data=ClaimPaymentIn(paid_on=LATE.date(), reference="PAY-1"),
        now=LATE,
    )


async def become(session: AsyncSession, funded: Funded, status: FilingStatus) -> None:
    """As stored before filings had to come before cash."""
    funded.filing.status = status
    await session.flush()


async def test_a_filing_never_acknowledged_is_not_claimed_on(session: AsyncSession) -> None:
    funded, loan = await make_defaulted(session)
    await become(session, funded, FilingStatus.FILED)

    with pytest.raises(FilingNotAcknowledged) as refused:
        await claim_on(session, funded, loan, ClaimKind.FUND, FIVE)

    assert refused.value.facts() == {"status": "filed"}
    assert str(refused.value).startswith("The filing is filed; the fund compensates only")
    with speaking(Language.CHINESE):
        assert "补偿资金" in str(refused.value)


@pytest.mark.parametrize("status", LOST)
async def test_a_claim_is_not_approved_once_its_filing_is_gone(
    session: AsyncSession, status: FilingStatus
) -> None:
    funded, claim = await make_claim(session)
    await become(session, funded, status)

    with pytest.raises(FilingNotAcknowledged):
        await approve(session, funded, claim)


@pytest.mark.parametrize("status", LOST)
async def test_nor_paid(session: AsyncSession, status: FilingStatus) -> None:
    funded, claim = await make_claim(session)
    await approve(session, funded, claim)
    await become(session, funded, status)

    with pytest.raises(FilingNotAcknowledged):
        await pay(session, funded, claim)

    assert claim.status is ClaimStatus.APPROVED


async def test_nor_appealed(session: AsyncSession) -> None:
    funded, claim = await make_claim(session)
    await claim_decisions.refuse(
        session, actor=funded.manager, claim_id=claim.id, reason="存疑", now=LATE
    )
    await become(session, funded, FilingStatus.ENDED)

    with pytest.raises(FilingNotAcknowledged, match="The filing is ended"):
        await claims.appeal(
            session, actor=funded.claimant, claim_id=claim.id, reason="补充材料", now=LATE
        )

    assert claim.status is ClaimStatus.REFUSED
