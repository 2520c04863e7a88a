"""Room for a guarantor's liability: the quota account and the guarantor's own limit, as a pair."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.models.deals import Deal
from app.models.ledger import LedgerAccount
from app.services import ledger, limits
from app.services.ledger import AccountRole, Book, Operation

_RESERVE = text(
    "SELECT * FROM reserve_room(:deal, :amount, :ttl, :quota, :quota_used, :quota_hold,"
    " :limit, :limit_used, :limit_hold, :waiting, :code)"
)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts a hold touches. Those of the quota are None outside the programme."""

    limit: UUID
    limit_used: UUID
    quota: UUID | None
    quota_used: UUID | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What ``reserve`` got: holds with their expiry, or the accounts that are short."""

    lacks: list[str]
    hold_id: UUID | None = None
    quota_hold_id: UUID | None = None
    expires_at: datetime | None = None

    @property
    def held(self) -> bool:
        return self.hold_id is not None


async def find_accounts(
    session: AsyncSession, *, guarantor_id: UUID, park_code: str | None
) -> Accounts:
    """The accounts of a guarantor, and of the park if the deal is in the programme.

    A guarantor that has signed no capacity yet gets accounts without room.
    """
    owner = str(guarantor_id)
    rows = await session.execute(
        select(LedgerAccount.book, LedgerAccount.role, LedgerAccount.id).where(
            LedgerAccount.role.in_([AccountRole.AVAILABLE, AccountRole.OUTSTANDING]),
            or_(
                and_(LedgerAccount.book == Book.GUARANTOR, LedgerAccount.owner == owner),
                and_(LedgerAccount.book == Book.QUOTA, LedgerAccount.owner == park_code),
            ),
        )
    )
    found: dict[tuple[str, str], UUID] = {(row.book, row.role): row.id for row in rows}
    if (Book.GUARANTOR, AccountRole.AVAILABLE) not in found:
        for role in (
            AccountRole.SOURCE,
            AccountRole.AVAILABLE,
            AccountRole.OUTSTANDING,
            AccountRole.CALLED,
        ):
            account = await ledger.open_account(
                session, book=Book.GUARANTOR, owner=owner, role=role
            )
            found[Book.GUARANTOR, role] = account.id
    return Accounts(
        limit=found[Book.GUARANTOR, AccountRole.AVAILABLE],
        limit_used=found[Book.GUARANTOR, AccountRole.OUTSTANDING],
        quota=found[Book.QUOTA, AccountRole.AVAILABLE] if park_code else None,
        quota_used=found[Book.QUOTA, AccountRole.OUTSTANDING] if park_code else None,
    )


async def reserve(
    session: AsyncSession,
    *,
    deal_id: UUID,
    amount: Money,
    ttl: timedelta,
    accounts: Accounts,
    waiting: bool = False,
    code: str = "accept",
) -> Reservation:
    """Hold ``amount`` on both limits at once, or on neither and say which lack room.

    Whoever does not wait yet also lacks what an earlier deal waits for. One that does
    (``waiting``) is tested for room alone: the queue sees to the order. The accounts stay locked
    until the transaction ends.
    """
    limit_hold, quota_hold = new_id(), new_id() if accounts.quota else None
    row = (
        await session.execute(
            _RESERVE,
            {
                "deal": deal_id,
                "amount": amount.fen,
                "ttl": ttl,
                "quota": accounts.quota,
                "quota_used": accounts.quota_used,
                "quota_hold": quota_hold,
                "limit": accounts.limit,
                "limit_used": accounts.limit_used,
                "limit_hold": limit_hold,
                "waiting": waiting,
                "code": code,
            },
        )
    ).one()
    if not row.held:
        return Reservation(lacks=list(row.lacks))
    return Reservation([], limit_hold, quota_hold, row.expires_at)


def holds_of(deal: Deal) -> list[UUID]:
    """The open holds of the deal: on the guarantor's limit, then on the quota account."""
    return [hold for hold in (deal.hold_id, deal.quota_hold_id) if hold is not None]


async def give_back(session: AsyncSession, deal: Deal, *, expired: bool, code: str) -> bool:
    """Void (or expire) both holds of the deal, linked. Whether there was anything to give back."""
    resolve = ledger.expire if expired else ledger.void
    operations = [resolve(code, hold, deal.id) for hold in holds_of(deal)]
    if operations:
        await limits.lock_rooms(session, deal)
        await ledger.apply(session, operations)
        await limits.trim(session, deal, reference=deal.id)
    deal.hold_id = deal.quota_hold_id = deal.hold_expires_at = None
    deal.held = ZERO
    return bool(operations)


async def reduce(session: AsyncSession, deal: Deal, *, to: Money) -> None:
    """Hold ``to`` instead of what is held, in one linked list. A hold shrinks, never grows."""
    assert to <= deal.held
    await limits.lock_rooms(session, deal)
    voids: list[Operation] = [ledger.void("reduce", hold, deal.id) for hold in holds_of(deal)]
    holds = await hold_again(session, deal, amount=to)
    await ledger.apply(session, voids + holds)
    await limits.trim(session, deal, reference=deal.id)
    keep_holds(deal, holds, amount=to)


async def hold_again(session: AsyncSession, deal: Deal, *, amount: Money) -> list[Operation]:
    """Holds of ``amount`` on the deal's accounts, to be applied with what resolves the old ones."""
    if not amount or deal.guarantor_id is None:
        return []
    accounts = await find_accounts(
        session,
        guarantor_id=deal.guarantor_id,
        park_code=deal.park_code if deal.in_programme else None,
    )
    pairs = [(accounts.limit, accounts.limit_used)]
    if accounts.quota and accounts.quota_used:
        pairs.append((accounts.quota, accounts.quota_used))
    return [ledger.hold("hold again", limit, used, amount, deal.id) for limit, used in pairs]


def keep_holds(deal: Deal, holds: list[Operation], *, amount: Money) -> None:
    """Note the open holds on the deal: on the limit first, then on the quota account."""
    deal.held = amount
    deal.hold_id = holds[0].id if holds else None
    deal.quota_hold_id = holds[1].id if len(holds) > 1 else None
