"""What the register alone says of a patent's weight: percentiles in its cohort, equally weighed.

The shape is that of the OECD's composite of patent quality: a cohort is the patents of one field
filed in one year.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Self

from app.valuation.checks import WHOLE_PCT

_PLACES = Decimal("0.01")


class Measure(StrEnum):
    FAMILY_SIZE = "family_size"
    CLAIMS = "claims"
    CITATIONS = "citations"
    AGE_YEARS = "age_years"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Every value of each measure in the cohort, sorted."""

    field: str  # an IPC subclass
    year: int  # of filing
    values: Mapping[Measure, tuple[Decimal, ...]]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """One of the rule "patent_cohorts"."""
        return cls(
            row["field"],
            row["year"],
            {
                Measure(name): tuple(sorted(Decimal(value) for value in values))
                for name, values in row["values"].items()
            },
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A measure of the patent, and its percentile if the cohort has this measure."""

    measure: Measure
    value: Decimal | None
    percentile: Decimal | None


@dataclass(frozen=True, slots=True)
class Composite:
    """``score`` is None unless every measure is known and has a percentile: nothing is guessed."""

    standings: tuple[Standing, ...]
    score: Decimal | None


def find_cohort(
    cohorts: Sequence[Cohort], *, ipc: Sequence[str], year: int | None
) -> Cohort | None:
    """The cohort of the patent's first class and its year of filing."""
    field = ipc[0][:4] if ipc else None
    return next((one for one in cohorts if (one.field, one.year) == (field, year)), None)


def percentile(value: Decimal, cohort: Sequence[Decimal]) -> Decimal:
    """The share of a sorted cohort below ``value``, half of those that equal it included; 0–100."""
    below, upto = bisect_left(cohort, value), bisect_right(cohort, value)
    return _round(Decimal(below + upto) * WHOLE_PCT / (2 * len(cohort)))


def composite(values: Mapping[Measure, Decimal], cohort: Cohort | None) -> Composite:
    """Each measure's percentile in the cohort, and their mean."""
    standings = []
    for measure in Measure:
        value = values.get(measure)
        peers = cohort.values.get(measure, ()) if cohort else ()
        found = percentile(value, peers) if value is not None and peers else None
        standings.append(Standing(measure, value, found))
    known = [standing.percentile for standing in standings if standing.percentile is not None]
    whole = _round(sum(known, Decimal(0)) / len(known)) if len(known) == len(Measure) else None
    return Composite(tuple(standings), whole)


def _round(exact: Decimal) -> Decimal:
    return exact.quantize(_PLACES, ROUND_HALF_UP)
