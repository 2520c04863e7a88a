"""The guarantee programme's figures: capacity, floor progress, and the quota of every account."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.deals import LoanStatus
from app.models.ledger import LedgerAccount
from app.models.loans import Loan
from app.models.organisations import Park
from app.schemas.public import FloorOut, ProgrammeOut, QuotaOut
from app.services import rules
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book
from app.services.reference import PROGRAMME

_PERCENT_PLACES = Decimal("0.01")


async def ping(session: AsyncSession) -> None:
    """Reach the database, or raise what the driver raises."""
    await session.execute(text("SELECT 1"))


async def list_parks(session: AsyncSession) -> Sequence[Park]:
    """The parks, key parks first."""
    parks = await session.scalars(select(Park).order_by(Park.key_park.desc(), Park.code))
    return parks.all()


def balance(account: LedgerAccount) -> Money:
    """What was credited and not debited, counting posted rows only."""
    return Money(account.credits_posted - account.debits_posted)


async def get_quota(session: AsyncSession, *, park_code: str | None = None) -> list[QuotaOut]:
    """The five figures of each quota account, or of one; what waits is not for everybody.

    One statement reads the accounts, so the five add up at every instant.
    """
    accounts = await session.scalars(
        select(LedgerAccount).where(
            LedgerAccount.book == Book.QUOTA, LedgerAccount.owner != PROGRAMME
        )
    )
    by_park: dict[str, dict[str, LedgerAccount]] = {}
    for account in accounts:
        by_park.setdefault(account.owner, {})[account.role] = account
    return [
        _quota(owner, roles)
        for owner, roles in sorted(by_park.items())
        if park_code in {None, owner}
    ]


def _quota(owner: str, roles: dict[str, LedgerAccount]) -> QuotaOut:
    available = roles[AccountRole.AVAILABLE]
    held = Money(available.debits_pending)
    outstanding = balance(roles[AccountRole.OUTSTANDING])
    called = balance(roles[AccountRole.CALLED])
    free = balance(available) - held
    return QuotaOut(
        park_code=owner,
        allocated=held + outstanding + called + free,
        held=held,
        outstanding=outstanding,
        called=called,
        available=free,
    )


async def get_figures(session: AsyncSession, *, on: date) -> ProgrammeOut:
    """Capacity = reserve + Σ allocated; the floor's cumulative figure and current stock."""
    await bind(session, SYSTEM)  # aggregates over all parties, without any of their names
    rule = await rules.find_version(session, PROGRAMME, on=on)
    if rule is None:
        raise rules.NoRuleInForce(PROGRAMME, on)
    accounts = await get_quota(session)
    totals = {
        AccountRole(row.role): Money(int(row.balance))
        for row in await session.execute(
            select(
                LedgerAccount.role,
                func.sum(LedgerAccount.credits_posted - LedgerAccount.debits_posted).label(
                    "balance"
                ),
            )
            .where(LedgerAccount.role.in_([AccountRole.RESERVE, AccountRole.PROGRESS]))
            .group_by(LedgerAccount.role)
        )
    }
    reserve = totals[AccountRole.RESERVE]
    cumulative = totals[AccountRole.PROGRESS]  # over all parks
    stock = await session.scalar(
        select(func.sum(Loan.outstanding)).where(
            Loan.in_programme, Loan.status != LoanStatus.WRITTEN_OFF
        )
    )
    target = Money.yuan(rule.body["floor"])
    return ProgrammeOut(
        capacity=Money.sum([reserve, *(account.allocated for account in accounts)]),
        reserve=reserve,
        uncalibrated=rule.uncalibrated,
        source=rule.source,
        floor=FloorOut(
            target=target,
            cumulative=cumulative,
            current_stock=stock or ZERO,
            progress_pct=(Decimal(100) * cumulative.fen / target.fen).quantize(_PERCENT_PLACES),
        ),
        accounts=accounts,
    )
