"""What a portfolio may be worth: correlated draws of what nobody knows, and what drives it.

Scrambled Sobol points, seeded: the same inputs, seed and library versions give the same fen. In
chunks, so that memory does not grow with the number of scenarios unless each right is asked for.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.outlook import Arrays, Correlation, Factor, Floats, RightOutlook, arrange

CHUNK = 256
SCENARIOS = 16_384
SCENARIOS_MAX = 1_048_576
PERCENTILES = (5, 25, 50, 75, 95)
SHOCK = 1.2815515655446004  # the normal's 90th percentile
ALIKE = 1e-12
"""Of x − 1: nearer to 0 the series is its limit n·x in every digit that makes a fen."""
_TINY = 2.0**-54  # below the finest Sobol point: its normal is finite


@dataclass(frozen=True, slots=True)
class Loan:
    """What is owed at its end, and when that is."""

    owed: Money
    years: float


@dataclass(frozen=True, slots=True)
class Swing:
    """The whole's value when one factor of every right is at its 10th and its 90th percentile."""

    factor: str
    low: Money
    high: Money


@dataclass(frozen=True, slots=True)
class Outcome:
    """``contributions`` add up to ``mean`` but for the rounding of each.

    ``by_right`` has the percentiles of each right where they were asked for.
    """

    mean: Money
    percentiles: Mapping[int, Money]
    mean_at_maturity: Money
    at_maturity: Mapping[int, Money]
    probability_below_loan: float | None
    contributions: Mapping[str, Money]
    by_right: Mapping[str, Mapping[int, Money]]
    tornado: tuple[Swing, ...]
    correlation: Correlation
    scenarios: int
    seed: int


def simulate(
    rights: Sequence[RightOutlook],
    *,
    tax_rate: float,
    seed: int,
    streams: Mapping[str, Money] | None = None,
    correlation: Correlation | None = None,
    loan: Loan | None = None,
    scenarios: int = SCENARIOS,
    each: bool = False,
) -> Outcome:
    """The distribution of a portfolio's value today and at the loan's end.

    A right's value is Σ R(1+g)ᵗ·min(ρ, m)·(1−τ)/(1+k)ᵗ over its life, and 0 if it proves invalid:
    nobody pays a royalty above the margin. The loan's end is tested against what is left by then.
    ``each`` keeps the draws of every right, 8 bytes a piece, for percentiles of its own.
    Raises FieldRefused for inputs that make no sense; scenarios are a power of two.
    """
    if not 1 <= scenarios <= SCENARIOS_MAX or scenarios & (scenarios - 1):
        raise FieldRefused("scenarios", say("must be a power of two, at most {n}", n=SCENARIOS_MAX))
    if not 0 <= tax_rate <= 1:
        raise FieldRefused(
            "tax_rate", say("must be from {lowest} to {highest}", lowest=0, highest=1)
        )
    correlation = correlation or Correlation()
    columns = arrange(rights, streams or {})
    years = loan.years if loan else 0.0
    keep = 1 - tax_rate
    now, later = np.empty(scenarios), np.empty(scenarios)
    by_right = np.zeros(len(columns.keys))
    kept = np.empty((len(columns.keys), scenarios)) if each else None
    done = 0
    for drawn, valid in _draws(columns, correlation, scenarios=scenarios, seed=seed):
        today, left = _values(columns, drawn, maturity=years)
        today *= valid
        if left is not today:
            left *= valid
        rows = slice(done, done + valid.shape[1])
        today.sum(axis=0, out=now[rows])
        left.sum(axis=0, out=later[rows])
        by_right += today.sum(axis=1)
        if kept is not None:
            kept[:, rows] = today
        done = rows.stop
    now *= keep
    later *= keep
    short = None if loan is None else float(np.mean(later < loan.owed.fen))
    return Outcome(
        mean=_money(now.mean()),
        percentiles=_percentiles(now),
        mean_at_maturity=_money(later.mean()),
        at_maturity=_percentiles(later),
        probability_below_loan=short,
        contributions={
            key: _money(total * keep / scenarios)
            for key, total in zip(columns.keys, by_right, strict=True)
        },
        by_right={}
        if kept is None
        else {
            key: _percentiles(draws * keep) for key, draws in zip(columns.keys, kept, strict=True)
        },
        tornado=_tornado(columns, keep),
        correlation=correlation,
        scenarios=scenarios,
        seed=seed,
    )


