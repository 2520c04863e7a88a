"""Replacement cost by multiplied labour (倍加系数法): what making the right again would cost."""

from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money, Rounding, round_fen
from app.valuation.working import Step, Worked

WHOLE_PCT = 100


def replacement_cost(
    *,
    materials: Money,
    labour: Money,
    creative_labour_multiplier: Decimal,
    risk_rate_pct: Decimal,
    return_rate_pct: Decimal,
    years_used: int,
    years_remaining: int,
) -> Worked:
    """V = RC·(1−d), RC = (C + β₁·W)/(1−β₂)·(1+L), d = used/(used + remaining).

    C materials and W labour in yuan, β₁ the multiplier of creative labour, β₂ the average risk of
    research, L the return on it. A right with no year left, used or not, is worth nothing.
    Raises FieldRefused for a risk outside 0–100 % (100 excluded) or anything negative.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    _refuse_negative(
        materials=materials.fen,
        labour=labour.fen,
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
    left = Fraction(years_remaining, years_used + years_remaining) if years_remaining else 0
    return Worked(
        _money(cost * left),
        (
            Step("replacement cost", _money(cost)),
            Step("depreciation", _money(cost * (1 - left))),
        ),
    )


def _refuse_negative(**figures: int | Decimal) -> None:
    for field, figure in figures.items():
        if figure < 0:
            raise FieldRefused(field, say("must not be negative"))


def _money(fen: Fraction) -> Money:
    return Money(round_fen(fen, Rounding.HALF_UP))
