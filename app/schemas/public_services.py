"""Wire shapes of the list of public services."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from app.core.messages import say
from app.lifecycle.public_services import VersionStatus
from app.schemas.base import Input, LongText, Output, ShortText, shape

STEPS_MAX = 30

ServiceCode = Annotated[
    str,
    StringConstraints(
        max_length=60,
        pattern=shape(
            r"^[a-z][a-z0-9-]*$", say("must be small letters, digits and hyphens, a letter first")
        ),
    ),
]


class ServiceVersionIn(Input):
    """What the next version says; with ``offered`` false it takes the service off the list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "category": "acceptance",
                    "name": "专利权质押登记",
                    "name_en": "Registration of patent pledges",
                    "content": "受理专利权质押登记、变更和注销申请，提供办理前预审。",
                    "form": "窗口、网上",
                    "process": ["预审", "提交申请", "受理", "审查", "领取登记通知书"],
                    "basis": "《专利权质押登记办法》",
                    "contact": "宁夏业务受理窗口",
                    "reason": "首次发布",
                }
            ]
        }
    )

    offered: bool = True
    category: ServiceCode = Field(description="A code of the list of categories.")
    name: ShortText
    name_en: ShortText
    content: LongText
    form: ShortText
    process: Annotated[list[ShortText], Field(min_length=1, max_length=STEPS_MAX)]
    basis: ShortText
    contact: ShortText
    reason: LongText = Field(description="Why the list changes.")


class VersionRefusalIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "流程与窗口不符"}]})

    reason: LongText


class ServiceOut(Output):
    """A version that was published."""

    code: str
    number: int
    offered: bool
    category: str
    name: str
    name_en: str
    content: str
    form: str
    process: list[str]
    basis: str
    contact: str
    in_force_from: date
    in_force_until: date | None = Field(description="The day on which the next took over.")


class ServicesOut(Output):
    """``next`` is what to send as ``after`` for the following page; a search has one page."""

    items: list[ServiceOut]
    next: str | None


class CategoryOut(Output):
    code: str
    name_zh: str
    name_en: str
    services: int


class OpenServicesOut(Output):
    """The whole list as open data."""

    on: date
    services: list[ServiceOut]


class ServiceVersionOut(Output):
    """As the authority sees a version, whatever became of it."""

    id: UUID
    code: str
    number: int
    status: VersionStatus
    offered: bool
    category: str
    name: str
    name_en: str
    content: str
    form: str
    process: list[str]
    basis: str
    contact: str
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    refusal: str | None
    in_force_from: date | None
    in_force_until: date | None
