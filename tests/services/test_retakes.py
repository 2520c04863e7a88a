"""Room that a reversal needs back: it waits at the head of the queue, and any sequence adds up."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import LoanStatus, QueueKind, QueueStatus
from app.models.deals import QueueEntry
from app.models.loans import Instalment, Loan, Repayment
from app.services import ledger, liability, reversals, schedules
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book
from tests.make.limits import at, balances, get_account
from tests.make.loans import DRAWN_ON, Drawn, make_drawn, pay
from tests.make.programme import set_terms

MAY_21 = date(2026, 5, 21)
JUNE_20 = date(2026, 6, 20)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


async def reverse(
    session: AsyncSession, drawn: Drawn, repayment: Repayment, *, on: date = MAY_21
) -> Repayment:
    return await reversals.reverse(
        session, actor=drawn.bank, repayment_id=repayment.id, reason="误记", now=at(on)
    )


async def fill(session: AsyncSession, drawn: Drawn) -> None:
    """Someone else takes all of the guarantor's free room."""
    room = (await balances(session, drawn.deal))[Book.GUARANTOR, AccountRole.AVAILABLE]
    await take(session, drawn, room)


async def take(session: AsyncSession, drawn: Drawn, amount: Money) -> None:
    """Another deal uses ``amount`` of the guarantor's limit."""
    owner = str(drawn.deal.guarantor_id)
    available = await get_account(session, Book.GUARANTOR, owner, AccountRole.AVAILABLE)
    used = await get_account(session, Book.GUARANTOR, owner, AccountRole.OUTSTANDING)
    await ledger.apply(
        session, [ledger.transfer("accept", available.id, used.id, amount, new_id())]
    )


async def make_room(session: AsyncSession, drawn: Drawn, amount: Money) -> None:
    owner = str(drawn.deal.guarantor_id)
    available = await get_account(session, Book.GUARANTOR, owner, AccountRole.AVAILABLE)
    used = await get_account(session, Book.GUARANTOR, owner, AccountRole.OUTSTANDING)
    await ledger.apply(session, [ledger.transfer("repay", used.id, available.id, amount, new_id())])


async def waiting_retake(session: AsyncSession, drawn: Drawn) -> QueueEntry:
    entry = await liability.find_waiting(session, drawn.deal.id)
    assert entry is not None
    return entry


