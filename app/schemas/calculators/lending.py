"""Wire shapes of the calculators of loans: schedules and what a loan costs."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from app.core.messages import say
from app.core.money import Money, Rounding
from app.lending.cost import CostItem, CostWhen
from app.lending.daycount import DayCount
from app.lending.periods import Frequency
from app.lending.subsidy import Certainty, Subsidy
from app.lending.terms import TERM_MONTHS_MAX, RepaymentMethod, ScheduleTerms
from app.schemas.base import refused
from app.schemas.fields import (
    Amount,
    Answered,
    Asked,
    EffectivePct,
    IsoDate,
    Name,
    Pct,
    PctOut,
    PositiveAmount,
    SharePct,
    Whole,
)

COSTS_MAX = 50
SUBSIDIES_MAX = 20


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
