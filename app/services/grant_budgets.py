"""Budgets of the measures on the ledger: reserved at notice, committed at decision, then paid.

Every move is made under the budget's lock, after those of window and application. A measure for
which the policy states no ceiling has none here: its awards come straight from the source.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.grants.measure import Budget, BudgetKind
from app.models.grants import GrantBudget
from app.models.ledger import LedgerAccount
from app.services import ledger
from app.services.actor import as_platform
from app.services.ledger import AccountRole, Book

YEARLY = (BudgetKind.YEARLY, BudgetKind.SLOTS_YEARLY)
ROLES = (AccountRole.SOURCE, AccountRole.AVAILABLE, AccountRole.COMMITTED, AccountRole.PAID)

Accounts = dict[AccountRole, LedgerAccount]


@dataclass(eq=False)
class BudgetSpent(Conflict):
    """What the budget has left does not reach; for places ``left`` counts places."""

    message = "The budget of measure {measure} has {left} left."

    measure: int
    left: str


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget's counters, in fen or in places; ``left`` is None where there is no ceiling."""

    reserved: Money
    committed: Money
    paid: Money  # less what was clawed back
    clawed_back: Money
    left: Money | None


async def open_budget(
    session: AsyncSession, *, measure: int, year: int, budget: Budget
) -> GrantBudget:
    """The measure's budget, of the year if it is a yearly one; made if it is not there yet.

    Two programmes of one measure share it. A later version that gives more adds the difference.
    """
    period = year if budget.kind in YEARLY else None
    row = {
        "id": new_id(),
        "measure": measure,
        "year": period,
        "kind": budget.kind,
        "amount": None,
        "slots": None,
    }
    await session.execute(insert(GrantBudget).values(row).on_conflict_do_nothing())
    found = await session.scalars(
        select(GrantBudget)
        .where(GrantBudget.measure == measure, GrantBudget.year.is_not_distinct_from(period))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    stored = found.one()
    book = book_of(stored)
    accounts = {
        role: await ledger.open_account(session, book=book, owner=str(stored.id), role=role)
        for role in ROLES
    }
    before, wanted = _whole(stored), _whole(budget)
    if wanted > before:
        await ledger.apply(
            session,
            [
                ledger.transfer(
                    "grant budget",
                    accounts[AccountRole.SOURCE].id,
                    accounts[AccountRole.AVAILABLE].id,
                    wanted - before,
                    stored.id,
                )
            ],
        )
        stored.amount, stored.slots = budget.amount, budget.slots
    await session.flush()
    return stored


def _whole(budget: GrantBudget | Budget) -> Money:
    if budget.slots is not None:
        return Money(budget.slots)
    return budget.amount or Money(0)


def book_of(budget: GrantBudget) -> Book:
    slots = budget.kind in {BudgetKind.SLOTS, BudgetKind.SLOTS_YEARLY}
    return Book.GRANT_SLOTS if slots else Book.GRANT


async def lock_budget(session: AsyncSession, budget_id: UUID) -> GrantBudget:
    """The budget under its lock: after window and application, before the ledger's accounts."""
    async with as_platform(session):
        budget = await session.get(
            GrantBudget, budget_id, with_for_update={"key_share": True}, populate_existing=True
        )
    if budget is None:
        raise NotFound
    return budget


async def states_of(
    session: AsyncSession, budgets: Collection[GrantBudget]
) -> dict[UUID, BudgetState]:
    """The counters of several budgets in one statement, so that they agree with each other."""
    rows = await session.scalars(
        select(LedgerAccount)
        .where(
            LedgerAccount.book.in_((Book.GRANT, Book.GRANT_SLOTS)),
            LedgerAccount.owner.in_([str(budget.id) for budget in budgets]),
        )
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, Accounts] = {}
    for row in rows:
        found.setdefault(UUID(row.owner), {})[AccountRole(row.role)] = row
    return {budget.id: _state(budget, found[budget.id]) for budget in budgets}


def _state(budget: GrantBudget, accounts: Accounts) -> BudgetState:
    def balance(role: AccountRole) -> Money:
        return Money(accounts[role].credits_posted - accounts[role].debits_posted)

    reserved = Money(accounts[room_of(budget)].debits_pending)
    limited = budget.kind is not BudgetKind.NONE
    return BudgetState(
        reserved=reserved,
        committed=balance(AccountRole.COMMITTED),
        paid=balance(AccountRole.PAID),
        clawed_back=Money(accounts[AccountRole.PAID].debits_posted),
        left=balance(AccountRole.AVAILABLE) - reserved if limited else None,
    )


def room_of(budget: GrantBudget) -> AccountRole:
    """Where awards come from and go back to."""
    return AccountRole.SOURCE if budget.kind is BudgetKind.NONE else AccountRole.AVAILABLE


async def left_of(session: AsyncSession, budget: GrantBudget) -> Money | None:
    return (await states_of(session, [budget]))[budget.id].left


async def reserve(session: AsyncSession, budget: GrantBudget, amount: Money, ref: UUID) -> UUID:
    """Hold ``amount`` for a notice, and answer the hold; BudgetSpent if it is not there."""
    left = await left_of(session, budget)
    if left is not None and amount > left:
        raise spent(budget, left)
    room = await _account(session, budget, room_of(budget))
    committed = await _account(session, budget, AccountRole.COMMITTED)
    step = ledger.hold("grant noticed", room, committed, amount, ref)
    await ledger.apply(session, [step])
    return step.id


def spent(budget: GrantBudget, left: Money) -> BudgetSpent:
    slots = book_of(budget) is Book.GRANT_SLOTS
    return BudgetSpent(budget.measure, str(left.fen if slots else left))


async def commit(session: AsyncSession, hold_id: UUID, amount: Money, ref: UUID) -> None:
    """What was held is awarded."""
    await ledger.apply(session, [ledger.post("grant decided", hold_id, amount, ref)])


async def drop(session: AsyncSession, hold_id: UUID, ref: UUID) -> None:
    """What was held is free again."""
    await ledger.apply(session, [ledger.void("grant notice ended", hold_id, ref)])


async def release(session: AsyncSession, budget: GrantBudget, amount: Money, ref: UUID) -> None:
    """What was awarded and will not be paid is free again."""
    move = (AccountRole.COMMITTED, room_of(budget))
    await _transfer(session, budget, move, amount, code="grant withdrawn", ref=ref)


async def pay(session: AsyncSession, budget: GrantBudget, amount: Money, ref: UUID) -> None:
    move = (AccountRole.COMMITTED, AccountRole.PAID)
    await _transfer(session, budget, move, amount, code="grant paid", ref=ref)


async def take_back(session: AsyncSession, budget: GrantBudget, amount: Money, ref: UUID) -> None:
    """What was clawed back is in the budget again."""
    move = (AccountRole.PAID, room_of(budget))
    await _transfer(session, budget, move, amount, code="grant clawed back", ref=ref)


async def _transfer(
    session: AsyncSession,
    budget: GrantBudget,
    move: tuple[AccountRole, AccountRole],
    amount: Money,
    *,
    code: str,
    ref: UUID,
) -> None:
    debit, credit = [await _account(session, budget, role) for role in move]
    await ledger.apply(session, [ledger.transfer(code, debit, credit, amount, ref)])


async def _account(session: AsyncSession, budget: GrantBudget, role: AccountRole) -> UUID:
    account = await ledger.find_account(
        session, book=book_of(budget), owner=str(budget.id), role=role
    )
    assert account is not None
    return account.id