def _draws(
    columns: Arrays, correlation: Correlation, *, scenarios: int, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """Normals by factor, right and scenario, correlated; and whether the right is valid.

    The first dimensions are the best spread: they go to what all rights share. Families take
    theirs in the order of their names, so that the order of rights changes nothing.
    """
    root = correlation.root()
    count, families = len(Factor), columns.families
    shared = math.sqrt(correlation.between_rights)
    own = math.sqrt(1 - correlation.between_rights)
    points = qmc.Sobol(count * (families + 1) + families, rng=np.random.default_rng(seed))
    alone = families == len(columns.keys)
    for size in _sizes(scenarios):
        uniform = points.random(size)
        np.maximum(uniform, _TINY, out=uniform)
        normals = count * (families + 1)
        lucky = uniform[:, normals:].T
        normal = np.empty((normals, size))
        ndtri(uniform[:, :normals].T, out=normal)
        common = (root * shared) @ normal[:count]
        each = (root * own) @ normal[count:].reshape(count, families * size)
        drawn = each.reshape(count, families, size)
        drawn += common[:, None, :]
        if not alone:
            drawn, lucky = drawn[:, columns.family], lucky[columns.family]
        yield drawn, lucky < columns.valid[:, None]


def _sizes(scenarios: int) -> Iterator[int]:
    size = min(CHUNK, scenarios)
    return (size for _ in range(scenarios // size))


def _values(columns: Arrays, drawn: Floats, *, maturity: float) -> tuple[Floats, Floats]:
    """Before tax, by right and scenario: today, and what is left of it at ``maturity``.

    The sum over the years is a geometric series: x(xⁿ−1)/(x−1), x = (1+g)/(1+k), which is n·x
    where growth and discount are alike. A year begun counts by the part of it that is lived.
    """
    means, spread = columns.means[:, :, None], columns.deviations[:, :, None]
    moved = drawn * spread
    # Mean-preserving: the mean of exp(σz − σ²/2) is 1, σ from the coefficient of variation.
    ratio = spread[Factor.ROYALTY] / np.maximum(means[Factor.ROYALTY], _TINY)
    sigma = np.sqrt(np.log1p(np.minimum(ratio, 10.0) ** 2))
    royalty = sigma * drawn[Factor.ROYALTY]
    royalty -= sigma**2 / 2
    np.exp(royalty, out=royalty)
    royalty *= means[Factor.ROYALTY]
    moved += means
    margin, growth = moved[Factor.MARGIN], moved[Factor.GROWTH]
    life, discount = moved[Factor.LIFE], moved[Factor.DISCOUNT]
    np.clip(margin, 0.0, 1.0, out=margin)
    np.clip(growth, -0.9, 1.0, out=growth)
    np.clip(discount, 0.0, 10.0, out=discount)
    np.clip(life, 0.0, columns.legal_years[:, None], out=life)
    income = np.minimum(royalty, margin, out=royalty)
    income *= columns.revenue[:, None]
    step = (growth - discount) / (1 + discount)  # x − 1
    step = np.where(np.abs(step) < ALIKE, ALIKE, step)
    logged = np.log1p(step)
    income *= (step + 1) / step
    today = income * np.expm1(life * logged)
    if maturity == 0:
        return today, today
    left = np.expm1(np.maximum(life - maturity, 0.0) * logged)
    left *= income
    growth += 1
    left *= _power(growth, maturity)
    return today, left


def _power(base: Floats, exponent: float) -> Floats:
    """``base`` to ``exponent``; whole years by multiplication, several times as fast."""
    if not exponent.is_integer():
        return base**exponent
    whole = int(exponent)
    if not whole >> 1:
        return base if whole else np.ones_like(base)
    half = _power(base, float(whole // 2))
    half = half * half
    return half * base if whole % 2 else half


def _tornado(columns: Arrays, keep: float) -> tuple[Swing, ...]:
    """Each factor alone moved, the others at their means; the widest swing first."""
    rows = np.zeros((len(Factor), len(columns.keys), 2 * len(Factor)))
    for factor in Factor:
        rows[factor, :, 2 * factor] = -SHOCK
        rows[factor, :, 2 * factor + 1] = SHOCK
    today, _ = _values(columns, rows, maturity=0.0)
    totals = (today * columns.valid[:, None]).sum(axis=0) * keep
    swings = []
    for factor in Factor:
        low, high = sorted(totals[2 * factor : 2 * factor + 2])
        swings.append(Swing(factor.name.lower(), _money(low), _money(high)))
    return tuple(sorted(swings, key=lambda s: (s.low.fen - s.high.fen, s.factor)))


def _percentiles(values: Floats) -> dict[int, Money]:
    found = np.percentile(values, PERCENTILES)
    return {name: _money(value) for name, value in zip(PERCENTILES, found, strict=True)}


def _money(fen: float) -> Money:
    return Money(math.floor(fen + 0.5))
