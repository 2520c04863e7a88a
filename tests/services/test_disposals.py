"""A pledged right is licensed or sold with its pledgee's consent, the money in escrow first."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused
from app.core.money import Money
from app.lifecycle.deals import RegistrationStatus
from app.lifecycle.funds import ClaimKind, DisposalKind, DisposalStatus
from app.lifecycle.machine import IllegalMove
from app.models.claims import Disposal
from app.models.deals import DealRight, Registration
from app.schemas.claims import DisposalIn, RecoveryIn
from app.services import discharges, disposals, recoveries
from app.services.actor import Actor
from app.services.deals import NotPledgee
from app.services.disposals import EscrowFirst, NotLost, NotSettled, RecoveryAbovePrice, SoldAlready
from tests.make.funds import (
    FIVE,
    LATE,
    Funded,
    claim_on,
    make_defaulted,
    make_drawn_filed,
    settle,
)
from tests.make.parties import NOW


async def propose(session: AsyncSession, funded: Funded, actor: Actor, **changes: Any) -> Disposal:
    right: UUID = (
        await session.scalars(select(DealRight.right_id).where(DealRight.deal_id == funded.deal.id))
    ).first() or new_id()
    fields: dict[str, Any] = {
        "right_id": right,
        "kind": DisposalKind.LICENCE,
        "counterparty": "宁夏示例新材料公司",
        "price": Money.yuan(300_000),
        "terms": "普通许可，三年",
    }
    data = DisposalIn(**(fields | changes))
    return await disposals.propose(session, actor=actor, deal_id=funded.deal.id, data=data, now=NOW)


async def test_a_licence_with_its_fee_in_escrow(session: AsyncSession) -> None:
    funded, _ = await make_drawn_filed(session)
    firm, bank = funded.table.firm, funded.table.bank
    licence = await propose(session, funded, firm)
    for actor in (firm, funded.table.guarantor):
        with pytest.raises((NotPledgee, KeyError)):
            await disposals.consent(
                session, actor=actor, disposal_id=licence.id, escrow=None, now=NOW
            )
    await disposals.consent(session, actor=bank, disposal_id=licence.id, escrow="提存账户", now=NOW)
    with pytest.raises(EscrowFirst):
        await disposals.settle(session, actor=bank, disposal_id=licence.id, now=NOW)
    await disposals.record_escrow(session, actor=bank, disposal_id=licence.id, now=NOW)
    done = await disposals.settle(session, actor=bank, disposal_id=licence.id, now=NOW)

    assert done.status is DisposalStatus.SETTLED


async def test_a_right_is_sold_after_default_only(session: AsyncSession) -> None:
    early, _ = await make_drawn_filed(session)
    for kind in (DisposalKind.SALE, DisposalKind.LICENCE_BACK, DisposalKind.BUY_OUT):
        with pytest.raises(NotLost):
            await propose(session, early, early.table.bank, kind=kind)

    funded, _ = await make_defaulted(session)
    sale = await propose(session, funded, funded.table.bank, kind=DisposalKind.SALE)

    assert sale.status is DisposalStatus.PROPOSED


async def test_a_right_that_is_not_pledged(session: AsyncSession) -> None:
    funded, _ = await make_drawn_filed(session)
    with pytest.raises(FieldRefused):
        await propose(session, funded, funded.table.firm, right_id=new_id())


async def test_a_consent_is_taken_back_before_anything_is_settled(
    session: AsyncSession,
) -> None:
    funded, _ = await make_drawn_filed(session)
    bank = funded.table.bank
    licence = await propose(session, funded, funded.table.firm)
    await disposals.consent(session, actor=bank, disposal_id=licence.id, escrow=None, now=NOW)
    await disposals.refuse(
        session, actor=bank, disposal_id=licence.id, reason="受让方资信不足", now=LATE
    )

    with pytest.raises(IllegalMove):
        await disposals.settle(session, actor=bank, disposal_id=licence.id, now=LATE)


async def test_a_right_is_sold_once(session: AsyncSession) -> None:
    funded, _ = await make_defaulted(session)
    bank = funded.table.bank
    first = await propose(session, funded, bank, kind=DisposalKind.SALE)
    for kind in (DisposalKind.SALE, DisposalKind.BUY_OUT, DisposalKind.LICENCE_BACK):
        with pytest.raises(SoldAlready):
            await propose(session, funded, bank, kind=kind)
    await disposals.refuse(session, actor=bank, disposal_id=first.id, reason="价格过低", now=NOW)

    again = await propose(session, funded, bank, kind=DisposalKind.SALE)

    assert again.status is DisposalStatus.PROPOSED


async def test_a_disposal_brings_its_price_once_it_is_settled(session: AsyncSession) -> None:
    funded, loan = await make_defaulted(session)
    bank = funded.table.bank
    claim = await claim_on(session, funded, loan, ClaimKind.FUND, FIVE)
    await settle(
        session, claim, payer=funded.manager, second=funded.colleague, claimant=funded.claimant
    )
    sale = await propose(session, funded, bank, kind=DisposalKind.SALE)

    async def recover(amount: int) -> None:
        data = RecoveryIn(
            reference=f"REC-{amount}",
            received_on=LATE.date(),
            amount=Money.yuan(amount),
            disposal_id=sale.id,
        )
        async with session.begin_nested():
            await recoveries.record(session, actor=bank, loan_id=loan.id, data=data, now=LATE)

    with pytest.raises(NotSettled):
        await recover(100_000)
    await disposals.consent(session, actor=bank, disposal_id=sale.id, escrow=None, now=LATE)
    with pytest.raises(NotSettled):
        await recover(100_000)
    await disposals.settle(session, actor=bank, disposal_id=sale.id, now=LATE)
    with pytest.raises(RecoveryAbovePrice):
        await recover(300_001)
    await recover(100_000)
    with pytest.raises(RecoveryAbovePrice):
        await recover(200_001)
    await recover(200_000)


async def test_the_pledge_of_a_right_ends_with_its_sale(session: AsyncSession) -> None:
    funded, _ = await make_defaulted(session)
    bank = funded.table.bank
    pledged = (
        await session.scalars(
            select(DealRight)
            .where(DealRight.deal_id == funded.deal.id)
            .order_by(DealRight.register, DealRight.right_id)
        )
    ).all()
    for right in pledged:
        sale = await propose(session, funded, bank, kind=DisposalKind.SALE, right_id=right.right_id)
        await disposals.consent(session, actor=bank, disposal_id=sale.id, escrow=None, now=LATE)
        assert right.released_at is None
        await disposals.settle(session, actor=bank, disposal_id=sale.id, now=LATE)
        await session.refresh(right)
        assert right.released_at == LATE
        with pytest.raises(FieldRefused):
            await propose(session, funded, bank, right_id=right.right_id)

    registrations = (
        await session.scalars(
            select(Registration)
            .where(Registration.deal_id == funded.deal.id)
            .execution_options(populate_existing=True)
        )
    ).all()
    assert {row.status for row in registrations} == {RegistrationStatus.CANCELLING}
    for row in registrations:
        cancelled = await discharges.record_cancellation(
            session, actor=bank, registration_id=row.id, cancelled_on=LATE.date(), now=LATE
        )
        assert cancelled.status is RegistrationStatus.CANCELLED
