"""How long rights live: what owners' renewals say of it, and what a register's records show.

Survival feeds relief from royalty or the discount rate holds the risk, never both.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import YEARS_MAX

LIVES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Life:
    """A right watched to the age of ``years``; ``ended`` is False if it still lived then."""

    years: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan–Meier: the share alive just after each age at which a right ended."""

    ages: tuple[float, ...]
    alive: tuple[float, ...]

    def at(self, age: float) -> float:
        place = bisect_right(self.ages, age)
        return self.alive[place - 1] if place else 1.0

    def given(self, age: float, years: int) -> list[float]:
        """S(a+t)/S(a) for t = 1 … ``years``: what is left of those that reached ``age``."""
        base = self.at(age)
        return [self.at(age + year) / base if base else 0.0 for year in range(1, years + 1)]


@dataclass(frozen=True, slots=True)
class Weibull:
    """S(t) = exp(−(t/scale)^shape): the hazard rises with age where shape is above 1."""

    shape: float
    scale: float

    def at(self, age: float) -> float:
        return math.exp(-self._hazard(age))

    def given(self, age: float, years: int) -> list[float]:
        """S(a+t)/S(a) for t = 1 … ``years``."""
        so_far = self._hazard(age)
        return [math.exp(so_far - self._hazard(max(age, 0.0) + t)) for t in range(1, years + 1)]

    def _hazard(self, age: float) -> float:
        """Cumulative; capped where nobody is left in any digit, and powers would overflow."""
        if age <= 0:
            return 0.0
        return math.exp(min(self.shape * math.log(age / self.scale), 500.0))


def kaplan_meier(lives: Sequence[Life]) -> Survival:
    """S(t) = ∏ (1 − dᵢ/nᵢ) over the ages at which rights ended; who left then was still at risk."""
    _check(lives)
    ages = np.array([life.years for life in lives])
    ended = np.array([life.ended for life in lives])
    points, place = np.unique(ages, return_inverse=True)
    deaths = np.bincount(place, weights=ended)
    leaving = np.bincount(place)
    at_risk = len(lives) - np.concatenate(([0], np.cumsum(leaving)[:-1]))
    alive = np.cumprod(1 - deaths / at_risk)
    kept = deaths > 0
    return Survival(tuple(points[kept].tolist()), tuple(alive[kept].tolist()))


def fit_weibull(lives: Sequence[Life]) -> Weibull:
    """By maximum likelihood, rights still alive counted as such. Needs two that ended.

    The scale follows from the shape, so that one number is sought: Σ δᵢ(ln c + c·ln tᵢ) −
    d·ln Σ tᵢᶜ, in which every age is first divided by the highest, or powers overflow.
    """
    _check(lives)
    if any(life.years <= 0 for life in lives):
        raise FieldRefused("lives", say("must be more than nothing"))
    ended = np.array([life.ended for life in lives])
    deaths = int(ended.sum())
    if deaths < 2:  # noqa: PLR2004  one point fits any shape
        raise FieldRefused("lives", say("must hold at least two that ended"))
    highest = max(life.years for life in lives)
    logged = np.log(np.array([life.years for life in lives]) / highest)
    total = float(logged[ended].sum())

    def loss(guess: NDArray[np.float64]) -> float:
        shape = math.exp(guess[0])
        mass = float(np.exp(shape * logged).sum())
        return -float(deaths * guess[0] + shape * total - deaths * math.log(mass))

    found = minimize(loss, [0.0], method="L-BFGS-B", bounds=[(-5.0, 5.0)])
    shape = math.exp(float(found.x[0]))
    mass = float(np.exp(shape * logged).sum())
    return Weibull(shape, highest * (mass / deaths) ** (1 / shape))


def renewal_survival(
    fees: Sequence[Money], *, mean_log_return: float, deviation: float, decay: float
) -> list[float]:
    """Schankerman–Pakes: the share of rights renewed to year a, for each year that costs a fee.

    Returns of the first year are lognormal (of yuan) and fall to the share ``decay`` of the last
    year's each year; an owner pays while the return covers the fee: P(a) = 1 − Φ((ln(cₐ/dᵃ⁻¹) −
    μ)/σ), the lowest so far, since who has stopped does not come back.
    Source: reference/valuation.md §2 (Remaining life and renewal).
    """
    if not fees or len(fees) > YEARS_MAX:
        raise FieldRefused("fees", say("must have from 1 to {years} years", years=YEARS_MAX))
    if not (math.isfinite(deviation) and deviation > 0):
        raise FieldRefused("deviation", say("must be more than nothing"))
    if not 0 < decay <= 1:
        raise FieldRefused("decay", say("must be more than nothing, at most {highest}", highest=1))
    if not math.isfinite(mean_log_return):
        raise FieldRefused("mean_log_return", say("must be a number"))
    renewed, least = [], 1.0
    for age, fee in enumerate(fees):
        if fee.fen > 0:
            threshold = math.log(fee.fen / 100) - age * math.log(decay)
            least = min(least, float(ndtr(-(threshold - mean_log_return) / deviation)))
        renewed.append(least)
    return renewed


def _check(lives: Sequence[Life]) -> None:
    if not lives:
        raise FieldRefused("lives", say("must not be empty"))
    if len(lives) > LIVES_MAX:
        raise FieldRefused("lives", say("must be at most {highest}", highest=LIVES_MAX))
    if not all(0 <= life.years <= YEARS_MAX for life in lives):
        raise FieldRefused(
            "lives", say("must be from {lowest} to {highest}", lowest=0, highest=YEARS_MAX)
        )
