"""50 rights × 16,384 scenarios against their random numbers alone, and against a plain loop."""

import math
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from app.core.money import Money
from app.valuation.outlook import Factor, RightOutlook, Spread
from app.valuation.scenarios import CHUNK, SCENARIOS, Loan, simulate

RIGHTS = 50
ROUNDS = 5
SEED = 7
LOAN = Loan(Money.yuan(10_000_000), 3.0)
TAX = 0.25
LOOPED = 256  # scenarios of the plain loop, which is timed on a part: the whole takes a minute


def portfolio(rights: int = RIGHTS) -> list[RightOutlook]:
    return [
        RightOutlook(
            key=f"right-{number:06}",
            family=f"family-{number:06}",
            stream=f"product-{number:06}",
            revenue=Money.yuan(1_000_000 * (1 + number % 7)),
            growth=Spread(0.03, 0.05),
            margin=Spread(0.15, 0.05),
            royalty=Spread(0.03, 0.01),
            life_years=Spread(8, 2),
            discount=Spread(0.135, 0.02),
            legal_years=12.0,
            valid=0.9,
        )
        for number in range(rights)
    ]


def ours(rights: list[RightOutlook]) -> None:
    simulate(rights, tax_rate=TAX, seed=SEED, loan=LOAN)


def ten_times(rights: list[RightOutlook]) -> None:
    for _ in range(10):
        ours(rights)


def points(_rights: list[RightOutlook]) -> None:
    """(a) Sobol points of the same shape with the normal inverse, drawn in the same chunks."""
    dimensions = len(Factor) * (RIGHTS + 1) + RIGHTS
    drawn = qmc.Sobol(dimensions, rng=np.random.default_rng(SEED))
    for _ in range(SCENARIOS // CHUNK):
        uniform = drawn.random(CHUNK)
        ndtri(np.maximum(uniform, 2.0**-54))


def loop(rights: list[RightOutlook], scenarios: int = LOOPED) -> None:
    """(b) The same model by hand: scenario by scenario, right by right, year by year."""
    draw = random.Random(SEED)
    together, alone = math.sqrt(0.3), math.sqrt(0.7)
    totals = []
    by_right = dict.fromkeys((right.key for right in rights), 0.0)
    for _ in range(scenarios):
        common = [together * draw.gauss(0, 1) for _ in Factor]
        total = at_end = 0.0
        for right in rights:
            spreads = (right.growth, right.margin, right.life_years, right.discount)
            growth, margin, life, discount = (
                one.mean + one.deviation * (shared + alone * draw.gauss(0, 1))
                for one, shared in zip(spreads, common[:-1], strict=True)
            )
            sigma = math.sqrt(math.log1p((right.royalty.deviation / right.royalty.mean) ** 2))
            moved = common[-1] + alone * draw.gauss(0, 1)
            royalty = right.royalty.mean * math.exp(sigma * moved - sigma**2 / 2)
            if draw.random() >= right.valid:
                continue
            growth = max(-0.9, min(1.0, growth))
            discount = max(0.0, min(10.0, discount))
            income = right.revenue.fen * min(royalty, max(0.0, min(1.0, margin))) * (1 - TAX)
            worth = 0.0
            for year in range(1, math.ceil(max(0.0, min(life, right.legal_years))) + 1):
                income *= 1 + growth
                worth += income / (1 + discount) ** year
                if year > LOAN.years:
                    at_end += income / (1 + discount) ** (year - LOAN.years)
            total += worth
            by_right[right.key] += worth
        totals.append((total, at_end))
    statistics.quantiles((total for total, _ in totals), n=20)
    statistics.quantiles((left for _, left in totals), n=20)


def measure() -> dict[str, Any]:
    """CPU seconds of each, in turn, and the memory at its peak."""
    rights = portfolio()
    ours(rights)
    mine = [(_seconds(ours, rights), _seconds(points, rights)) for _ in range(ROUNDS)]
    by_hand = _seconds(loop, rights) * SCENARIOS / LOOPED
    seconds = statistics.median(own for own, _ in mine)
    started = time.process_time()
    for number in range(20):
        simulate(portfolio(RIGHTS), tax_rate=TAX, seed=number, scenarios=1024)
    revalued = time.process_time() - started
    return {
        "seconds": seconds,
        "points_seconds": statistics.median(other for _, other in mine),
        "against_points": statistics.median(own / other for own, other in mine),
        "loop_seconds": by_hand,
        "against_loop": seconds / by_hand,
        "rights_per_second_at_1024_scenarios": 20 * RIGHTS / revalued,
        "seconds_for_100000_rights_at_16384_scenarios": seconds * 100_000 / RIGHTS,
        "peak_mib": _peak_mib(ours, rights),
        "points_peak_mib": _peak_mib(points, rights),
        "loop_peak_mib": _peak_mib(loop, rights),
        "peak_mib_after_ten_portfolios": _peak_mib(ten_times, rights),
        "goal": "against_points <= 2, against_loop <= 0.02, memory flat",
    }


def _seconds(run: Callable[[list[RightOutlook]], Any], rights: list[RightOutlook]) -> float:
    started = time.process_time()
    run(rights)
    return time.process_time() - started


def _peak_mib(run: Callable[[list[RightOutlook]], Any], rights: list[RightOutlook]) -> float:
    tracemalloc.start()
    run(rights)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20
