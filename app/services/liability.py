"""Room that a loan's guarantee uses: freed by repayment, retaken when reversed, called."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lifecycle.deals import QUEUE, DealStatus, QueueKind, QueueStatus
from app.models.deals import Deal, QueueEntry
from app.services import history, ledger, limits, old_loans, room
from app.services.actor import Actor
from app.services.ledger import Operation
from app.services.limits import lock_rooms

# Retakes arrive before every deal, and among themselves in their own order.
_HEAD = 2**62


async def free(session: AsyncSession, deal: Deal, *, amount: Money, reference: UUID) -> Money:
    """Turn ``amount`` of outstanding liability into headroom, linked on both limits.

    Answers how much of it left the guarantor's limit, because that lay above what it signed.
    """
    follow = await _follow(session, deal, change=ZERO - amount)
    rooms = await lock_rooms(session, deal)
    operations = [
        ledger.transfer("repay", pair.outstanding.id, pair.available.id, amount, reference)
        for pair in rooms
    ]
    await ledger.apply(session, operations + follow.operations)
    follow.note()
    return await limits.trim(session, deal, reference=reference)


async def call(session: AsyncSession, deal: Deal, *, amount: Money, reference: UUID) -> None:
    """Move ``amount`` of liability from outstanding to called, linked on both limits.

    The guarantor paid out (代偿): ``amount`` is the liability for the principal that the call
    settles, the bank's part included. It is still not headroom, whatever is recovered later.
    """
    await ledger.apply(
        session,
        [
            ledger.transfer("call", pair.outstanding.id, pair.called.id, amount, reference)
            for pair in await lock_rooms(session, deal)
        ],
    )


async def return_called(
    session: AsyncSession, deal: Deal, *, amount: Money, decision_id: UUID
) -> Money:
    """Turn ``amount`` of called liability into headroom by a recorded decision under a dated rule.

    Nothing else brings called quota back. Answers what left the guarantor's limit, like ``free``.
    """
    operations = [
        ledger.transfer("return called", pair.called.id, pair.available.id, amount, decision_id)
        for pair in await lock_rooms(session, deal)
    ]
    await ledger.apply(session, operations)
    return await limits.trim(session, deal, reference=decision_id)


@dataclass(frozen=True, slots=True)
class Follow:
    """How the hold of a renewal under way follows the old liability, so that both fit its room.

    ``more`` is what the hold takes beyond what it held, or gives back if negative.
    """

    renewal: Deal | None = None
    operations: list[Operation] = field(default_factory=list)
    holds: list[Operation] = field(default_factory=list)
    more: Money = ZERO

    def note(self) -> None:
        if self.renewal is not None:
            amount = self.renewal.held + self.more
            room.keep_holds(self.renewal, self.holds, amount=amount)


async def _follow(session: AsyncSession, deal: Deal, *, change: Money) -> Follow:
    """The hold of the renewal of ``deal``, once the old liability has changed by ``change``.

    Room that the old loan frees is the renewal's before it is anybody's: by itself the hold of
    the difference would no longer do.
    """
    renewal = await old_loans.find_renewal(session, deal)
    if renewal is None or renewal.status is DealStatus.QUEUED:
        return Follow()
    carried = await old_loans.carried_by(session, renewal)
    if not carried:
        return Follow()
    target = max(ZERO, renewal.liability - carried - change)
    if target == renewal.held:
        return Follow()
    voids = [ledger.void("renewal", hold, renewal.id) for hold in room.holds_of(renewal)]
    holds = await room.hold_again(session, renewal, amount=target)
    return Follow(renewal, voids + holds, holds, target - renewal.held)


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
    follow = await _follow(session, deal, change=amount)
    rooms = await lock_rooms(session, deal)
    operations = []
    if restored:
        limit = rooms[0]
        assert limit.source is not None
        operations.append(
            ledger.transfer("restore", limit.source.id, limit.available.id, restored, reference)
        )
    extra = [restored, *(ZERO for _ in rooms[1:])]
    fits = all(
        pair.free + more - follow.more >= amount for pair, more in zip(rooms, extra, strict=True)
    )
    if not promoted:
        ids = [pair.available.id for pair in rooms]
        fits = fits and not await limits.is_retake_waiting(session, ids)
    if fits:
        operations += follow.operations
        operations += [
            ledger.transfer("reverse", pair.available.id, pair.outstanding.id, amount, reference)
            for pair in rooms
        ]
    if operations:
        await ledger.apply(session, operations)
    if fits:
        follow.note()
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
        lacks=sorted(str(pair.available.id) for pair in rooms),
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
