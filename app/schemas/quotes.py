"""Wire shapes of quotes: what banks, guarantors and insurers offer on a request."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.config import JsonDict

from app.core.messages import say
from app.core.money import ZERO, Rounding
from app.lending.cost import CostItem
from app.lending.daycount import DayCount
from app.lending.packages import FeeTiming
from app.lending.periods import Frequency
from app.lending.terms import TERM_MONTHS_MAX, RepaymentMethod, ScheduleTerms
from app.lifecycle.deals import PledgeeKind
from app.lifecycle.financing import QuoteKind, QuoteStatus
from app.schemas.base import Input, LongText, Output, Reference, refused
from app.schemas.calculators.lending import CostIn
from app.schemas.fields import (
    READ_DECIMAL,
    TELL_DECIMAL,
    Amount,
    PctOut,
    PositiveAmount,
    SharePct,
    Whole,
    limits,
)

FEES_MAX = 20
VALID_DAYS_MAX = 180
AVAILABILITY_DAYS_MAX = 365

Fees = Annotated[list[CostIn], Field(max_length=FEES_MAX)]
CoverShare = Annotated[Decimal, limits(gt=0, le=100), READ_DECIMAL, TELL_DECIMAL]
Revision = Annotated[Whole, Field(ge=1, le=1_000_000)]


class LprTenor(StrEnum):
    """The two tenors of the loan prime rate (贷款市场报价利率)."""

    ONE_YEAR = "1Y"
    FIVE_YEARS = "5Y"


class FixedRate(Input):
    type: Literal["fixed"]
    annual_rate_pct: Annotated[Decimal, limits(le=36), READ_DECIMAL, TELL_DECIMAL]


class LprRate(Input):
    """The loan prime rate of a tenor, plus or minus basis points."""

    type: Literal["lpr"]
    tenor: LprTenor
    spread_bp: Annotated[Whole, Field(ge=-500, le=2000)]


Rate = Annotated[FixedRate | LprRate, Field(discriminator="type")]


class LoanTerms(Input):
    """A bank's offer: how much, at what rate, how it comes back, and what it asks for."""

    kind: Literal[QuoteKind.LOAN]
    amount: PositiveAmount
    rate: Rate
    term_months: Annotated[Whole, Field(ge=1, le=TERM_MONTHS_MAX)]
    method: RepaymentMethod
    frequency: Frequency = Frequency.MONTHLY
    day_count: DayCount = DayCount.ACT_360
    settlement_day: Annotated[Whole, Field(ge=1, le=31)] | None = Field(
        default=None, description="Of the month, often the 20th; else the day of drawdown."
    )
    grace_months: Annotated[Whole, Field(ge=0, lt=TERM_MONTHS_MAX)] = 0
    instalment_multiple: PositiveAmount | None = None
    rounding: Literal[Rounding.HALF_UP, Rounding.HALF_EVEN] = Rounding.HALF_UP
    fees: Fees = []
    required_cover_pct: SharePct = Field(
        default=Decimal(0), description="Of the principal, to be guaranteed or insured."
    )
    penalty_multiple: Annotated[Decimal, limits(ge=1, le=5), READ_DECIMAL, TELL_DECIMAL] = Field(
        description="Penalty interest as a multiple of the rate, within the dated bounds."
    )
    availability_days: Annotated[Whole, Field(ge=1, le=AVAILABILITY_DAYS_MAX)] = Field(
        default=90, description="How long after the contracts the loan may be drawn."
    )
    pledgee: PledgeeKind = PledgeeKind.BANK

    @model_validator(mode="after")
    def _grace_inside_the_term(self) -> "LoanTerms":
        if self.grace_months >= self.term_months:
            raise refused("grace_months", say("must be inside the term and less than it"))
        return self

    def schedule_terms(self, *, annual_rate_pct: Decimal, first_day: date) -> ScheduleTerms:
        """What the pure package needs, once the rate is resolved and the first day is known."""
        return ScheduleTerms(
            principal=self.amount,
            annual_rate_pct=annual_rate_pct,
            term_months=self.term_months,
            method=self.method,
            day_count=self.day_count,
            first_day=first_day,
            grace_months=self.grace_months,
            instalment_multiple=self.instalment_multiple,
            rounding=self.rounding,
            frequency=self.frequency,
            settlement_day=self.settlement_day,
        )

    def cost_items(self) -> tuple[CostItem, ...]:
        return tuple(fee.item() for fee in self.fees)


