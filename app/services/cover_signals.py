"""Signals to the pledgee where cover of a loan fell, and what it decides on them (deal.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal
from app.models.loans import Loan
from app.models.valuation_runs import CoverDecision, CoverSignal
from app.schemas.valuation_runs import CoverDecisionIn
from app.services import deals, documents, history, outbox, rules
from app.services.actor import Actor
from app.services.deals import NotPledgee, kinds_of
from app.services.disposals import PLEDGEES

COVER_MAX = Decimal(999_999)
WHOLE_PCT = 100


class AlreadyDecided(Conflict):
    message = "Your organisation has decided on this signal already."


@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal, and what its pledgees decided so far."""

    signal: CoverSignal
    decisions: Sequence[CoverDecision]


def cover(liquidation: Money, outstanding: Money) -> Decimal:
    """What an orderly sale would bring, as a percentage of what is outstanding."""
    found = Decimal(liquidation.fen) * WHOLE_PCT / outstanding.fen
    return min(found, COVER_MAX).quantize(Decimal("0.000001"))


async def raise_if_fallen(
    session: AsyncSession,
    *,
    deal: Deal,
    loan: Loan,
    run_id: UUID,
    liquidation: Money,
    previous_pct: Decimal | None,
    now: datetime,
) -> Decimal:
    """The loan's cover; a signal where it fell below a level that it had not been below before."""
    pct = cover(liquidation, loan.outstanding)
    rule = await rules.get(session, "cover", on=business_date(now))
    fallen = [
        level
        for level in map(Decimal, rule["levels_pct"])
        if pct < level and (previous_pct is None or previous_pct >= level)
    ]
    if fallen:
        signal = CoverSignal(
            id=new_id(),
            deal_id=deal.id,
            loan_id=loan.id,
            run_id=run_id,
            level_pct=min(fallen),
            cover_pct=pct,
            previous_pct=previous_pct,
            outstanding=loan.outstanding,
            liquidation=liquidation,
            raised_at=now,
        )
        session.add(signal)
        outbox.announce_to(session, pledgees_of(deal), "cover.fell", signal.id, now=now)
    return pct


def pledgees_of(deal: Deal) -> list[UUID]:
    return [party for party, kind in kinds_of(deal).items() if kind in PLEDGEES[deal.pledgee]]


def visible_signals(actor: Actor) -> Select[CoverSignal]:
    """Signals on the deals that the actor may see."""
    mine = deals.visible_deals(actor).with_only_columns(Deal.id)
    return select(CoverSignal).where(CoverSignal.deal_id.in_(mine))


async def list_signals(
    session: AsyncSession,
    *,
    actor: Actor,
    loan_id: UUID | None = None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[Signalled]:
    """Newest first."""
    signals = visible_signals(actor).order_by(CoverSignal.id.desc()).limit(limit)
    if loan_id is not None:
        signals = signals.where(CoverSignal.loan_id == loan_id)
    if after is not None:
        signals = signals.where(CoverSignal.id < after)
    found = (await session.scalars(signals)).all()
    decisions = await _decisions(session, [signal.id for signal in found])
    return [Signalled(signal, decisions.get(signal.id, [])) for signal in found]


async def get_signal(session: AsyncSession, *, actor: Actor, signal_id: UUID) -> Signalled:
    signal = await session.scalar(visible_signals(actor).where(CoverSignal.id == signal_id))
    if signal is None:
        raise NotFound
    decisions = await _decisions(session, [signal.id])
    return Signalled(signal, decisions.get(signal.id, []))


async def _decisions(
    session: AsyncSession, signal_ids: Sequence[UUID]
) -> dict[UUID, list[CoverDecision]]:
    found: dict[UUID, list[CoverDecision]] = {}
    rows = select(CoverDecision).where(CoverDecision.signal_id.in_(signal_ids))
    for decision in await session.scalars(rows.order_by(CoverDecision.decided_at)):
        found.setdefault(decision.signal_id, []).append(decision)
    return found


async def decide(
    session: AsyncSession,
    *,
    actor: Actor,
    signal_id: UUID,
    data: CoverDecisionIn,
    now: datetime,
) -> Signalled:
    """Record what a pledgee wants under the contract: top up, swap, prepay or nothing.

    NotPledgee for anybody else; AlreadyDecided the second time. Joint pledgees each decide.
    """
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    signal = (await get_signal(session, actor=actor, signal_id=signal_id)).signal
    deal = await deals.get_deal(session, actor=actor, deal_id=signal.deal_id)
    if actor.organisation_id not in pledgees_of(deal):
        raise NotPledgee
    if data.document_id is not None:
        await documents.get_document(session, actor=actor, document_id=data.document_id)
    written = await session.scalar(
        insert(CoverDecision)
        .values(
            signal_id=signal.id,
            organisation_id=actor.organisation_id,
            decided_by=actor.user_id,
            decided_at=now,
            **dict(data),
        )
        .on_conflict_do_nothing()
        .returning(CoverDecision.signal_id)
    )
    if written is None:
        raise AlreadyDecided
    history.note(session, "cover signal", signal.id, data.choice, actor=actor, now=now)
    outbox.announce(session, "cover.decided", signal.id, organisation_id=deal.firm_id, now=now)
    return await get_signal(session, actor=actor, signal_id=signal.id)
