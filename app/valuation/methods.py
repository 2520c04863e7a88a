"""Every method tried on one right: which one its value rests on, and why the others do not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.valuation.checks import WHOLE_PCT, money
from app.valuation.income import excess_earnings, incremental_income, perpetuity, profit_split
from app.valuation.inputs import Inputs, Rates
from app.valuation.market import market_comparables
from app.valuation.options import Style, option_value
from app.valuation.relief import relief_from_royalty
from app.valuation.replacement import minimum_licence_fee, replacement_cost, software_cost
from app.valuation.working import Step, Worked


@dataclass(frozen=True, slots=True)
class Case:
    """One right as the methods see it; ``years`` are the whole years in which it can earn."""

    kind: RightKind
    years: int
    years_used: int
    inputs: Inputs
    rates: Rates

    @property
    def valid(self) -> Decimal:
        return self.inputs.rate("valid_pct") / WHOLE_PCT

    @property
    def discount_pct(self) -> Decimal:
        """Without the legal risk where validity is drawn: never in both."""
        stated = self.inputs.rate("discount_rate_pct")
        if self.valid == 1:
            return stated
        return max(stated - Decimal(self.rates.runs["legal_risk_pct"]), Decimal(0))

    @property
    def royalty_pct(self) -> Decimal:
        """Nobody pays a royalty above the margin."""
        return min(self.inputs.rate("royalty_rate_pct"), self.inputs.rate("margin_pct"))

    def yearly(self, first: Money) -> list[Money]:
        """The amount of the last year, grown, for each year of life."""
        growth = 1 + Fraction(self.inputs.rate("growth_pct")) / WHOLE_PCT
        return [money(first.fen * growth**year) for year in range(1, self.years + 1)]


@dataclass(frozen=True, slots=True)
class Attempt:
    """``reason``: a code for why the method is chosen, stands beside the value, or is refused."""

    method: str
    reason: str
    chosen: bool = False
    worked: Worked | None = None


Try = Callable[[Case], Worked | str]


def _relief(case: Case) -> Worked | str:
    revenue = case.inputs.money("annual_revenue")
    if revenue is None:
        return "no_revenue"
    return relief_from_royalty(
        case.yearly(revenue),
        royalty_rate_pct=case.royalty_pct,
        attribution_pct=case.inputs.rate("attribution_pct"),
        tax_rate_pct=case.rates.tax_pct,
        discount_rate_pct=case.discount_pct,
        survival=[case.valid] * case.years,
    )


def _excess(case: Case) -> Worked | str:
    earnings = case.inputs.money("annual_earnings")
    charges = case.inputs.money("annual_charges")
    if earnings is None:
        return "no_earnings"
    if charges is None:
        return "no_charges"  # leaving out what other assets earn would overvalue the right
    return excess_earnings(
        case.yearly(earnings),
        tax_rate_pct=case.rates.tax_pct,
        discount_rate_pct=case.discount_pct,
        contributory_charges=case.yearly(charges),
    )


def _split(case: Case) -> Worked | str:
    profit, partner = case.inputs.money("annual_profit"), case.inputs.money("partner_cost")
    if profit is None:
        return "no_profit"
    if partner is None or not _cost(case):
        return "no_costs_to_split_by"
    return profit_split(
        case.yearly(profit),
        patent_cost=_cost(case),
        patent_return_pct=Decimal(case.rates.runs["patent_return_pct"]),
        partner_cost=partner,
        partner_return_pct=Decimal(case.rates.runs["partner_return_pct"]),
        discount_rate_pct=case.discount_pct,
    )


def _incremental(case: Case) -> Worked | str:
    income, base = case.inputs.money("annual_income"), case.inputs.money("asset_base")
    if income is None or base is None:
        return "no_income_with_and_without"
    return incremental_income(
        case.yearly(income),
        asset_base=base,
        industry_return_pct=Decimal(case.rates.runs["industry_return_pct"]),
        discount_rate_pct=case.discount_pct,
    )


def _market(case: Case) -> Worked | str:
    comparables, revenue = case.inputs.comparables(), case.inputs.money("annual_revenue")
    if not comparables:
        return "no_comparables"
    if revenue is None:
        return "no_revenue"
    if not case.years:
        return "no_life_left"
    share = case.inputs.rate("attribution_pct") / WHOLE_PCT
    return market_comparables(
        comparables, income=revenue.times(share * case.royalty_pct / WHOLE_PCT)
    )


def _perpetuity(case: Case) -> Worked | str:
    excess = case.inputs.money("annual_excess")
    if case.kind is not RightKind.TRADEMARK:
        return "right_ends"
    if excess is None:
        return "no_excess"
    if not case.years:
        return "no_life_left"
    growth = case.inputs.rate("growth_pct")
    if growth >= case.discount_pct:
        return "growth_not_below_discount"
    return perpetuity(annual_excess=excess, discount_rate_pct=case.discount_pct, growth_pct=growth)


def _cost(case: Case) -> Money:
    return (case.inputs.money("materials") or ZERO) + (case.inputs.money("labour") or ZERO)


def _replacement(case: Case) -> Worked | str:
    if case.inputs.get("materials") is None and case.inputs.get("labour") is None:
        return "no_costs"
    valuation = case.rates.valuation
    return replacement_cost(
        materials=case.inputs.money("materials") or ZERO,
        labour=case.inputs.money("labour") or ZERO,
        creative_labour_multiplier=Decimal(valuation["creative_labour_multiplier"]),
        risk_rate_pct=Decimal(valuation["work_risk_rate_pct"]),
        return_rate_pct=Decimal(valuation["work_return_rate_pct"]),
        years_used=case.years_used,
        years_remaining=case.years,
    )


def _software(case: Case) -> Worked | str:
    lines = case.inputs.number("kloc")
    if case.kind is not RightKind.SOFTWARE_COPYRIGHT:
        return "no_software"
    if lines is None:
        return "no_lines_of_code"
    if not case.years:
        return "no_life_left"
    body = case.rates.runs["software"]
    return software_cost(
        kloc=lines,
        a=Decimal(body["a"]),
        b=Decimal(body["b"]),
        adjustment=Decimal(body["adjustment"]),
        maintenance_pct=Decimal(body["maintenance_pct"]),
        cost_per_person_month=Money.yuan(body["cost_per_person_month"]),
    )


def _minimum_fee(case: Case) -> Worked | str:
    share = case.inputs.number("licensee_share_pct")
    if share is None:
        return "no_licensee"
    made = _replacement(case)
    if isinstance(made, str):
        return made
    return minimum_licence_fee(
        replacement_cost=made.value,
        net_share_pct=share,
        opportunity_cost=case.inputs.money("opportunity_cost") or ZERO,
    )


def _option(case: Case) -> Worked | str:
    """A project that the right lets its owner begin on any day: each year of waiting costs 1/T."""
    project, cost = case.inputs.money("project_value"), case.inputs.money("project_cost")
    volatility = case.inputs.number("volatility_pct")
    if project is None or cost is None or volatility is None:
        return "no_project"
    if not case.years:
        return "no_life_left"
    value = option_value(
        asset_value=project,
        exercise_cost=cost,
        years=Decimal(case.years),
        risk_free_pct=Decimal(case.rates.runs["risk_free_pct"]),
        volatility_pct=volatility,
        carry_cost_pct=Decimal(WHOLE_PCT) / case.years,
        style=Style.AMERICAN,
    )
    return Worked(value, (Step("value of the project now", project),))


METHODS: Mapping[str, Try] = {
    "relief_from_royalty": _relief,
    "excess_earnings": _excess,
    "profit_split": _split,
    "incremental_income": _incremental,
    "market_comparables": _market,
    "replacement_cost": _replacement,
    "software_cost": _software,
    "perpetuity": _perpetuity,
    "minimum_licence_fee": _minimum_fee,
    "real_option": _option,
}
"""In the order of preference."""
BESIDE = frozenset({"perpetuity", "minimum_licence_fee", "real_option"})
"""A ceiling, a floor and a hope: shown, never the value that a loan rests on."""
REASONS = {
    "relief_from_royalty": "income_is_stated",
    "replacement_cost": "only_costs_are_stated",
    "software_cost": "only_costs_are_stated",
}


def attempt_all(case: Case) -> list[Attempt]:
    """Each method in turn; the first that works is chosen, the others check it."""
    attempts: list[Attempt] = []
    found = False
    for name, work in METHODS.items():
        worked = work(case)
        if isinstance(worked, str):
            attempts.append(Attempt(name, worked))
            continue
        chosen = not found and name not in BESIDE
        reason = REASONS.get(name, "best_that_is_stated") if chosen else "checks_the_value"
        if name in BESIDE:
            reason = "bounds_the_value"
        attempts.append(Attempt(name, reason, chosen, worked))
        found = found or chosen
    return attempts
