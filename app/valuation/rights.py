"""One right's value: the seam between the engine and whoever asks it (app/services/valuations)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.valuation.checks import WHOLE_PCT
from app.valuation.relief import relief_from_royalty
from app.valuation.replacement import replacement_cost
from app.valuation.working import Step


@dataclass(frozen=True, slots=True)
class Parameters:
    """The dated figures for one kind of right, of the rules "valuation" and "pledge_rates"."""

    royalty_rate_pct: Decimal
    tax_rate_pct: Decimal
    discount_rate_pct: Decimal
    economic_life_years: int
    work_risk_rate_pct: Decimal
    work_return_rate_pct: Decimal
    creative_labour_multiplier: Decimal
    liquidation_haircut_pct: Decimal
    pledge_rate_pct: Decimal

    @classmethod
    def of(
        cls, kind: RightKind, *, valuation: Mapping[str, Any], pledge_rates: Mapping[str, Any]
    ) -> Self:
        return cls(
            royalty_rate_pct=Decimal(valuation["royalty_rate_pct"][kind]),
            tax_rate_pct=Decimal(valuation["tax_rate_pct"]),
            discount_rate_pct=Decimal(valuation["discount_rate_pct"]),
            economic_life_years=valuation["economic_life_years"][kind],
            work_risk_rate_pct=Decimal(valuation["work_risk_rate_pct"]),
            work_return_rate_pct=Decimal(valuation["work_return_rate_pct"]),
            creative_labour_multiplier=Decimal(valuation["creative_labour_multiplier"]),
            liquidation_haircut_pct=Decimal(valuation["liquidation_haircut_pct"]),
            pledge_rate_pct=Decimal(pledge_rates["pledge_rate_pct"][kind]),
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A right and what its owner states of it.

    ``expires_on`` is None if nobody knows, and so is ``made_on``, from which use is counted.
    ``annual_revenue`` is of the products that use the right, the same every year.
    """

    expires_on: date | None
    ended: bool
    made_on: date | None
    annual_revenue: Money | None
    materials: Money | None
    labour: Money | None


@dataclass(frozen=True, slots=True)
class RightValue:
    """``life_years`` are the whole years counted; ``lendable`` the most to lend on the right."""

    income_value: Money | None
    cost_value: Money | None
    value: Money
    liquidation_value: Money
    lendable: Money
    life_years: int
    steps: tuple[Step, ...]


def value_right(subject: Subject, parameters: Parameters, *, on: date) -> RightValue:
    """The income value if revenue is stated, else the cost value; zero with neither.

    Income counts for the economic life, at most for the whole years of legal life left. An
    unknown or finished legal life counts as none.
    """
    legal = whole_years(on, subject.expires_on) if not subject.ended else 0
    life = min(parameters.economic_life_years, legal)
    income = cost = None
    steps: tuple[Step, ...] = ()
    if subject.annual_revenue is not None:
        worked = relief_from_royalty(
            [subject.annual_revenue] * life,
            royalty_rate_pct=parameters.royalty_rate_pct,
            tax_rate_pct=parameters.tax_rate_pct,
            discount_rate_pct=parameters.discount_rate_pct,
        )
        income, steps = worked.value, worked.steps
    if subject.materials is not None or subject.labour is not None:
        worked = replacement_cost(
            materials=subject.materials or ZERO,
            labour=subject.labour or ZERO,
            creative_labour_multiplier=parameters.creative_labour_multiplier,
            risk_rate_pct=parameters.work_risk_rate_pct,
            return_rate_pct=parameters.work_return_rate_pct,
            years_used=0 if subject.made_on is None else whole_years(subject.made_on, on),
            years_remaining=life,
        )
        cost, steps = worked.value, steps + worked.steps
    value = next((found for found in (income, cost) if found is not None), ZERO)
    liquidation = value.times(1 - parameters.liquidation_haircut_pct / WHOLE_PCT)
    pledged = value.times(parameters.pledge_rate_pct / WHOLE_PCT)
    return RightValue(income, cost, value, liquidation, min(pledged, liquidation), life, steps)


def whole_years(start: date, end: date | None) -> int:
    """Whole years from ``start`` to ``end``; none if it is not known or has passed."""
    if end is None or end <= start:
        return 0
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))
