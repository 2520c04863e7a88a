"""What is uncertain about each right of a portfolio, and how rights move together.

Rates are fractions of one. Floats: they go into scenarios and nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import Money
from app.valuation.checks import YEARS_MAX

Floats = NDArray[np.float64]
RIGHTS_MAX = 3_000
"""Sobol's points have some 21,000 dimensions, and each family takes six."""


class Factor(IntEnum):
    """What is drawn for each family of rights, besides whether it is valid."""

    GROWTH = 0
    MARGIN = 1
    ROYALTY = 2
    LIFE = 3
    DISCOUNT = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and a standard deviation; 0 is certainty."""

    mean: float
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class RightOutlook:
    """One right: its revenue of the last year, and what may become of it.

    ``family`` names the rights that stand and fall together: one draw for all. ``stream`` names
    the product the revenue comes from. ``legal_years`` cap the economic life; nothing is counted
    after. ``valid`` is the probability to survive a challenge, and then the discount rate must not
    hold that risk a second time.
    """

    key: str
    family: str
    stream: str
    revenue: Money
    growth: Spread
    margin: Spread
    royalty: Spread
    life_years: Spread
    discount: Spread
    legal_years: float
    valid: float = 1.0


@dataclass(frozen=True, slots=True)
class Correlation:
    """``between_rights`` of one factor, ``factors`` among the five: nothing here is measured."""

    between_rights: float = 0.3
    factors: Sequence[Sequence[float]] = tuple(
        tuple(float(row == column) for column in Factor) for row in Factor
    )

    def root(self) -> Floats:
        """The Cholesky factor of ``factors``; refused if it is no correlation matrix."""
        matrix = np.array(self.factors, dtype=float)
        if not 0 <= self.between_rights <= 1:
            raise FieldRefused(
                "between_rights", say("must be from {lowest} to {highest}", lowest=0, highest=1)
            )
        try:
            if matrix.shape != (len(Factor), len(Factor)) or not np.all(np.diag(matrix) == 1):
                raise np.linalg.LinAlgError
            if not np.array_equal(matrix, matrix.T):
                raise np.linalg.LinAlgError
            return np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            raise FieldRefused("factors", say("is no correlation matrix")) from None


@dataclass(frozen=True, slots=True)
class Arrays:
    """The rights of a portfolio column by column, in the order of their keys."""

    keys: tuple[str, ...]
    family: NDArray[np.intp]
    families: int
    revenue: Floats
    means: Floats
    deviations: Floats
    legal_years: Floats
    valid: Floats


def arrange(rights: Sequence[RightOutlook], streams: Mapping[str, Money]) -> Arrays:
    """The rights as arrays; revenue claimed above what a stream earns is cut in proportion.

    So a product protected by ten rights earns once. A stream that is not in ``streams`` earns what
    its rights claim. Raises FieldRefused naming the field of the first right that makes no sense.
    """
    if not rights:
        raise FieldRefused("rights", say("must not be empty"))
    if len(rights) > RIGHTS_MAX:
        raise FieldRefused("rights", say("must be at most {highest}", highest=RIGHTS_MAX))
    for position, right in enumerate(rights):
        _check(f"rights.{position}", right)
    ordered = sorted(rights, key=lambda right: (right.family, right.key))
    names = sorted({right.family for right in ordered})
    place = {name: index for index, name in enumerate(names)}
    claimed: dict[str, int] = {}
    for right in ordered:
        claimed[right.stream] = claimed.get(right.stream, 0) + right.revenue.fen
    kept = {
        stream: min(1.0, streams[stream].fen / total) if stream in streams and total else 1.0
        for stream, total in claimed.items()
    }
    spreads = [
        [right.growth, right.margin, right.royalty, right.life_years, right.discount]
        for right in ordered
    ]
    return Arrays(
        keys=tuple(right.key for right in ordered),
        family=np.array([place[right.family] for right in ordered]),
        families=len(names),
        revenue=np.array([right.revenue.fen * kept[right.stream] for right in ordered]),
        means=np.array([[one.mean for one in row] for row in spreads]).T,
        deviations=np.array([[one.deviation for one in row] for row in spreads]).T,
        legal_years=np.array([right.legal_years for right in ordered]),
        valid=np.array([right.valid for right in ordered]),
    )


def _check(name: str, right: RightOutlook) -> None:
    bounds = {
        "revenue": (right.revenue.fen, 0, None),
        "growth": (right.growth.mean, -0.9, 1),
        "margin": (right.margin.mean, 0, 1),
        "royalty": (right.royalty.mean, 0, 1),
        "life_years": (right.life_years.mean, 0, YEARS_MAX),
        "discount": (right.discount.mean, 0, 10),
        "legal_years": (right.legal_years, 0, YEARS_MAX),
        "valid": (right.valid, 0, 1),
    }
    for field, (value, lowest, highest) in bounds.items():
        if not value >= lowest or (highest is not None and not value <= highest):
            raise FieldRefused(
                f"{name}.{field}",
                say("must not be negative")
                if highest is None
                else say("must be from {lowest} to {highest}", lowest=lowest, highest=highest),
            )
    for field in ("growth", "margin", "royalty", "life_years", "discount"):
        deviation = getattr(right, field).deviation
        if not 0 <= deviation <= YEARS_MAX:
            raise FieldRefused(
                f"{name}.{field}.deviation",
                say("must be from {lowest} to {highest}", lowest=0, highest=YEARS_MAX),
            )
