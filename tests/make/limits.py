"""The clock of tests on loans, a guarantor's own limit, balances of all accounts of a deal."""

from datetime import UTC, date, datetime, time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.models.deals import Deal
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.services import ledger
from app.services.ledger import AccountRole, Book


def at(day: date) -> datetime:
    """The morning of ``day`` in Ningxia."""
    return datetime.combine(day, time(2), tzinfo=UTC)


async def make_limit(session: AsyncSession, guarantor: Organisation, limit: Money) -> None:
    """The guarantor's own accounts, with ``limit`` given to it."""
    accounts = {
        role: await ledger.open_account(
            session, book=Book.GUARANTOR, owner=str(guarantor.id), role=role
        )
        for role in (
            AccountRole.SOURCE,
            AccountRole.AVAILABLE,
            AccountRole.OUTSTANDING,
            AccountRole.CALLED,
        )
    }
    source, available = accounts[AccountRole.SOURCE], accounts[AccountRole.AVAILABLE]
    await ledger.apply(
        session, [ledger.transfer("limit", source.id, available.id, limit, guarantor.id)]
    )


async def get_account(
    session: AsyncSession, book: Book, owner: str, role: AccountRole
) -> LedgerAccount:
    account = await session.scalar(
        select(LedgerAccount)
        .where(LedgerAccount.book == book, LedgerAccount.owner == owner, LedgerAccount.role == role)
        .execution_options(populate_existing=True)
    )
    assert account is not None
    return account


async def balances(session: AsyncSession, deal: Deal) -> dict[tuple[str, str], Money]:
    """(book, role) → posted balance less what is held, of every limit the deal touches."""
    accounts = await session.scalars(
        select(LedgerAccount)
        .where(
            LedgerAccount.owner.in_([str(deal.guarantor_id), deal.park_code]),
            LedgerAccount.book != Book.FLOOR,
        )
        .execution_options(populate_existing=True)
    )
    return {
        (account.book, account.role): Money(
            account.credits_posted - account.debits_posted - account.debits_pending
        )
        for account in accounts
    }
