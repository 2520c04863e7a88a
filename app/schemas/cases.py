"""Wire shapes of cases: kinds, cases, entries, clocks, figures, and the public registers."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.casework.kind import FieldType, RawValue, Role
from app.lifecycle.parties import OrganisationKind
from app.schemas.base import Input, Output, ShortText, Told
from app.schemas.fields import PctOut

FIELDS_MAX = 60

_ID = "0198c0de-0000-7000-8000-000000000001"

Fields = Annotated[dict[str, RawValue], Field(max_length=FIELDS_MAX)]


class FieldOut(Output):
    name: str
    text: Told
    type: FieldType
    required: bool
    choices: list[str]


class MoveOut(Output):
    id: str
    text: Told
    to: str | None = Field(description="Where it leads; null if the case stays where it is.")
    by: list[Role]
    takes: list[str]
    needs: list[str]
    note: bool
    document: bool


class StateOut(Output):
    id: str
    text: Told
    final: bool


class ClockRuleOut(Output):
    id: str
    text: Told
    days: int | None
    unit: str
    due_field: str | None
    uncalibrated: bool


class KindOut(Output):
    """A kind of case as it is today, from its file."""

    id: str
    group: str
    measure: int
    text: Told
    source: str
    uncalibrated: bool
    opened_by: list[OrganisationKind]
    parent: str | None
    fields: list[FieldOut]
    states: list[StateOut]
    moves: list[MoveOut]
    clocks: list[ClockRuleOut]


class PrecheckIn(Input):
    """What would be stated, to know before anything is filed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"fields": {"applicant_type": "firm", "taxable_income": "800000.00"}}]
        }
    )

    fields: Fields = {}


class FindingOut(Output):
    check: str
    text: Told
    blocks: bool


class PrecheckOut(Output):
    passes: bool = Field(description="Nothing blocks; what only warns may stand.")
    findings: list[FindingOut]


class CaseIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "宁夏示例新材料有限公司 2026 年度费用减缴备案",
                    "fields": {"applicant_type": "firm", "taxable_income": "800000.00"},
                }
            ]
        }
    )

    title: ShortText
    fields: Fields = {}
    parent_id: UUID | None = Field(default=None, description="The case above it, by its kind.")
    handler_id: UUID | None = Field(
        default=None, description="Who shall handle it, where the applicant chooses."
    )
    note: Annotated[str, Field(max_length=2000)] = ""
    document_id: UUID | None = None


class MoveIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"move": "accept", "note": "材料齐全，予以受理"}]}
    )

    move: ShortText
    fields: Fields = {}
    note: Annotated[str, Field(max_length=2000)] = ""
    document_id: UUID | None = None


class EntryOut(Output):
    """A link of the case's chain: SHA-256 over the entry and the digest before it."""

    number: int
    move: str
    source: str
    target: str
    organisation_id: UUID
    user_id: UUID | None
    note: str
    fields: dict[str, Any]
    document_id: UUID | None
    document_sha256: str | None
    at: datetime
    previous: str
    digest: str


class ClockOut(Output):
    clock: str
    text: Told
    started_on: date
    due_on: date | None
    paused_on: date | None
    stopped_on: date | None
    working_days: int | None
    late: bool = Field(description="Stopped too late, or running and past its day.")


class CaseOut(Output):
    id: UUID
    number: str
    kind: str
    title: str
    state: str
    state_text: Told
    applicant_id: UUID
    handler_id: UUID | None = Field(description="Null: the authority.")
    respondent_id: UUID | None
    parent_id: UUID | None
    fields: dict[str, Any]
    due_on: date | None
    opened_at: datetime
    closed_at: datetime | None


class CaseDetailOut(CaseOut):
    roles: list[Role]
    moves: list[MoveOut] = Field(description="What you may do now.")
    clocks: list[ClockOut]
    entries: list[EntryOut]


class ChainOut(Output):
    """Whether every entry is what it was when it was written."""

    intact: bool
    entries: int
    head: str = Field(description="The digest of the last entry: whoever keeps it can prove it.")
    broken_at: int | None


class ClockFiguresOut(Output):
    clock: str
    text: Told
    ended: int
    on_time: int
    on_time_share_pct: PctOut | None
    median_working_days: PctOut | None
    running: int
    late_now: int


class KindFiguresOut(Output):
    """Of the cases opened in the period; ``applicants`` counts each organisation once."""

    kind: str
    text: Told
    opened: int
    closed: int
    applicants: int
    by_state: dict[str, int]
    clocks: list[ClockFiguresOut]


class FiguresOut(Output):
    since: date
    until: date
    kinds: list[KindFiguresOut]


class PublicKindOut(Output):
    """Null where too few applicants, or one above all, stand behind."""

    kind: str
    text: Told
    opened: int | None
    closed: int | None


class PublicFiguresOut(Output):
    quarter: str
    kinds: list[PublicKindOut]


class PublicationOut(Output):
    """What is public of a case: its kind's file says what."""

    case_id: UUID
    parent_id: UUID | None
    kind: str
    title: str
    state: str
    fields: dict[str, Any]
    published_at: datetime
