"""What comparable rights fetched (市场法): adjusted, and drawn to the industry if they are few."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import money, refuse_negative
from app.valuation.income import rounded
from app.valuation.working import Step, Worked

COMPARABLES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Comparable:
    """A deal: its price, the income of the right it was paid for, and how that right differs.

    Each adjustment multiplies the price; 1 is alike. ``term``, ``exclusivity`` and ``date`` above
    1 say that ours lasts longer, excludes more, or that prices have risen since.
    """

    price: Money
    income: Money
    term: Decimal = Decimal(1)
    exclusivity: Decimal = Decimal(1)
    date: Decimal = Decimal(1)


def market_comparables(
    comparables: Sequence[Comparable],
    *,
    income: Money,
    industry_multiple: Decimal | None = None,
    weight_of_industry: Decimal = Decimal(0),
) -> Worked:
    """V = m̂·X, m̂ = (n·median(Pᵢ/Xᵢ·aᵢ) + m·M)/(n + m): a multiple of the yearly income X.

    M is the industry's multiple and m how many deals it counts for; without it the comparables
    stand alone. The same sum shrinks royalty rates. Raises FieldRefused for no comparable and no
    industry, anything negative, or a deal without price or income.
    Source: reference/valuation.md §2 (Market).
    """
    if len(comparables) > COMPARABLES_MAX:
        raise FieldRefused("comparables", say("must be at most {highest}", highest=COMPARABLES_MAX))
    refuse_negative(income=income, weight_of_industry=weight_of_industry)
    multiples = [_multiple(place, one) for place, one in enumerate(comparables)]
    steps = [
        Step(f"value by comparable {number}", money(multiple * income.fen))
        for number, multiple in enumerate(multiples, start=1)
    ]
    found = shrunk(
        multiples,
        industry=None if industry_multiple is None else Fraction(industry_multiple),
        weight=Fraction(weight_of_industry),
    )
    return Worked(money(found * income.fen), tuple(steps), {"multiple": rounded(found)})


def shrunk(
    observed: Sequence[Fraction], *, industry: Fraction | None, weight: Fraction
) -> Fraction:
    """The median of what was observed, drawn to the industry as if that were ``weight`` more."""
    if industry is None or not weight:
        if not observed:
            raise FieldRefused("comparables", say("must not be empty"))
        return statistics.median(observed)
    if industry < 0:
        raise FieldRefused("industry_multiple", say("must not be negative"))
    if not observed:
        return industry
    count = len(observed)
    return (count * statistics.median(observed) + weight * industry) / (count + weight)


def _multiple(place: int, one: Comparable) -> Fraction:
    name = f"comparables.{place}"
    for field in ("price", "income"):
        if getattr(one, field).fen <= 0:
            raise FieldRefused(f"{name}.{field}", say("must be more than nothing"))
    multiple = Fraction(one.price.fen, one.income.fen)
    for field in ("term", "exclusivity", "date"):
        factor = getattr(one, field)
        if factor <= 0:
            raise FieldRefused(f"{name}.{field}", say("must be more than nothing"))
        multiple *= Fraction(factor)
    return multiple
