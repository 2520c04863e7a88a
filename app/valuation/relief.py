"""Relief from royalty (许可费节省法): the royalties an owner need not pay, in today's money."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import (
    WHOLE_PCT,
    YEARS_MAX,
    Timing,
    flows_of,
    money,
    present_values,
    same_length,
    share,
)
from app.valuation.working import Step, Worked


def relief_from_royalty(
    revenues: Sequence[Money],
    *,
    royalty_rate_pct: Decimal,
    tax_rate_pct: Decimal,
    discount_rate_pct: Decimal,
    attribution_pct: Decimal = Decimal(WHOLE_PCT),
    survival: Sequence[Decimal] | None = None,
    tax_amortisation_years: int | None = None,
    timing: Timing = Timing.END_OF_YEAR,
) -> Worked:
    """V = Σ Rₜ·κ·ρ·(1−τ)·Sₜ/(1+k)ᵗ × TABF over the years t = 1 … n (t−½ in mid-year).

    ``revenues`` are the sales of the years in which the right lives: the caller caps them, and
    nothing is added for the time after. κ is the share of sales that uses the right, S the
    cumulative survival, TABF the factor of the tax that writing the right off saves. Exact
    fractions, rounded half up at the end. Raises FieldRefused for more than 100 years, a share
    outside 0–100 %, a survival that rises, a negative discount or revenue.
    Source: reference/valuation.md §2, design/calculators.md ip-value.
    """
    flows = flows_of("revenues", revenues)
    kept = share("royalty_rate_pct", royalty_rate_pct) * share("attribution_pct", attribution_pct)
    kept *= 1 - share("tax_rate_pct", tax_rate_pct)
    alive = _survival(survival, len(flows))
    royalties = [flow * kept for flow in flows]
    expected = [royalty * rest for royalty, rest in zip(royalties, alive, strict=True)]
    present = present_values(expected, discount_rate_pct, timing)
    steps = []
    for year, (royalty, worth) in enumerate(zip(royalties, present, strict=True), start=1):
        steps.append(Step(f"royalty after tax, year {year}", money(royalty)))
        steps.append(Step(f"present value, year {year}", money(worth)))
    total = sum(present, Fraction(0))
    if tax_amortisation_years is None:
        return Worked(money(total), tuple(steps))
    factor = tax_amortisation_factor(
        tax_rate_pct=tax_rate_pct,
        discount_rate_pct=discount_rate_pct,
        years=tax_amortisation_years,
        timing=timing,
    )
    steps.append(Step("tax amortisation benefit", money(total * (factor - 1))))
    return Worked(money(total * factor), tuple(steps))


def tax_amortisation_factor(
    *, tax_rate_pct: Decimal, discount_rate_pct: Decimal, years: int, timing: Timing
) -> Fraction:
    """TABF = 1/(1 − τ·a/n), a the present value of 1 a year for n years, straight line."""
    if not 1 <= years <= YEARS_MAX:
        raise FieldRefused(
            "tax_amortisation_years",
            say("must be from {lowest} to {highest}", lowest=1, highest=YEARS_MAX),
        )
    if tax_rate_pct >= WHOLE_PCT:
        raise FieldRefused("tax_rate_pct", say("must be less than 100"))
    annuity = sum(present_values([Fraction(1)] * years, discount_rate_pct, timing))
    return 1 / (1 - share("tax_rate_pct", tax_rate_pct) * annuity / years)


def _survival(survival: Sequence[Decimal] | None, years: int) -> list[Fraction]:
    if survival is None:
        return [Fraction(1)] * years
    same_length("survival", survival, years)
    for position, rest in enumerate(survival):
        if not 0 <= rest <= 1:
            raise FieldRefused(
                f"survival.{position}",
                say("must be from {lowest} to {highest}", lowest=0, highest=1),
            )
    if any(later > earlier for earlier, later in pairwise(survival)):
        raise FieldRefused("survival", say("must not rise from one year to the next"))
    return [Fraction(rest) for rest in survival]
