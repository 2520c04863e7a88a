"""Wire shapes of grants: programmes and windows, applications, recognitions, entitlements."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import Money
from app.grants.entitlements import Standing
from app.grants.measure import BudgetKind
from app.lifecycle.grants import ApplicationStatus, ProgrammeStatus, WindowStatus
from app.schemas.base import Day, Input, LongText, Output, ShortText
from app.schemas.calculators.grant_award import FactIn
from app.schemas.fields import PctOut

_ID = "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001"

Facts = Annotated[
    dict[str, FactIn],
    Field(max_length=60, description="As the measure lists them; money is text of yuan."),
]
Number = Annotated[int, Field(ge=1, le=999)]
Year = Annotated[int, Field(ge=2000, le=2199)]


class ProgrammeIn(Input):
    """A measure to be run in a year."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"measure": 4, "title": "2026 年专利转化运用补助", "year": 2026}]
        }
    )

    measure: Number
    title: ShortText
    year: Year | None = Field(None, description="The budget's year; by default this one.")
    rules_on: Day | None = Field(
        None, description="The rules in force on this day are kept; by default today's."
    )


class ProgrammeOut(Output):
    id: UUID
    measure: int
    name_zh: str
    name_en: str
    year: int
    title: str
    rules_on: date
    rules: dict[str, Any] = Field(description="The measure's version of that day, whole.")
    budget_id: UUID
    status: ProgrammeStatus
    created_at: datetime


class WindowIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "第一批", "opens_on": "2026-11-24", "closes_on": "2026-12-24"}]
        }
    )

    title: ShortText
    opens_on: Day
    closes_on: Day


class WindowOut(Output):
    id: UUID
    programme_id: UUID
    title: str
    opens_on: date
    closes_on: date
    status: WindowStatus
    ranked_at: datetime | None


class ApplicationIn(Input):
    """What is asked for, and the facts it is asked on. A draft may leave facts open."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "window_id": _ID,
                    "key": "HT-2026-018",
                    "title": "一种耐磨涂层专利许可",
                    "summary": "许可给平罗县一家小型企业，已投产",
                    "facts": {"deal_amount": "19999999.00", "buyer_size": "small"},
                    "document_ids": [],
                }
            ]
        }
    )

    window_id: UUID
    key: ShortText = Field(
        description="The number of the designation, contract, project or application."
    )
    title: ShortText
    summary: LongText
    facts: Facts
    document_ids: list[UUID] = Field(default_factory=list, max_length=50)


class DraftIn(Input):
    """The whole draft anew; its window stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": "HT-2026-018",
                    "title": "一种耐磨涂层专利许可",
                    "summary": "补充效益证明",
                    "facts": {"deal_amount": "19999999.00"},
                    "document_ids": [],
                }
            ]
        }
    )

    key: ShortText
    title: ShortText
    summary: LongText
    facts: Facts
    document_ids: list[UUID] = Field(default_factory=list, max_length=50)


class ApplicationOut(Output):
    id: UUID
    programme_id: UUID
    window_id: UUID
    measure: int
    year: int
    applicant_id: UUID
    applicant_name: str
    key: str
    title: str
    summary: str
    facts: dict[str, Any]
    status: ApplicationStatus
    round: int
    submitted_at: datetime | None
    checked_at: datetime | None
    return_reason: str | None
    correct_by: date | None
    score: PctOut | None
    place: int | None
    award: Money | None
    slots: int | None
    trace: list[Any] = Field(description="Every rule: clause, fact, figure; in both languages.")
    recommended_at: datetime | None
    notice_from: date | None
    notice_until: date | None
    approved_at: datetime | None
    agreement_reference: str | None
    agreement_terms: str | None
    agreed_at: datetime | None
    paid_on: date | None
    payment_reference: str | None
    paid_at: datetime | None
    audit_passed: bool | None
    audit_findings: str | None
    audited_at: datetime | None
    clawed_back: Money | None
    claw_back_reason: str | None
    recovery_reference: str | None
    recovered_at: datetime | None
    rejection: str | None
    appeal: str | None
    appeal_answer: str | None


class ChangeOut(Output):
    source: str
    event: str
    target: str
    organisation_id: UUID
    at: datetime


class RecognitionIn(Input):
    """A designation, accreditation or result that the authority has on record."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "measure": 1,
                    "organisation_id": _ID,
                    "key": "国知发运字〔2022〕35号",
                    "title": "国家知识产权强市建设试点城市",
                    "facts": {"designation": "pilot", "level": "city"},
                    "recognised_on": "2022-09-22",
                }
            ]
        }
    )

    measure: Number
    organisation_id: UUID
    key: ShortText = Field(description="Its number; the application's key.")
    title: ShortText
    facts: Facts
    recognised_on: Day


class RecognitionOut(Output):
    id: UUID
    measure: int
    organisation_id: UUID
    key: str
    title: str
    facts: dict[str, Any]
    recognised_on: date
    ended_on: date | None
    recorded_at: datetime


class RelationIn(Input):
    """Two organisations of one group; awards to them are counted as one firm's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "firm_id": _ID,
                    "related_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b002",
                    "ground": "同一实际控制人",
                }
            ]
        }
    )

    firm_id: UUID
    related_id: UUID
    ground: ShortText


class RelationOut(Output):
    firm_id: UUID
    related_id: UUID
    ground: str
    recorded_at: datetime


class PrefilledOut(Output):
    """An application filled in: send it to `POST /v1/grant-applications` as it is."""

    window_id: UUID | None = Field(description="A window that is open now, if there is one.")
    key: str
    title: str
    facts: dict[str, Any]


class EntitlementOut(Output):
    measure: int
    name_zh: str
    name_en: str
    standing: Standing
    source: str | None = Field(description="Where the platform has the facts from.")
    missing: list[str] = Field(description="Facts to be stated before it can be said.")
    assumed: list[str] = Field(description="Facts taken as met here; an application states them.")
    award: Money | None
    slots: int | None
    trace: list[Any]
    application: PrefilledOut | None


class EntitlementsOut(Output):
    on: date
    items: list[EntitlementOut]


class BudgetOut(Output):
    """What a measure may give and has given; places where `unit` says so."""

    measure: int
    name_zh: str
    name_en: str
    year: int | None = Field(description="null: in all.")
    kind: BudgetKind
    unit: str = Field(description="yuan or places")
    ceiling: str | None = Field(description="null: the policy states none, and none is invented.")
    ceiling_text_zh: str
    ceiling_text_en: str
    reserved: str
    committed: str
    paid: str
    clawed_back: str
    left: str | None
    applications: dict[str, int] = Field(description="By state.")


class NoticeOut(Output):
    """An award on public notice (公示): anyone signed in may object until it ends."""

    application_id: UUID
    measure: int
    year: int
    applicant_name: str
    title: str
    award: Money | None
    slots: int | None
    notice_from: date
    notice_until: date
    running: bool


class ChoiceOut(Output):
    """A question that the policy leaves open, and what was chosen, when and why."""

    measure: int
    id: str
    decided_on: date
    question_zh: str
    question_en: str
    chosen: str
    alternatives: list[str]
    reason_zh: str
    reason_en: str
