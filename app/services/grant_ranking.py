"""Recommendation: scored windows best first, others one by one; a freed place to the next best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict
from app.core.money import ZERO, Money
from app.grants import ranking
from app.grants.award import Award
from app.grants.measure import MeasureVersion, Scoring
from app.grants.ranking import Scored
from app.lifecycle.grants import (
    APPLICATION,
    WINDOW,
    ApplicationEvent,
    ApplicationStatus,
    WindowEvent,
    WindowStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.models.grants import GrantApplication, GrantProgramme, GrantWindow
from app.services import (
    grant_applications,
    grant_budgets,
    grant_checks,
    grant_programmes,
    grant_reviews,
    grant_rules,
    history,
)
from app.services.actor import SYSTEM, Actor, as_platform
from app.services.grant_applications import Locked

_PLACES = Decimal("0.000001")
BELOW_PASS_MARK = "below the pass mark"


@dataclass(eq=False)
class Unchecked(Conflict):
    message = "{count} applications of the window are not checked, reviewed or corrected yet."

    count: int


class RankedTogether(Conflict):
    message = "Applications under this measure are ranked together: rank their window."


class NotSupported(Conflict):
    message = "A reviewer is not in favour."


@dataclass(eq=False)
class BelowPassMark(Conflict):
    message = "The score is {score}; the pass mark is {pass_mark}."

    score: Decimal
    pass_mark: int


class BetterOnesWait(Conflict):
    message = "Better applications of the window wait for the place."


async def rank_window(
    session: AsyncSession, *, actor: Actor, window_id: UUID, now: datetime
) -> Sequence[GrantApplication]:
    """Rank a closed window: the best are recommended as far as the budget reaches, others that
    pass wait in order, those below the pass mark are rejected.

    A window of a measure that scores nothing is concluded once nothing in it is open.
    """
    actor.must_be(OrganisationKind.AUTHORITY)
    window = await grant_programmes.lock_window(session, window_id)
    programme = await grant_programmes.get_programme(session, programme_id=window.programme_id)
    rules = grant_rules.rules_of(programme)
    await _must_be_checked(session, window, scored=rules.scoring is not None, now=now)
    rows = await _in_window(session, window, ApplicationStatus.REVIEWING)
    by_id = {str(row.id): row for row in rows}
    history.move(session, window, WINDOW, WindowEvent.DECIDE, actor=actor, now=now)
    window.ranked_by, window.ranked_at = grant_rules.person(actor), now
    if rules.scoring is None:
        await session.flush()
        return []
    scored = [await _scored(session, row, rules) for row in rows]
    order = ranking.rank(rules.scoring, scored, len(scored))
    sheets = {one.reference: one.sheets for one in scored}
    for place, reference in enumerate(order.chosen, start=1):
        by_id[reference].place = place
    for reference, row in by_id.items():
        row.score = _told(rules.scoring, sheets[reference])
    for reference in order.failed:
        row = by_id[reference]
        history.move(session, row, APPLICATION, ApplicationEvent.REJECT, actor=actor, now=now)
        row.rejection, row.rejected_by = BELOW_PASS_MARK, window.ranked_by
        grant_checks.tell(session, row, "rejected", now=now)
    await fill(session, window, programme, rules, actor=actor, now=now)
    return [by_id[reference] for reference in (*order.chosen, *order.failed)]


async def recommend(
    session: AsyncSession, *, actor: Actor, application_id: UUID, now: datetime
) -> GrantApplication:
    """One application that all reviewers favour; of a scored window only once it was ranked."""
    locked = await grant_applications.lock_for_desk(
        session, actor=actor, application_id=application_id
    )
    application, rules = locked.application, locked.rules
    if application.status is not ApplicationStatus.REVIEWING:
        raise grant_reviews.NotInReview(application.status)
    sheets = await grant_reviews.filed_sheets(session, application, rules)
    if rules.scoring is None:
        if not all(sheet.supports for sheet in sheets):
            raise NotSupported
    else:
        await _late(session, locked, rules.scoring)
    award = await _decide(session, locked.programme, rules, application)
    _recommend(session, application, rules, award, by=grant_rules.person(actor), actor=actor,
               now=now)  # fmt: skip
    await session.flush()
    return application


async def _late(session: AsyncSession, locked: Locked, scoring: Scoring) -> None:
    """One that was reviewed again after its window was ranked takes its place by its new score."""
    if locked.window.status is not WindowStatus.DECIDED:
        raise RankedTogether
    application = locked.application
    scored = await _scored(session, application, locked.rules)
    application.score = _told(scoring, scored.sheets)
    if ranking.score(scoring, scored.sheets) < scoring.pass_mark:
        raise BelowPassMark(application.score, scoring.pass_mark)
    waiting = await _waiting(session, locked.window)
    rivals = [await _scored(session, row, locked.rules) for row in waiting if row != application]
    if ranking.rank(scoring, [scored, *rivals], 1).chosen != [scored.reference]:
        raise BetterOnesWait


async def fill(
    session: AsyncSession,
    window: GrantWindow,
    programme: GrantProgramme,
    rules: MeasureVersion,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Recommend those that wait in a ranked window, best first, as far as the budget reaches.

    The caller holds the window's lock. What is recommended and not noticed yet is counted.
    """
    if window.status is not WindowStatus.DECIDED or window.ranked_by is None:
        return
    await session.flush()
    async with as_platform(session):
        budget = await grant_budgets.lock_budget(session, programme.budget_id)
        left = await grant_budgets.left_of(session, budget)
        for row in await _in_window(session, window, ApplicationStatus.RECOMMENDED):
            left = _less(left, grant_rules.stake_of_row(row))
        for row in await _waiting(session, window):
            award = grant_rules.decide(rules, row.facts, left=left)
            if award.refused_by or (left is not None and grant_rules.stake_of(award) > left):
                break
            left = _less(left, grant_rules.stake_of(award))
            by = SYSTEM if actor.kind is not OrganisationKind.AUTHORITY else actor
            _recommend(session, row, rules, award, by=window.ranked_by, actor=by, now=now)
        await session.flush()


