"""Wire shapes of the calculators: what anyone may send, and what comes back."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from app.core.decimals import plain
from app.core.messages import say
from app.core.money import ZERO, Money, Rounding
from app.identifiers.enterprise_size import EnterpriseSize
from app.identifiers.identifier import IdentifierKind
from app.lending.cost import Certainty, CostItem, CostWhen, Subsidy
from app.lending.daycount import DayCount
from app.lending.periods import Frequency
from app.lending.terms import RATE_PCT_MAX, TERM_MONTHS_MAX, RepaymentMethod, ScheduleTerms
from app.schemas.base import IN_OUR_TIME, Told, refuse_hidden_characters, refused

AMOUNT_MAX = Money.yuan(10_000_000_000)
PLACES_MAX = 10
COSTS_MAX = 50
SUBSIDIES_MAX = 20

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _positive(value: Money) -> Money:
    if not ZERO < value <= AMOUNT_MAX:
        raise ValueError(say("must be more than nothing, at most {highest}", highest=AMOUNT_MAX))
    return value


def _not_negative(value: Money) -> Money:
    if not ZERO <= value <= AMOUNT_MAX:
        raise ValueError(say("must be from 0.00 to {highest}", highest=AMOUNT_MAX))
    return value


def _read_decimal(value: Any) -> Decimal:
    """A number, or plain digits: no exponent, no underscores, no digits beyond ASCII."""
    match value:
        case bool():
            raise ValueError(say("must be a number"))
        case int() | float():
            return Decimal(str(value))
        case str() if _NUMBER.fullmatch(value):
            return Decimal(value)
    raise ValueError(say('must be a number, or a string such as "4.35"'))


def _read_date(value: Any) -> date:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise ValueError(say('must be an ISO date, such as "2025-01-15"'))
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(say("is a day that no calendar has")) from None


def _one_plain_line(value: str) -> str:
    refuse_hidden_characters(value)
    if "\n" in value or "\t" in value:
        raise ValueError(say("must be one line"))
    return value


def _two_places(value: Decimal) -> str:
    return f"{round(value, 2) + 0}"  # zero has no minus then


Amount = Annotated[Money, AfterValidator(_not_negative)]
PositiveAmount = Annotated[Money, AfterValidator(_positive)]
IsoDate = Annotated[date, BeforeValidator(_read_date)]
IsoDay = Annotated[date, IN_OUR_TIME, BeforeValidator(_read_date)]
READ_DECIMAL = BeforeValidator(_read_decimal)
TELL_DECIMAL = PlainSerializer(plain, return_type=str, when_used="json")


def limits(*, ge: int | None = 0, gt: int | None = None, le: int) -> Any:
    """The bounds of a decimal, in one piece: of two, the schema would show the inner one only."""
    return Field(
        ge=None if gt is not None else ge,
        gt=gt,
        le=le,
        decimal_places=PLACES_MAX,
        allow_inf_nan=False,
    )


Pct = Annotated[Decimal, limits(le=RATE_PCT_MAX), READ_DECIMAL, TELL_DECIMAL]
SharePct = Annotated[Decimal, limits(le=100), READ_DECIMAL, TELL_DECIMAL]
PctOut = Annotated[Decimal, TELL_DECIMAL]
EffectivePct = Annotated[Decimal, PlainSerializer(_two_places, return_type=str, when_used="json")]
"""A rate of dated flows, or a difference of such rates: the contract gives it two places."""
Whole = Annotated[int, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_one_plain_line)]


class Asked(BaseModel):
    """Input: unknown fields are refused, because a misspelt one would be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answered(BaseModel):
    """Output, read from the dataclasses of the pure packages."""

    model_config = ConfigDict(from_attributes=True)


class ScheduleIn(Asked):
    """The terms of a loan."""

    principal: PositiveAmount
    annual_rate_pct: Pct
    term_months: Annotated[Whole, Field(ge=1, le=TERM_MONTHS_MAX)]
    method: RepaymentMethod
    day_count: DayCount
    first_day: IsoDate = Field(description="The day of drawdown, from 1900 to 2999.")
    grace_months: Annotated[Whole, Field(ge=0, lt=TERM_MONTHS_MAX)] = Field(
        default=0, description="Interest only at the start; inside the term and less than it."
    )
    instalment_multiple: PositiveAmount | None = Field(
        default=None, description="Equal instalments are rounded to the nearest multiple of it."
    )
    rounding: Literal[Rounding.HALF_UP, Rounding.HALF_EVEN] = Rounding.HALF_UP
    frequency: Frequency = Frequency.MONTHLY
    settlement_day: Annotated[Whole, Field(ge=1, le=31)] | None = Field(
        default=None,
        description=(
            "Periods end on this day of the month, or of March, June, September and December if "
            "quarterly; the first and the last may be short."
        ),
    )

    def terms(self) -> ScheduleTerms:
        """The same terms as the pure package takes them, refused if they contradict themselves."""
        return ScheduleTerms(
            principal=self.principal,
            annual_rate_pct=self.annual_rate_pct,
            term_months=self.term_months,
            method=self.method,
            day_count=self.day_count,
            first_day=self.first_day,
            grace_months=self.grace_months,
            instalment_multiple=self.instalment_multiple,
            rounding=self.rounding,
            frequency=self.frequency,
            settlement_day=self.settlement_day,
        )


