"""What a loss-sharing scheme says: parties, shares by size, caps, facts, fuses, claims, recovery.

One file under ``schemes`` is one scheme with all its dated versions (scheme_files.py reads them).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr

from app.core.messages import Pair
from app.core.money import Money

WHOLE_PCT = Decimal(100)

FactValue = StrictBool | StrictStr


class ClaimModel(StrEnum):
    """Which party claims the others' shares: alternatives, never both on one loan."""

    BANK = "bank"
    GUARANTOR = "guarantor"


class Role(StrEnum):
    """What a party of a scheme is, whatever the scheme calls it."""

    BANK = "bank"
    FUND = "fund"
    INSURER = "insurer"
    GUARANTOR = "guarantor"
    REGUARANTOR = "reguarantor"
    APPRAISER = "appraiser"


class FactType(StrEnum):
    BOOLEAN = "boolean"
    CHOICE = "choice"


class RatioOf(StrEnum):
    """Whose compensated losses over whose filed loans: it stops that bank, or the whole fund."""

    BANK = "bank"
    FUND = "fund"


class Stops(StrEnum):
    FILINGS = "filings"
    COMPENSATION = "compensation"


class FuseState(StrEnum):
    CLEAR = "clear"
    WARNING = "warning"
    BLOWN = "blown"


class Grade(StrEnum):
    """The non-performing grades of the five classes, that may open a claim."""

    SUBSTANDARD = "substandard"  # 次级
    DOUBTFUL = "doubtful"  # 可疑
    LOSS = "loss"  # 损失


class DayKind(StrEnum):
    WORKING = "working"
    CALENDAR = "calendar"


class PaperDue(StrEnum):
    DRAWDOWN = "drawdown"
    CLAIM = "claim"


class RecoveryStep(StrEnum):
    """What proceeds go to, in the order that the scheme states."""

    COSTS = "costs"  # of enforcement
    BORNE = "borne"  # principal, pro rata by what each party bore
    INTEREST = "interest"  # and penalty interest


def _decimal(value: object) -> object:
    if isinstance(value, bool | float | int):
        raise ValueError('must be a decimal in quotes, such as "54"')
    return value


ExactPct = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=100, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Data):
    text_zh: str = Field(min_length=1)
    text_en: str = Field(min_length=1)

    @property
    def text(self) -> Pair:
        return Pair(self.text_en, self.text_zh)


class Party(_Named):
    id: Id
    role: Role


class Tier(_Data):
    """The shares of loans up to a size, the boundary included; of any size without one."""

    up_to: Money | None = None
    shares: Mapping[str, ExactPct]


class Cap(_Named):
    """What some parties together pay of one loan at most, cut pro rata."""

    id: Id
    order: int = Field(ge=1)
    parties: Sequence[str] = Field(min_length=1)
    amount: Money
    when: Mapping[str, FactValue] = {}


class Fact(_Named):
    """What the caller must or may say beside the amounts; what may be left out has a default."""

    name: Id
    type: FactType
    required: bool
    choices: Sequence[str] = ()
    default: FactValue | None = None

    def takes(self, value: object) -> bool:
        if self.type is FactType.BOOLEAN:
            return isinstance(value, bool)
        return isinstance(value, str) and value in self.choices


class Fuse(_Named):
    """A compensated-loss ratio above which something stops until a decision resumes it."""

    id: Id
    of: RatioOf
    stops: Stops
    threshold_pct: ExactPct
    warn_pct: ExactPct | None = None
    uncalibrated: bool = False

    def state(self, *, compensated: Money, filed: Money) -> FuseState:
        """Whether ``compensated`` over the principal ``filed`` exceeds the threshold; exact."""
        if _exceeds(compensated, filed, self.threshold_pct):
            return FuseState.BLOWN
        if self.warn_pct is not None and _exceeds(compensated, filed, self.warn_pct):
            return FuseState.WARNING
        return FuseState.CLEAR


def _exceeds(part: Money, whole: Money, pct: Decimal) -> bool:
    return part.fen * WHOLE_PCT > whole.fen * pct


class Paper(_Named):
    """A document of the claim pack, and the day it is due by."""

    id: Id
    due: PaperDue


class ClaimRules(_Data):
    """When a claim opens, by when it must be made, and with which papers."""

    overdue_days: int = Field(ge=1)
    grade: Grade
    deadline: int = Field(ge=1)
    deadline_in: DayKind
    papers: Sequence[Paper] = Field(min_length=1)
    uncalibrated: bool = False


class SchemeVersion(_Data):
    """What a scheme says from one day to another."""

    valid_from: date
    valid_to: date | None = None
    source: str = Field(min_length=1)
    uncalibrated: bool = False
    tiers: Sequence[Tier] = Field(min_length=1)
    caps: Sequence[Cap] = ()
    facts: Sequence[Fact] = ()
    fuses: Sequence[Fuse] = ()
    recovery: Sequence[RecoveryStep]
    claim: ClaimRules

    def covers(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def tier_of(self, loan_amount: Money) -> Tier:
        return next(t for t in self.tiers if t.up_to is None or loan_amount <= t.up_to)


class Scheme(_Named):
    """A scheme with its versions, oldest first."""

    id: Id
    model: ClaimModel
    invented: bool = False
    parties: Sequence[Party] = Field(min_length=2)
    versions: Sequence[SchemeVersion] = Field(min_length=1)

    @property
    def bank(self) -> str:
        return next(party.id for party in self.parties if party.role is Role.BANK)

    def with_role(self, role: Role) -> list[str]:
        """The parties of this role, in the scheme's order."""
        return [party.id for party in self.parties if party.role is role]

    def version_on(self, day: date) -> SchemeVersion | None:
        return next((version for version in self.versions if version.covers(day)), None)
