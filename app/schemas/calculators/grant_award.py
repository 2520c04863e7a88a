"""Wire shapes of the calculator of grants, and of the measures it knows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from app.core.messages import Language, Text, say, told
from app.core.money import Money
from app.grants.measure import BudgetKind, Dimension, FactType, MeasureKind
from app.schemas.base import Told
from app.schemas.fields import Answered, Asked, IsoDay, PctOut, Whole


def _fact(value: Any) -> Any:
    if not isinstance(value, bool | int | str):
        raise ValueError(say("must be true, false, a whole number or text"))
    return value


def _chinese(value: Any) -> Any:
    return told(value, Language.CHINESE) if isinstance(value, Text) else value


def _english(value: Any) -> Any:
    return told(value, Language.ENGLISH) if isinstance(value, Text) else value


FactIn = Annotated[bool | int | str, BeforeValidator(_fact)]
InChinese = Annotated[str, BeforeValidator(_chinese)]
InEnglish = Annotated[str, BeforeValidator(_english)]


class GrantAwardIn(Asked):
    """A measure of the policy and what is known of the case."""

    measure: Whole = Field(description="The number of a measure that pays or allots something.")
    facts: dict[str, FactIn] = Field(
        default_factory=dict, description="As GET …/measures lists them; money is text of yuan."
    )
    on: IsoDay | None = Field(
        default=None, description="The rules of this day; by default the newest of the measure."
    )


class AwardStepOut(Answered):
    rule: str
    clause: str
    text: Told
    text_zh: InChinese = Field(validation_alias=AliasChoices("text"))
    text_en: InEnglish = Field(validation_alias=AliasChoices("text"))
    figures: Mapping[str, bool | int | str | Money]
    holds: bool


class GrantFactsOut(Answered):
    measure: int
    facts: Mapping[str, bool | int | str | Money]
    on: date | None


class GrantAwardOut(Answered):
    award: Money
    slots: int | None
    assumed: Sequence[str]
    trace: Sequence[AwardStepOut]
    rules_from: date
    uncalibrated: bool = Field(description="Nobody could source the figures of the rules.")
    inputs: GrantFactsOut
    method: Told
    version: str


class GrantClauseOut(Answered):
    id: str
    text_zh: str
    text_en: str
    unverified: bool = Field(description="The Chinese is not a quotation that could be checked.")


class GrantFactOut(Answered):
    name: str
    type: FactType
    required: bool
    choices: Sequence[str]
    assumed: bool | int | str | None
    at_most: int | str | None
    text: Told


class GrantRuleOut(Answered):
    id: str
    clause: str
    fact: str
    text: Told


class GrantBudgetOut(Answered):
    kind: BudgetKind = Field(description="none: the policy states no ceiling.")
    amount: Money | None
    slots: int | None
    text: Told


class GrantDuplicationOut(Answered):
    same: Sequence[Dimension]
    with_measures: Sequence[int]
    related_firms: bool
    text: Told


class GrantChoiceOut(Answered):
    id: str
    text: Told
    decided_on: date
    chosen: str
    alternatives: Sequence[str]
    reason: Told


class CriterionOut(Answered):
    id: str
    weight_pct: PctOut
    text: Told


class ScoringOut(Answered):
    reviewers: int
    pass_mark: int
    criteria: Sequence[CriterionOut]
    ties: Sequence[str]
    uncalibrated: bool


class PeriodOut(Answered):
    id: str
    days: int
    unit: str
    uncalibrated: bool
    text: Told


class MeasureVersionOut(Answered):
    valid_from: date
    valid_to: date | None
    source: str
    uncalibrated: bool
    clauses: Sequence[GrantClauseOut]
    facts: Sequence[GrantFactOut]
    rules: Sequence[GrantRuleOut]
    budget: GrantBudgetOut | None
    duplication: GrantDuplicationOut | None
    choices: Sequence[GrantChoiceOut]
    scoring: ScoringOut | None
    periods: Sequence[PeriodOut]


class MeasureOut(Answered):
    number: int
    id: str
    kind: MeasureKind
    name: Told = Field(validation_alias="text")
    services: Sequence[str]
    pays: bool
    versions: Sequence[MeasureVersionOut]


class MeasuresOut(Answered):
    measures: Sequence[MeasureOut]
    inputs: dict[str, str]
    method: Told
    version: str
