"""Room that a loan's guarantee uses: freed by repayment, taken back when one is reversed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lifecycle.deals import QUEUE, QueueKind, QueueStatus
from app.models.deals import Deal, QueueEntry
from app.services import history, ledger, limits
from app.services.actor import Actor
from app.services.limits import lock_rooms

# Retakes arrive before every deal, and among themselves in their own order.
_HEAD = 2**62


async def free(session: AsyncSession, deal: Deal, *, amount: Money, reference: UUID) -> Money:
    """Turn ``amount`` of outstanding liability into headroom, linked on both limits.

    Answers how much of it left the guarantor's limit, because that lay above what it signed.
    """
    rooms = await lock_rooms(session, deal)
    operations = [
        ledger.transfer("repay", room.outstanding.id, room.available.id, amount, reference)
        for room in rooms
    ]
    await ledger.apply(session, operations)
    return await limits.trim(session, deal, reference=reference)


async def retake(
    session: AsyncSession,
    deal: Deal,
    *,
    amount: Money,
    restored: Money,
    reference: UUID,
    promoted: bool = False,
) -> bool:
    """Take ``amount`` of headroom back, ahead of every deal that waits; False without room.

    Nor does it pass an earlier retake on either account; the queue, which sees to the order,
    says that this one is ``promoted``.

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
    if not promoted:
        ids = [room.available.id for room in rooms]
        fits = fits and not await limits.is_retake_waiting(session, ids)
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
    session: AsyncSession, deal: Deal, *, amount: Money, actor: Actor, now: datetime
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
    history.begin(session, entry, QUEUE, actor=actor, now=now)
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
