"""The bank's grades of a loan, its inspections, and the declaration of default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused
from app.core.messages import Text, say
from app.lending.grading import Grade, Threshold, floor_of, is_worse, settle
from app.lifecycle.deals import LOAN, LoanEvent, LoanStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Inspection, LoanGrade
from app.models.loans import Loan
from app.schemas.claims import GradeIn, InspectionIn
from app.services import (
    documents,
    exposures,
    filings,
    history,
    loans,
    outbox,
    readiness,
    rules,
    schedules,
)
from app.services.actor import Actor, as_platform
from app.services.deals import parties_of
from app.services.names import NAMES

RULE = "loan_grades"


@dataclass(eq=False)
class NotInDefault(Conflict):
    """Too early: neither late for long enough, nor graded badly enough."""

    message = (
        "The loan is {days} days past due and graded {grade}; default takes more than {over_days}"
        " days, or the grade {default_grade}."
    )

    days: int
    grade: Grade
    over_days: int
    default_grade: Grade

    def words(self) -> Mapping[str, Any]:
        return {"grade": NAMES[self.grade], "default_grade": NAMES[self.default_grade]}


@dataclass(frozen=True, slots=True)
class Standing:
    """How late a loan is on a day, the grade that this gives at least, and the one that counts."""

    on: date
    days_past_due: int
    floor: Grade
    grade: Grade


async def standing(session: AsyncSession, loan: Loan, *, on: date) -> Standing:
    """Where the loan stands on the day ``on``. A bank's own grade holds until days outrun it."""
    rule = await rules.get(session, RULE, on=on)
    days, floor = await _floor(session, loan, rule, on=on)
    async with as_platform(session):  # the guarantor claims by the bank's grade too
        last = await _find_latest(session, loan.id, on=on)
    grade = floor
    if last is not None:
        # Justified for the days it had seen: a floor that rose since then counts again.
        grade = settle(floor=floor, own=last.grade, justified=not is_worse(floor, last.floor))
    return Standing(on, days, floor, grade)


async def record(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: GradeIn, now: datetime
) -> LoanGrade:
    """The bank's own grade, better than days or a default allow only with a reason and proof."""
    actor.must_be(OrganisationKind.BANK)
    deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    on = business_date(now)
    rule = await rules.get(session, RULE, on=on)
    days, floor = await _floor(session, loan, rule, on=on)
    if data.document_id is not None:
        await documents.get_document(session, actor=actor, document_id=data.document_id)
    allowed = _allowed(loan, rule, floor=floor)
    better = is_worse(allowed, data.grade)
    if better and (not data.reason or data.document_id is None):
        field = "document_id" if data.reason else "reason"
        raise FieldRefused(field, _needs_proof(days, floor=floor, allowed=allowed))
    row = LoanGrade(
        id=new_id(),
        loan_id=loan.id,
        graded_on=on,
        days_past_due=days,
        floor=floor,
        own=data.grade,
        grade=settle(floor=floor, own=data.grade, justified=better),
        reason=data.reason,
        document_id=data.document_id,
        graded_by=actor.organisation_id,
        graded_at=now,
    )
    session.add(row)
    history.note(session, "loan", loan.id, f"grade {row.grade}", actor=actor, now=now)
    outbox.announce(session, "loan.graded", loan.id, organisation_id=deal.bank_id, now=now)
    await session.flush()
    return row


async def list_grades(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, limit: int, after: UUID | None = None
) -> Sequence[LoanGrade]:
    """The grades of the bank's loan, newest first."""
    actor.must_be(OrganisationKind.BANK)
    await loans.must_be_visible(session, actor=actor, loan_id=loan_id)
    rows = (
        select(LoanGrade)
        .where(LoanGrade.loan_id == loan_id)
        .order_by(LoanGrade.id.desc())
        .limit(limit)
    )
    if after is not None:
        rows = rows.where(LoanGrade.id < after)
    return (await session.scalars(rows)).all()


