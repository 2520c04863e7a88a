"""What making a right again would cost: a ceiling or a floor, rarely what one may lend on."""

from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import WHOLE_PCT, money, power, refuse_negative, share
from app.valuation.income import rounded
from app.valuation.working import Step, Worked


def replacement_cost(
    *,
    materials: Money,
    labour: Money,
    creative_labour_multiplier: Decimal,
    risk_rate_pct: Decimal,
    return_rate_pct: Decimal,
    years_used: Decimal | int,
    years_remaining: Decimal | int,
) -> Worked:
    """V = RC·(1−d), RC = (C + β₁·W)/(1−β₂)·(1+L), d = used/(used + remaining) (倍加系数法).

    C materials and W labour in yuan, β₁ the multiplier of creative labour, β₂ the average risk of
    research, L the return on it. A right with no year left, used or not, is worth nothing.
    Raises FieldRefused for a risk outside 0–100 % (100 excluded) or anything negative.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    refuse_negative(
        materials=materials,
        labour=labour,
        creative_labour_multiplier=creative_labour_multiplier,
        risk_rate_pct=risk_rate_pct,
        return_rate_pct=return_rate_pct,
        years_used=years_used,
        years_remaining=years_remaining,
    )
    if risk_rate_pct >= WHOLE_PCT:
        raise FieldRefused("risk_rate_pct", say("must be less than 100"))
    made = materials.fen + labour.fen * Fraction(creative_labour_multiplier)
    made /= 1 - Fraction(risk_rate_pct) / WHOLE_PCT
    cost = made * (1 + Fraction(return_rate_pct) / WHOLE_PCT)
    left = Fraction(0)
    if years_remaining:
        left = Fraction(years_remaining) / (Fraction(years_used) + Fraction(years_remaining))
    return Worked(
        money(cost * left),
        (
            Step("replacement cost", money(cost)),
            Step("depreciation", money(cost * (1 - left))),
        ),
        {
            "replacement_cost": money(cost),
            "depreciation_pct": rounded((1 - left) * WHOLE_PCT),
        },
    )


def minimum_licence_fee(
    *, replacement_cost: Money, net_share_pct: Decimal, opportunity_cost: Money
) -> Worked:
    """V = RC·s + O (许可费最低收费额): net cost, the licensee's share of capacity, what is forgone.

    Raises FieldRefused for a share outside 0–100 % or anything negative.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    refuse_negative(replacement_cost=replacement_cost, opportunity_cost=opportunity_cost)
    borne = replacement_cost.fen * share("net_share_pct", net_share_pct)
    return Worked(
        money(borne + opportunity_cost.fen),
        (Step("cost by share", money(borne)), Step("opportunity cost", opportunity_cost)),
    )


def software_cost(
    *,
    kloc: Decimal,
    a: Decimal,
    b: Decimal,
    adjustment: Decimal,
    maintenance_pct: Decimal,
    cost_per_person_month: Money,
) -> Worked:
    """V = M·c, M = a·KLOCᵇ·β·(1+m) person-months (COCOMO).

    KLOC thousands of lines, β the product of the cost drivers, m maintenance as a share of the
    effort, c yuan per person-month. Raises FieldRefused for no line or anything negative.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    refuse_negative(
        a=a,
        b=b,
        adjustment=adjustment,
        maintenance_pct=maintenance_pct,
        cost_per_person_month=cost_per_person_month,
    )
    if kloc <= 0:
        raise FieldRefused("kloc", say("must be more than nothing"))
    effort = Fraction(a) * power(Fraction(kloc), b) * Fraction(adjustment)
    kept_up = effort * (1 + Fraction(maintenance_pct) / WHOLE_PCT)
    return Worked(
        money(kept_up * cost_per_person_month.fen),
        (
            Step("development", money(effort * cost_per_person_month.fen)),
            Step("maintenance", money((kept_up - effort) * cost_per_person_month.fen)),
        ),
        {"person_months": rounded(kept_up)},
    )
