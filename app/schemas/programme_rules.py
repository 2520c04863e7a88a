"""Wire shapes of the dated rules that two people change."""

from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.core.messages import say
from app.lifecycle.programme import ChangeKind
from app.risk.caps import Cap, Caps
from app.schemas.base import Input, LongText, ShortText, refused, shape
from app.schemas.fields import (
    READ_DECIMAL,
    TELL_DECIMAL,
    PositiveAmount,
    SharePct,
    Whole,
    limits,
)

LEVELS_MAX = 5
INDUSTRIES_MAX = 50


class RuleKey(StrEnum):
    """The dated rules of the programme that a change may replace, by their keys."""

    CAPS = "caps"
    QUEUE_RULE = "queue_rule"
    ALERTS = "alerts"
    RENEWAL = "renewal"
    KEY_INDUSTRIES = "key_industries"


PositiveShare = Annotated[Decimal, limits(gt=0, le=100), READ_DECIMAL, TELL_DECIMAL]


class CapIn(Input):
    """An amount, a percentage of the capacity, or both: then the lower one holds."""

    amount: PositiveAmount | None = None
    pct_of_capacity: PositiveShare | None = None

    def as_cap(self) -> Cap:
        return Cap(self.amount, self.pct_of_capacity)


class CapsBody(Input):
    """The caps of the programme; one that is null does not cap."""

    per_loan: CapIn | None = Field(None, description="Of one loan's principal.")
    per_firm: CapIn | None = Field(None, description="Of the liability for one firm.")
    per_bank: CapIn | None = Field(None, description="Of the liability for one bank's loans.")
    per_park: CapIn | None = Field(None, description="Of the liability on one account.")

    def as_caps(self) -> Caps:
        parts = (self.per_loan, self.per_firm, self.per_bank, self.per_park)
        return Caps(*(Cap() if part is None else part.as_cap() for part in parts))


class CapsFacts(CapsBody):
    """New caps, all four of them: those that stay are named again, null says that none holds."""

    kind: Literal[ChangeKind.CAPS]
    per_loan: CapIn | None = Field(description="Of one loan's principal; null: no cap.")
    per_firm: CapIn | None = Field(description="Of the liability for one firm; null: no cap.")
    per_bank: CapIn | None = Field(
        description="Of the liability for one bank's loans; null: no cap."
    )
    per_park: CapIn | None = Field(description="Of the liability on one account; null: no cap.")

    @model_validator(mode="after")
    def _a_cap_caps(self) -> "CapsFacts":
        for name in CapsBody.model_fields:
            if getattr(self, name) == CapIn():
                raise refused(
                    name, say("states neither amount nor pct_of_capacity; null says: no cap")
                )
        return self


class Mark(StrEnum):
    """What makes a firm preferred where a priority is in force."""

    SMALL_AND_MICRO = "small_and_micro"
    KEY_INDUSTRY = "key_industry"


class QueueRuleBody(Input):
    """The order of the queue, with the text that is shown beside every place in it."""

    enabled: bool = Field(description="False: one order of arrival.")
    preferred: Annotated[list[Mark], Field(min_length=1, max_length=2)] = Field(
        description="Firms with any of these marks go first."
    )
    passes_max: Annotated[Whole, Field(ge=1, le=100)] = Field(
        description="A deal is passed by priority at most so often."
    )
    days_max: Annotated[Whole, Field(ge=1, le=365)] = Field(
        description="A deal that has waited so long is not passed any more."
    )
    text_zh: LongText
    text_en: LongText


class QueueRuleFacts(QueueRuleBody):
    kind: Literal[ChangeKind.QUEUE_RULE]


def _rising(levels: list[Decimal]) -> list[Decimal]:
    if any(earlier >= later for earlier, later in pairwise(levels)):
        raise ValueError(say("must rise from each to the next"))
    return levels


ThousandPct = Annotated[Decimal, limits(le=1000), READ_DECIMAL, TELL_DECIMAL]
Hhi = Annotated[Decimal, limits(gt=0, le=10_000), READ_DECIMAL, TELL_DECIMAL]
UsedPct = Annotated[Decimal, limits(gt=0, le=1000), READ_DECIMAL, TELL_DECIMAL]
AboveZeroPct = Annotated[Decimal, limits(gt=0, le=100), READ_DECIMAL, TELL_DECIMAL]

UsedLevels = Annotated[list[UsedPct], Field(max_length=LEVELS_MAX), AfterValidator(_rising)]
HhiLevels = Annotated[list[Hhi], Field(max_length=LEVELS_MAX), AfterValidator(_rising)]
ShareLevels = Annotated[list[AboveZeroPct], Field(max_length=LEVELS_MAX), AfterValidator(_rising)]
ShortLevels = Annotated[list[SharePct], Field(max_length=LEVELS_MAX), AfterValidator(_rising)]
OverLevels = Annotated[list[ThousandPct], Field(max_length=LEVELS_MAX), AfterValidator(_rising)]


class AlertLevels(Input):
    """The levels of each measure, rising; one without levels raises no alert."""

    utilisation_pct: UsedLevels
    bank_hhi: HhiLevels
    firm_hhi: HhiLevels
    largest_bank_pct: ShareLevels
    largest_firm_pct: ShareLevels
    small_firms_short_pct: ShortLevels = Field(description="Points below the terms' share.")
    small_tickets_short_pct: ShortLevels = Field(description="Points below the terms' share.")
    client_cap_over_pct: OverLevels = Field(description="Per cent above the cap on one client.")
    net_assets_over_pct: OverLevels = Field(description="Per cent above net assets × multiple.")


class AlertsBody(Input):
    """When figures raise alerts, and what is on the call list."""

    loans_min: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        description="Concentration raises alerts from so many live loans on."
    )
    call_within_days: Annotated[Whole, Field(ge=1, le=60)] = Field(
        description="A hold or an approval that ends within so many days is on the call list."
    )
    levels: AlertLevels


class AlertsFacts(AlertsBody):
    """New levels, all of them: those that stay are named again."""

    kind: Literal[ChangeKind.ALERTS]


class RenewalBody(Input):
    """When a loan may be renewed without repaying it first (无还本续贷)."""

    window_days: Annotated[Whole, Field(ge=1, le=365)] = Field(
        description="So many days before its maturity."
    )
    days_past_due_max: Annotated[Whole, Field(ge=0, le=90)] = Field(
        description="It is at most so many days past due."
    )


class RenewalFacts(RenewalBody):
    kind: Literal[ChangeKind.RENEWAL]


IndustryCode = Annotated[
    str,
    StringConstraints(
        pattern=shape(
            r"^[a-z][a-z0-9_]{1,63}$",
            say("must be 2 to 64 small letters, digits or _, a letter first"),
        )
    ),
]


class KeyIndustry(Input):
    code: IndustryCode = Field(description="What a firm states as its field.")
    name: ShortText


class KeyIndustriesFacts(Input):
    """The key industries (重点产业), all of them."""

    kind: Literal[ChangeKind.KEY_INDUSTRIES]
    industries: Annotated[list[KeyIndustry], Field(min_length=1, max_length=INDUSTRIES_MAX)]

    @model_validator(mode="after")
    def _each_once(self) -> "KeyIndustriesFacts":
        if len(self.as_body()) < len(self.industries):
            raise refused("industries", say("names a code twice"))
        return self

    def as_body(self) -> dict[str, str]:
        """As the rule keeps them: names by code."""
        return {industry.code: industry.name for industry in self.industries}
