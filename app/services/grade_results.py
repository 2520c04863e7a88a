"""What a grade sheet amounts to, in the shape in which it is stored and told."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.messages import Text, say
from app.models.appraisals import GradeAnswer, GradeSheet
from app.schemas.grading import (
    CompositeOut,
    DimensionGradeOut,
    GradeLineOut,
    GradeResultOut,
    GradeSheetDetailOut,
    GradeSheetOut,
    GradingTableOut,
    IndicatorOut,
    SpanOut,
    StandingOut,
    UseOut,
)
from app.services import rules
from app.services.grade_facts import Known
from app.valuation.composite import Cohort, composite, find_cohort
from app.valuation.grading import Line, Origin, Span, grade
from app.valuation.grading_table import Table


async def compute(
    session: AsyncSession, sheet: GradeSheet, table: Table, answers: Sequence[GradeAnswer]
) -> GradeResultOut:
    """The grade by the sheet's own table, facts and answers, and the composite beside it."""
    known = Known.of(sheet.facts)
    given = {answer.indicator: answer for answer in answers}
    levels = {name: answer.level for name, answer in given.items()}
    graded = grade(table, sheet.use, facts=known.facts, levels=levels)
    rows = table.rows()
    return GradeResultOut(
        whole=_span(graded.whole),
        dimensions=[
            DimensionGradeOut(
                dimension=dimension.id,
                text_zh=dimension.text_zh,
                text_en=dimension.text_en,
                **_span(graded.by_dimension[dimension.id]).model_dump(),
            )
            for dimension in table.dimensions
        ],
        answered_pct=graded.answered_pct,
        missing=[line.place.indicator.id for line in graded.lines if line.origin is Origin.MISSING],
        lines=[_line(line, known, given.get(line.place.indicator.id)) for line in graded.lines],
        rows=len(rows),
        unverified_rows=sum(not row.verified for row in rows),
        composite=await _composite(session, known, on=sheet.graded_on),
    )


def _span(span: Span) -> SpanOut:
    return SpanOut(low=span.low, high=span.high, score=span.score)


def _line(line: Line, known: Known, given: GradeAnswer | None) -> GradeLineOut:
    place, by_hand = line.place, given if line.origin is Origin.HAND else None
    fact = place.indicator.fact
    return GradeLineOut(
        indicator=place.indicator.id,
        dimension=place.dimension.id,
        group=place.group.id,
        text_zh=place.indicator.text_zh,
        text_en=place.indicator.text_en,
        verified=place.indicator.verified,
        weight_pct=line.weight_pct,
        origin=line.origin,
        score=line.score,
        fact=str(known.facts[fact]) if fact is not None and fact in known.facts else None,
        level=by_hand.level if by_hand else None,
        note=by_hand.note if by_hand else None,
        document_id=by_hand.document_id if by_hand else None,
    )


async def _composite(session: AsyncSession, known: Known, *, on: date) -> CompositeOut:
    version = await rules.get_version(session, "patent_cohorts", on=on)
    cohorts = [Cohort.of(row) for row in version.body["cohorts"]]
    cohort = find_cohort(cohorts, ipc=known.ipc, year=known.year)
    found = composite(known.measures, cohort)
    return CompositeOut(
        standings=[StandingOut.model_validate(one) for one in found.standings],
        score=found.score,
        cohort=f"{cohort.field} {cohort.year}" if cohort else None,
        uncalibrated=version.uncalibrated or cohort is None,
    )


async def tell(
    session: AsyncSession, sheet: GradeSheet, table: Table | None, answers: Sequence[GradeAnswer]
) -> GradeSheetDetailOut:
    """A finished sheet as it was kept, an open one as it stands now."""
    if sheet.result is not None:
        result: GradeResultOut | None = GradeResultOut.model_validate(sheet.result)
    else:
        result = await compute(session, sheet, table, answers) if table else None
    return GradeSheetDetailOut(
        **GradeSheetOut.model_validate(sheet).model_dump(),
        facts=sheet.facts["facts"],
        measures_source=sheet.facts["source"],
        conformity=conformity(result.unverified_rows if result else None),
        result=result,
    )


def conformity(unverified: int | None) -> Text:
    """What must be said with every grade, as long as a row was read by nobody."""
    if unverified == 0:
        return say("Every row of the table was read in the standard; this is no certificate.")
    return say(
        "In the shape of GB/T 42748-2023 only: nobody has verified the indicators, scales and"
        " weights against its text, and no conformity is claimed."
    )


def tell_table(table: Table) -> GradingTableOut:
    """A table with all its rows, each with where it is from."""
    return GradingTableOut(
        id=table.id,
        text_zh=table.text_zh,
        text_en=table.text_en,
        valid_from=table.valid_from,
        valid_to=table.valid_to,
        source=table.source,
        sha256=table.sha256,
        covers=sorted(table.covers),
        conformity=conformity(sum(not row.verified for row in table.rows())),
        uses=[
            UseOut(use=name, text_zh=use.text_zh, text_en=use.text_en)
            for name, use in table.uses.items()
        ],
        indicators=[
            IndicatorOut(
                indicator=row.id,
                dimension=place.dimension.id,
                group=place.group.id,
                dimension_zh=place.dimension.text_zh,
                dimension_en=place.dimension.text_en,
                group_zh=place.group.text_zh,
                group_en=place.group.text_en,
                text_zh=row.text_zh,
                text_en=row.text_en,
                low_zh=row.low_zh,
                low_en=row.low_en,
                high_zh=row.high_zh,
                high_en=row.high_en,
                verified=row.verified,
                source=row.source,
                fact=row.fact.value if row.fact else None,
                weights_pct=row.weights,
            )
            for place, row in ((place, place.indicator) for place in table.places())
        ],
    )
