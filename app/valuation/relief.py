"""Relief from royalty (许可费节省法): the royalties an owner need not pay, in today's money."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money, Rounding, round_fen
from app.valuation.working import Step, Worked

WHOLE_PCT = 100
YEARS_MAX = 100


def relief_from_royalty(
    revenues: Sequence[Money],
    *,
    royalty_rate_pct: Decimal,
    tax_rate_pct: Decimal,
    discount_rate_pct: Decimal,
) -> Worked:
    """V = Σ Rₜ·ρ·(1−τ)/(1+k)ᵗ over the years t = 1 … n, each flow at its year's end.

    ``revenues`` are the sales of the years in which the right lives: the caller caps them, and
    nothing is added for the time after. Exact fractions throughout, rounded half up at the end.
    Raises FieldRefused for more than 100 years, a royalty or tax outside 0–100 %, a negative
    discount or revenue. Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    if len(revenues) > YEARS_MAX:
        raise FieldRefused("revenues", say("has more than {years} years", years=YEARS_MAX))
    if any(revenue.fen < 0 for revenue in revenues):
        raise FieldRefused("revenues", say("must not be negative"))
    kept = _share("royalty_rate_pct", royalty_rate_pct)
    kept *= 1 - _share("tax_rate_pct", tax_rate_pct)
    if discount_rate_pct < 0:
        raise FieldRefused("discount_rate_pct", say("must not be negative"))
    growth = 1 + Fraction(discount_rate_pct) / WHOLE_PCT
    total, steps = Fraction(0), []
    for year, revenue in enumerate(revenues, start=1):
        royalty = revenue.fen * kept
        present = royalty / growth**year
        total += present
        steps.append(Step(f"royalty after tax, year {year}", _money(royalty)))
        steps.append(Step(f"present value, year {year}", _money(present)))
    return Worked(_money(total), tuple(steps))


def _share(field: str, pct: Decimal) -> Fraction:
    if not 0 <= pct <= WHOLE_PCT:
        raise FieldRefused(field, say("must be from 0 to 100"))
    return Fraction(pct) / WHOLE_PCT


def _money(fen: Fraction) -> Money:
    return Money(round_fen(fen, Rounding.HALF_UP))
