"""Wire shapes of deals: acceptance, approvals, contracts, registrations, gate and drawdowns."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from app.core.messages import say
from app.core.money import ZERO, Money
from app.identifiers.rights import Register, RightKind
from app.lifecycle.deals import (
    ApprovalStatus,
    ContractKind,
    ContractStatus,
    DealStatus,
    DrawdownStatus,
    PledgeeKind,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.schemas.base import Day, Input, LongText, Output, Reference, ShortText, Told, shape
from app.schemas.fields import Amount, PctOut, PositiveAmount, Whole
from app.schemas.queue import QueueOut
from app.schemas.quotes import Revision

CONDITIONS_MAX = 20

Sha256 = Annotated[
    str,
    StringConstraints(
        pattern=shape(r"^[0-9a-f]{64}$", say("must be 64 hexadecimal digits, in small letters"))
    ),
]

# Under its own name the field would shadow a method of every class.
InRegister = Annotated[Register, Field(alias="register")]

_ID = "0198c0de-0000-7000-8000-000000000001"


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class MilestoneKind(StrEnum):
    """Acts that the gate waits for and that have no state of their own."""

    GUARANTEE_EFFECTIVE = "guarantee_effective"
    COUNTER_GUARANTEE_DONE = "counter_guarantee_done"
    POLICY_PAID = "policy_paid"


class ChoiceIn(Input):
    """A quote at the revision that the firm has read."""

    quote_id: UUID
    revision: Revision

    def as_choice(self) -> tuple[UUID, int]:
        return self.quote_id, self.revision


class AcceptanceIn(Input):
    """One loan, at most one guarantee, at most one insurance."""

    model_config = _example(
        loan={"quote_id": _ID, "revision": 1},
        guarantee={"quote_id": "0198c0de-0000-7000-8000-000000000002", "revision": 2},
    )

    loan: ChoiceIn
    guarantee: ChoiceIn | None = None
    insurance: ChoiceIn | None = None


class ReasonIn(Input):
    model_config = _example(reason="另有安排")

    reason: ShortText


class UseOfFundsIn(Input):
    model_config = _example(use="采购原材料，合同编号 PL-2026-031")

    use: LongText


class ApprovalIn(Input):
    """An approval: for all of the principal or less, in force for so many days."""

    model_config = _example(
        principal="4500000.00", reference="批复2026-118", valid_days=90, conditions=["补充财务报表"]
    )

    principal: PositiveAmount | None = Field(default=None, description="At most the deal's.")
    reference: ShortText | None = None
    valid_days: Annotated[Whole, Field(ge=1, le=365)]
    conditions: Annotated[list[LongText], Field(max_length=CONDITIONS_MAX)] = []


class MetIn(Input):
    model_config = _example(document_id=None)

    document_id: UUID | None = Field(default=None, description="What proves it.")


class ContractIn(Input):
    model_config = _example(document_id=_ID)

    document_id: UUID


class ContractConfirmationIn(Input):
    """Exactly what is confirmed: the version, and the hash of the document read."""

    model_config = _example(version=1, sha256="00" * 32)

    version: Annotated[Whole, Field(ge=1, le=10_000)]
    sha256: Sha256


FilingEvent = Literal[
    RegistrationEvent.SUBMIT,
    RegistrationEvent.ASK,
    RegistrationEvent.REGISTER,
    RegistrationEvent.REFUSE,
    RegistrationEvent.CHANGE,
    RegistrationEvent.WITHDRAW,
]
"""What becomes of a filing; discharge and cancellation of the pledge are recorded as such."""


class RegistrationIn(Input):
    """What the register did. A registration needs number and date, a refusal the reason."""

    model_config = _example(event="register", number="Y2026640000123", on="2026-11-20")

    event: FilingEvent
    number: ShortText | None = None
    on: Day | None = None
    remark: LongText | None = None


class MilestoneIn(Input):
    model_config = _example(reference="保函2026-007")

    reference: ShortText | None = None


class ReleaseIn(Input):
    model_config = _example(amount="2000000.00")

    amount: PositiveAmount


class DrawnIn(Input):
    """The bank paid the tranche out, on a day on which the release was valid."""

    model_config = _example(drawn_on="2026-11-23", reference="FK-2026-000231", last=True)

    drawn_on: Day
    reference: Reference
    last: bool = Field(default=False, description="Nothing more will be drawn.")
    old_interest: Amount = Field(
        default=ZERO,
        json_schema_extra={"default": "0.00"},
        description="Of a renewal: interest and penalty of the old loan, received in money.",
    )


class DealOut(Output):
    """A deal. ``held`` is the liability held and not yet drawn."""

    id: UUID
    request_id: UUID
    renews_deal_id: UUID | None
    firm_id: UUID
    bank_id: UUID
    guarantor_id: UUID | None
    insurer_id: UUID | None
    park_code: str
    status: DealStatus
    principal: Money
    term_months: int
    guarantee_share_pct: PctOut
    insurance_share_pct: PctOut
    liability: Money
    held: Money
    in_programme: bool
    pledgee: PledgeeKind
    hold_expires_at: datetime | None
    available_until: date | None
    use_of_funds: str | None
    failure: str | None
    accepted_at: datetime


class AcceptedOut(DealOut):
    queue: QueueOut | None


class PartyOut(Output):
    """A party by its registered name and unified social credit code."""

    id: UUID
    name: str
    uscc: str


class DealRightOut(Output):
    """A right of the pledge, as its register knows it."""

    right_id: UUID
    in_register: InRegister
    kind: RightKind
    number: str
    title: str
    expires_on: date | None
    locked_at: datetime
    released_at: datetime | None


class ApprovalOut(Output):
    id: UUID
    institution_id: UUID
    role: OrganisationKind
    status: ApprovalStatus
    principal: Money | None
    reference: str | None
    note: str | None
    decided_at: datetime | None
    expires_at: datetime | None


class ConditionOut(Output):
    id: UUID
    approval_id: UUID
    text: str
    met_at: datetime | None
    document_id: UUID | None


class ContractOut(Output):
    id: UUID
    kind: ContractKind
    version: int
    document_id: UUID
    status: ContractStatus
    drafted_by: UUID
    drafted_at: datetime


class RegistrationOut(Output):
    id: UUID
    in_register: InRegister
    renews_id: UUID | None
    pledgee: PledgeeKind
    status: RegistrationStatus
    number: str | None
    registered_on: date | None
    cancelled_on: date | None
    remark: str | None


class MilestoneOut(Output):
    kind: str
    recorded_by: UUID
    recorded_at: datetime
    reference: str | None


class DrawdownOut(Output):
    """A release to the bank; ``liability`` is what it moved from held to outstanding."""

    id: UUID
    tranche: int
    amount: Money
    last: bool
    status: DrawdownStatus
    released_at: datetime
    valid_until: date
    drawn_on: date | None
    liability: Money | None
    reference: str | None
    reported_at: datetime | None


class DetailsOut(Output):
    """A deal with all that hangs on it."""

    deal: DealOut
    parties: list[PartyOut]
    rights: list[DealRightOut]
    approvals: list[ApprovalOut]
    conditions: list[ConditionOut]
    contracts: list[ContractOut]
    registrations: list[RegistrationOut]
    milestones: list[MilestoneOut]
    drawdowns: list[DrawdownOut]


class ChangeOut(Output):
    """A move of the deal or of something that hangs on it; ``source`` is empty where it began.

    An act that changes no state (a repayment, a milestone, a hold given back) has neither
    ``source`` nor ``target``.
    """

    subject: str
    subject_id: UUID
    source: str
    event: str
    target: str
    organisation_id: UUID
    user_id: UUID | None
    client_id: UUID | None
    at: datetime


class MissingOut(Output):
    what: str
    who: OrganisationKind
    text: Told


class GateOut(Output):
    """Open if nothing is missing."""

    open: bool
    missing: list[MissingOut]
