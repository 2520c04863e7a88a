"""Wire shapes of the calculator of loss sharing, and of the schemes it knows."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.core.messages import say
from app.core.money import Money
from app.risk.scheme import (
    ClaimModel,
    DayKind,
    FactType,
    Grade,
    PaperDue,
    RatioOf,
    RecoveryStep,
    Role,
    Stops,
)
from app.schemas.base import Told
from app.schemas.fields import Answered, Asked, IsoDay, PctOut, PositiveAmount, SharePct


def _fact(value: Any) -> Any:
    if not isinstance(value, bool | str):
        raise ValueError(say("must be true, false or a word"))
    return value


FactIn = Annotated[bool | str, BeforeValidator(_fact)]


class LossSharingIn(Asked):
    """A loss and what its scheme asks to know of it."""

    scheme: str = Field(description="An id, as GET …/schemes lists them.")
    principal: PositiveAmount = Field(description="The principal lost, at most the loan.")
    loan_amount: PositiveAmount | None = Field(
        default=None, description="The loan's size, which tiers go by; by default the principal."
    )
    ip_share_pct: SharePct = Field(
        default=Decimal(100), description="The part of the security that is intellectual property."
    )
    facts: dict[str, FactIn] = Field(
        default_factory=dict, description="Further facts, as GET …/schemes lists them."
    )
    lost_on: IsoDay | None = Field(
        default=None, description="The rules of this day; by default the newest of the scheme."
    )


class ShareOut(Answered):
    party: str
    amount: Money


class StepOut(Answered):
    rule: str
    text: Told
    before: Money
    after: Money


class LossSharingOut(Answered):
    shares: list[ShareOut]
    trace: list[StepOut]
    uncalibrated: bool = Field(description="Nobody could source the figures of the rules.")
    rules_from: date
    inputs: LossSharingIn
    method: Told
    version: str


class PartyOut(Answered):
    id: str
    role: Role
    name: Told = Field(validation_alias="text")


class TierOut(Answered):
    up_to: Money | None
    shares_pct: Mapping[str, PctOut] = Field(validation_alias="shares")


class CapOut(Answered):
    id: str
    order: int
    parties: Sequence[str]
    amount: Money
    when: Mapping[str, bool | str]
    text: Told


class FactOut(Answered):
    name: str
    type: FactType
    required: bool
    choices: Sequence[str]
    default: bool | str | None
    text: Told


class FuseOut(Answered):
    id: str
    of: RatioOf
    stops: Stops
    threshold_pct: PctOut
    warn_pct: PctOut | None
    uncalibrated: bool
    text: Told


class PaperOut(Answered):
    id: str
    due: PaperDue
    text: Told


class ClaimRulesOut(Answered):
    overdue_days: int
    grade: Grade
    deadline: int
    deadline_in: DayKind
    papers: list[PaperOut]
    uncalibrated: bool


class SchemeVersionOut(Answered):
    valid_from: date
    valid_to: date | None
    source: str
    uncalibrated: bool
    tiers: list[TierOut]
    caps: list[CapOut]
    facts: list[FactOut]
    fuses: list[FuseOut]
    recovery: list[RecoveryStep]
    claim: ClaimRulesOut


class SchemeOut(Answered):
    id: str
    name: Told = Field(validation_alias="text")
    model: ClaimModel = Field(description="Which party claims: the bank or the guarantor.")
    invented: bool
    parties: list[PartyOut]
    versions: list[SchemeVersionOut]


class SchemesOut(Answered):
    schemes: list[SchemeOut]
    inputs: dict[str, str]
    method: Told
    version: str
