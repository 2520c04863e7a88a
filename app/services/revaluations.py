"""Rounds of revaluation: everything that is pledged, by any number of workers, each pledge once.

A round is one row per deal. Whoever works on one finds out from the row whether it is done, so an
interrupted round goes on where it stopped, and the unique key of runs keeps a second result out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import Sessions, new_id
from app.core.money import Money
from app.lifecycle.deals import LoanStatus
from app.lifecycle.valuations import RevaluationOutcome, RunKind
from app.models.deals import Deal, DealRight
from app.models.financing import FinancingRequest
from app.models.loans import Loan
from app.models.portfolios import Valuation
from app.models.rights import Right
from app.models.valuation_runs import CoverSignal, RevaluationItem, RevaluationRound, ValuationRun
from app.services import cover_signals, schedules, tasks, valuation_records, valuation_runs
from app.services.actor import SYSTEM, bind
from app.valuation.runs import digest

BATCH = 1000
_OVER = (LoanStatus.REPAID, LoanStatus.WRITTEN_OFF)


@dataclass(frozen=True, slots=True)
class Progress:
    """``in_flight`` are jobs that wait, run, or will be tried again."""

    total: int
    left: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Pledge:
    """What a revaluation starts from: the deal with its loan, and what the record says of both."""

    deal: Deal
    loan: Loan
    portfolio_id: UUID
    valuation_id: UUID
    record: dict[str, Any]


async def open_round(session: AsyncSession, *, now: datetime) -> RevaluationRound:
    """The round that is open, to be resumed; else a new one over everything pledged now."""
    await bind(session, SYSTEM)
    await close_if_done(session, now=now)
    fresh: RevaluationRound | None = await session.scalar(
        insert(RevaluationRound)
        .values(id=new_id(), valued_on=business_date(now), opened_at=now)
        .on_conflict_do_nothing()
        .returning(RevaluationRound)
    )
    if fresh is not None:
        held = exists().where(DealRight.deal_id == Deal.id, DealRight.released_at.is_(None))
        pledged = (
            select(literal(fresh.id), Deal.id)
            .join(Loan, Loan.deal_id == Deal.id)
            .where(Loan.status.not_in(_OVER), Loan.outstanding > Money(0), held)
        )
        await session.execute(insert(RevaluationItem).from_select(["round_id", "deal_id"], pledged))
        return fresh
    found = await session.scalars(
        select(RevaluationRound).where(RevaluationRound.closed_at.is_(None))
    )
    return found.one()


async def enqueue_left(session: AsyncSession, round_id: UUID) -> int:
    """Put what is not done in the queue, unless it is there still; how many pledges are left."""
    await bind(session, SYSTEM)
    left = 0
    after: UUID | None = None
    while True:
        items = (
            select(RevaluationItem.deal_id)
            .where(RevaluationItem.round_id == round_id, RevaluationItem.outcome.is_(None))
            .order_by(RevaluationItem.deal_id)
            .limit(BATCH)
        )
        if after is not None:
            items = items.where(RevaluationItem.deal_id > after)
        deal_ids = (await session.scalars(items)).all()
        await tasks.enqueue_behind(
            session,
            tasks.Task.REVALUE_PLEDGE,
            {
                f"{round_id}:{deal_id}": {"round_id": str(round_id), "deal_id": str(deal_id)}
                for deal_id in deal_ids
            },
        )
        left += len(deal_ids)
        if len(deal_ids) < BATCH:
            return left
        after = deal_ids[-1]


async def progress(session: AsyncSession, round_id: UUID) -> Progress:
    await bind(session, SYSTEM)
    counts = await session.execute(
        select(func.count(), func.count().filter(RevaluationItem.outcome.is_(None))).where(
            RevaluationItem.round_id == round_id
        )
    )
    total, left = counts.one()
    return Progress(total, left, await tasks.count_in_flight(session, tasks.Task.REVALUE_PLEDGE))


async def list_left(session: AsyncSession, round_id: UUID) -> Sequence[UUID]:
    """The deals of the round that are not done, at most a few to name."""
    await bind(session, SYSTEM)
    left = await session.scalars(
        select(RevaluationItem.deal_id)
        .where(RevaluationItem.round_id == round_id, RevaluationItem.outcome.is_(None))
        .order_by(RevaluationItem.deal_id)
        .limit(20)
    )
    return left.all()


async def count_signals(session: AsyncSession, round_id: UUID) -> int:
    """How many signals the round raised."""
    await bind(session, SYSTEM)
    number = await session.scalar(
        select(func.count())
        .select_from(CoverSignal)
        .join(RevaluationItem, RevaluationItem.run_id == CoverSignal.run_id)
        .where(RevaluationItem.round_id == round_id)
    )
    return number or 0


async def close_if_done(session: AsyncSession, *, now: datetime) -> None:
    """Close the open round once every pledge of it is done."""
    left = exists().where(
        RevaluationItem.round_id == RevaluationRound.id, RevaluationItem.outcome.is_(None)
    )
    await session.execute(
        update(RevaluationRound)
        .where(RevaluationRound.closed_at.is_(None), ~left)
        .values(closed_at=now)
    )


async def revalue(sessions: Sessions, *, round_id: UUID, deal_id: UUID, now: datetime) -> None:
    """Revalue the pledge of one deal in a round; again it changes nothing. For the worker.

    The numbers are worked out between two transactions: the first reads, the second writes.
    """
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        round_ = await session.get_one(RevaluationRound, round_id)
        item = await session.get(RevaluationItem, (round_id, deal_id))
        if item is None or item.outcome is not None:
            return
        pledge = await _load(session, deal_id, on=round_.valued_on)
    results = None
    if isinstance(pledge, Pledge):
        results = await valuation_runs.work_out(pledge.record)
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        item = await session.get_one(
            RevaluationItem, (round_id, deal_id), with_for_update=True, populate_existing=True
        )
        if item.outcome is not None:  # another worker took the job over and was first
            return
        item.done_at = now
        if isinstance(pledge, Pledge):
            assert results is not None
            item.outcome = await _keep(session, item, pledge, results, now=now)
        else:
            item.outcome = pledge
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        await close_if_done(session, now=now)


async def _load(session: AsyncSession, deal_id: UUID, *, on: date) -> Pledge | RevaluationOutcome:
    """Facts of today with the inputs that the request stood on: the basis the lenders accepted."""
    deal = await session.get_one(Deal, deal_id)
    loan = (await session.scalars(select(Loan).where(Loan.deal_id == deal_id))).one()
    rights = await session.scalars(
        select(Right)
        .join(DealRight, DealRight.right_id == Right.id)
        .where(DealRight.deal_id == deal_id, DealRight.released_at.is_(None))
    )
    held = rights.all()
    if not held or not loan.outstanding or loan.status in _OVER:
        return RevaluationOutcome.ENDED
    request = await session.get_one(FinancingRequest, deal.request_id)
    valuation = await session.get(Valuation, request.valuation_id) if request.valuation_id else None
    if valuation is None or "rights" not in valuation.inputs:
        return RevaluationOutcome.NO_INPUTS
    record = await valuation_records.build(
        session,
        rights=held,
        stated={one["right_id"]: one for one in valuation.inputs["rights"]},
        owed=await _owed_at_the_end(session, loan),
        ends_on=max(loan.maturity_on, on),
        yearly_cash=None,
        on=on,
        scenarios="revaluation_scenarios",
    )
    return Pledge(deal, loan, request.portfolio_id, valuation.id, record)


async def _owed_at_the_end(session: AsyncSession, loan: Loan) -> Money:
    """The principal that the last day asks for: what the pledge must still be good for then."""
    lines = await schedules.list_lines(session, loan)
    last = [line for line in lines if line.due_on == loan.maturity_on]
    return min(Money.sum([line.principal - line.paid_principal for line in last]), loan.outstanding)


async def _keep(
    session: AsyncSession,
    item: RevaluationItem,
    pledge: Pledge,
    results: dict[str, Any],
    *,
    now: datetime,
) -> RevaluationOutcome:
    loan = await session.get_one(Loan, pledge.loan.id)
    if not loan.outstanding:  # repaid while the numbers were worked out
        return RevaluationOutcome.ENDED
    run = ValuationRun(
        id=new_id(),
        kind=RunKind.REVALUATION,
        firm_id=pledge.deal.firm_id,
        portfolio_id=pledge.portfolio_id,
        valuation_id=pledge.valuation_id,
        deal_id=pledge.deal.id,
        round_id=item.round_id,
        valued_on=date.fromisoformat(pledge.record["as_of"]),
        inputs=pledge.record,
        inputs_sha256=digest(pledge.record),
        created_at=now,
    )
    session.add(run)
    await session.flush()
    await valuation_runs.keep_result(session, run_id=run.id, results=results, now=now)
    previous = await session.scalar(
        select(RevaluationItem.cover_pct)
        .where(RevaluationItem.deal_id == item.deal_id, RevaluationItem.cover_pct.is_not(None))
        .order_by(RevaluationItem.done_at.desc())
        .limit(1)
    )
    item.run_id = run.id
    item.cover_pct = await cover_signals.raise_if_fallen(
        session,
        deal=pledge.deal,
        loan=loan,
        run_id=run.id,
        liquidation=Money.yuan(results["whole"]["orderly_liquidation"]["value"]),
        previous_pct=previous,
        now=now,
    )
    return RevaluationOutcome.REVALUED
