"""What a right earns beyond the assets and partners it works with, in today's money."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import (
    WHOLE_PCT,
    Timing,
    flows_of,
    money,
    power,
    present_values,
    refuse_negative,
    same_length,
    share,
)
from app.valuation.working import Step, Worked

PLACES = Decimal("0.000001")


def excess_earnings(
    earnings: Sequence[Money],
    *,
    tax_rate_pct: Decimal,
    discount_rate_pct: Decimal,
    contributory_charges: Sequence[Money] | None = None,
    attrition_pct: Decimal = Decimal(0),
    timing: Timing = Timing.END_OF_YEAR,
) -> Worked:
    """V = Σ (Eₜ·(1−a)ᵗ⁻¹·(1−τ) − Cₜ)/(1+k)ᵗ, at least 0 (多期超额收益法).

    E earnings of the year before tax, C the charge after tax for the use of other assets. Tax is
    symmetric: a loss saves it. No value for the years after. Raises FieldRefused for shares
    outside 0–100 %, negative charges or discount, lists of unequal length or over 100 years.
    Source: reference/valuation.md §2 (MPEEM), design/calculators.md ip-value.
    """
    flows = flows_of("earnings", earnings, negative=True)
    charges = [Fraction(0)] * len(flows)
    if contributory_charges is not None:
        same_length("contributory_charges", contributory_charges, len(flows))
        charges = flows_of("contributory_charges", contributory_charges)
    kept = 1 - share("tax_rate_pct", tax_rate_pct)
    stays = 1 - share("attrition_pct", attrition_pct)
    excess = []
    for flow, charge in zip(flows, charges, strict=True):
        excess.append(flow * kept - charge)
        kept *= stays
    return _discounted("excess earnings after tax", excess, discount_rate_pct, timing)


def profit_split(
    profits: Sequence[Money],
    *,
    patent_cost: Money,
    patent_return_pct: Decimal,
    partner_cost: Money,
    partner_return_pct: Decimal,
    discount_rate_pct: Decimal,
    timing: Timing = Timing.END_OF_YEAR,
) -> Worked:
    """V = Σ Pₜ·s/(1+k)ᵗ, s = A(1+a)/(A(1+a) + B(1+b)) (约当投资分成法).

    A and B are what the patent and the partner's assets cost, a and b the returns on them. Raises
    FieldRefused for anything negative, or if neither cost anything.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    refuse_negative(
        patent_cost=patent_cost,
        patent_return_pct=patent_return_pct,
        partner_cost=partner_cost,
        partner_return_pct=partner_return_pct,
    )
    flows = flows_of("profits", profits)
    own = patent_cost.fen * (1 + Fraction(patent_return_pct) / WHOLE_PCT)
    all_in = own + partner_cost.fen * (1 + Fraction(partner_return_pct) / WHOLE_PCT)
    if not all_in:
        raise FieldRefused("patent_cost", say("must be more than nothing"))
    split = own / all_in
    worked = _discounted(
        "profit of the patent", [flow * split for flow in flows], discount_rate_pct, timing
    )
    return Worked(worked.value, worked.steps, {"split_rate_pct": rounded(split * WHOLE_PCT)})


def incremental_income(
    incomes: Sequence[Money],
    *,
    asset_base: Money,
    industry_return_pct: Decimal,
    discount_rate_pct: Decimal,
    timing: Timing = Timing.END_OF_YEAR,
) -> Worked:
    """V = Σ (Iₜ − B·r)/(1+k)ᵗ, at least 0 (增量收益法).

    I income of the year with the right, B the assets it takes, r what the industry earns on them.
    Raises FieldRefused for anything negative or more than 100 years.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    refuse_negative(asset_base=asset_base, industry_return_pct=industry_return_pct)
    usual = asset_base.fen * Fraction(industry_return_pct) / WHOLE_PCT
    excess = [flow - usual for flow in flows_of("incomes", incomes)]
    return _discounted("income above the industry", excess, discount_rate_pct, timing)


def perpetuity(
    *,
    annual_excess: Money,
    discount_rate_pct: Decimal,
    growth_pct: Decimal = Decimal(0),
    timing: Timing = Timing.END_OF_YEAR,
) -> Worked:
    """V = E/(k − g): for marks renewed without limit, never for a right that ends.

    E of the coming year. Raises FieldRefused for a negative E or a growth not below the discount.
    Source: design/calculators.md ip-value.
    """
    refuse_negative(annual_excess=annual_excess, discount_rate_pct=discount_rate_pct)
    if growth_pct <= -WHOLE_PCT:
        raise FieldRefused("growth_pct", say("must be more than -100"))
    if growth_pct >= discount_rate_pct:
        raise FieldRefused("growth_pct", say("must be less than the discount rate"))
    value = annual_excess.fen * WHOLE_PCT / Fraction(discount_rate_pct - growth_pct)
    if timing is Timing.MID_YEAR:
        value *= power(1 + Fraction(discount_rate_pct) / WHOLE_PCT, Decimal("0.5"))
    return Worked(money(value), (Step("excess of the first year", annual_excess),))


def rounded(figure: Fraction) -> Decimal:
    """A figure beside the value, to six places."""
    return (Decimal(figure.numerator) / figure.denominator).quantize(PLACES)


def _discounted(
    name: str, flows: Sequence[Fraction], discount_rate_pct: Decimal, timing: Timing
) -> Worked:
    present = present_values(flows, discount_rate_pct, timing)
    steps = []
    for year, (flow, worth) in enumerate(zip(flows, present, strict=True), start=1):
        steps.append(Step(f"{name}, year {year}", money(flow)))
        steps.append(Step(f"present value, year {year}", money(worth)))
    total = money(sum(present, Fraction(0)))
    if total.fen >= 0:
        return Worked(total, tuple(steps))
    note = say("The total is below zero ({total}), so that the value is 0.00.", total=total)
    return Worked(Money(0), (*steps, Step("total below zero", total)), notes=(note,))
