"""Rounds of revaluation, and the signals that they raise where cover fell."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, connect, new_id
from app.core.errors import Forbidden, NotFound
from app.core.money import ZERO, Money
from app.lifecycle.deals import LoanStatus, PledgeeKind
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.valuations import CoverChoice, RevaluationOutcome, RunKind
from app.models.loans import Loan
from app.models.rights import Right
from app.models.valuation_runs import (
    CoverSignal,
    RevaluationItem,
    RevaluationRound,
    ValuationResult,
    ValuationRun,
)
from app.schemas.valuation_runs import CoverDecisionIn
from app.services import cover_signals, revaluations, valuation_runs
from app.services.actor import SYSTEM, Actor, bind
from app.services.cover_signals import AlreadyDecided
from tests.make.deals import Table, make_ready, make_table
from tests.make.market import make_institution
from tests.make.parties import NOW
from tests.make.renewals import draw_all
from tests.make.valued import Pledged, make_pledged

LATER = NOW + timedelta(days=30)


@pytest.fixture
async def pledged(session: AsyncSession) -> Pledged:
    return await make_pledged(session)


async def run_round(
    session: AsyncSession, sessions: Sessions, *, now: datetime = NOW
) -> RevaluationRound:
    """Open a round or go on with it, and do what is left, as the workers would."""
    opened = await revaluations.open_round(session, now=now)
    await revaluations.enqueue_left(session, opened.id)
    for deal_id in await revaluations.list_left(session, opened.id):
        await revaluations.revalue(
            sessions,
            round_id=opened.id,
            deal_id=deal_id,
            now=now,
        )
    await session.refresh(opened)
    return opened


async def items_of(session: AsyncSession, opened: RevaluationRound) -> list[RevaluationItem]:
    rows = await session.scalars(
        select(RevaluationItem)
        .where(RevaluationItem.round_id == opened.id)
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def signals_of(session: AsyncSession) -> list[CoverSignal]:
    return list(await session.scalars(select(CoverSignal).order_by(CoverSignal.id)))


async def lapse(session: AsyncSession, right: Right) -> None:
    """The owner stops paying: the right ended with the last paid year."""
    right.annuity_paid_through_year = 7
    await session.flush()


class TestARound:
    async def test_values_what_is_pledged_on_the_inputs_of_the_request(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        opened = await run_round(session, sessions)

        [item] = await items_of(session, opened)
        run = await session.get_one(ValuationRun, item.run_id)
        result = await session.get_one(ValuationResult, run.id)
        assert (item.outcome, run.kind) == (RevaluationOutcome.REVALUED, RunKind.REVALUATION)
        assert run.valuation_id == pledged.valuation.id
        assert run.inputs["scenarios"] == 2048
        assert run.inputs["loan"]["owed"] == "5000000.00"
        assert run.inputs["loan"]["ends_on"] == pledged.loan.maturity_on.isoformat()
        assert item.cover_pct == cover_signals.cover(result.liquidation, pledged.loan.outstanding)
        assert item.cover_pct > 130
        assert await signals_of(session) == []
        assert opened.closed_at == NOW

    async def test_never_values_a_pledge_twice(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        opened = await run_round(session, sessions)
        await revaluations.revalue(sessions, round_id=opened.id, deal_id=pledged.deal.id, now=LATER)
        await revaluations.revalue(sessions, round_id=opened.id, deal_id=new_id(), now=LATER)

        runs = select(func.count()).where(ValuationRun.round_id == opened.id)
        assert await session.scalar(runs) == 1

    async def test_is_resumed_until_it_is_done_and_then_another_begins(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        other = await make_pledged(session)
        opened = await revaluations.open_round(session, now=NOW)
        await revaluations.revalue(
            sessions, round_id=opened.id, deal_id=pledged.deal.id, now=NOW
        )  # and here the worker dies

        again = await revaluations.open_round(session, now=LATER)
        assert await revaluations.enqueue_left(session, again.id) == 1
        assert await revaluations.enqueue_left(session, again.id) == 1  # still in the queue: once
        progress = await revaluations.progress(session, again.id)
        assert (again.id, progress.total, progress.left) == (opened.id, 2, 1)
        assert progress.in_flight == 1
        assert await revaluations.list_left(session, opened.id) == [other.deal.id]
        await run_round(session, sessions, now=LATER)
        assert (await run_round(session, sessions, now=LATER)).id != opened.id

    async def test_leaves_out_what_ended_or_stands_on_no_inputs(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        table = await make_table(session)  # its request was never valued here
        deal = await make_ready(session, table)
        await draw_all(session, table, deal)
        await bind(session, SYSTEM)
        repaid = await make_pledged(session)
        opened = await revaluations.open_round(session, now=NOW)
        loan = await session.get_one(Loan, repaid.loan.id)
        loan.status, loan.outstanding = LoanStatus.REPAID, ZERO
        await session.flush()

        await run_round(session, sessions)

        outcomes = {item.deal_id: item.outcome for item in await items_of(session, opened)}
        assert outcomes == {
            pledged.deal.id: RevaluationOutcome.REVALUED,
            deal.id: RevaluationOutcome.NO_INPUTS,
            repaid.deal.id: RevaluationOutcome.ENDED,
        }

    async def test_its_run_is_seen_and_challenged_by_the_parties(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        opened = await run_round(session, sessions)
        [item] = await items_of(session, opened)
        assert item.run_id is not None
        table = pledged.table
        for party in table.parties:
            await bind(session, party)
            seen = await valuation_runs.get_run(session, actor=party, run_id=item.run_id)
            assert seen.result is not None
        rival = await make_institution(session, OrganisationKind.BANK)
        await bind(session, rival)
        with pytest.raises(NotFound):
            await valuation_runs.get_run(session, actor=rival, run_id=item.run_id)


class TestCover:
    async def test_a_fall_is_told_to_the_pledgee_once_for_each_level(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        await run_round(session, sessions)
        await lapse(session, pledged.right)
        await run_round(session, sessions, now=LATER)
        await run_round(session, sessions, now=LATER + timedelta(days=30))

        [signal] = await signals_of(session)
        assert (signal.level_pct, signal.cover_pct) == (Decimal(100), Decimal(0))
        assert signal.previous_pct is not None
        assert signal.previous_pct > 130
        assert (signal.outstanding, signal.liquidation) == (Money.yuan(5_000_000), ZERO)
        told = await session.scalars(
            text("SELECT organisation_id FROM outbox_events WHERE kind = 'cover.fell'")
        )
        assert set(told) == {pledged.table.bank.organisation_id} | (
            set()
            if pledged.deal.pledgee is PledgeeKind.BANK
            else {pledged.table.guarantor.organisation_id}
        )

    async def test_a_level_that_is_crossed_again_is_told_again(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> None:
        for month, paid in enumerate((7, 9, 7)):
            pledged.right.annuity_paid_through_year = paid
            await session.flush()
            await run_round(session, sessions, now=NOW + timedelta(days=30 * month))

        assert [one.previous_pct is None for one in await signals_of(session)] == [True, False]


class TestADecision:
    @pytest.fixture
    async def signal(
        self, session: AsyncSession, sessions: Sessions, pledged: Pledged
    ) -> CoverSignal:
        await lapse(session, pledged.right)
        await run_round(session, sessions)
        [signal] = await signals_of(session)
        return signal

    async def decide(
        self, session: AsyncSession, actor: Actor, signal: CoverSignal
    ) -> cover_signals.Signalled:
        await bind(session, actor)
        decided = await cover_signals.decide(
            session,
            actor=actor,
            signal_id=signal.id,
            data=CoverDecisionIn(choice=CoverChoice.TOP_UP, reason="按合同补充质押"),
            now=NOW,
        )
        await bind(session, SYSTEM)
        return decided

    def pledgee(self, pledged: Pledged) -> tuple[Actor, list[Actor]]:
        """Who decides, and parties that do not."""
        table: Table = pledged.table
        by_id = {party.organisation_id: party for party in table.parties}
        deciding = cover_signals.pledgees_of(pledged.deal)
        others = [by_id[one] for one in by_id if one not in deciding]
        return by_id[deciding[0]], others

    async def test_is_the_pledgees_and_is_recorded_once(
        self, session: AsyncSession, pledged: Pledged, signal: CoverSignal
    ) -> None:
        own, others = self.pledgee(pledged)
        decided = await self.decide(session, own, signal)

        [decision] = decided.decisions
        assert decision.choice is CoverChoice.TOP_UP
        assert (decision.organisation_id, decision.decided_at) == (own.organisation_id, NOW)
        with pytest.raises(AlreadyDecided):
            await self.decide(session, own, signal)
        await bind(session, SYSTEM)
        for party in others:
            with pytest.raises(Forbidden):
                await self.decide(session, party, signal)

    async def test_is_listed_to_the_deals_parties_and_hidden_from_others(
        self, session: AsyncSession, pledged: Pledged, signal: CoverSignal
    ) -> None:
        for party in pledged.table.parties:
            await bind(session, party)
            found = await cover_signals.list_signals(
                session, actor=party, loan_id=pledged.loan.id, limit=9
            )
            assert [one.signal.id for one in found] == [signal.id]
            assert (
                await cover_signals.list_signals(session, actor=party, after=signal.id, limit=9)
                == []
            )
        rival = await make_institution(session, OrganisationKind.BANK)
        await bind(session, rival)
        with pytest.raises(NotFound):
            await cover_signals.get_signal(session, actor=rival, signal_id=signal.id)


@pytest.fixture
async def live(fresh_database: str) -> AsyncIterator[Sessions]:
    async with connect(fresh_database) as sessions:
        yield sessions


async def test_two_workers_on_one_pledge_leave_one_result(live: Sessions) -> None:
    async with live.begin() as session:
        pledged = await make_pledged(session)
    async with live.begin() as session:
        opened = await revaluations.open_round(session, now=NOW)

    await asyncio.gather(
        *(
            revaluations.revalue(live, round_id=opened.id, deal_id=pledged.deal.id, now=NOW)
            for _ in range(3)
        )
    )

    async with live.begin() as session:
        await bind(session, SYSTEM)
        runs = select(func.count()).where(ValuationRun.round_id == opened.id)
        assert await session.scalar(runs) == 1
        closed = await session.get_one(RevaluationRound, opened.id)
        assert closed.closed_at == NOW
