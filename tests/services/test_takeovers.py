"""The drawdown of a renewal: only the excess is held, liability and lock move across."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import DealStatus, LoanStatus, RegistrationStatus
from app.lifecycle.financing import RequestStatus
from app.models.deals import Deal, DealRight, QueueEntry, Registration
from app.models.financing import FinancingRequest
from app.models.ledger import LedgerTransfer
from app.models.loans import Repayment
from app.services import approvals, failures, queue, reversals, sealing
from app.services.actor import SYSTEM, Actor, bind
from app.services.drawdowns import GateClosed
from app.services.ledger import AccountRole, Book
from app.services.repayments import record
from app.services.reversals import SettledByRenewal
from app.services.takeovers import OldInterestOwed
from tests.make.deals import accept, make_table
from tests.make.limits import balances, get_account
from tests.make.loans import receipt
from tests.make.parties import NOW
from tests.make.renewals import (
    Maturing,
    accept_renewal,
    complete,
    draw_all,
    loan_of,
    make_maturing,
)

FIVE, SIX, FOUR = (Money.yuan(n * 1_000_000) for n in (5, 6, 4))
ROOM = (Book.GUARANTOR, AccountRole.AVAILABLE)
USED = (Book.GUARANTOR, AccountRole.OUTSTANDING)
QUOTA = (Book.QUOTA, AccountRole.AVAILABLE)
QUOTA_USED = (Book.QUOTA, AccountRole.OUTSTANDING)


async def floor(session: AsyncSession) -> Money:
    account = await get_account(session, Book.FLOOR, "PINGLUO", AccountRole.PROGRESS)
    return Money(account.credits_posted)


async def snapshot(session: AsyncSession, maturing: Maturing) -> dict[str, Any]:
    """All that a failed renewal must leave alone."""
    await bind(session, SYSTEM)
    await session.refresh(maturing.deal)
    await session.refresh(maturing.loan)
    rights = await session.execute(
        select(DealRight.right_id, DealRight.released_at).where(
            DealRight.deal_id == maturing.deal.id
        )
    )
    registrations = await session.execute(
        select(Registration.id, Registration.status, Registration.number).where(
            Registration.deal_id == maturing.deal.id
        )
    )
    columns = {
        column.key: getattr(row, column.key)
        for row in (maturing.deal, maturing.loan)
        for column in row.__table__.columns
    }
    return {
        "columns": columns,
        "rights": sorted(tuple(row) for row in rights),
        "registrations": sorted(tuple(row) for row in registrations),
        "balances": await balances(session, maturing.deal),
    }


async def live_locks(session: AsyncSession, deal: Deal) -> list[UUID]:
    rows = await session.scalars(
        select(DealRight.right_id).where(
            DealRight.deal_id == deal.id, DealRight.released_at.is_(None)
        )
    )
    return sorted(rows)


async def test_a_renewal_of_the_same_amount_holds_nothing_and_moves_everything(
    session: AsyncSession,
) -> None:
    maturing = await make_maturing(session)
    before, progress = await balances(session, maturing.deal), await floor(session)
    locked = await live_locks(session, maturing.deal)
    table, deal = await accept_renewal(session, maturing, FIVE)

    assert (deal.held, deal.hold_id, deal.status) == (ZERO, None, DealStatus.APPROVING)
    assert await balances(session, maturing.deal) == before
    await complete(session, table, deal)
    assert await live_locks(session, maturing.deal) == locked
    await draw_all(session, table, deal)

    assert await balances(session, deal) == before
    assert await floor(session) == progress + FIVE
    assert (await loan_of(session, deal)).liability == FOUR
    assert (await live_locks(session, maturing.deal), await live_locks(session, deal)) == (
        [],
        locked,
    )
    await session.refresh(maturing.deal)
    await session.refresh(maturing.loan)
    old_request = await session.get_one(FinancingRequest, maturing.deal.request_id)
    assert maturing.deal.status is DealStatus.CLOSED
    assert (maturing.loan.status, maturing.loan.outstanding, maturing.loan.liability) == (
        LoanStatus.REPAID,
        ZERO,
        ZERO,
    )
    assert old_request.status is RequestStatus.CLOSED


async def test_registrations_are_replaced_by_their_changes_under_the_same_number(
    session: AsyncSession,
) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, FIVE)
    await complete(session, table, deal)
    old = (
        await session.scalars(select(Registration).where(Registration.deal_id == maturing.deal.id))
    ).one()
    new = (await session.scalars(select(Registration).where(Registration.deal_id == deal.id))).one()
    new.number = old.number
    await session.flush()

    await draw_all(session, table, deal)

    await session.refresh(old)
    assert (old.status, new.status) == (RegistrationStatus.CHANGED, RegistrationStatus.REGISTERED)
    assert new.renews_id == old.id


async def test_the_floor_marks_what_only_goes_on_as_renewal(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, SIX)
    await complete(session, table, deal)
    drawn = await draw_all(session, table, deal)
    progress = await get_account(session, Book.FLOOR, "PINGLUO", AccountRole.PROGRESS)

    marked = await session.execute(
        select(LedgerTransfer.code, LedgerTransfer.amount)
        .where(
            LedgerTransfer.reference == drawn.id, LedgerTransfer.credit_account_id == progress.id
        )
        .order_by(LedgerTransfer.code)
    )
    assert [tuple(row) for row in marked] == [
        ("drawdown", Money.yuan(1_000_000).fen),
        ("renewal", FIVE.fen),
    ]


async def test_a_larger_renewal_holds_only_the_excess(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    before = await balances(session, maturing.deal)
    excess = Money.yuan(800_000)
    table, deal = await accept_renewal(session, maturing, SIX)

    assert (deal.held, deal.liability) == (excess, Money.yuan(4_800_000))
    held = await balances(session, deal)
    assert (held[ROOM], held[QUOTA]) == (before[ROOM] - excess, before[QUOTA] - excess)
    await complete(session, table, deal)
    await draw_all(session, table, deal)

    after = await balances(session, deal)
    assert (after[ROOM], after[QUOTA]) == (before[ROOM] - excess, before[QUOTA] - excess)
    assert (after[USED], after[QUOTA_USED]) == (
        before[USED] + excess,
        before[QUOTA_USED] + excess,
    )


async def test_a_smaller_renewal_needs_the_difference_repaid_first(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    before = await balances(session, maturing.deal)
    table, deal = await accept_renewal(session, maturing, FOUR)
    await complete(session, table, deal)

    with pytest.raises(GateClosed) as closed:
        await draw_all(session, table, deal)
    assert {missing.what for missing in closed.value.missing} == {"old_loan_principal"}
    await prepay(session, maturing, Money.yuan(1_000_000))
    await draw_all(session, table, deal)

    after, freed = await balances(session, deal), Money.yuan(800_000)
    assert (after[ROOM], after[USED]) == (before[ROOM] + freed, before[USED] - freed)
    assert (after[QUOTA], after[QUOTA_USED]) == (before[QUOTA] + freed, before[QUOTA_USED] - freed)


async def prepay(session: AsyncSession, maturing: Maturing, amount: Money) -> Repayment:
    await bind(session, SYSTEM)
    return await record(
        session,
        actor=maturing.table.bank,
        loan_id=maturing.loan.id,
        data=receipt(amount, NOW.date(), choice=PrepaymentChoice.KEEP_TERM),
        now=NOW,
    )


async def test_room_that_the_old_loan_frees_is_held_for_its_renewal(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    before = await balances(session, maturing.deal)
    table, deal = await accept_renewal(session, maturing, FIVE)
    paid = await prepay(session, maturing, Money.yuan(1_000_000))
    await session.refresh(deal)

    assert deal.held == Money.yuan(800_000)
    assert (await balances(session, deal))[ROOM] == before[ROOM]
    await reversals.reverse(
        session, actor=table.bank, repayment_id=paid.id, reason="mistaken", now=NOW
    )
    await session.refresh(deal)
    assert (deal.held, await balances(session, deal)) == (ZERO, before)
    await prepay(session, maturing, Money.yuan(2_000_000))
    await bind(session, SYSTEM)
    await complete(session, table, deal)
    await draw_all(session, table, deal)
    assert await balances(session, deal) == before


async def test_a_renewal_whose_excess_lacks_room_queues_and_is_promoted_with_it(
    session: AsyncSession,
) -> None:
    maturing = await make_maturing(session, limit=Money.yuan(8_000_000))
    rival, rival_id = await _rival(session, maturing)
    _, deal = await accept_renewal(session, maturing, SIX)
    entry = (await session.scalars(select(QueueEntry).where(QueueEntry.deal_id == deal.id))).one()
    assert (deal.status, deal.held) == (DealStatus.QUEUED, ZERO)
    assert entry.amount == Money.yuan(800_000)

    await failures.withdraw_deal(session, actor=rival, deal_id=rival_id, reason="enough", now=NOW)
    assert await queue.promote(session, now=NOW) == 1

    await session.refresh(deal)
    assert (deal.status, deal.held) == (DealStatus.RECONFIRMING, Money.yuan(800_000))


async def _rival(session: AsyncSession, maturing: Maturing) -> tuple[Actor, UUID]:
    """Another deal that takes the last room of the guarantor."""
    table = await make_table(session, guarantor=maturing.table.guarantor)
    deal = await accept(session, table)
    assert deal.held == FOUR
    return table.firm, deal.id


async def test_a_failure_before_cash_leaves_the_old_deal_as_it_was(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    before = await snapshot(session, maturing)
    table, deal = await accept_renewal(session, maturing, SIX)
    await complete(session, table, deal)
    await approvals.decline(
        session, actor=table.guarantor, deal_id=deal.id, note="no longer", now=NOW
    )

    assert await snapshot(session, maturing) == before
    await session.refresh(deal)
    assert (deal.status, deal.held) == (DealStatus.FAILED, ZERO)
    await session.refresh(table.request)
    assert table.request.status is RequestStatus.OPEN


async def test_interest_of_the_old_loan_is_paid_in_money(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, FIVE)
    await complete(session, table, deal)

    with pytest.raises(OldInterestOwed):
        await draw_all(session, table, deal, old_interest=Money(1))


async def test_the_settlement_cannot_be_reversed(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, FIVE)
    await complete(session, table, deal)
    await draw_all(session, table, deal)
    settled = (
        await session.scalars(select(Repayment).where(Repayment.loan_id == maturing.loan.id))
    ).one()

    assert (settled.kind, settled.principal, settled.freed) == ("renewal", FIVE, ZERO)
    with pytest.raises(SettledByRenewal):
        await reversals.reverse(
            session, actor=table.bank, repayment_id=settled.id, reason="mistaken", now=NOW
        )


async def test_the_whole_ledger_replays_after_a_renewal(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, SIX)
    await complete(session, table, deal)
    await draw_all(session, table, deal)

    assert await sealing.verify(session) == []


async def count_transfers(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(LedgerTransfer)) or 0


async def test_a_report_that_is_refused_writes_nothing(session: AsyncSession) -> None:
    maturing = await make_maturing(session)
    table, deal = await accept_renewal(session, maturing, FIVE)
    await complete(session, table, deal)
    before = await count_transfers(session)
    with pytest.raises(OldInterestOwed):
        async with session.begin_nested():
            await draw_all(session, table, deal, old_interest=Money(5))

    assert await count_transfers(session) == before
