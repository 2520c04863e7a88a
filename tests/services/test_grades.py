"""Five classes: days give the floor, the bank's own grade prevails when worse or justified."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.lending.grading import Grade, Threshold, floor_of, is_worse, settle
from app.lifecycle.deals import LoanStatus
from app.schemas.claims import GradeIn, InspectionIn
from app.services import grades
from app.services.grades import NotInDefault
from tests.make.funds import LATE, make_drawn_filed
from tests.make.parties import NOW
from tests.make.rights import make_document

THRESHOLDS = [
    Threshold(0, Grade.SPECIAL_MENTION),
    Threshold(90, Grade.SUBSTANDARD),
    Threshold(270, Grade.DOUBTFUL),
    Threshold(360, Grade.LOSS),
]
DUE = date(2026, 12, 20)  # the first instalment


@pytest.mark.parametrize(
    ("days", "grade"),
    [
        (0, Grade.PASS),
        (1, Grade.SPECIAL_MENTION),
        (90, Grade.SPECIAL_MENTION),
        (91, Grade.SUBSTANDARD),
        (270, Grade.SUBSTANDARD),
        (271, Grade.DOUBTFUL),
        (360, Grade.DOUBTFUL),
        (361, Grade.LOSS),
    ],
)
def test_the_floor_changes_after_the_day(days: int, grade: Grade) -> None:
    assert floor_of(days, THRESHOLDS) is grade


@given(st.sampled_from(Grade), st.sampled_from(Grade), st.booleans())
def test_an_own_grade_never_improves_a_loan_unjustified(
    floor: Grade, own: Grade, justified: bool
) -> None:
    counted = settle(floor=floor, own=own, justified=justified)

    assert counted in {floor, own}
    assert justified or not is_worse(floor, counted)


async def test_a_better_grade_needs_a_reason_and_a_document(session: AsyncSession) -> None:
    funded, loan = await make_drawn_filed(session)
    bank = funded.table.bank
    for data in (
        GradeIn(grade=Grade.PASS),
        GradeIn(grade=Grade.PASS, reason="抵押充足，正在展期"),
    ):
        with pytest.raises(FieldRefused):
            await grades.record(session, actor=bank, loan_id=loan.id, data=data, now=LATE)

    document = await make_document(session, bank.organisation_id)
    row = await grades.record(
        session,
        actor=bank,
        loan_id=loan.id,
        data=GradeIn(grade=Grade.PASS, reason="账户被误扣", document_id=document.id),
        now=LATE,
    )
    assert (row.floor, row.grade) == (Grade.SUBSTANDARD, Grade.PASS)
    stands = await grades.standing(session, loan, on=LATE.date())
    assert stands.grade is Grade.PASS
    # The floor that the bank had seen was substandard: a worse one counts again.
    later = await grades.standing(session, loan, on=DUE + timedelta(days=300))
    assert later.grade is Grade.DOUBTFUL


async def test_a_worse_grade_counts_and_opens_default_before_the_days(
    session: AsyncSession,
) -> None:
    funded, loan = await make_drawn_filed(session)
    soon = NOW + timedelta(days=30)
    with pytest.raises(NotInDefault):
        await grades.declare_default(session, actor=funded.table.bank, loan_id=loan.id, now=soon)

    await grades.record(
        session,
        actor=funded.table.bank,
        loan_id=loan.id,
        data=GradeIn(grade=Grade.DOUBTFUL, reason="企业停产"),
        now=soon,
    )
    done = await grades.declare_default(session, actor=funded.table.bank, loan_id=loan.id, now=soon)

    assert done.status is LoanStatus.DEFAULTED


async def test_in_default_a_grade_better_than_default_takes_needs_proof_whatever_the_days(
    session: AsyncSession,
) -> None:
    funded, loan = await make_drawn_filed(session)
    bank, soon = funded.table.bank, NOW + timedelta(days=30)

    async def grade(own: Grade, **more: Any) -> Grade:
        data = GradeIn(grade=own, **more)
        row = await grades.record(session, actor=bank, loan_id=loan.id, data=data, now=soon)
        return row.grade

    await grade(Grade.DOUBTFUL, reason="企业停产")
    await grades.declare_default(session, actor=bank, loan_id=loan.id, now=soon)

    for own in (Grade.PASS, Grade.SPECIAL_MENTION):
        for more in ({}, {"reason": "恢复生产"}):
            with pytest.raises(FieldRefused):
                await grade(own, **more)
    stands = await grades.standing(session, loan, on=soon.date())
    assert (stands.floor, stands.grade) == (Grade.PASS, Grade.DOUBTFUL)
    assert await grade(Grade.SUBSTANDARD) is Grade.SUBSTANDARD  # that is what default takes
    document = await make_document(session, bank.organisation_id)
    proved = await grade(Grade.SPECIAL_MENTION, reason="恢复生产", document_id=document.id)
    assert proved is Grade.SPECIAL_MENTION


async def test_inspections_are_the_banks_own(session: AsyncSession) -> None:
    funded, loan = await make_drawn_filed(session)
    data = InspectionIn(inspected_on=NOW.date(), findings="设备运转正常")
    await grades.inspect(session, actor=funded.table.bank, loan_id=loan.id, data=data, now=NOW)

    rows = await grades.list_inspections(
        session, actor=funded.table.bank, loan_id=loan.id, limit=10
    )
    assert [row.findings for row in rows] == ["设备运转正常"]
    tomorrow = InspectionIn(inspected_on=NOW.date() + timedelta(days=1), findings="x")
    with pytest.raises(FieldRefused):
        await grades.inspect(
            session, actor=funded.table.bank, loan_id=loan.id, data=tomorrow, now=NOW
        )
    other, _ = await make_drawn_filed(session)
    with pytest.raises(NotFound):
        await grades.list_inspections(session, actor=other.table.bank, loan_id=loan.id, limit=10)
