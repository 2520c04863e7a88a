"""Wire shapes of grade sheets: what is asked, who answered, and the grade that follows."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.lifecycle.appraisals import GradeSheetStatus
from app.schemas.base import Input, LongText, Output, ShortText, Told
from app.schemas.documents import Digest
from app.schemas.fields import PctOut
from app.valuation.composite import Measure
from app.valuation.grading import Origin
from app.valuation.grading_table import LEVELS

COUNT_MAX = 100_000

Count = Annotated[int, Field(strict=True, ge=0, le=COUNT_MAX)]


class MeasuresIn(Input):
    """What an outside register shows and this platform does not hold; ``source`` says where."""

    family_size: Count | None = None
    claims: Count | None = None
    citations: Count | None = Field(None, description="Received, not made.")
    source: ShortText


class GradeSheetIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "use": "finance",
                    "measures": {
                        "family_size": 3,
                        "claims": 10,
                        "citations": 4,
                        "source": "国家知识产权局公布公告系统，2026-11-20 查询",
                    },
                }
            ]
        }
    )

    use: ShortText = Field(description="GET /v1/grading-table lists the uses.")
    measures: MeasuresIn | None = None


class GradeAnswerIn(Input):
    """An answer from 1 to 5, with its evidence: a document of yours, a note, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"level": 4, "note": "2025 年销售 4600 万元，见审计报告附注"}]
        }
    )

    level: Annotated[int, Field(strict=True, ge=1, le=LEVELS)]
    note: LongText | None = None
    document_id: UUID | None = None


class GradeAnswerOut(Output):
    sheet_id: UUID
    indicator: str
    level: int
    note: str | None
    document_id: UUID | None
    answered_at: datetime


class GradeLineOut(Output):
    """One indicator. A ``missing`` one has no score: it is shown, and never guessed.

    ``verified``: somebody has read this row in the standard.
    """

    indicator: str
    dimension: str
    group: str
    text_zh: str
    text_en: str
    verified: bool
    weight_pct: PctOut
    origin: Origin
    score: PctOut | None
    fact: str | None = Field(description="What the register answered, where it did.")
    level: int | None
    note: str | None
    document_id: UUID | None


class SpanOut(Output):
    """From what is missing at its worst to what is missing at its best."""

    low: PctOut
    high: PctOut
    score: PctOut | None = Field(description="Null while anything that has weight is missing.")


class DimensionGradeOut(SpanOut):
    dimension: str
    text_zh: str
    text_en: str


class StandingOut(Output):
    measure: Measure
    value: PctOut | None
    percentile: PctOut | None


class CompositeOut(Output):
    """Register measures as percentiles of their cohort: same IPC subclass, same year of filing."""

    standings: list[StandingOut]
    score: PctOut | None = Field(description="The mean of all percentiles; null unless all are.")
    cohort: str | None = Field(description="IPC subclass and year; null: no data, uncalibrated.")
    uncalibrated: bool


class GradeResultOut(Output):
    whole: SpanOut
    dimensions: list[DimensionGradeOut]
    answered_pct: PctOut = Field(description="Weight of what is answered.")
    missing: list[str]
    lines: list[GradeLineOut]
    rows: int
    unverified_rows: int
    composite: CompositeOut


class GradeSheetOut(Output):
    """``table_id`` and its hash, ``facts`` and ``engine`` are the data version of the sheet."""

    id: UUID
    right_id: UUID
    firm_id: UUID
    use: str
    table_id: str
    table_sha256: Digest
    graded_on: date
    engine: str
    status: GradeSheetStatus
    started_at: datetime
    finished_at: datetime | None


class GradeSheetDetailOut(GradeSheetOut):
    facts: dict[str, str]
    measures_source: str | None
    conformity: Told
    result: GradeResultOut | None = Field(
        description="Null for an open sheet whose table has changed: begin another."
    )


class UseOut(Output):
    use: str
    text_zh: str
    text_en: str


class IndicatorOut(Output):
    indicator: str
    dimension: str
    group: str
    dimension_zh: str
    dimension_en: str
    group_zh: str
    group_en: str
    text_zh: str
    text_en: str
    low_zh: str
    low_en: str
    high_zh: str
    high_en: str
    verified: bool
    source: str
    fact: str | None = Field(description="What the register is asked; null: a person must answer.")
    weights_pct: dict[str, PctOut]


class GradingTableOut(Output):
    id: str
    text_zh: str
    text_en: str
    valid_from: date
    valid_to: date | None
    source: str
    sha256: Digest
    covers: list[str]
    conformity: Told
    uses: list[UseOut]
    indicators: list[IndicatorOut]
