"""A call moves liability on both limits, and only a decision brings it back as headroom."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.services import liability, sealing
from app.services.ledger import AccountRole, Book, LedgerRefused
from tests.make.limits import balances
from tests.make.loans import make_drawn
from tests.make.programme import set_terms

AVAILABLE, OUTSTANDING, CALLED = (
    AccountRole.AVAILABLE,
    AccountRole.OUTSTANDING,
    AccountRole.CALLED,
)
BOOKS = (Book.QUOTA, Book.GUARANTOR)


async def test_a_call_is_linked_on_both_limits_and_is_not_headroom(session: AsyncSession) -> None:
    drawn = await make_drawn(session)
    before = await balances(session, drawn.deal)
    amount = Money.yuan(1_000_000)

    await liability.call(session, drawn.deal, amount=amount, reference=new_id())

    after = await balances(session, drawn.deal)
    for book in BOOKS:
        assert after[book, AVAILABLE] == before[book, AVAILABLE]
        assert after[book, OUTSTANDING] == before[book, OUTSTANDING] - amount
        assert after[book, CALLED] == before[book, CALLED] + amount
    assert await sealing.verify(session) == []


async def test_more_than_is_outstanding_cannot_be_called(session: AsyncSession) -> None:
    drawn = await make_drawn(session)
    before = await balances(session, drawn.deal)

    with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "exceeds"):
        await liability.call(session, drawn.deal, amount=Money.yuan(40_000_000), reference=new_id())

    assert await balances(session, drawn.deal) == before


async def test_a_decision_returns_what_was_called_and_no_more(session: AsyncSession) -> None:
    drawn = await make_drawn(session)
    before = await balances(session, drawn.deal)
    called = Money.yuan(1_000_000)
    await liability.call(session, drawn.deal, amount=called, reference=new_id())

    with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "exceeds"):
        await liability.return_called(
            session, drawn.deal, amount=called + Money(1), decision_id=new_id()
        )
    withdrawn = await liability.return_called(
        session, drawn.deal, amount=called, decision_id=new_id()
    )

    after = await balances(session, drawn.deal)
    assert withdrawn == ZERO
    for book in BOOKS:
        assert after[book, AVAILABLE] == before[book, AVAILABLE] + called
        assert after[book, OUTSTANDING] == before[book, OUTSTANDING] - called
        assert after[book, CALLED] == ZERO


async def test_what_the_guarantor_no_longer_signs_for_leaves_its_limit(
    session: AsyncSession,
) -> None:
    drawn = await make_drawn(session)
    called = Money.yuan(1_000_000)
    await liability.call(session, drawn.deal, amount=called, reference=new_id())
    await set_terms(session, drawn.deal.guarantor_id, ZERO)
    before = await balances(session, drawn.deal)

    withdrawn = await liability.return_called(
        session, drawn.deal, amount=called, decision_id=new_id()
    )

    after = await balances(session, drawn.deal)
    assert withdrawn == before[Book.GUARANTOR, AVAILABLE] + called
    assert after[Book.GUARANTOR, AVAILABLE] == ZERO
    assert after[Book.QUOTA, AVAILABLE] == before[Book.QUOTA, AVAILABLE] + called
