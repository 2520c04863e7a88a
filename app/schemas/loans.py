"""Wire shapes of live loans: schedule, statement, repayments, extensions, release of the pledge."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.messages import say
from app.core.money import Money
from app.identifiers.rights import Register
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import (
    DealStatus,
    ExtensionStatus,
    LoanStatus,
    PledgeeKind,
    RegistrationStatus,
)
from app.schemas.base import Input, LongText, Output, Reference, refused
from app.schemas.fields import IsoDay, PctOut, PositiveAmount, Whole


class RepaymentKind(StrEnum):
    """Whether money came in for what was due, or also for principal that was not (提前还款).

    RENEWAL is the receipt by which a renewal's drawdown settles the old loan.
    """

    SCHEDULED = "scheduled"
    PREPAYMENT = "prepayment"
    RENEWAL = "renewal"


class LoanOut(Output):
    """A loan. ``outstanding`` is principal drawn and not repaid by the firm.

    A recovery on a lost loan is no repayment: ``outstanding`` keeps its principal until all of it
    is back, and ``net_outstanding`` is what is still lost.
    """

    id: UUID
    deal_id: UUID
    bank_id: UUID
    firm_id: UUID
    reference: str | None
    status: LoanStatus
    drawn: Money
    outstanding: Money
    recovered: Money = Field(description="Principal that recoveries brought.")
    net_outstanding: Money = Field(description="outstanding less recovered, never below 0.")
    liability: Money
    guarantee_share_pct: PctOut
    in_programme: bool
    annual_rate_pct: PctOut
    penalty_multiple: PctOut
    method: str
    frequency: str
    day_count: str
    rounding: str
    settlement_day: int | None
    grace_months: int
    instalment_multiple: Money | None
    first_day: date
    term_months: int
    maturity_on: date
    schedule_version: int
    retake_waiting: bool
    marked: str | None


class InstalmentOut(Output):
    number: int
    due_on: date
    days: int
    principal: Money
    interest: Money
    penalty: Money
    paid_principal: Money
    paid_interest: Money
    paid_penalty: Money


class DueOut(Output):
    """What one instalment that has fallen due still owes."""

    number: int
    penalty: Money
    interest: Money
    principal: Money


class StatementOut(Output):
    """What is owed on one day; ``payoff`` would end the loan that day."""

    on: date
    due: list[DueOut]
    due_amount: Money
    days_past_due: int
    accrued_interest: Money
    principal_not_due: Money
    payoff: Money


class LoanDetailOut(Output):
    loan: LoanOut
    lines: list[InstalmentOut]
    statement: StatementOut


class RepaymentIn(Input):
    """Money the bank confirms to have received on the loan."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "R-2026-0001",
                    "amount": "14583.33",
                    "received_on": "2026-11-20",
                    "kind": "scheduled",
                },
                {
                    "reference": "R-2026-0002",
                    "amount": "1000000.00",
                    "received_on": "2026-11-20",
                    "kind": "prepayment",
                    "choice": "keep_term",
                },
            ]
        }
    )

    reference: Reference = Field(description="The bank's own number of the receipt.")
    amount: PositiveAmount
    received_on: IsoDay
    kind: Literal[RepaymentKind.SCHEDULED, RepaymentKind.PREPAYMENT]
    choice: PrepaymentChoice | None = Field(
        default=None, description="Of a prepayment: what becomes less, instalments or term."
    )

    @model_validator(mode="after")
    def _choice_belongs_to_prepayments(self) -> "RepaymentIn":
        if (self.kind is RepaymentKind.PREPAYMENT) != (self.choice is not None):
            raise refused("choice", say("is stated exactly for a prepayment"))
        return self


class RepaymentOut(Output):
    id: UUID
    loan_id: UUID
    kind: RepaymentKind
    choice: PrepaymentChoice | None
    reference: str
    amount: Money
    fees: Money
    penalty: Money
    interest: Money
    principal: Money
    freed: Money
    received_on: date
    confirmed_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None


class ReversalIn(Input):
    """Why a repayment was recorded by mistake."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Posted to the wrong loan."}]}
    )

    reason: LongText


ExtraMonths = Annotated[Whole, Field(ge=1, le=120)]


class ExtensionIn(Input):
    """A later maturity (展期), asked for before the present one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"extra_months": 6, "reason": "Payment by a customer is late."}]
        }
    )

    extra_months: ExtraMonths
    reason: LongText


class ConsentOut(Output):
    organisation_id: UUID
    role: str
    consented_at: datetime | None


class ExtensionOut(Output):
    id: UUID
    loan_id: UUID
    status: ExtensionStatus
    maturity_on: date
    reason: str
    requested_at: datetime
    decided_at: datetime | None


class ExtensionDetailOut(Output):
    extension: ExtensionOut
    consents: list[ConsentOut]


class ExtensionDecisionIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"consents": True}]})

    consents: bool


class ExtensionEffectIn(Input):
    """The registrations of the deal whose change the registers have recorded: all of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"registration_ids": ["0193576c-5f3a-7cc0-8a3e-000000000001"]}]
        }
    )

    registration_ids: Annotated[list[UUID], Field(max_length=10)]


class CancellationIn(Input):
    """The day the register cancelled the pledge (质押登记注销)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cancelled_on": "2026-11-20"}]})

    cancelled_on: IsoDay


class PledgeOut(Output):
    """The pledge in one register, as far as its release goes."""

    id: UUID
    deal_id: UUID
    register_: Register = Field(validation_alias="register", serialization_alias="register")
    pledgee: PledgeeKind
    status: RegistrationStatus
    number: str | None
    registered_on: date | None
    cancelled_on: date | None


class DischargeOut(Output):
    """Where the release of a deal's pledge stands; ``awaiting`` must still discharge."""

    deal_id: UUID
    status: DealStatus
    awaiting: list[str]
    registrations: list[PledgeOut]
