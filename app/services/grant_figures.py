"""Open data of the measures: budgets, counts, and what was chosen where the policy is open."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.grants.measure import Measure
from app.lifecycle.grants import ApplicationStatus
from app.models.grants import GrantApplication, GrantBudget, GrantProgramme
from app.schemas.grants import BudgetOut, ChoiceOut, NoticeOut
from app.services import grant_budgets, grant_rules
from app.services.actor import as_platform
from app.services.grant_budgets import BudgetState
from app.services.ledger import Book

BUDGETS_MAX = 1000


async def list_budgets(session: AsyncSession, *, measure: int | None = None) -> list[BudgetOut]:
    """Every budget that was opened, by measure and year, with what became of its applications."""
    budgets = select(GrantBudget).order_by(GrantBudget.measure, GrantBudget.year).limit(BUDGETS_MAX)
    if measure is not None:
        budgets = budgets.where(GrantBudget.measure == measure)
    rows = (await session.scalars(budgets)).all()
    states = await grant_budgets.states_of(session, rows)
    programmes = await _newest(session)
    counts = await _counts(session)
    return [_tell(row, states[row.id], programmes[row.id], counts.get(row.id, {})) for row in rows]


async def _newest(session: AsyncSession) -> dict[UUID, GrantProgramme]:
    """The newest programme of each budget, whose rules describe it."""
    rows = await session.scalars(select(GrantProgramme).order_by(GrantProgramme.id))
    return {row.budget_id: row for row in rows}


async def _counts(session: AsyncSession) -> dict[UUID, dict[str, int]]:
    """Applications by budget and state; drafts are the applicants' own."""
    async with as_platform(session):
        rows = await session.execute(
            select(GrantProgramme.budget_id, GrantApplication.status, func.count())
            .join(GrantProgramme, GrantProgramme.id == GrantApplication.programme_id)
            .where(GrantApplication.status != ApplicationStatus.DRAFT)
            .group_by(GrantProgramme.budget_id, GrantApplication.status)
            .order_by(GrantApplication.status)
        )
        found: dict[UUID, dict[str, int]] = {}
        for budget_id, status, count in rows:
            found.setdefault(budget_id, {})[status.value] = count
    return found


def _tell(
    budget: GrantBudget, state: BudgetState, programme: GrantProgramme, counts: dict[str, int]
) -> BudgetOut:
    slots = grant_budgets.book_of(budget) is Book.GRANT_SLOTS
    rules = grant_rules.rules_of(programme)
    assert rules.budget is not None
    figures = {
        "reserved": state.reserved,
        "committed": state.committed,
        "paid": state.paid,
        "clawed_back": state.clawed_back,
    }
    ceiling = budget.amount if budget.slots is None else budget.slots
    left = None if state.left is None else str(state.left.fen if slots else state.left)
    return BudgetOut(
        measure=budget.measure,
        name_zh=programme.name_zh,
        name_en=programme.name_en,
        year=budget.year,
        kind=budget.kind,
        unit="places" if slots else "yuan",
        ceiling=None if ceiling is None else str(ceiling),
        ceiling_text_zh=rules.budget.text_zh,
        ceiling_text_en=rules.budget.text_en,
        left=left,
        applications=counts,
        **{name: str(value.fen if slots else value) for name, value in figures.items()},
    )


def tell_notice(application: GrantApplication, *, on: date) -> NoticeOut:
    """One award on notice, as it is told to all."""
    assert application.notice_from is not None
    assert application.notice_until is not None
    noticed = application.status is ApplicationStatus.NOTICED
    return NoticeOut(
        application_id=application.id,
        measure=application.measure,
        year=application.year,
        applicant_name=application.applicant_name,
        title=application.title,
        award=application.award,
        slots=application.slots,
        notice_from=application.notice_from,
        notice_until=application.notice_until,
        running=noticed and on <= application.notice_until,
    )


def list_choices(measures: Mapping[int, Measure], *, on: date) -> Sequence[ChoiceOut]:
    """The questions that the policy leaves open under the rules of a day, as they were decided."""
    return [
        ChoiceOut(
            measure=measure.number,
            id=choice.id,
            decided_on=choice.decided_on,
            question_zh=choice.text_zh,
            question_en=choice.text_en,
            chosen=choice.chosen,
            alternatives=list(choice.alternatives),
            reason_zh=choice.reason_zh,
            reason_en=choice.reason_en,
        )
        for measure in measures.values()
        if (version := measure.version_on(on)) is not None
        for choice in version.choices
    ]
