"""The grade of one patent for one use, from what the register and people answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from app.valuation.checks import WHOLE_PCT
from app.valuation.grading_table import Facts, Place, Table

_PLACES = Decimal("0.01")
_NONE, _FULL = Decimal(0), Decimal(WHOLE_PCT)


class Origin(StrEnum):
    """Who answered an indicator."""

    REGISTER = "register"
    HAND = "hand"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator's answer. ``weight_pct`` is of the whole; ``score`` is None while missing."""

    place: Place
    weight_pct: Decimal
    origin: Origin
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class Span:
    """From the score if all that is missing were the worst, to the one if it were the best."""

    low: Decimal
    high: Decimal
    complete: bool

    @property
    def score(self) -> Decimal | None:
        """The score, once nothing that has weight is missing."""
        return self.low if self.complete else None


@dataclass(frozen=True, slots=True)
class Graded:
    """``answered_pct`` is the weight of what is answered. Nothing missing is ever guessed."""

    lines: tuple[Line, ...]
    whole: Span
    by_dimension: Mapping[str, Span]
    answered_pct: Decimal


def grade(table: Table, use: str, *, facts: Facts, levels: Mapping[str, int]) -> Graded:
    """Σ wᵢ·sᵢ over the indicators, each 0 to 100; ``levels`` are the answers by hand, 1 to 5.

    What the register answers is not asked of people: their answer counts only where it has none.
    Raises KeyError for a use that the table does not weigh.
    """
    lines = tuple(_line(table, place, use, facts, levels) for place in table.places())
    answered = [line for line in lines if line.score is not None]
    return Graded(
        lines=lines,
        whole=_span(lines),
        by_dimension={
            dimension.id: _span([line for line in lines if line.place.dimension is dimension])
            for dimension in table.dimensions
        },
        answered_pct=sum((line.weight_pct for line in answered), _NONE),
    )


def _line(table: Table, place: Place, use: str, facts: Facts, levels: Mapping[str, int]) -> Line:
    indicator = place.indicator
    weight = indicator.weights[use]
    if indicator.fact is not None and indicator.fact in facts:
        score = indicator.score_of(facts[indicator.fact])
        return Line(place, weight, Origin.REGISTER, score)
    if indicator.id in levels:
        return Line(place, weight, Origin.HAND, table.levels[levels[indicator.id] - 1])
    return Line(place, weight, Origin.MISSING, None)


def _span(lines: tuple[Line, ...] | list[Line]) -> Span:
    """The weighted mean, with what is missing taken as the worst and as the best."""
    weight = sum((line.weight_pct for line in lines), _NONE)

    def mean(unknown: Decimal) -> Decimal:
        whole = sum(
            (line.weight_pct * (unknown if line.score is None else line.score) for line in lines),
            _NONE,
        )
        return (whole / weight).quantize(_PLACES, ROUND_HALF_UP)

    missing = any(line.score is None and line.weight_pct for line in lines)
    return Span(mean(_NONE), mean(_FULL), not missing)
