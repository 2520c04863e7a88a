"""The queue for room: one order of arrival, promotion that takes the hold first, reconfirmation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import NotFound
from app.core.money import Money
from app.lifecycle.deals import (
    BEFORE_CASH,
    DEAL,
    QUEUE,
    DealEvent,
    DealStatus,
    QueueEvent,
    QueueKind,
    QueueStatus,
)
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.deals import Deal, Milestone, QueueEntry
from app.services import history, limits, old_loans, outbox, reversals, room, rules
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import get_deal, lock_deal, must_be_in, parties_of
from app.services.ledger import AccountRole
from app.services.programme import balance
from app.services.reference import PROGRAMME

# Two promotions at once would fight for the same room and gain nothing.
_PROMOTION_LOCK = 0x7A68_7275

_ROLES = {
    OrganisationKind.ENTERPRISE: "reconfirmed_by_firm",
    OrganisationKind.BANK: "reconfirmed_by_bank",
    OrganisationKind.GUARANTOR: "reconfirmed_by_guarantor",
    OrganisationKind.INSURER: "reconfirmed_by_insurer",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deal stands: how many wait before it for something in common, and for what."""

    position: int
    lacks: list[str]
    amount: Money
    since: datetime


async def get_place(session: AsyncSession, *, actor: Actor, deal_id: UUID) -> Place:
    """The deal's place in the queue, or NotFound if it does not wait.

    ``lacks`` names the limits that are short: quota, guarantor_limit.
    """
    await get_deal(session, actor=actor, deal_id=deal_id)
    entry: QueueEntry | None = await session.scalar(
        select(QueueEntry).where(
            QueueEntry.deal_id == deal_id, QueueEntry.status == QueueStatus.WAITING
        )
    )
    if entry is None:
        raise NotFound
    wanted = set(entry.lacks)
    earlier = await session.scalars(
        select(QueueEntry.lacks).where(
            QueueEntry.status == QueueStatus.WAITING, QueueEntry.arrival < entry.arrival
        )
    )
    names = {str(entry.quota_account_id): "quota", str(entry.limit_account_id): "guarantor_limit"}
    return Place(
        position=1 + sum(1 for lacks in earlier if wanted & set(lacks)),
        lacks=sorted(names[account] for account in entry.lacks),
        amount=entry.amount,
        since=entry.joined_at,
    )


async def promote(session: AsyncSession, *, now: datetime) -> int:
    """Give room to whoever waits, in order of arrival; how many were promoted.

    An entry is passed over while an earlier one waits for something in common with it. Deals
    are locked first, then all the accounts in one order, as everywhere.
    """
    await bind(session, SYSTEM)
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PROMOTION_LOCK})
    waiting = await _lock_waiting(session)
    if not waiting:
        return 0
    for entry, deal in waiting:
        if deal.renews_deal_id is not None:
            # The loan it replaces may owe less by now, so that more room is needed.
            entry.amount = await old_loans.excess_of(session, deal) or entry.amount
    rule = await rules.get(session, PROGRAMME, on=business_date(now))
    ttl = timedelta(days=rule["reconfirm_days"])
    accounts = await limits.lock_accounts(session, [deal for _, deal in waiting])
    free = {
        str(account.id): balance(account) - Money(account.debits_pending)
        for account in accounts.values()
        if account.role == AccountRole.AVAILABLE
    }
    blocked = await _blocked_meanwhile(session, {entry.id for entry, _ in waiting})
    promoted = 0
    for entry, deal in waiting:
        needs = _needs(entry)
        lacks = {need for need in needs if need in blocked or free[need] < entry.amount}
        if not lacks:
            await _take(session, entry, deal, ttl=ttl, now=now)
            for need in needs:
                free[need] -= entry.amount
            promoted += 1
        else:
            # A retake lets no new hold pass on either account until it is in.
            lacks = set(needs) if entry.kind is QueueKind.RETAKE else lacks
            entry.lacks = sorted(lacks)
            blocked |= lacks
    await session.flush()
    return promoted


