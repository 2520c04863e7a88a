"""Valuation runs: a portfolio valued in scenarios, off the event loop and outside any transaction.

A request writes what to work out from; a worker works it out (``compute``). Both are append-only.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, false, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, new_id
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.lending.periods import months_after
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.lifecycle.valuations import RunKind
from app.models.deals import Deal
from app.models.financing import FinancingRequest, IdentityConsent
from app.models.loans import Loan
from app.models.portfolios import Portfolio, Valuation
from app.models.rights import Right
from app.models.valuation_runs import ValuationResult, ValuationRun
from app.schemas.portfolios import RightInputs, ValuationInputs
from app.services import deals, history, outbox, rules, tasks, valuation_records
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import parties_of
from app.valuation.engine import ENGINE_VERSION
from app.valuation.runs import digest, execute


class OwnRun(Conflict):
    message = "This run is made of your own inputs; value the portfolio again."


class NotToChallenge(Conflict):
    message = "A challenge is answered by a challenge of the run that it challenges."


@dataclass(frozen=True, slots=True)
class Worked:
    """A run and its result, which is None until a worker has been at it."""

    run: ValuationRun
    result: ValuationResult | None


@dataclass(frozen=True, slots=True)
class Side:
    """What one challenge says against a run: its own run, and the inputs in which they differ."""

    worked: Worked
    differences: Sequence[dict[str, Any]]


def visible_runs(actor: Actor) -> Select[ValuationRun]:
    """The firm's own; for a lender those behind its requests and loans, and its own challenges."""
    runs = select(ValuationRun)
    own = actor.organisation_id
    match actor.kind:
        case OrganisationKind.ENTERPRISE:
            return runs.where(ValuationRun.firm_id == own)
        case OrganisationKind.BANK | OrganisationKind.GUARANTOR | OrganisationKind.INSURER:
            mine = deals.visible_deals(actor).with_only_columns(Deal.id)
            told = exists().where(
                IdentityConsent.request_id == FinancingRequest.id,
                IdentityConsent.institution_id == own,
            )
            dealt = (
                deals.visible_deals(actor)
                .where(Deal.request_id == FinancingRequest.id)
                .with_only_columns(Deal.id)
                .exists()
            )
            backing = select(FinancingRequest.valuation_id).where(or_(told, dealt))
            return runs.where(
                or_(
                    ValuationRun.made_by == own,
                    and_(ValuationRun.kind == RunKind.REVALUATION, ValuationRun.deal_id.in_(mine)),
                    and_(
                        ValuationRun.kind == RunKind.FIRST, ValuationRun.valuation_id.in_(backing)
                    ),
                )
            )
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return runs
        case OrganisationKind.PARK | OrganisationKind.AGENCY:
            return runs.where(false())


async def begin(
    session: AsyncSession,
    *,
    actor: Actor,
    portfolio: Portfolio,
    valuation: Valuation,
    rights: Sequence[Right],
    inputs: ValuationInputs,
    now: datetime,
) -> ValuationRun:
    """Have the valuation that the firm just made worked out in full, by a worker."""
    on = valuation.valued_on
    rule = await rules.get(session, "valuation_runs", on=on)
    cash = inputs.yearly_cash
    record = await valuation_records.build(
        session,
        rights=rights,
        stated={one["right_id"]: one for one in valuation.inputs["rights"]},
        owed=inputs.amount,
        ends_on=months_after(on, inputs.term_months or rule["term_months"]),
        yearly_cash=None if cash is None else str(cash),
        on=on,
    )
    run = _run(
        RunKind.FIRST,
        firm_id=portfolio.firm_id,
        portfolio_id=portfolio.id,
        valuation_id=valuation.id,
        made_by=actor.organisation_id,
        record=record,
        on=on,
        now=now,
    )
    return await _enqueue(session, run, actor=actor, now=now)


def _run(
    kind: RunKind, *, record: dict[str, Any], on: date, now: datetime, **columns: Any
) -> ValuationRun:
    return ValuationRun(
        id=new_id(),
        kind=kind,
        valued_on=on,
        inputs=record,
        inputs_sha256=digest(record),
        created_at=now,
        **columns,
    )


async def _enqueue(
    session: AsyncSession, run: ValuationRun, *, actor: Actor, now: datetime
) -> ValuationRun:
    session.add(run)
    history.note(session, "valuation run", run.id, run.kind, actor=actor, now=now)
    await session.flush()
    await tasks.enqueue(session, tasks.Task.VALUE_PORTFOLIO, {"run_id": str(run.id)})
    return run


async def challenge(
    session: AsyncSession,
    *,
    actor: Actor,
    run_id: UUID,
    reason: str,
    rights: Sequence[RightInputs],
    now: datetime,
) -> ValuationRun:
    """The other side's inputs and reason: a run of its own beside the first, which stays.

    FieldRefused for inputs that do not fit, OwnRun for one's own figures, NotToChallenge for what
    is a challenge itself.
    """
    run = (await get_run(session, actor=actor, run_id=run_id)).run
    if run.kind is RunKind.CHALLENGE:
        raise NotToChallenge
    if run.made_by == actor.organisation_id:
        raise OwnRun
    record = await valuation_records.challenge(
        session, run.inputs, rights, by=actor.organisation_id
    )
    other = _run(
        RunKind.CHALLENGE,
        firm_id=run.firm_id,
        portfolio_id=run.portfolio_id,
        valuation_id=run.valuation_id,
        challenges_id=run.id,
        made_by=actor.organisation_id,
        reason=reason,
        record=record,
        on=run.valued_on,
        now=now,
    )
    told = {run.firm_id, run.made_by}
    if run.deal_id is not None:
        told |= set(parties_of(await deals.get_deal(session, actor=actor, deal_id=run.deal_id)))
    outbox.announce_to(
        session,
        sorted(one for one in told - {actor.organisation_id} if one is not None),
        "valuation.challenged",
        run.id,
        now=now,
    )
    return await _enqueue(session, other, actor=actor, now=now)


