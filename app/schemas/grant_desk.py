"""Wire shapes of deciding on grants: checks, reviews, notices, payments, audits, claw-backs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.base import Day, Input, LongText, Output, Reference
from app.schemas.calculators.grant_award import FactIn
from app.schemas.fields import PositiveAmount

Mark = Annotated[int, Field(strict=True, ge=0, le=100)]


class CheckIn(Input):
    """The check of completeness; `facts` as the papers show them, where they differ."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"facts": {"buyer_size": "micro"}}, {}]}
    )

    facts: Annotated[dict[str, FactIn], Field(max_length=60)] = Field(default_factory=dict)


class AssignmentIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"organisation_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001"}]
        }
    )

    organisation_id: UUID = Field(description="The agency that is asked to review.")


class DeclarationIn(Input):
    """What the reviewer has to do with the applicant. A conflict ends the review."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"conflict": False, "statement": "与申请人无投资、任职、业务往来"}]
        }
    )

    conflict: Annotated[bool, Field(strict=True)]
    statement: LongText


class SheetIn(Input):
    """A scoring sheet: a mark from 0 to 100 by criterion, or none where the measure scores not."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "marks": {"novelty": 85, "industry": 90, "use": 70},
                    "supports": True,
                    "comment": "方案可行",
                }
            ]
        }
    )

    marks: Annotated[dict[str, Mark], Field(max_length=30)] = Field(default_factory=dict)
    supports: Annotated[bool, Field(strict=True)]
    comment: LongText


class ReviewOut(Output):
    application_id: UUID
    round: int
    organisation_id: UUID
    assigned_at: datetime
    conflict: bool | None
    statement: str | None
    declared_at: datetime | None
    marks: dict[str, Any] | None
    supports: bool | None
    comment: str | None
    filed_at: datetime | None


class ObjectionIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "该合同为关联交易"}]})

    text: LongText


class ObjectionAnswerIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"upheld": False, "answer": "经核查不属实"}]}
    )

    upheld: Annotated[bool, Field(strict=True)] = Field(
        description="true ends the notice; the application is reviewed anew."
    )
    answer: LongText


class ObjectionOut(Output):
    id: UUID
    application_id: UUID
    organisation_id: UUID
    text: str
    objected_at: datetime
    upheld: bool | None
    answer: str | None
    answered_at: datetime | None


class AgreementIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reference": "XY-2026-004", "terms": "专款专用，一年内接受绩效审计"}]
        }
    )

    reference: Reference
    terms: LongText


class AgreementConfirmationIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reference": "XY-2026-004"}]})

    reference: Reference


class AppealAnswerIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"overturn": True, "answer": "另行评审"}]}
    )

    overturn: Annotated[bool, Field(strict=True)] = Field(
        description="true: reviewed anew; false: refused for good."
    )
    answer: LongText


class GrantPaymentIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"paid_on": "2026-12-20", "reference": "CZ-88121"}]}
    )

    paid_on: Day
    reference: Reference = Field(description="The treasury's number of the payment.")


class AuditIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"passed": True, "findings": "资金按约使用"}]}
    )

    passed: Annotated[bool, Field(strict=True)]
    findings: LongText


class ClawBackIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": "1000000.00", "reason": "合同解除，效益未实现"}]}
    )

    amount: PositiveAmount | None = Field(None, description="By default all that was paid.")
    reason: LongText


class ClawedBackIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"received_on": "2027-01-20", "reference": "TK-2027-01"}]}
    )

    received_on: Day
    reference: Reference
