"""What a firm is entitled to (免申即享): every paying measure against the facts known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.grants.award import Award, decide
from app.grants.measure import Measure
from app.grants.measure_files import MEASURES


class Standing(StrEnum):
    ELIGIBLE = "eligible"
    MISSING = "missing"  # a required fact is not known
    REFUSED = "refused"  # a rule does not hold


@dataclass(frozen=True)
class Entitlement:
    """``missing`` names required facts not known; ``award`` is there once none is missing."""

    measure: int
    standing: Standing
    missing: Sequence[str]
    award: Award | None


def entitlements(
    facts: Mapping[int, Mapping[str, object]],
    on: date,
    measures: Mapping[int, Measure] = MEASURES,
) -> Sequence[Entitlement]:
    """For each paying measure in force ``on`` that day, by the facts known under its number."""
    return [
        _entitlement(measure, facts.get(number, {}), on)
        for number, measure in measures.items()
        if measure.pays and measure.version_on(on) is not None
    ]


def _entitlement(measure: Measure, known: Mapping[str, object], on: date) -> Entitlement:
    version = measure.version_on(on)
    assert version is not None
    missing = [fact.name for fact in version.facts if fact.required and fact.name not in known]
    if missing:
        return Entitlement(measure.number, Standing.MISSING, missing, None)
    award = decide(version, known)
    standing = Standing.REFUSED if award.refused_by else Standing.ELIGIBLE
    return Entitlement(measure.number, standing, [], award)
