"""Whether a guarantor's liability has room now, or the deal would have to queue for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.deals import QueueStatus
from app.lifecycle.parties import GuarantorType
from app.models.deals import QueueEntry
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.schemas.packages import RoomOut
from app.services.ledger import AccountRole, Book
from app.services.programme import balance

QUOTA = "quota"
GUARANTOR_LIMIT = "guarantor_limit"


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the quota account and each guarantor's own limit can still take.

    Nothing, while a deal waits for it: a later one would not pass it.
    """

    park_code: str
    quota: Money
    limits: Mapping[UUID, Money]
    quota_queued: bool
    limits_queued: frozenset[UUID]


async def load_rooms(
    session: AsyncSession, *, park_code: str, guarantor_ids: Collection[UUID]
) -> Rooms:
    """The rooms of one quota account and of some guarantors; no account is no room."""
    guarantors = {str(guarantor_id) for guarantor_id in guarantor_ids}
    accounts = await session.scalars(
        select(LedgerAccount)
        .where(
            LedgerAccount.role == AccountRole.AVAILABLE,
            or_(
                (LedgerAccount.book == Book.QUOTA) & (LedgerAccount.owner == park_code),
                (LedgerAccount.book == Book.GUARANTOR) & LedgerAccount.owner.in_(guarantors),
            ),
        )
        # The ledger's functions write behind the session's back.
        .execution_options(populate_existing=True)
    )
    by_id = {str(account.id): account for account in accounts}
    waited_for: set[str] = set()
    for lacks in await session.scalars(
        select(QueueEntry.lacks).where(QueueEntry.status == QueueStatus.WAITING)
    ):
        waited_for.update(lacks)
    free = {id_: balance(account) - Money(account.debits_pending) for id_, account in by_id.items()}
    quota_ids = {id_ for id_, account in by_id.items() if account.book == Book.QUOTA}
    limit_ids = by_id.keys() - quota_ids
    return Rooms(
        park_code=park_code,
        quota=Money.sum([free[id_] for id_ in quota_ids]),
        limits={UUID(by_id[id_].owner): free[id_] for id_ in limit_ids},
        quota_queued=not quota_ids.isdisjoint(waited_for),
        limits_queued=frozenset(UUID(by_id[id_].owner) for id_ in limit_ids & waited_for),
    )


def room_out(rooms: Rooms, guarantor: Organisation, need: Money) -> RoomOut:
    in_programme = guarantor.guarantor_type is GuarantorType.GOVERNMENT
    waits_for = []
    if in_programme and (rooms.quota_queued or rooms.quota < need):
        waits_for.append(QUOTA)
    limit = rooms.limits.get(guarantor.id, ZERO)
    if guarantor.id in rooms.limits_queued or limit < need:
        waits_for.append(GUARANTOR_LIMIT)
    return RoomOut(
        liability=need,
        park_code=rooms.park_code if in_programme else None,
        quota_available=rooms.quota if in_programme else None,
        has_room=not waits_for,
        waits_for=waits_for,
    )
