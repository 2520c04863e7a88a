"""What a measure of the policy says: clauses, facts, rules, award, budget, choices, scoring.

One file under ``measures`` is one measure with all its dated versions (measure_files.py reads
them); the rule language is what stands here and no more.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from app.core.messages import Pair
from app.core.money import ZERO, Money


def _decimal(value: object) -> object:
    if isinstance(value, bool | float | int):
        raise ValueError('must be a decimal in quotes, such as "5"')
    return value


ExactPct = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, le=100, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
RawValue = StrictBool | StrictInt | StrictStr
FactValue = bool | int | str | Money


class MeasureKind(StrEnum):
    """What a measure gives: money, places, or a service that pays nothing."""

    GRANT = "grant"
    QUOTA = "quota"
    SERVICE = "service"


class FactType(StrEnum):
    BOOLEAN = "boolean"
    CHOICE = "choice"
    MONEY = "money"
    COUNT = "count"


class BudgetKind(StrEnum):
    POT = "pot"  # money in all
    YEARLY = "yearly"  # money per calendar year
    SLOTS = "slots"  # places in all
    SLOTS_YEARLY = "slots_yearly"
    NONE = "none"  # the policy states no ceiling, and none is invented


class Dimension(StrEnum):
    """What two awards must have in common to be one award given twice."""

    KEY = "key"  # the designation, contract, project, application number or agency
    FIRM = "firm"
    YEAR = "year"


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Data):
    text_zh: str = Field(min_length=1)
    text_en: str = Field(min_length=1)

    @property
    def text(self) -> Pair:
        return Pair(self.text_en, self.text_zh)


class Clause(_Named):
    """Words of the policy; ``unverified`` where the Chinese is not a quotation we could check."""

    id: Id
    unverified: bool = False


class Fact(_Named):
    """What an award is decided by; one that is not required is taken as ``assumed`` says."""

    name: Id
    type: FactType
    required: bool = False
    choices: Sequence[str] = ()
    assumed: RawValue | None = None
    at_most: RawValue | None = None


class Rule(_Named):
    """A condition over one fact; exactly one of the tests is stated."""

    id: Id
    clause: Id
    fact: Id
    equals: RawValue | None = None
    one_of: Sequence[RawValue] | None = None
    at_least: RawValue | None = None
    at_most: RawValue | None = None


class Cell(_Data):
    """An amount for some values of facts; ``clause`` where it is not the award's own."""

    when: Mapping[str, RawValue] = {}
    clause: Id | None = None
    amount: Money


class TableAward(_Data):
    """A fixed amount by facts."""

    form: Literal["table"]
    clause: Id
    cells: Sequence[Cell] = Field(min_length=1)


class ShareAward(_Data):
    """A percentage of an amount, cut down to the fen, at most a cap if the policy has one."""

    form: Literal["share"]
    clause: Id
    pct_of: Id
    pct: ExactPct
    cap: Money | None = None


class RequestedAward(_Data):
    """What was requested, at most what the pot has left."""

    form: Literal["requested"]
    clause: Id
    requested: Id
    at_most: Id


class SlotsAward(_Data):
    """Places and no money, at most those left."""

    form: Literal["slots"]
    clause: Id
    slots: int = Field(ge=1)
    at_most: Id


AwardForm = Annotated[
    TableAward | ShareAward | RequestedAward | SlotsAward, Field(discriminator="form")
]


class Budget(_Named):
    kind: BudgetKind
    amount: Money | None = None
    slots: int | None = Field(default=None, ge=1)


class Choice(_Named):
    """A question the policy leaves open, and what this service does until someone decides."""

    id: Id
    decided_on: date
    chosen: Id
    alternatives: Sequence[Id] = Field(min_length=1)
    reason_zh: str = Field(min_length=1)
    reason_en: str = Field(min_length=1)

    @property
    def reason(self) -> Pair:
        return Pair(self.reason_en, self.reason_zh)


class Criterion(_Named):
    id: Id
    weight_pct: ExactPct


class Scoring(_Data):
    """Marks from 0 to 100 for each criterion, by so many reviewers; ``ties`` decides equals."""

    reviewers: int = Field(ge=1)
    pass_mark: int = Field(ge=0, le=100)
    criteria: Sequence[Criterion] = Field(min_length=1)
    ties: Sequence[Id] = ()
    uncalibrated: bool = False


class Period(_Named):
    id: Id
    days: int = Field(ge=1)
    unit: Literal["working", "calendar"]
    uncalibrated: bool = False


class Duplication(_Named):
    """One award for what agrees in ``same``; ``with_measures`` are counted beside its own."""

    same: Sequence[Dimension] = Field(min_length=1)
    with_measures: Sequence[int] = ()
    related_firms: bool = False


class MeasureVersion(_Data):
    """What a measure says from one day to another."""

    valid_from: date
    valid_to: date | None = None
    source: str = Field(min_length=1)
    uncalibrated: bool = False
    clauses: Sequence[Clause] = Field(min_length=1)
    facts: Sequence[Fact] = ()
    rules: Sequence[Rule] = ()
    award: AwardForm | None = None
    budget: Budget | None = None
    duplication: Duplication | None = None
    choices: Sequence[Choice] = ()
    scoring: Scoring | None = None
    periods: Sequence[Period] = ()


class Measure(_Named):
    number: int = Field(ge=1)
    id: Id
    kind: MeasureKind
    services: Sequence[Id] = ()
    versions: Sequence[MeasureVersion] = Field(min_length=1)

    @property
    def pays(self) -> bool:
        return self.kind is not MeasureKind.SERVICE

    def version_on(self, day: date) -> MeasureVersion | None:
        """The version in force on ``day``, if any was."""
        for version in self.versions:
            if version.valid_from <= day and (version.valid_to is None or day <= version.valid_to):
                return version
        return None


def read_value(fact: Fact, raw: object) -> FactValue | None:
    """``raw`` as a value of ``fact``; None if it is none."""
    value: FactValue | None = None
    match fact.type, raw:
        case FactType.BOOLEAN, bool():
            return raw
        case FactType.CHOICE, str() if raw in fact.choices:
            return raw
        case FactType.COUNT, int() if not isinstance(raw, bool) and raw >= 0:
            value = raw
        case FactType.MONEY, str() | Money():
            value = _money(raw)
    if value is not None and fact.at_most is not None:
        bound = _money(fact.at_most) if fact.type is FactType.MONEY else fact.at_most
        if bound is None or value > bound:  # type: ignore[operator]
            return None
    return value


def _money(raw: object) -> Money | None:
    try:
        amount = Money._read(raw)
    except ValueError:
        return None
    return amount if amount >= ZERO else None


def holds(rule: Rule, fact: Fact, value: FactValue) -> bool:
    """Whether ``value`` of ``fact`` meets ``rule``."""
    if rule.one_of is not None:
        return value in [read_value(fact, one) for one in rule.one_of]
    if rule.at_least is not None:
        return bool(value >= read_value(fact, rule.at_least))  # type: ignore[operator]
    if rule.at_most is not None:
        return bool(value <= read_value(fact, rule.at_most))  # type: ignore[operator]
    assert rule.equals is not None
    return value == read_value(fact, rule.equals)
