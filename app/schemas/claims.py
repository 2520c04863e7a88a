"""Wire shapes from overdue to recovered: grades, claims, recoveries, disposals."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import ZERO, Money
from app.lending.grading import Grade
from app.lifecycle.funds import ClaimKind, ClaimStatus, DisposalKind, DisposalStatus
from app.schemas.base import Day, Input, LongText, Output, Reference, ShortText
from app.schemas.fields import Amount, PositiveAmount

_DOCUMENT = "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001"


class GradeIn(Input):
    """The bank's own grade of the loan today."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"grade": "substandard", "reason": "企业停产，现金流中断"}]}
    )

    grade: Grade
    reason: Annotated[str, Field(max_length=2000)] = Field(
        default="",
        description="Needed, with a document, if it is better than the days, or a default, allow.",
    )
    document_id: UUID | None = None


class GradeOut(Output):
    id: UUID
    graded_on: date
    days_past_due: int
    floor: Grade = Field(description="The best that so many days allow.")
    own: Grade
    grade: Grade = Field(description="The one that counts.")
    reason: str
    document_id: UUID | None
    graded_at: datetime


class InspectionIn(Input):
    """What the bank found at the borrower."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"inspected_on": "2026-11-20", "findings": "设备运转正常，订单充足"}]
        }
    )

    inspected_on: Day
    findings: LongText
    document_id: UUID | None = None


class InspectionOut(Output):
    id: UUID
    inspected_on: date
    findings: str
    document_id: UUID | None
    recorded_at: datetime


class ClaimIn(Input):
    """A claim for principal that was lost. Interest and penalties are nobody's but the bank's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "fund",
                    "principal": "3000000.00",
                    "lost_on": "2026-11-20",
                    "reference": "CL-2026-001",
                }
            ]
        }
    )

    kind: ClaimKind
    principal: PositiveAmount = Field(
        description="Still lost, less what recoveries brought; the bank's own part included."
    )
    lost_on: Day = Field(description="The day of the loss: the rules in force that day apply.")
    reference: Reference = Field(description="Your own number of the claim.")


class ReviewIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "材料齐全，建议同意"}]})

    note: LongText


class ClaimApprovalIn(Input):
    """The second person's decision; without an amount all that is asked is approved."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": "1200000.00", "reason": "部分损失未能证明"}, {}]}
    )

    amount: PositiveAmount | None = Field(None, description="Never more than was asked.")
    reason: LongText | None = Field(
        None, description="Needed if less is approved than the claim comes to."
    )


class ClaimPaymentIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"paid_on": "2026-11-25", "reference": "PAY-88121"}]}
    )

    paid_on: Day
    reference: Reference = Field(description="The payer's number of the payment.")


class ClaimOut(Output):
    id: UUID
    kind: ClaimKind
    loan_id: UUID
    deal_id: UUID
    filing_id: UUID | None
    fund_id: UUID | None
    payer_id: UUID
    claimant_id: UUID
    bank_id: UUID
    firm_id: UUID
    reference: str
    lost_on: date
    principal: Money
    settles: Money = Field(
        description="Of the outstanding principal; what recoveries had brought of it is in it."
    )
    amount: Money
    shares: list[Any]
    trace: list[Any]
    status: ClaimStatus
    due_on: date | None
    submitted_at: datetime
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    approved_by: UUID | None
    approved_at: datetime | None
    approved: Money | None
    due: Money | None = Field(description="What it came to when it was approved.")
    cut: str | None = Field(description="Why less was approved than it came to.")
    refusal: str | None
    refused_at: datetime | None
    appeal: str | None
    paid_on: date | None
    payment_reference: str | None
    paid_at: datetime | None
    confirmed_at: datetime | None


class RecoveryIn(Input):
    """Money that came in on a lost loan, and what it cost to get it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "REC-1",
                    "received_on": "2026-11-25",
                    "amount": "500000.00",
                    "costs": "20000.00",
                }
            ]
        }
    )

    reference: Reference
    received_on: Day
    amount: PositiveAmount
    costs: Amount = Field(
        default=ZERO,
        description="Of enforcement; they are paid first.",
        json_schema_extra={"default": "0.00"},
    )
    disposal_id: UUID | None = Field(None, description="The disposal whose proceeds these are.")


class RecoveryShareOut(Output):
    party: str
    organisation_id: UUID
    fund_id: UUID | None
    amount: Money
    received_at: datetime | None


class RecoveryOut(Output):
    id: UUID
    loan_id: UUID
    disposal_id: UUID | None
    reference: str
    received_on: date
    amount: Money
    costs: Money
    principal: Money
    interest: Money
    recorded_by: UUID
    recorded_at: datetime
    shares: list[RecoveryShareOut]

    @classmethod
    def of(cls, recovery: object, shares: Sequence[object]) -> Self:
        """From the row and those of its parts."""
        names = cls.model_fields.keys() - {"shares"}
        return cls(
            **{name: getattr(recovery, name) for name in names},
            shares=[RecoveryShareOut.model_validate(share) for share in shares],
        )


class WriteOffIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ground": "bankruptcy", "document_id": _DOCUMENT}]}
    )

    ground: ShortText = Field(description="A code of the dated list of grounds.")
    document_id: UUID


class DisposalIn(Input):
    """A licence during the pledge, or a sale, licence-back or buy-out after default."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "right_id": _DOCUMENT,
                    "kind": "licence",
                    "counterparty": "宁夏某新材料有限公司",
                    "price": "300000.00",
                    "terms": "普通许可，三年",
                }
            ]
        }
    )

    right_id: UUID
    kind: DisposalKind
    counterparty: ShortText
    price: PositiveAmount
    terms: LongText
    document_id: UUID | None = None


class DisposalConsentIn(Input):
    """The pledgee's word; with an escrow the fee must lie there before anything is settled."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"escrow": "中国银行提存账户 1068"}]})

    escrow: ShortText | None = None


class DisposalOut(Output):
    id: UUID
    deal_id: UUID
    right_id: UUID
    kind: DisposalKind
    counterparty: str
    price: Money
    terms: str
    document_id: UUID | None
    status: DisposalStatus
    proposed_by: UUID
    proposed_at: datetime
    answered_at: datetime | None
    escrow: str | None
    note: str | None
    settled_at: datetime | None