async def compute(sessions: Sessions, *, run_id: UUID, now: datetime) -> None:
    """Work a run out once; again it changes nothing. For the worker."""
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        run = await session.get(ValuationRun, run_id)
        if run is None or await session.get(ValuationResult, run_id) is not None:
            return
    results = await work_out(run.inputs)
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        if await keep_result(session, run_id=run.id, results=results, now=now) and run.made_by:
            told = {run.firm_id, run.made_by}
            outbox.announce_to(session, sorted(told), "valuation.computed", run.id, now=now)


async def work_out(record: dict[str, Any]) -> dict[str, Any]:
    """The result of ``record``, off the event loop. No transaction should be open meanwhile."""
    return await asyncio.to_thread(execute, record)


async def keep_result(
    session: AsyncSession, *, run_id: UUID, results: dict[str, Any], now: datetime
) -> bool:
    """Write what came out; False if another worker was first, whose result stays."""
    whole = results["whole"]
    written = await session.scalar(
        insert(ValuationResult)
        .values(
            run_id=run_id,
            engine=ENGINE_VERSION,
            market=Money.yuan(whole["market"]["value"]),
            liquidation=Money.yuan(whole["orderly_liquidation"]["value"]),
            lendable=Money.yuan(whole["lendable"]["value"]),
            results=results,
            results_sha256=digest(results),
            computed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ValuationResult.run_id)
    )
    return written is not None


async def get_run(session: AsyncSession, *, actor: Actor, run_id: UUID) -> Worked:
    """A run the actor may see, with its result."""
    found = await _load(session, visible_runs(actor).where(ValuationRun.id == run_id))
    if not found:
        raise NotFound
    return found[0]


async def find_first(session: AsyncSession, *, valuation_id: UUID) -> UUID | None:
    """The run that works out this valuation, which the caller may see; old ones have none."""
    run_id: UUID | None = await session.scalar(
        select(ValuationRun.id).where(
            ValuationRun.valuation_id == valuation_id, ValuationRun.kind == RunKind.FIRST
        )
    )
    return run_id


async def find_newest(session: AsyncSession, *, portfolio_id: UUID) -> Worked | None:
    """The newest run of a portfolio that is worked out, challenges aside."""
    rows = await session.execute(
        select(ValuationRun, ValuationResult)
        .join(ValuationResult, ValuationResult.run_id == ValuationRun.id)
        .where(ValuationRun.portfolio_id == portfolio_id, ValuationRun.kind != RunKind.CHALLENGE)
        .order_by(ValuationRun.id.desc())
        .limit(1)
    )
    found = rows.one_or_none()
    return None if found is None else Worked(*found)


async def list_runs(
    session: AsyncSession,
    *,
    actor: Actor,
    portfolio_id: UUID | None = None,
    request_id: UUID | None = None,
    loan_id: UUID | None = None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[Worked]:
    """Visible runs, newest first: of a portfolio, behind a request, or of a loan's pledge."""
    runs = visible_runs(actor).order_by(ValuationRun.id.desc()).limit(limit)
    if portfolio_id is not None:
        runs = runs.where(ValuationRun.portfolio_id == portfolio_id)
    if request_id is not None:
        behind = select(FinancingRequest.valuation_id).where(FinancingRequest.id == request_id)
        runs = runs.where(ValuationRun.valuation_id == behind.scalar_subquery())
    if loan_id is not None:
        deal_id = select(Loan.deal_id).where(Loan.id == loan_id).scalar_subquery()
        behind = select(FinancingRequest.valuation_id).join(
            Deal, Deal.request_id == FinancingRequest.id
        )
        runs = runs.where(
            or_(
                ValuationRun.deal_id == deal_id,
                and_(
                    ValuationRun.deal_id.is_(None),
                    ValuationRun.valuation_id.in_(behind.where(Deal.id == deal_id)),
                ),
            )
        )
    if after is not None:
        runs = runs.where(ValuationRun.id < after)
    return await _load(session, runs)


async def list_challenges(
    session: AsyncSession, *, actor: Actor, run_id: UUID, limit: int
) -> Sequence[Side]:
    """The other sides of a run that the actor may see, oldest first, with what they say else."""
    run = (await get_run(session, actor=actor, run_id=run_id)).run
    others = await _load(
        session,
        visible_runs(actor)
        .where(ValuationRun.challenges_id == run.id)
        .order_by(ValuationRun.id)
        .limit(limit),
    )
    return [
        Side(other, valuation_records.differences(run.inputs, other.run.inputs)) for other in others
    ]


async def _load(session: AsyncSession, runs: Select[ValuationRun]) -> list[Worked]:
    rows = await session.execute(
        runs.outerjoin(ValuationResult, ValuationResult.run_id == ValuationRun.id).add_columns(
            ValuationResult
        )
    )
    return [Worked(run, result) for run, result in rows]


KINDS = (OrganisationKind.ENTERPRISE, *LENDERS)
"""Who may challenge a run that they see."""
