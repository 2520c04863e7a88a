"""A patent as the right, not the duty, to build: real options, European and American.

Floats inside, rounded to the fen once. Source: reference/valuation.md §0 and §2.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import WHOLE_PCT, YEARS_MAX, refuse_negative

STEPS = 6000
RATE_PCT_MAX = 1000
DEVIATION_MIN = 1e-9
"""σ√T below which chance moves no amount by a fen: the best fixed day decides."""
PERPETUAL_DEVIATION = 12.0
"""σ√T from which the last day is so far off that it changes no digit of a float."""
WAIT_MAX = 40.0
"""Of qT and rT: waiting longer adds at most min(S·e^(−qT), K·e^(−rT)), no fen of any amount."""
EXPONENT_MAX = 600.0
"""Of the highest node of a lattice: far below the overflow of a float."""


class Style(StrEnum):
    """When one may build: on the last day only, or on any day."""

    EUROPEAN = "european"
    AMERICAN = "american"


@dataclass(frozen=True, slots=True)
class Option:
    """A call: build at ``cost`` what is worth ``asset`` (yuan); rates continuous, per year."""

    asset: float
    cost: float
    years: float
    rate: float
    volatility: float
    carry: float


def option_value(
    *,
    asset_value: Money,
    exercise_cost: Money,
    years: Decimal,
    risk_free_pct: Decimal,
    volatility_pct: Decimal,
    carry_cost_pct: Decimal,
    style: Style,
) -> Money:
    """What the option is worth, to the fen.

    Raises FieldRefused for anything negative, more than 100 years or rates above 1,000 %.
    """
    rates = {
        "risk_free_pct": risk_free_pct,
        "volatility_pct": volatility_pct,
        "carry_cost_pct": carry_cost_pct,
    }
    refuse_negative(asset_value=asset_value, exercise_cost=exercise_cost, years=years, **rates)
    if years > YEARS_MAX:
        raise FieldRefused(
            "years", say("must be from {lowest} to {highest}", lowest=0, highest=YEARS_MAX)
        )
    for field, pct in rates.items():
        if pct > RATE_PCT_MAX:
            raise FieldRefused(field, say("must be from 0 to {highest}", highest=RATE_PCT_MAX))
    option = Option(
        asset=float(asset_value.fen),
        cost=float(exercise_cost.fen),
        years=float(years),
        rate=float(risk_free_pct) / WHOLE_PCT,
        volatility=float(volatility_pct) / WHOLE_PCT,
        carry=float(carry_cost_pct) / WHOLE_PCT,
    )
    value = european(option) if style is Style.EUROPEAN else american(option)
    return Money(math.floor(value + 0.5))


def european(option: Option) -> float:
    """Black–Scholes–Merton: S·e^(−qT)·N(d₁) − K·e^(−rT)·N(d₂), never below 0."""
    return float(_europeans(option, np.array([option.years]))[0])


def american(option: Option) -> float:
    """The same with exercise on any day: a lattice that is free of arbitrage at any volatility.

    Both branches are equally likely and their mean is the forward exactly, so that no probability
    can leave 0–1, as it does in Cox–Ross–Rubinstein's when volatility is small. The European error
    of the same lattice is taken off (control variate). Never below what a fixed day of exercise
    gives, which is exact without volatility.
    """
    if option.carry == 0:  # waiting costs nothing: nobody exercises early
        return european(option)
    last = european(option)
    longest = WAIT_MAX / max(option.carry, option.rate)
    option = replace(option, years=min(option.years, longest))
    days = np.linspace(0.0, option.years, STEPS + 1)
    floor = max(last, float(_europeans(option, days).max()))
    deviation = option.volatility * math.sqrt(option.years)
    if deviation < DEVIATION_MIN or option.cost == 0 or option.asset == 0:
        return floor
    if deviation >= PERPETUAL_DEVIATION:
        return min(max(_perpetual(option), floor), option.asset)
    steps = min(STEPS, int((EXPONENT_MAX / deviation) ** 2)) // 2
    coarse, fine = _premium(option, steps), _premium(option, 2 * steps)
    worth = european(option) + max(2 * fine - coarse, 0.0)  # the error falls as 1/steps
    return min(max(worth, floor), option.asset)


def _perpetual(option: Option) -> float:
    """The American call without a last day: exercised when the asset reaches β/(β−1) times K."""
    half = option.volatility**2 / 2
    drift = option.rate - option.carry - half
    beta = (-drift + math.sqrt(drift**2 + 4 * half * option.rate)) / (2 * half)
    if beta <= 1:  # only in floats, where waiting costs next to nothing
        return option.asset
    trigger = option.cost * beta / (beta - 1)
    if option.asset >= trigger:
        return option.asset - option.cost
    return (trigger - option.cost) * math.exp(beta * math.log(option.asset / trigger))


def _europeans(option: Option, years: NDArray[np.float64]) -> NDArray[np.float64]:
    """The European values of exercise after each of ``years``."""
    asset = option.asset * np.exp(-option.carry * years)
    cost = option.cost * np.exp(-option.rate * years)
    deviation = option.volatility * np.sqrt(years)
    intrinsic = np.maximum(asset - cost, 0.0)
    if option.asset == 0 or option.cost == 0:
        return intrinsic
    drift = math.log(option.asset / option.cost) + (option.rate - option.carry) * years
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        upper = drift / deviation + deviation / 2
        worth = asset * ndtr(upper) - cost * ndtr(upper - deviation)
    return np.where(deviation > 0, np.maximum(worth, intrinsic), intrinsic)


def _premium(option: Option, steps: int) -> float:
    """What early exercise adds on a lattice of ``steps`` periods."""
    period = option.years / steps
    spread = option.volatility * math.sqrt(period)
    # log cosh x, without the overflow of cosh
    centre = (option.rate - option.carry) * period - spread - math.log1p(math.exp(-2 * spread))
    centre += math.log(2)
    heights = centre * steps + spread * (2 * np.arange(steps + 1) - steps)
    discount = math.exp(-option.rate * period) / 2
    assets = option.asset * np.exp(heights)
    late = np.maximum(assets - option.cost, 0.0)
    early = late.copy()
    back = math.exp(spread - centre)  # from a node to the one a period earlier, a branch lower
    for _ in range(steps):
        late = discount * (late[:-1] + late[1:])
        early = discount * (early[:-1] + early[1:])
        assets = assets[:-1] * back
        np.maximum(early, assets - option.cost, out=early)
    return float(early[0] - late[0])