async def reconfirm(session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime) -> Deal:
    """A party stands by the deal inside its new hold; the last one sends it to approval."""
    actor.must_be(OrganisationKind.ENTERPRISE, *LENDERS)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, DealStatus.RECONFIRMING)
    await session.execute(
        insert(Milestone)
        .values(
            deal_id=deal.id,
            kind=_ROLES[actor.kind],
            recorded_by=actor.organisation_id,
            recorded_at=now,
        )
        .on_conflict_do_nothing()
    )
    if not await list_unconfirmed(session, deal):
        history.move(session, deal, DEAL, DealEvent.RECONFIRM, actor=actor, now=now)
        rule = await rules.get(session, PROGRAMME, on=business_date(now))
        clock = await session.scalar(select(func.clock_timestamp()))
        assert clock is not None
        deal.hold_expires_at = clock + timedelta(days=rule["hold_days"])
        outbox.announce(session, "deal.reconfirmed", deal.id, now=now)
    await session.flush()
    return deal


async def list_unconfirmed(session: AsyncSession, deal: Deal) -> list[UUID]:
    """The parties of a promoted deal that have not reconfirmed it yet."""
    confirmed = await session.scalars(
        select(Milestone.recorded_by).where(
            Milestone.deal_id == deal.id, Milestone.kind.in_(_ROLES.values())
        )
    )
    given = set(confirmed)
    return [party for party in parties_of(deal) if party not in given]


async def _lock_waiting(session: AsyncSession) -> Sequence[tuple[QueueEntry, Deal]]:
    """Who waits, in order of arrival, with all the deals locked before any room is."""
    deal_ids = select(QueueEntry.deal_id).where(QueueEntry.status == QueueStatus.WAITING)
    # A retake changes the hold of the loan's renewal, if one is under way.
    renewal = Deal.renews_deal_id.in_(deal_ids) & Deal.status.in_(BEFORE_CASH)
    deals = await session.scalars(
        select(Deal)
        .where(or_(Deal.id.in_(deal_ids), renewal))
        .order_by(Deal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_id = {deal.id: deal for deal in deals}
    entries = await session.scalars(
        select(QueueEntry)
        .where(QueueEntry.status == QueueStatus.WAITING, QueueEntry.deal_id.in_(by_id))
        .order_by(QueueEntry.arrival)
        .execution_options(populate_existing=True)
    )
    return [(entry, by_id[entry.deal_id]) for entry in entries]


def _needs(entry: QueueEntry) -> list[str]:
    """The accounts whose room the entry waits for."""
    return [str(id_) for id_ in (entry.quota_account_id, entry.limit_account_id) if id_]


async def _blocked_meanwhile(session: AsyncSession, known: set[UUID]) -> set[str]:
    """What a retake waits for that joined before the accounts were locked: it goes first."""
    retakes = await session.scalars(
        select(QueueEntry).where(
            QueueEntry.status == QueueStatus.WAITING,
            QueueEntry.kind == QueueKind.RETAKE,
            QueueEntry.id.not_in(known),
        )
    )
    return {need for entry in retakes for need in _needs(entry)}


async def _take(
    session: AsyncSession, entry: QueueEntry, deal: Deal, *, ttl: timedelta, now: datetime
) -> None:
    """Take the room of one entry, which is there under the caller's locks."""
    if entry.kind is QueueKind.RETAKE:
        done = await reversals.complete_retake(session, entry=entry, actor=SYSTEM, now=now)
        assert done
        return
    assert deal.guarantor_id is not None
    accounts = await room.find_accounts(
        session,
        guarantor_id=deal.guarantor_id,
        park_code=deal.park_code if deal.in_programme else None,
    )
    taken = await room.reserve(
        session,
        deal_id=deal.id,
        amount=entry.amount,
        ttl=ttl,
        accounts=accounts,
        waiting=True,
        code="promote",
    )
    assert taken.held
    deal.hold_id, deal.quota_hold_id = taken.hold_id, taken.quota_hold_id
    deal.held, deal.hold_expires_at = entry.amount, taken.expires_at
    history.move(session, entry, QUEUE, QueueEvent.PROMOTE, actor=SYSTEM, now=now)
    entry.left_at = now
    history.move(session, deal, DEAL, DealEvent.PROMOTE, actor=SYSTEM, now=now)
    for party in parties_of(deal):
        outbox.announce(session, "deal.promoted", deal.id, organisation_id=party, now=now)
