"""Compensation funds: their money and exposure on the ledger, and the lock that guards both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import NotFound
from app.core.money import ZERO, Money
from app.lifecycle.parties import OrganisationKind
from app.models.funds import Fund
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.risk.scheme_files import find_scheme
from app.schemas.funds import FundOut
from app.services import ledger
from app.services.actor import Actor, as_platform
from app.services.ledger import AccountRole, Book, Operation

ACCOUNTS = {
    Book.FUND: (AccountRole.SOURCE, AccountRole.AVAILABLE, AccountRole.PAID),
    Book.FUND_BASE: (AccountRole.SOURCE, AccountRole.RESERVED, AccountRole.OUTSTANDING),
    Book.FUND_EXPOSURE: (AccountRole.SOURCE, AccountRole.RESERVED, AccountRole.OUTSTANDING),
}
"""The accounts of every fund, by book."""

_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class FundState:
    """A fund's counters. ``balance`` is its money, of which ``committed`` is approved to be paid.

    ``base`` is IP principal, reserved and outstanding; ``exposure`` is the fund's share of it.
    """

    paid_in: Money
    balance: Money
    committed: Money
    compensated: Money  # all that was ever paid on claims
    recovered: Money  # of it, what came back
    base_reserved: Money
    base_outstanding: Money
    exposure_reserved: Money
    exposure_outstanding: Money

    @property
    def paid(self) -> Money:
        """Compensation, less what came back."""
        return self.compensated - self.recovered

    @property
    def base(self) -> Money:
        return self.base_reserved + self.base_outstanding

    @property
    def available(self) -> Money:
        return self.balance - self.committed

    @property
    def leverage(self) -> Decimal | None:
        """(Reserved + outstanding principal) × IP share ÷ balance; None of an empty fund."""
        return leverage_of(self.base, self.balance)

    def room(self, leverage_max: Decimal) -> Money:
        """IP principal that may still be filed before the leverage limit stops it."""
        return max(ZERO, self.balance.times(leverage_max) - self.base)


def leverage_of(base: Money, balance: Money) -> Decimal | None:
    """Filed IP principal over the fund's money, to six places; None if there is no money."""
    if not balance:
        return None
    return (Decimal(base.fen) / balance.fen).quantize(_PLACES)


def visible_funds(actor: Actor) -> Select[Fund]:
    """Managers see theirs, parks theirs and those of every park, everybody else all."""
    funds = select(Fund)
    match actor.kind:
        case OrganisationKind.AGENCY:
            return funds.where(Fund.manager_id == actor.organisation_id)
        case OrganisationKind.PARK:
            own = select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
            return funds.where(
                or_(
                    Fund.owner_id == actor.organisation_id,
                    Fund.park_code == own.scalar_subquery(),
                    Fund.park_code.is_(None),
                )
            )
        case _:
            return funds


async def list_funds(
    session: AsyncSession, *, actor: Actor, after: UUID | None = None, limit: int
) -> Sequence[Fund]:
    """The funds the actor may see, in the order they were opened."""
    funds = visible_funds(actor).order_by(Fund.id).limit(limit)
    if after is not None:
        funds = funds.where(Fund.id > after)
    return (await session.scalars(funds)).all()


async def get_fund(session: AsyncSession, *, actor: Actor, fund_id: UUID) -> Fund:
    fund: Fund | None = await session.scalar(visible_funds(actor).where(Fund.id == fund_id))
    if fund is None:
        raise NotFound
    return fund


async def lock_fund(session: AsyncSession, fund_id: UUID) -> Fund:
    """The fund under its lock, whoever asks. After deal and loan, before the ledger's accounts."""
    async with as_platform(session):
        fund = await session.get(Fund, fund_id, with_for_update=True, populate_existing=True)
    if fund is None:
        raise NotFound
    return fund


async def open_fund(session: AsyncSession, fund: Fund) -> None:
    """Write the fund and its accounts."""
    session.add(fund)
    await session.flush()
    session.add_all(
        LedgerAccount(
            id=new_id(),
            book=book,
            owner=str(fund.id),
            role=role,
            limited=role is not AccountRole.SOURCE,
        )
        for book, roles in ACCOUNTS.items()
        for role in roles
    )
    await session.flush()


Accounts = dict[tuple[Book, AccountRole], LedgerAccount]


async def accounts_of(session: AsyncSession, fund_id: UUID) -> Accounts:
    """The fund's accounts by book and role, as they stand."""
    return (await _accounts_of(session, [fund_id]))[fund_id]


