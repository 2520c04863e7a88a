"""The rights of a run valued: by every method, and together in scenarios where income is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.valuation.checks import WHOLE_PCT, YEARS_MAX, money
from app.valuation.events import remaining_years
from app.valuation.inputs import Inputs, Rates
from app.valuation.limits import Interval
from app.valuation.methods import Attempt, Case, attempt_all
from app.valuation.outlook import Correlation, RightOutlook, Spread
from app.valuation.rights import whole_years
from app.valuation.scenarios import PERCENTILES, Loan, Outcome, simulate

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Valued:
    """A right with what its methods found; ``outlook`` where its income goes into scenarios."""

    right: Record
    case: Case
    attempts: list[Attempt]
    legal_years: float
    ends_by: str
    obstacles: list[str]
    outlook: RightOutlook | None

    @property
    def key(self) -> str:
        key: str = self.right["right_id"]
        return key

    @property
    def chosen(self) -> Attempt | None:
        return next((one for one in self.attempts if one.chosen), None)

    @property
    def fixed(self) -> Money:
        """What a right is worth whose income nobody states: not drawn."""
        if self.outlook is not None or self.chosen is None or self.chosen.worked is None:
            return ZERO
        return self.chosen.worked.value

    def fixed_at(self, years: float) -> Money:
        """The same at the loan's end: it wears off in a straight line over the legal life."""
        if not self.legal_years:
            return ZERO
        left = max(0.0, 1 - years / self.legal_years)
        return money(Fraction(left) * self.fixed.fen)

    @property
    def pledge_pct(self) -> Decimal:
        return Decimal(0) if self.obstacles else self.case.rates.pledge_pct(self.case.kind)


def value(right: Record, rates: Rates, *, on: date) -> Valued:
    kind, inputs, facts = RightKind(right["kind"]), Inputs(right["inputs"]), right["facts"]
    ends = {
        name: None if facts[name] is None else date.fromisoformat(facts[name])
        for name in ("expires_on", "ended_on", "lapsed_on")
    }
    legal = remaining_years(
        on=on,
        expires_on=ends["expires_on"],
        ended_on=ends["ended_on"],
        lapses_on=ends["lapsed_on"],
    )
    last = min((day for day in ends.values() if day is not None), default=None)
    ends_by = next(
        (name for name, day in ends.items() if day == last and day is not None), "unknown"
    )
    made_on = None if facts["made_on"] is None else date.fromisoformat(facts["made_on"])
    years = 0 if ends["expires_on"] is None else whole_years(on, last)
    case = Case(
        kind=kind,
        years=min(years, int(inputs.rate("economic_life_years"))),
        years_used=0 if made_on is None else whole_years(made_on, on),
        inputs=inputs,
        rates=rates,
    )
    obstacles = [*right["obstacles"], *([] if legal else ["ended"])]
    revenue = inputs.money("annual_revenue")
    outlook = None if revenue is None else _outlook(right, case, revenue, legal)
    return Valued(right, case, attempt_all(case), legal, ends_by, obstacles, outlook)


def _outlook(right: Record, case: Case, revenue: Money, legal: float) -> RightOutlook:
    inputs, runs = case.inputs, case.rates.runs
    royalty = _part(inputs.rate("royalty_rate_pct"))
    return RightOutlook(
        key=right["right_id"],
        family=inputs.get("family") or right["right_id"],
        stream=inputs.get("product") or right["right_id"],
        revenue=revenue.times(inputs.rate("attribution_pct") / WHOLE_PCT),
        growth=Spread(_part(inputs.rate("growth_pct")), _part(runs["growth_deviation_pct"])),
        margin=Spread(_part(inputs.rate("margin_pct")), _part(runs["margin_deviation_pct"])),
        royalty=Spread(royalty, royalty * _part(runs["royalty_variation_pct"])),
        life_years=Spread(
            float(inputs.rate("economic_life_years")), float(runs["life_deviation_years"])
        ),
        discount=Spread(_part(case.discount_pct), _part(runs["discount_deviation_pct"])),
        legal_years=min(legal, YEARS_MAX),  # no income is counted for longer
        valid=float(case.valid),
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """Scenarios of the rights whose income is known, and the rest on top of each."""

    outcome: Outcome | None
    fixed: Money
    fixed_later: Money
    now: Interval
    later: Interval

    def value_of(self, one: Valued) -> Money:
        if one.outlook is None or self.outcome is None:
            return one.fixed
        return self.outcome.contributions[one.key]

    def percentiles_of(self, one: Valued) -> Mapping[int, Money]:
        if one.outlook is None or self.outcome is None:
            return dict.fromkeys(PERCENTILES, one.fixed)
        return self.outcome.by_right[one.key]


def draw(valued: Sequence[Valued], record: Record, rates: Rates, loan: Loan) -> Drawn:
    outlooks = [one.outlook for one in valued if one.outlook is not None]
    fixed = Money.sum([one.fixed for one in valued])
    later = Money.sum([one.fixed_at(loan.years) for one in valued])
    if not outlooks:
        return Drawn(
            None, fixed, later, Interval(fixed, fixed, fixed), Interval(later, later, later)
        )
    outcome = simulate(
        outlooks,
        tax_rate=_part(rates.tax_pct),
        seed=record["seed"],
        streams=_streams(outlooks),
        correlation=Correlation(float(rates.runs["between_rights"])),
        loan=Loan(max(loan.owed - later, ZERO), loan.years),
        scenarios=record["scenarios"],
        each=True,
    )
    return Drawn(
        outcome,
        fixed,
        later,
        interval(outcome.mean, outcome.percentiles, fixed),
        interval(outcome.mean_at_maturity, outcome.at_maturity, later),
    )


def _streams(outlooks: Sequence[RightOutlook]) -> dict[str, Money]:
    """A product earns once, as much as the most that one of its rights states."""
    streams: dict[str, Money] = {}
    for one in outlooks:
        streams[one.stream] = max(one.revenue, streams.get(one.stream, ZERO))
    return streams


def interval(mean: Money, found: Mapping[int, Money], fixed: Money) -> Interval:
    """P5 to P95 about the mean, which a rare gain can take beyond them."""
    return Interval(min(found[5], mean) + fixed, mean + fixed, max(found[95], mean) + fixed)


def _part(pct: Decimal | str) -> float:
    return float(Decimal(pct) / WHOLE_PCT)