def _less(left: Money | None, stake: Money) -> Money | None:
    return None if left is None else max(ZERO, left - stake)


async def _decide(
    session: AsyncSession,
    programme: GrantProgramme,
    rules: MeasureVersion,
    application: GrantApplication,
) -> Award:
    """By what the budget has left now; BudgetSpent if that does not reach."""
    budget = await grant_budgets.lock_budget(session, programme.budget_id)
    left = await grant_budgets.left_of(session, budget)
    award = grant_rules.decide(rules, application.facts, left=left)
    if refused := grant_rules.refused_by_rules(award):
        raise grant_rules.NotEligible(refused)
    if left is not None and (award.refused_by or grant_rules.stake_of(award) > left):
        raise grant_budgets.spent(budget, left)
    return award


def _recommend(
    session: AsyncSession,
    application: GrantApplication,
    rules: MeasureVersion,
    award: Award,
    *,
    by: UUID,
    actor: Actor,
    now: datetime,
) -> None:
    history.move(
        session, application, APPLICATION, ApplicationEvent.RECOMMEND, actor=actor, now=now
    )
    grant_rules.settle(application, rules, award)
    application.recommended_by, application.recommended_at = by, now
    grant_checks.tell(session, application, "recommended", now=now)


async def _scored(
    session: AsyncSession, application: GrantApplication, rules: MeasureVersion
) -> Scored:
    sheets = await grant_reviews.filed_sheets(session, application, rules)
    return Scored(str(application.id), [dict(sheet.marks or {}) for sheet in sheets])


def _told(scoring: Scoring, sheets: Sequence[Mapping[str, int]]) -> Decimal:
    exact = ranking.score(scoring, sheets)
    return (Decimal(exact.numerator) / exact.denominator).quantize(_PLACES)


async def _must_be_checked(
    session: AsyncSession, window: GrantWindow, *, scored: bool, now: datetime
) -> None:
    """Unchecked while something is not ready; a correction that did not come in time is not."""
    open_states = [ApplicationStatus.SUBMITTED]
    if not scored:
        open_states.append(ApplicationStatus.REVIEWING)
    count = await session.scalar(
        select(func.count()).where(
            GrantApplication.window_id == window.id,
            or_(
                GrantApplication.status.in_(open_states),
                (GrantApplication.status == ApplicationStatus.RETURNED)
                & (GrantApplication.correct_by >= business_date(now)),
            ),
        )
    )
    if count:
        raise Unchecked(count)


async def _in_window(
    session: AsyncSession, window: GrantWindow, status: ApplicationStatus
) -> Sequence[GrantApplication]:
    rows = await session.scalars(
        select(GrantApplication)
        .where(GrantApplication.window_id == window.id, GrantApplication.status == status)
        .order_by(GrantApplication.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _waiting(session: AsyncSession, window: GrantWindow) -> Sequence[GrantApplication]:
    """Those that passed and found no place, best first."""
    rows = await _in_window(session, window, ApplicationStatus.REVIEWING)
    return sorted((row for row in rows if row.place is not None), key=lambda row: row.place or 0)
