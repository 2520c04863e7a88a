"""The queue for room: order of arrival, promotion that takes the hold first, reconfirmation."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, text
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
from app.models.loans import Loan
from app.risk.caps import Caps
from app.schemas.queue import QueueRuleOut
from app.services import (
    caps,
    exposures,
    failures,
    history,
    limits,
    milestones,
    old_loans,
    outbox,
    queue_rule,
    reversals,
    room,
    rules,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.caps import CapExceeded
from app.services.deals import get_deal, lock_deal, must_be_in, parties_of
from app.services.ledger import AccountRole
from app.services.programme import balance
from app.services.queue_rule import needs_of
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
    passed: int
    rule: QueueRuleOut


async def get_place(session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime) -> Place:
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
    names = {str(entry.quota_account_id): "quota", str(entry.limit_account_id): "guarantor_limit"}
    return Place(
        position=await _position(session, actor, entry, now=now),
        lacks=sorted(names[account] for account in entry.lacks),
        amount=entry.amount,
        since=entry.joined_at,
        passed=entry.passed,
        rule=await queue_rule.get_shown(session, on=business_date(now)),
    )


async def _position(
    session: AsyncSession, actor: Actor, entry: QueueEntry, *, now: datetime
) -> int:
    """One more than those whose turn comes before it and who wait for something in common."""
    await bind(session, SYSTEM)  # the marks of other firms, of which only a number is told
    waiting = await session.scalars(
        select(QueueEntry)
        .where(QueueEntry.status == QueueStatus.WAITING)
        .order_by(QueueEntry.arrival)
    )
    rule = await queue_rule.get(session, on=business_date(now))
    turns = await queue_rule.in_turn(session, waiting.all(), rule, now=now)
    await bind(session, actor)
    ahead = itertools.takewhile(lambda other: other.id != entry.id, turns)
    return 1 + sum(1 for other in ahead if not set(entry.lacks).isdisjoint(other.lacks))


async def promote(session: AsyncSession, *, now: datetime) -> int:
    """Give room to whoever waits, in their turn; how many were promoted.

    An entry is passed over while an earlier one waits for something in common with it. Deals
    are locked first, then the caps they share, then all the accounts in one order, as everywhere.
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
    on = business_date(now)
    found = await rules.get_all(session, [PROGRAMME, caps.CAPS, queue_rule.QUEUE_RULE], on=on)
    ttl = timedelta(days=found[PROGRAMME]["reconfirm_days"])
    capped = caps.read_caps(found[caps.CAPS])
    deals = {deal.id: deal for _, deal in waiting}
    await caps.lock_shared(session, deals.values())
    accounts = await limits.lock_accounts(session, list(deals.values()))
    free = {
        str(account.id): balance(account) - Money(account.debits_pending)
        for account in accounts.values()
        if account.role == AccountRole.AVAILABLE
    }
    blocked = await _blocked_meanwhile(session, {entry.id for entry, _ in waiting})
    rule = queue_rule.read(found[queue_rule.QUEUE_RULE])
    turns = await queue_rule.in_turn(session, [entry for entry, _ in waiting], rule, now=now)
    promoted = 0
    for entry in turns:
        deal, needs = deals[entry.deal_id], needs_of(entry)
        lacks = {need for need in needs if need in blocked or free[need] < entry.amount}
        if lacks:
            # A retake lets no new hold pass on either account until it is in.
            lacks = set(needs) if entry.kind is QueueKind.RETAKE else lacks
            entry.lacks = sorted(lacks)
            blocked |= lacks
        elif not await _leaves_by_cap(session, entry, deal, capped, now=now):
            await _take(session, entry, deal, ttl=ttl, now=now)
            for need in needs:
                free[need] -= entry.amount
            promoted += 1
    queue_rule.count_passed(turns)
    retaken = [entry.deal_id for entry, _ in waiting if _is_retaken(entry)]
    changed = await session.scalars(select(Loan).where(Loan.deal_id.in_(retaken)))
    await exposures.refresh(session, *changed.all(), now=now)
    await session.flush()
    return promoted


def _is_retaken(entry: QueueEntry) -> bool:
    return entry.kind is QueueKind.RETAKE and entry.status is QueueStatus.PROMOTED


async def reconfirm(session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime) -> Deal:
    """A party stands by the deal inside its new hold; the last one sends it to approval."""
    actor.must_be(OrganisationKind.ENTERPRISE, *LENDERS)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, DealStatus.RECONFIRMING)
    await milestones.record(session, deal, _ROLES[actor.kind], actor=actor, now=now)
    if not await list_unconfirmed(session, deal):
        history.move(session, deal, DEAL, DealEvent.RECONFIRM, actor=actor, now=now)
        rule = await rules.get(session, PROGRAMME, on=business_date(now))
        clock = await session.scalar(select(func.clock_timestamp()))
        assert clock is not None
        deal.hold_expires_at = clock + timedelta(days=rule["hold_days"])
        outbox.announce_to(session, parties_of(deal), "deal.reconfirmed", deal.id, now=now)
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


async def _leaves_by_cap(
    session: AsyncSession, entry: QueueEntry, deal: Deal, capped: Caps, *, now: datetime
) -> bool:
    """Fail a deal whose room is there, but whose bank or park has come to its cap meanwhile."""
    if entry.kind is QueueKind.RETAKE or not deal.in_programme or deal.guarantor_id is None:
        return False
    breach = await caps.find_shared(
        session,
        caps=capped,
        firm_id=deal.firm_id,
        bank_id=deal.bank_id,
        guarantor_id=deal.guarantor_id,
        park_code=deal.park_code,
        liability=entry.amount,
    )
    if breach is None:
        return False
    refusal = CapExceeded(breach.rule, breach.limit, breach.used, breach.asked)
    await failures.fail(session, deal, reason=str(refusal), actor=SYSTEM, now=now)
    await session.flush()
    return True


async def _blocked_meanwhile(session: AsyncSession, known: set[UUID]) -> set[str]:
    """What a retake waits for that joined before the accounts were locked: it goes first."""
    retakes = await session.scalars(
        select(QueueEntry).where(
            QueueEntry.status == QueueStatus.WAITING,
            QueueEntry.kind == QueueKind.RETAKE,
            QueueEntry.id.not_in(known),
        )
    )
    return {need for entry in retakes for need in needs_of(entry)}


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
    outbox.announce_to(session, parties_of(deal), "deal.promoted", deal.id, now=now)
