"""The two limits that a guarantee touches: the guarantor's own and, in the programme, the quota."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.deals import QueueKind, QueueStatus
from app.models.deals import Deal, QueueEntry
from app.models.ledger import LedgerAccount
from app.services import ledger
from app.services.ledger import AccountRole, Book


@dataclass(frozen=True, slots=True)
class Room:
    """One limit, locked: what is available of it and what it is used for."""

    source: LedgerAccount | None  # where room above the signed capacity goes; none for a quota
    available: LedgerAccount
    outstanding: LedgerAccount
    called: LedgerAccount

    @property
    def free(self) -> Money:
        account = self.available
        return Money(account.credits_posted - account.debits_posted - account.debits_pending)

    @property
    def limit(self) -> Money:
        used = [self.outstanding, self.called]
        held = Money(self.available.debits_pending)
        return Money.sum(
            [self.free, held, *(Money(a.credits_posted - a.debits_posted) for a in used)]
        )


async def lock_accounts(
    session: AsyncSession, deals: Sequence[Deal], *, also: Collection[UUID] = ()
) -> dict[tuple[str, str, str], LedgerAccount]:
    """Every account of the deals' limits (and ``also``), in one order whoever asks: no deadlock.

    Whoever will touch more than one limit, or one after another, takes them all here first.
    """
    guarantors = {str(deal.guarantor_id) for deal in deals if deal.guarantor_id is not None}
    parks = {deal.park_code for deal in deals if deal.in_programme}
    rows = await session.scalars(
        select(LedgerAccount)
        .where(
            or_(
                and_(LedgerAccount.book == Book.GUARANTOR, LedgerAccount.owner.in_(guarantors)),
                and_(LedgerAccount.book == Book.QUOTA, LedgerAccount.owner.in_(parks)),
                LedgerAccount.id.in_(also),
            )
        )
        .order_by(LedgerAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(row.book, row.owner, row.role): row for row in rows}


async def lock_rooms(
    session: AsyncSession, deal: Deal, *, also: Collection[UUID] = ()
) -> list[Room]:
    """The guarantor's own limit, then the quota account if the deal is in the programme."""
    assert deal.guarantor_id is not None
    owners = [(Book.GUARANTOR, str(deal.guarantor_id))]
    if deal.in_programme:
        owners.append((Book.QUOTA, deal.park_code))
    by_key = await lock_accounts(session, [deal], also=also)
    return [
        Room(
            by_key.get((book, owner, AccountRole.SOURCE)),
            *(
                by_key[book, owner, role]
                for role in (AccountRole.AVAILABLE, AccountRole.OUTSTANDING, AccountRole.CALLED)
            ),
        )
        for book, owner in owners
    ]


async def trim(session: AsyncSession, deal: Deal, *, reference: UUID) -> Money:
    """Take from the guarantor's limit what is free of it above its capacity; how much.

    To be called whenever liability was freed, under the locks of ``lock_rooms``: the limit is
    max(capacity, what is used). Nothing is taken while a retake waits for it.
    """
    limit = (await lock_rooms(session, deal))[0]
    assert deal.guarantor_id is not None
    capacity = await find_capacity(session, deal.guarantor_id)
    if capacity is None or limit.source is None:
        return ZERO
    excess = min(limit.free, max(ZERO, limit.limit - capacity))
    if not excess or await is_retake_waiting(session, [limit.available.id]):
        return ZERO
    await ledger.apply(
        session,
        [ledger.transfer("trim", limit.available.id, limit.source.id, excess, reference)],
    )
    return excess


async def find_capacity(session: AsyncSession, guarantor_id: UUID) -> Money | None:
    """What the terms in force let the guarantor carry; None before it signed any.

    A function of the database reads them, for whoever frees room may not see the terms.
    """
    fen = await session.scalar(text("SELECT guarantor_capacity(:id)"), {"id": guarantor_id})
    return None if fen is None else Money(fen)


async def is_retake_waiting(session: AsyncSession, account_ids: Collection[UUID]) -> bool:
    """Whether the reversal of a repayment waits for room on one of the (locked) accounts."""
    found = await session.scalar(
        select(QueueEntry.id)
        .where(
            QueueEntry.kind == QueueKind.RETAKE,
            QueueEntry.status == QueueStatus.WAITING,
            or_(
                QueueEntry.limit_account_id.in_(account_ids),
                QueueEntry.quota_account_id.in_(account_ids),
            ),
        )
        .limit(1)
    )
    return found is not None