class GuaranteeTerms(Input):
    """A guarantor's offer: a share of the whole loan's principal, for a yearly fee."""

    kind: Literal[QuoteKind.GUARANTEE]
    share_pct: CoverShare
    fee_pct_per_year: SharePct = Field(
        description="Of the amount covered; a started year is whole."
    )
    when: FeeTiming = FeeTiming.YEARLY_IN_ADVANCE
    fees: Fees = []
    counter_guarantee: bool = Field(description="Whether counter-security (反担保) is required.")
    counter_guarantee_text: LongText | None = None

    @model_validator(mode="after")
    def _counter_guarantee_is_described(self) -> "GuaranteeTerms":
        if self.counter_guarantee != (self.counter_guarantee_text is not None):
            raise refused(
                "counter_guarantee_text",
                say("is stated exactly if a counter-guarantee is required"),
            )
        return self

    def cost_items(self) -> tuple[CostItem, ...]:
        return tuple(fee.item() for fee in self.fees)


class InsuranceTerms(Input):
    """An insurer's offer (保证保险): a share of the loan's principal, for a yearly premium."""

    kind: Literal[QuoteKind.INSURANCE]
    share_pct: CoverShare
    premium_pct: SharePct = Field(
        description="A year, of the amount covered; a started year is whole."
    )
    when: FeeTiming = FeeTiming.YEARLY_IN_ADVANCE
    fees: Fees = []
    waiting_period_days: Annotated[Whole, Field(ge=0, le=365)]
    deductible: Amount = Field(default=ZERO, json_schema_extra={"default": "0.00"})
    insured_sum: PositiveAmount | None = Field(
        default=None, description="The most the insurer pays; must carry its share of the loan."
    )
    stop_loss: PositiveAmount | None = Field(
        default=None, description="The most it pays in a year over all loans of the bank."
    )

    def cost_items(self) -> tuple[CostItem, ...]:
        return tuple(fee.item() for fee in self.fees)


Terms = Annotated[LoanTerms | GuaranteeTerms | InsuranceTerms, Field(discriminator="kind")]

TERMS: TypeAdapter[LoanTerms | GuaranteeTerms | InsuranceTerms] = TypeAdapter(Terms)
"""Reads the ``terms`` column of a quote, and writes it with ``dump_python(…, mode="json")``."""

_LOAN_EXAMPLE: JsonDict = {
    "kind": "loan",
    "amount": "5000000.00",
    "rate": {"type": "lpr", "tenor": "1Y", "spread_bp": 85},
    "term_months": 12,
    "method": "interest_only",
    "frequency": "monthly",
    "day_count": "ACT/360",
    "settlement_day": 20,
    "fees": [{"name": "appraisal", "amount": "8000.00", "when": "upfront"}],
    "required_cover_pct": "80",
    "penalty_multiple": "1.5",
    "availability_days": 90,
    "pledgee": "bank",
}
_GUARANTEE_EXAMPLE: JsonDict = {
    "kind": "guarantee",
    "share_pct": "80",
    "fee_pct_per_year": "1",
    "when": "yearly_in_advance",
    "counter_guarantee": True,
    "counter_guarantee_text": "法定代表人连带责任反担保",
}
_INSURANCE_EXAMPLE: JsonDict = {
    "kind": "insurance",
    "share_pct": "20",
    "premium_pct": "1.8",
    "when": "upfront",
    "waiting_period_days": 60,
    "deductible": "50000.00",
}
ValidDays = Annotated[Whole, Field(ge=1, le=VALID_DAYS_MAX)]


class QuoteIn(Input):
    """A quote on one request. It is indicative, and stands for ``valid_days`` from now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"reference": "Q-2026-0001", "valid_days": 30, "terms": _LOAN_EXAMPLE},
                {"reference": "G-2026-0001", "valid_days": 30, "terms": _GUARANTEE_EXAMPLE},
                {"reference": "I-2026-0001", "valid_days": 30, "terms": _INSURANCE_EXAMPLE},
            ]
        }
    )

    reference: Reference | None = None
    valid_days: ValidDays
    terms: Terms


class QuoteRevisionIn(Input):
    """New terms for a quote. ``revision`` is the one that is revised: a stale one is refused."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"revision": 1, "valid_days": 30, "terms": _LOAN_EXAMPLE}]}
    )

    revision: Revision
    valid_days: ValidDays
    terms: Terms


class QuoteOut(Output):
    """A quote as its institution and the firm see it; nobody else does."""

    id: UUID
    request_id: UUID
    institution_id: UUID
    kind: QuoteKind
    reference: str | None
    status: QuoteStatus
    revision: int
    terms: Terms
    offered_at: datetime
    expires_at: datetime


class RateOut(Output):
    """The annual rate of a loan on the day ``on``; the loan prime rate in it, if any."""

    annual_rate_pct: PctOut
    on: date
    lpr_pct: PctOut | None
    lpr_announced_on: date | None
    uncalibrated: bool


class FirmQuoteOut(QuoteOut):
    """A quote as the firm compares it: who offers it, and its rate today."""

    institution_name: str
    rate_today: RateOut | None  # of a loan
