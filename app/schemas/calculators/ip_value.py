"""Wire shapes of the calculator of values: one for each method."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.core.messages import say
from app.core.money import Money
from app.schemas.base import Told
from app.schemas.fields import (
    AMOUNT_MAX,
    READ_DECIMAL,
    TELL_DECIMAL,
    Amount,
    Answered,
    Asked,
    Pct,
    PctOut,
    SharePct,
    Whole,
    limits,
)
from app.valuation.checks import YEARS_MAX, Timing


def _within(value: Money) -> Money:
    if not -AMOUNT_MAX <= value <= AMOUNT_MAX:
        raise ValueError(
            say("must be from {lowest} to {highest}", lowest=-AMOUNT_MAX, highest=AMOUNT_MAX)
        )
    return value


AnyAmount = Annotated[Money, AfterValidator(_within)]
Factor = Annotated[Decimal, limits(le=1000), READ_DECIMAL, TELL_DECIMAL]
Exponent = Annotated[Decimal, limits(le=5), READ_DECIMAL, TELL_DECIMAL]
Kloc = Annotated[Decimal, limits(gt=0, le=1_000_000), READ_DECIMAL, TELL_DECIMAL]
Years = Annotated[Decimal, limits(le=YEARS_MAX), READ_DECIMAL, TELL_DECIMAL]
Growth = Annotated[Decimal, limits(gt=-100, le=1000), READ_DECIMAL, TELL_DECIMAL]
Survival = Annotated[Decimal, limits(le=1), READ_DECIMAL, TELL_DECIMAL]
AmountsByYear = Annotated[list[Amount], Field(min_length=1, max_length=YEARS_MAX)]
AnyAmountsByYear = Annotated[list[AnyAmount], Field(min_length=1, max_length=YEARS_MAX)]
SurvivalByYear = Annotated[list[Survival], Field(min_length=1, max_length=YEARS_MAX)]
WholePct = Decimal(100)


class _Discounted(Asked):
    discount_rate_pct: Pct
    timing: Timing = Timing.END_OF_YEAR


class ReliefIn(_Discounted):
    method: Literal["relief_from_royalty"]
    revenues: AmountsByYear
    royalty_rate_pct: SharePct
    tax_rate_pct: SharePct
    attribution_pct: SharePct = Field(
        default=WholePct, description="The share of sales that uses the right."
    )
    survival: SurvivalByYear | None = Field(
        default=None, description="Cumulative, one entry for each year, never rising."
    )
    tax_amortisation_years: Annotated[Whole, Field(ge=1, le=YEARS_MAX)] | None = Field(
        default=None, description="Adds the tax saved by writing the right off in so many years."
    )


class ExcessEarningsIn(_Discounted):
    method: Literal["excess_earnings"]
    earnings: AnyAmountsByYear = Field(description="Before tax; may be negative.")
    tax_rate_pct: SharePct
    contributory_charges: AmountsByYear | None = Field(
        default=None, description="After tax, one entry for each year."
    )
    attrition_pct: SharePct = Decimal(0)


class ProfitSplitIn(_Discounted):
    method: Literal["profit_split"]
    patent_cost: Amount
    patent_return_pct: Pct
    partner_cost: Amount
    partner_return_pct: Pct
    profits: AmountsByYear


class PerpetuityIn(_Discounted):
    """For renewable trademarks only."""

    method: Literal["perpetuity"]
    annual_excess: Amount
    growth_pct: Growth = Decimal(0)


class ReplacementCostIn(Asked):
    method: Literal["replacement_cost"]
    materials: Amount
    labour: Amount
    creative_labour_multiplier: Factor
    risk_rate_pct: SharePct
    return_rate_pct: Pct
    years_used: Years
    years_remaining: Years


class MinimumLicenceFeeIn(Asked):
    method: Literal["minimum_licence_fee"]
    replacement_cost: Amount = Field(description="Net.")
    net_share_pct: SharePct = Field(description="The licensee's share of capacity.")
    opportunity_cost: Amount


class SoftwareCostIn(Asked):
    method: Literal["software_cost"]
    kloc: Kloc
    a: Factor
    b: Exponent
    adjustment: Factor
    maintenance_pct: Pct
    cost_per_person_month: Amount


class IncrementalIncomeIn(_Discounted):
    method: Literal["incremental_income"]
    incomes: AmountsByYear = Field(description="With the right.")
    asset_base: Amount
    industry_return_pct: Pct


IpValueIn = (
    ReliefIn
    | ExcessEarningsIn
    | ProfitSplitIn
    | PerpetuityIn
    | ReplacementCostIn
    | MinimumLicenceFeeIn
    | SoftwareCostIn
    | IncrementalIncomeIn
)


class StepOut(Answered):
    name: str
    amount: Money


class IpValueOut(Answered):
    value: Money
    steps: list[StepOut]
    notes: list[Told] = Field(description="What one should know of the value; most have none.")
    split_rate_pct: PctOut | None = None
    replacement_cost: Money | None = None
    depreciation_pct: PctOut | None = None
    person_months: PctOut | None = None
    inputs: Annotated[IpValueIn, Field(discriminator="method")]
    method: str
    version: str
