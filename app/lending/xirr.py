"""The annual rate that makes dated flows worth nothing, found safely or not at all."""

from collections.abc import Sequence
from datetime import date
from math import exp, log1p

import pyxirr

RATE_MIN = -0.99
RATE_MAX = 100.0
DAYS_PER_YEAR = 365

# A rate is printed with four decimals (two places of per cent); this is far below the last one.
_TOLERANCE = 1e-9
_GRID = 400


def xirr(flows: Sequence[tuple[date, int]]) -> float | None:
    """The rate of ``flows`` (day, fen; in first, then out), by ACT/365 from the first day.

    None if there is no root between −99 % and 10,000 %. If two rates fit, because a subsidy
    comes back after the last payment, it is the higher: the one that grows out of the rate
    without the subsidy. Floats inside; the caller rounds once.
    """
    amounts = [float(fen) for _, fen in flows]
    if not amounts or min(amounts) >= 0 or max(amounts) <= 0:
        return None
    start = flows[0][0]
    years = [(day - start).days / DAYS_PER_YEAR for day, _ in flows]
    if years[-1] == 0:
        return None
    found = pyxirr.xirr([day for day, _ in flows], amounts, silent=True)
    if found is not None and _is_root(years, amounts, found):
        return found
    return _bracketed(years, amounts)


def present_value(years: Sequence[float], amounts: Sequence[float], *, rate: float) -> float:
    """The sum of ``amounts`` discounted to day 0 at ``rate``."""
    force = log1p(rate)
    return sum(amount * exp(-force * year) for year, amount in zip(years, amounts, strict=True))


def _is_root(years: Sequence[float], amounts: Sequence[float], rate: float) -> bool:
    """Whether ``rate`` lies in range, the value rises through zero there, and by how little
    a Newton step would still move it."""
    if not RATE_MIN <= rate <= RATE_MAX:
        return False
    force = log1p(rate)
    value = slope = 0.0
    for year, amount in zip(years, amounts, strict=True):
        worth = amount * exp(-force * year)
        value += worth
        slope -= year * worth
    return slope > 0 and abs(value / slope) <= _TOLERANCE


def _bracketed(years: Sequence[float], amounts: Sequence[float]) -> float | None:
    """The highest rate at which the value rises through zero: a grid from above, then halving.

    Both work on the force of interest ln(1 + rate), in which the range is short and even.
    """

    def value(force: float) -> float:
        return present_value(years, amounts, rate=exp(force) - 1)

    low, high = log1p(RATE_MIN), log1p(RATE_MAX)
    step = (high - low) / _GRID
    above = high
    if value(above) < 0:
        return None
    for index in range(1, _GRID + 1):
        below = high - index * step
        if value(below) <= 0:
            break
        above = below
    else:
        return None
    for _ in range(80):
        middle = (below + above) / 2
        below, above = (middle, above) if value(middle) <= 0 else (below, middle)
    return exp(above) - 1