async def inspect(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: InspectionIn, now: datetime
) -> Inspection:
    """Record what the bank found at the borrower (贷后检查)."""
    actor.must_be(OrganisationKind.BANK)
    _deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    if not loan.first_day <= data.inspected_on <= business_date(now):
        raise FieldRefused(
            "inspected_on", say("must be from {earliest} to today", earliest=loan.first_day)
        )
    if data.document_id is not None:
        await documents.get_document(session, actor=actor, document_id=data.document_id)
    row = Inspection(
        id=new_id(),
        loan_id=loan.id,
        inspected_on=data.inspected_on,
        findings=data.findings,
        document_id=data.document_id,
        recorded_by=actor.organisation_id,
        recorded_at=now,
    )
    session.add(row)
    history.note(session, "loan", loan.id, "inspect", actor=actor, now=now)
    await session.flush()
    return row


async def list_inspections(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, limit: int, after: UUID | None = None
) -> Sequence[Inspection]:
    """The inspections of the bank's loan, newest first."""
    actor.must_be(OrganisationKind.BANK)
    await loans.must_be_visible(session, actor=actor, loan_id=loan_id)
    rows = (
        select(Inspection)
        .where(Inspection.loan_id == loan_id)
        .order_by(Inspection.id.desc())
        .limit(limit)
    )
    if after is not None:
        rows = rows.where(Inspection.id < after)
    return (await session.scalars(rows)).all()


async def declare_default(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, now: datetime
) -> Loan:
    """The bank declares default (违约), which claims follow. Again it changes nothing."""
    actor.must_be(OrganisationKind.BANK)
    deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    if loan.status is LoanStatus.DEFAULTED:
        return loan
    on = business_date(now)
    rule = await rules.get(session, RULE, on=on)
    stands = await standing(session, loan, on=on)
    over_days, worst = rule["default_over_days"], Grade(rule["default_grade"])
    if stands.days_past_due <= over_days and is_worse(worst, stands.grade):
        raise NotInDefault(stands.days_past_due, stands.grade, over_days, worst)
    history.move(session, loan, LOAN, LoanEvent.DEFAULT, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "loan.defaulted", loan.id, now=now)
    await session.flush()
    filing = await filings.find_live(session, deal.id)
    if filing is not None:
        await readiness.note(session, filing, step="defaulted", now=now)
    await exposures.refresh(session, loan, now=now)
    return loan


def _allowed(loan: Loan, rule: dict[str, Any], *, floor: Grade) -> Grade:
    """The best grade that needs no proof: of a loan once in default, what default takes."""
    if loan.status not in {LoanStatus.DEFAULTED, LoanStatus.WRITTEN_OFF}:
        return floor
    by_default = Grade(rule["default_grade"])
    return by_default if is_worse(by_default, floor) else floor


def _needs_proof(days: int, *, floor: Grade, allowed: Grade) -> Text:
    if allowed is floor:
        return say(
            "{days} days past due give {floor}; better than that needs a reason and a document",
            days=days,
            floor=NAMES[floor],
        )
    return say(
        "the loan is in default; better than {grade} needs a reason and a document",
        grade=NAMES[allowed],
    )


async def _floor(
    session: AsyncSession, loan: Loan, rule: dict[str, Any], *, on: date
) -> tuple[int, Grade]:
    lines = await schedules.list_lines(session, loan)
    days = schedules.days_past_due(lines, on=on)
    thresholds = [Threshold(one["over_days"], Grade(one["grade"])) for one in rule["thresholds"]]
    return days, floor_of(days, thresholds)


async def _find_latest(session: AsyncSession, loan_id: UUID, *, on: date) -> LoanGrade | None:
    latest: LoanGrade | None = await session.scalar(
        select(LoanGrade)
        .where(LoanGrade.loan_id == loan_id, LoanGrade.graded_on <= on)
        .order_by(LoanGrade.id.desc())
        .limit(1)
    )
    return latest
