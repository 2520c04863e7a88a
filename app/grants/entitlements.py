"""What a firm is entitled to (免申即享): every paying measure against the facts known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.grants.award import Award, decide
from app.grants.measure import Measure, RequestedAward, SlotsAward
from app.grants.measure_files import MEASURES


class Standing(StrEnum):
    ELIGIBLE = "eligible"
    POSSIBLE = "possible"  # every rule holds, some of them on facts nobody has stated
    MISSING = "missing"  # a required fact is not known
    REFUSED = "refused"  # a rule does not hold


@dataclass(frozen=True)
class Entitlement:
    """``missing`` names required facts not known; ``award`` is there once none is missing.

    ``assumed`` are the facts it rests on that nobody stated; what the budget has left is none.
    """

    measure: int
    standing: Standing
    missing: Sequence[str]
    award: Award | None
    assumed: Sequence[str] = ()


def entitlements(
    facts: Mapping[int, Mapping[str, object]],
    on: date,
    measures: Mapping[int, Measure] = MEASURES,
) -> Sequence[Entitlement]:
    """For each paying measure in force ``on`` that day, by the facts known under its number."""
    found = [
        entitlement(measure, facts.get(number, {}), on)
        for number, measure in measures.items()
        if measure.pays
    ]
    return [one for one in found if one is not None]


def entitlement(measure: Measure, known: Mapping[str, object], on: date) -> Entitlement | None:
    """One measure against what is known of one case; None if no rules were in force."""
    version = measure.version_on(on)
    if version is None:
        return None
    missing = [fact.name for fact in version.facts if fact.required and fact.name not in known]
    if missing:
        return Entitlement(measure.number, Standing.MISSING, missing, None)
    award = decide(version, known)
    form = version.award
    left = form.at_most if isinstance(form, RequestedAward | SlotsAward) else None
    assumed = [name for name in award.assumed if name != left]
    standing = Standing.POSSIBLE if assumed else Standing.ELIGIBLE
    if award.refused_by:
        standing = Standing.REFUSED
    return Entitlement(measure.number, standing, [], award, assumed)
