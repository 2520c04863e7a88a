"""Wire shapes of rights: what a firm states by kind, and what the platform answers."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from app.identifiers.rights import Register, RightKind
from app.lending.annuity_fees import AnnuityStatus
from app.lending.pledgeability import Severity
from app.schemas.base import Input, LongText, Output, ShortText
from app.schemas.fields import IsoDay, PctOut, SharePct

NumberText = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500)]
NiceClass = Annotated[int, Field(strict=True, ge=1, le=45)]
PatentYear = Annotated[int, Field(strict=True, ge=0, le=25)]

_PATENT_EXAMPLE: JsonDict = {
    "kind": "invention",
    "number": "ZL 2021 1 0000001.6",
    "title": "一种枸杞低温干燥装置",
    "holder_name": "宁夏示例农业科技有限公司",
    "filed_on": "2021-01-04",
    "granted_on": "2023-05-09",
    "ipc": ["A23B 7/02"],
    "annuity_paid_through_year": 6,
}


class _RightIn(Input):
    number: NumberText
    title: Title
    holder_name: ShortText
    status_text: ShortText | None = None
    certificate_number: NumberText | None = None
    ownership_disputed: bool = False


class PatentIn(_RightIn):
    """发明、实用新型、外观设计: by application number with its check digit, with or without ZL."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PATENT_EXAMPLE]})

    kind: Literal[RightKind.INVENTION, RightKind.UTILITY_MODEL, RightKind.DESIGN]
    filed_on: IsoDay | None = None
    granted_on: IsoDay | None = None
    publication_number: NumberText | None = None
    grant_number: NumberText | None = None
    ipc: Annotated[list[NumberText], Field(max_length=50)] = []
    locarno: NumberText | None = None
    annuity_paid_through_year: PatentYear | None = None
    same_day_invention: bool = False
    invalidation_pending: bool = False


class TrademarkIn(_RightIn):
    """注册商标. ``expires_on`` is for a renewed mark; else the term counts from registration."""

    kind: Literal[RightKind.TRADEMARK]
    nice: Annotated[list[NiceClass], Field(min_length=1, max_length=45)]
    filed_on: IsoDay | None = None
    registered_on: IsoDay | None = None
    expires_on: IsoDay | None = None
    invalidation_pending: bool = False
    cancellation_pending: bool = False
    similar_marks_outside: bool = False


class SoftwareIn(_RightIn):
    """计算机软件著作权, by its 登记号 (2021SR0001234)."""

    kind: Literal[RightKind.SOFTWARE_COPYRIGHT]
    version_number: NumberText | None = None
    registered_on: IsoDay | None = None
    completed_on: IsoDay | None = None
    first_published_on: IsoDay | None = None


class WorkIn(_RightIn):
    """作品著作权, by its 登记号 (国作登字-2021-F-00012345)."""

    kind: Literal[RightKind.WORK_COPYRIGHT]
    work_category: ShortText | None = None
    registered_on: IsoDay | None = None
    completed_on: IsoDay | None = None
    first_published_on: IsoDay | None = None


RightIn = Annotated[
    PatentIn | TrademarkIn | SoftwareIn | WorkIn,
    Field(discriminator="kind", examples=[_PATENT_EXAMPLE]),
]


class CoOwnerIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "宁夏示例研究院", "share_pct": "30"}]}
    )

    name: ShortText
    uscc: NumberText | None = None
    share_pct: SharePct | None = None
    consent_document_id: UUID | None = None


class LicenceIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"licensee": "中宁示例食品厂", "exclusive": False, "starts_on": "2026-01-01"}
            ]
        }
    )

    licensee: ShortText
    exclusive: bool
    recordal_number: NumberText | None = None
    starts_on: IsoDay
    ends_on: IsoDay | None = None


class EncumbranceIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "pledge", "holder": "某某银行", "starts_on": "2024-03-01"}]
        }
    )

    kind: Literal["pledge", "preservation", "other"]
    holder: ShortText
    registration_number: NumberText | None = None
    starts_on: IsoDay
    ends_on: IsoDay | None = None


class EventIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "PP01", "announced_on": "2026-11-03", "description": "专利权的保全"}
            ]
        }
    )

    code: NumberText
    announced_on: IsoDay
    effective_on: IsoDay | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] = ""


class AnnuityIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"paid_through_year": 6}]})

    paid_through_year: PatentYear


class ConsentIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ground": "invalidation_pending", "statement": "我公司知悉并同意以该专利出质。"}
            ]
        }
    )

    ground: NumberText
    statement: LongText


class RightOut(Output):
    """A right as stored. ``expires_on`` is computed from the law; ``ended_on`` comes by events."""

    id: UUID
    kind: RightKind
    register_: Annotated[
        Register, Field(validation_alias="register", serialization_alias="register")
    ]
    jurisdiction: str
    number: str
    title: str
    holder_name: str
    status_text: str | None
    filed_on: date | None
    granted_on: date | None
    expires_on: date | None
    ended_on: date | None
    publication_number: str | None
    grant_number: str | None
    ipc: list[str]
    nice: list[int]
    locarno: str | None
    certificate_number: str | None
    work_category: str | None
    version_number: str | None
    completed_on: date | None
    first_published_on: date | None
    annuity_paid_through_year: int | None
    ownership_disputed: bool
    preserved: bool
    invalidation_pending: bool
    same_day_invention: bool
    cancellation_pending: bool
    similar_marks_outside: bool
    source: str
    demo: bool
    updated_at: datetime


class CoOwnerOut(Output):
    id: UUID
    name: str
    uscc: str | None
    share_pct: PctOut | None
    consent_document_id: UUID | None


class LicenceOut(Output):
    id: UUID
    licensee: str
    exclusive: bool
    recordal_number: str | None
    starts_on: date
    ends_on: date | None


class EncumbranceOut(Output):
    id: UUID
    kind: str
    holder: str
    registration_number: str | None
    starts_on: date
    ends_on: date | None


class EventOut(Output):
    id: UUID
    code: str
    announced_on: date
    effective_on: date | None
    description: str
    effect: str | None
    source: str


class AnnuityOut(Output):
    """Patents only; computed from the due days, which run ahead of the gazette."""

    status: AnnuityStatus
    next_year: int | None
    next_due_on: date | None
    grace_ends_on: date | None


class RightDetailOut(Output):
    right: RightOut
    co_owners: list[CoOwnerOut]
    licences: list[LicenceOut]
    encumbrances: list[EncumbranceOut]
    events: list[EventOut]
    annuity: AnnuityOut | None


class FindingOut(Output):
    ground: str
    severity: Severity
    text_zh: str
    text_en: str


class RightCheckOut(Output):
    """``pledgeable``: nothing blocks, it lives long enough, every warning has recorded consent."""

    right_id: UUID
    findings: list[FindingOut]
    pledgeable: bool
    left_out: bool
    unconsented: list[str]