async def _accounts_of(session: AsyncSession, fund_ids: Collection[UUID]) -> dict[UUID, Accounts]:
    rows = await session.scalars(
        select(LedgerAccount)
        .where(
            LedgerAccount.book.in_(ACCOUNTS),
            LedgerAccount.owner.in_([str(fund_id) for fund_id in fund_ids]),
        )
        .execution_options(populate_existing=True)
    )
    by_fund: dict[UUID, Accounts] = {}
    for row in rows:
        by_fund.setdefault(UUID(row.owner), {})[Book(row.book), AccountRole(row.role)] = row
    return by_fund


async def states_of(session: AsyncSession, fund_ids: Collection[UUID]) -> dict[UUID, FundState]:
    """The counters of several funds in one statement, so that they agree with each other."""
    by_fund = await _accounts_of(session, fund_ids)
    return {fund_id: state_of(accounts) for fund_id, accounts in by_fund.items()}


def state_of(accounts: Accounts) -> FundState:
    """A fund's counters from its accounts."""

    def balance(book: Book, role: AccountRole) -> Money:
        account = accounts[book, role]
        return Money(account.credits_posted - account.debits_posted)

    return FundState(
        paid_in=-balance(Book.FUND, AccountRole.SOURCE),
        balance=balance(Book.FUND, AccountRole.AVAILABLE),
        committed=Money(accounts[Book.FUND, AccountRole.AVAILABLE].debits_pending),
        compensated=Money(accounts[Book.FUND, AccountRole.PAID].credits_posted),
        recovered=Money(accounts[Book.FUND, AccountRole.PAID].debits_posted),
        base_reserved=balance(Book.FUND_BASE, AccountRole.RESERVED),
        base_outstanding=balance(Book.FUND_BASE, AccountRole.OUTSTANDING),
        exposure_reserved=balance(Book.FUND_EXPOSURE, AccountRole.RESERVED),
        exposure_outstanding=balance(Book.FUND_EXPOSURE, AccountRole.OUTSTANDING),
    )


async def pay_in(session: AsyncSession, fund_id: UUID, *, amount: Money, reference: UUID) -> None:
    """Capital that the fund's owner paid in."""
    accounts = await accounts_of(session, fund_id)
    source = accounts[Book.FUND, AccountRole.SOURCE].id
    available = accounts[Book.FUND, AccountRole.AVAILABLE].id
    await ledger.apply(session, [ledger.transfer("capital", source, available, amount, reference)])


@dataclass(frozen=True, slots=True)
class Stock:
    """What one filing stands for in one book."""

    reserved: Money
    outstanding: Money


def steps(
    accounts: Accounts, book: Book, *, before: Stock, after: Stock, code: str, reference: UUID
) -> list[Operation]:
    """The transfers that lead from one stock to another: reserved becomes outstanding first."""
    source, reserved, outstanding = (accounts[book, role].id for role in ACCOUNTS[book])
    drawn = min(
        max(ZERO, before.reserved - after.reserved),
        max(ZERO, after.outstanding - before.outstanding),
    )
    moves = (
        (reserved, outstanding, drawn),
        (reserved, source, max(ZERO, before.reserved - after.reserved - drawn)),
        (source, reserved, max(ZERO, after.reserved - before.reserved)),
        (source, outstanding, max(ZERO, after.outstanding - before.outstanding - drawn)),
        (outstanding, source, max(ZERO, before.outstanding - after.outstanding)),
    )
    return [
        ledger.transfer(code, debit, credit, amount, reference)
        for debit, credit, amount in moves
        if amount
    ]


def tell(fund: Fund, state: FundState) -> FundOut:
    """A fund with its counters, as it is told."""
    leverage = state.leverage
    level: Literal["normal", "warn", "stop"] = "normal"
    if state.base >= state.balance.times(fund.leverage_max):
        level = "stop"
    elif state.base >= state.balance.times(fund.leverage_warn):
        level = "warn"
    return FundOut(
        id=fund.id,
        name=fund.name,
        park_code=fund.park_code,
        scheme=fund.scheme,
        scheme_invented=find_scheme(fund.scheme).invented,
        opened_on=fund.opened_on,
        leverage_warn=fund.leverage_warn,
        leverage_max=fund.leverage_max,
        paid_in=state.paid_in,
        balance=state.balance,
        committed=state.committed,
        paid=state.paid,
        base_reserved=state.base_reserved,
        base_outstanding=state.base_outstanding,
        exposure_reserved=state.exposure_reserved,
        exposure_outstanding=state.exposure_outstanding,
        leverage=leverage,
        leverage_level=level,
        room=state.room(fund.leverage_max),
    )