class TestRetake:
    async def test_a_later_one_does_not_pass_it(self, session: AsyncSession) -> None:
        """600,000 are free: too little for the first, enough for the second."""
        first = await make_drawn(session, limit=Money.yuan(4_000_000))
        paid = await pay(session, first, "1000500.00", MAY_21, KEEP_TERM)
        second = await make_drawn(session, amount=Money.yuan(500_000), limit=Money.yuan(400_000))
        second.deal.guarantor_id = first.deal.guarantor_id
        await take(session, first, Money.yuan(400_000))
        also = await pay(session, second, "250100.00", MAY_21, KEEP_TERM)
        await bind(session, SYSTEM)

        await reverse(session, first, paid)
        await reverse(session, second, also)

        assert first.loan.retake_waiting
        assert second.loan.retake_waiting

    async def test_without_room_it_waits_at_the_head_and_marks_the_loan(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await fill(session, drawn)

        await reverse(session, drawn, repayment)

        entry = await waiting_retake(session, drawn)
        assert entry.kind is QueueKind.RETAKE
        assert entry.amount == Money.yuan(800_000)
        assert entry.arrival < 0
        assert len(entry.lacks) == 2
        assert (drawn.loan.retake_waiting, drawn.loan.marked) == (True, "retake_waiting")
        assert drawn.loan.liability == Money.yuan(3_200_000)

    async def test_no_new_hold_is_granted_meanwhile(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await fill(session, drawn)
        await reverse(session, drawn, repayment)
        await make_room(session, drawn, Money.yuan(100))
        entry = await waiting_retake(session, drawn)
        owner = str(drawn.deal.guarantor_id)
        used = await get_account(session, Book.GUARANTOR, owner, AccountRole.OUTSTANDING)

        held = await session.scalar(
            text(
                "SELECT held FROM reserve_room(:deal, 100, interval '1 day',"
                " NULL, NULL, NULL, :available, :used, :hold, false, 'accept')"
            ),
            {
                "deal": drawn.deal.id,
                "available": entry.limit_account_id,
                "used": used.id,
                "hold": new_id(),
            },
        )

        assert held is False

    async def test_is_completed_when_room_appears(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await fill(session, drawn)
        await reverse(session, drawn, repayment)
        entry = await waiting_retake(session, drawn)
        assert not await reversals.complete_retake(
            session, entry=entry, actor=SYSTEM, now=at(MAY_21)
        )
        await make_room(session, drawn, Money.yuan(800_000))

        done = await reversals.complete_retake(session, entry=entry, actor=SYSTEM, now=at(MAY_21))

        assert done
        assert entry.status is QueueStatus.PROMOTED
        assert drawn.loan.liability == Money.yuan(4_000_000)
        assert (drawn.loan.retake_waiting, drawn.loan.marked) == (False, None)
        assert await reversals.complete_retake(session, entry=entry, actor=SYSTEM, now=at(MAY_21))

    async def test_the_right_repayment_gives_the_wait_up_again(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        repayment = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        await fill(session, drawn)
        await reverse(session, drawn, repayment)
        entry = await waiting_retake(session, drawn)

        part = await pay(session, drawn, "500500.00", MAY_21, KEEP_TERM)
        assert (part.freed, part.spared) == (ZERO, Money.yuan(400_000))
        assert entry.amount == Money.yuan(400_000)
        rest = await pay(session, drawn, "1000000.00", MAY_21, KEEP_TERM)

        assert (rest.freed, rest.spared) == (Money.yuan(400_000), Money.yuan(400_000))
        assert entry.status is QueueStatus.LEFT
        assert drawn.loan.liability == Money.yuan(2_800_000)
        assert not drawn.loan.retake_waiting

    async def test_a_second_reversal_waits_with_the_first(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, limit=Money.yuan(4_000_000))
        await set_terms(session, drawn.deal.guarantor_id, Money.yuan(3_500_000))
        first = await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
        second = await pay(session, drawn, "1000000.00", MAY_21, KEEP_TERM)
        await fill(session, drawn)
        await reverse(session, drawn, second)

        await reverse(session, drawn, first)

        entry = await waiting_retake(session, drawn)
        assert entry.amount == Money.yuan(1_600_000)
        # What had left the limit is back, and waits for the retake.
        after = await balances(session, drawn.deal)
        assert after[Book.GUARANTOR, AccountRole.AVAILABLE] == Money.yuan(500_000)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["scheduled", "keep_term", "keep_instalment", "reverse"]),
        st.integers(min_value=0, max_value=45),
        st.integers(min_value=1, max_value=100),
    ),
    min_size=1,
    max_size=8,
)


class TestAnySequence:
    @settings(
        max_examples=12,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(method=st.sampled_from(["equal_principal", "equal_instalment"]), steps=STEPS)
    async def test_keeps_the_books_equal_and_can_be_undone(
        self, session: AsyncSession, method: str, steps: list[tuple[str, int, int]]
    ) -> None:
        drawn = await make_drawn(session, terms={"method": method}, amount=Money(30_000_001))
        start = await state(session, drawn)
        made: list[Repayment] = []
        today = DRAWN_ON
        for kind, days, share in steps:
            if kind == "reverse":
                if made:
                    await reverse(session, drawn, made.pop(), on=today)
            else:
                today += timedelta(days=days)
                if (repayment := await step(session, drawn, kind, today, share)) is not None:
                    made.append(repayment)
            await assert_books_equal(session, drawn)

        while made:
            await reverse(session, drawn, made.pop(), on=today)

        assert await state(session, drawn) == start


async def step(
    session: AsyncSession, drawn: Drawn, kind: str, on: date, share: int
) -> Repayment | None:
    """Pay ``share`` per cent of what may be paid that day, if anything may."""
    if drawn.loan.status is LoanStatus.REPAID:
        return None
    lines = await schedules.list_lines(session, drawn.loan)
    owed = schedules.statement_on(drawn.loan, lines, on=on)
    if kind == "scheduled":
        amount = Money(-(-owed.due_amount.fen * share // 100))
        return await pay(session, drawn, amount, on) if amount else None
    principal = Money(owed.principal_not_due.fen * share // 100)
    if not principal:
        return None
    amount = owed.due_amount + owed.accrued_interest + principal
    return await pay(session, drawn, amount, on, PrepaymentChoice(kind))


async def state(session: AsyncSession, drawn: Drawn) -> Any:
    """Everything a reversal must bring back. Whether a loan is late depends on the day."""
    loan = await session.get_one(Loan, drawn.loan.id, populate_existing=True)
    lines = await schedules.list_lines(session, loan)
    columns = [column.key for column in Instalment.__table__.columns]
    return (
        await balances(session, drawn.deal),
        (loan.outstanding, loan.liability, loan.schedule_version, loan.level, loan.accrues_from),
        [[getattr(line, name) for name in columns] for line in lines],
    )


async def assert_books_equal(session: AsyncSession, drawn: Drawn) -> None:
    loan = drawn.loan
    applied = await session.scalars(
        select(Repayment).where(Repayment.loan_id == loan.id, Repayment.reversed_at.is_(None))
    )
    principal = Money.sum([repayment.principal for repayment in applied])
    assert loan.drawn - loan.outstanding == principal
    lines = await schedules.list_lines(session, loan)
    unpaid = Money.sum([line.principal - line.paid_principal for line in lines])
    assert unpaid == loan.outstanding
    books = await balances(session, drawn.deal)
    assert books[Book.GUARANTOR, AccountRole.OUTSTANDING] == loan.liability
    assert books[Book.QUOTA, AccountRole.OUTSTANDING] >= loan.liability
    assert loan.liability == schedules.share_of(loan.outstanding, loan.guarantee_share_pct)