class InstalmentOut(Answered):
    number: int
    due_on: date
    days: int = Field(description="Actual days of the period.")
    interest: Money
    principal: Money
    payment: Money
    closing: Money = Field(description="Owed after the payment; 0.00 after the last.")


class ScheduleOut(Answered):
    instalments: list[InstalmentOut]
    total_interest: Money
    total_payment: Money
    inputs: ScheduleIn
    method: str
    version: str


class CostIn(Asked):
    """A cost beside interest: exactly one of the three amounts."""

    name: Name
    amount: Amount | None = None
    amount_pct_of_principal: Pct | None = None
    amount_pct_of_outstanding: Pct | None = None
    when: CostWhen

    @model_validator(mode="after")
    def one_amount(self) -> "CostIn":
        stated = (self.amount, self.amount_pct_of_principal, self.amount_pct_of_outstanding)
        if sum(one is not None for one in stated) != 1:
            raise refused(
                "amount",
                say(
                    "state exactly one of amount, amount_pct_of_principal, "
                    "amount_pct_of_outstanding"
                ),
            )
        return self

    def item(self) -> CostItem:
        return CostItem(
            self.name,
            self.when,
            amount=self.amount,
            pct_of_principal=self.amount_pct_of_principal,
            pct_of_outstanding=self.amount_pct_of_outstanding,
        )


class SubsidyIn(Asked):
    """A share of the interest that is given back."""

    name: Name
    share_of_interest_pct: SharePct
    cap: Amount | None = None
    months_after_maturity: Annotated[Whole, Field(ge=0, le=120)] = 0
    certainty: Certainty = Certainty.LIKELY

    def subsidy(self) -> Subsidy:
        return Subsidy(
            self.name,
            self.share_of_interest_pct,
            self.months_after_maturity,
            self.certainty,
            self.cap,
        )


class AllInCostIn(Asked):
    loan: ScheduleIn
    costs: Annotated[list[CostIn], Field(max_length=COSTS_MAX)] = []
    subsidies: Annotated[list[SubsidyIn], Field(max_length=SUBSIDIES_MAX)] = []


class CostLineOut(Answered):
    name: str
    amount: Money
    adds_pct: EffectivePct


class SubsidyLineOut(Answered):
    name: str
    amount: Money
    adds_pct: EffectivePct
    on: date
    certainty: Certainty


class CashFlowOut(Answered):
    on: date
    amount: Money = Field(description="From the borrower's side: received above zero, paid below.")
    what: str


class CostSheetOut(Answered):
    before_subsidies_pct: EffectivePct
    effective_annual_rate_pct: EffectivePct
    nominal_annual_rate_pct: PctOut
    simple_annual_rate_pct: EffectivePct = Field(
        description="All costs over principal × years in use (PBoC 2021 No. 3, simple method)."
    )
    total_interest: Money
    total_cost: Money
    items: list[CostLineOut]
    subsidies: list[SubsidyLineOut]
    cash_flows: list[CashFlowOut]


class AllInCostOut(CostSheetOut):
    inputs: AllInCostIn
    method: str
    version: str


class IdentifierIn(Asked):
    kind: IdentifierKind
    value: Annotated[str, Field(max_length=200)]


class IdentifierOut(Answered):
    valid: bool
    normalised: str | None
    facts: dict[str, str | int | bool | list[int]]
    reason: Told | None
    inputs: IdentifierIn
    method: str
    version: str


class EnterpriseSizeIn(Asked):
    industry: Annotated[str, Field(min_length=1, max_length=40)]
    employees: Annotated[Whole, Field(ge=0, le=100_000_000)] | None = None
    revenue: Money | None = None
    assets: Money | None = None


class EnterpriseSizeOut(Answered):
    size: EnterpriseSize
    rule: Told
    inputs: EnterpriseSizeIn
    method: str
    version: str


class IndustryOut(Answered):
    code: str
    name_zh: str
    also: list[str]
    indicators: list[str]


class IndustriesOut(Answered):
    industries: list[IndustryOut]
    inputs: dict[str, str]
    method: str
    version: str
