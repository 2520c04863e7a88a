"""Room that a loan's guarantee uses: freed by repayment, retaken when reversed, called."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lifecycle.deals import QueueKind, QueueStatus
from app.models.deals import Deal, QueueEntry
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.services import ledger
from app.services.ledger import AccountRole, Book

# Retakes arrive before every deal, and among themselves in their own order.
_HEAD = 2**62


@dataclass(frozen=True, slots=True)
class Room:
    """One pair of limits that a guarantee touches, locked: available and what is used of it."""

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


async def lock_rooms(session: AsyncSession, deal: Deal) -> list[Room]:
    """The guarantor's own limit, then the quota account if the deal is in the programme."""
    assert deal.guarantor_id is not None
    owners = [(Book.GUARANTOR, str(deal.guarantor_id))]
    if deal.in_programme:
        owners.append((Book.QUOTA, deal.park_code))
    rows = await session.scalars(
        select(LedgerAccount)
        .where(LedgerAccount.owner.in_([owner for _, owner in owners]))
        .order_by(LedgerAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_key = {(row.book, row.owner, row.role): row for row in rows}
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


async def free(session: AsyncSession, deal: Deal, *, amount: Money, reference: UUID) -> Money:
    """Turn ``amount`` of outstanding liability into headroom, linked on both limits.

    Answers how much of it left the guarantor's limit, because that lay above what it signed.
    """
    rooms = await lock_rooms(session, deal)
    used = [room.outstanding.id for room in rooms]
    return await _to_headroom(
        session, deal, rooms, used, code="repay", amount=amount, reference=reference
    )


async def call(session: AsyncSession, deal: Deal, *, amount: Money, reference: UUID) -> None:
    """Move ``amount`` of liability from outstanding to called, linked on both limits.

    The guarantor paid out (代偿): ``amount`` is the liability for the principal that the call
    settles, the bank's part included. It is still not headroom, whatever is recovered later.
    """
    await ledger.apply(
        session,
        [
            ledger.transfer("call", room.outstanding.id, room.called.id, amount, reference)
            for room in await lock_rooms(session, deal)
        ],
    )


async def return_called(
    session: AsyncSession, deal: Deal, *, amount: Money, decision_id: UUID
) -> Money:
    """Turn ``amount`` of called liability into headroom by a recorded decision under a dated rule.

    Nothing else brings called quota back. Answers what left the guarantor's limit, like ``free``.
    """
    rooms = await lock_rooms(session, deal)
    used = [room.called.id for room in rooms]
    return await _to_headroom(
        session, deal, rooms, used, code="return called", amount=amount, reference=decision_id
    )


async def _to_headroom(
    session: AsyncSession,
    deal: Deal,
    rooms: list[Room],
    used: list[UUID],
    *,
    code: str,
    amount: Money,
    reference: UUID,
) -> Money:
    operations = [
        ledger.transfer(code, account, room.available.id, amount, reference)
        for account, room in zip(used, rooms, strict=True)
    ]
    limit = rooms[0]
    withdrawn = await _above_signed(session, deal, limit, free=limit.free + amount)
    if withdrawn:
        assert limit.source is not None
        operations.append(
            ledger.transfer("trim", limit.available.id, limit.source.id, withdrawn, reference)
        )
    await ledger.apply(session, operations)
    return withdrawn


async def retake(
    session: AsyncSession, deal: Deal, *, amount: Money, restored: Money, reference: UUID
) -> bool:
    """Take ``amount`` of headroom back, ahead of every deal that waits; False without room.

    ``restored`` had left the guarantor's limit when the room was freed; it comes back in any
    case, since what the guarantor has signed for never bound what was already used.
    """
    rooms = await lock_rooms(session, deal)
    operations = []
    if restored:
        limit = rooms[0]
        assert limit.source is not None
        operations.append(
            ledger.transfer("restore", limit.source.id, limit.available.id, restored, reference)
        )
    extra = [restored, *(ZERO for _ in rooms[1:])]
    fits = all(room.free + more >= amount for room, more in zip(rooms, extra, strict=True))
    if fits:
        operations += [
            ledger.transfer("reverse", room.available.id, room.outstanding.id, amount, reference)
            for room in rooms
        ]
    if operations:
        await ledger.apply(session, operations)
    return fits


async def restore(session: AsyncSession, deal: Deal, *, amount: Money, reference: UUID) -> None:
    """Give the guarantor's limit back what left it, for a retake that waits already."""
    if not amount:
        return
    limit = (await lock_rooms(session, deal))[0]
    assert limit.source is not None
    await ledger.apply(
        session,
        [ledger.transfer("restore", limit.source.id, limit.available.id, amount, reference)],
    )


async def wait_for_room(
    session: AsyncSession, deal: Deal, *, amount: Money, now: datetime
) -> QueueEntry:
    """Put a retake at the head of the queue; until it is in, both accounts grant no new hold."""
    rooms = await lock_rooms(session, deal)
    limit, quota = rooms[0], rooms[1] if len(rooms) > 1 else None
    entry = QueueEntry(
        id=new_id(),
        arrival=await session.scalar(
            text("SELECT nextval('queue_arrival') - CAST(:head AS bigint)"), {"head": _HEAD}
        ),
        kind=QueueKind.RETAKE,
        deal_id=deal.id,
        quota_account_id=quota.available.id if quota else None,
        limit_account_id=limit.available.id,
        amount=amount,
        lacks=sorted(str(room.available.id) for room in rooms),
        status=QueueStatus.WAITING,
        joined_at=now,
    )
    session.add(entry)
    await session.flush()
    return entry


async def find_waiting(session: AsyncSession, deal_id: UUID) -> QueueEntry | None:
    """The retake of this deal that still waits, locked."""
    entry: QueueEntry | None = await session.scalar(
        select(QueueEntry)
        .where(
            QueueEntry.deal_id == deal_id,
            QueueEntry.kind == QueueKind.RETAKE,
            QueueEntry.status == QueueStatus.WAITING,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return entry


async def _above_signed(session: AsyncSession, deal: Deal, room: Room, *, free: Money) -> Money:
    """How much of ``free`` the guarantor has not signed for; none while a retake waits for it."""
    signed = await session.scalar(
        select(Organisation.signed_capacity).where(Organisation.id == deal.guarantor_id)
    )
    if signed is None or room.source is None:
        return ZERO
    waiting = await session.scalar(
        select(func.count())
        .select_from(QueueEntry)
        .where(
            QueueEntry.kind == QueueKind.RETAKE,
            QueueEntry.status == QueueStatus.WAITING,
            QueueEntry.limit_account_id == room.available.id,
        )
    )
    excess = max(ZERO, room.limit - signed)
    return ZERO if waiting else min(free, excess)
