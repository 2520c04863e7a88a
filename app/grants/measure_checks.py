"""What no type says of a measure: that its parts agree with one another."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from app.core.money import ZERO
from app.grants.measure import (
    AwardForm,
    Budget,
    BudgetKind,
    Fact,
    FactType,
    Measure,
    MeasureKind,
    MeasureVersion,
    RequestedAward,
    Rule,
    Scoring,
    ShareAward,
    SlotsAward,
    TableAward,
    holds,
    read_value,
)

WHOLE_PCT = 100
PERIODS = ("public_notice", "correction")
"""Periods that the road of every award has."""


class BrokenMeasure(ValueError):
    """What is wrong with a measure, and under which of its keys."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


def check(measure: Measure) -> None:
    """BrokenMeasure, naming the key, for the first contradiction inside ``measure``."""
    _check_dates(measure.versions)
    for i, version in enumerate(measure.versions):
        key = f"versions.{i}"
        if measure.pays != (version.award is not None):
            raise BrokenMeasure(f"{key}.award", f"does not go with kind {measure.kind}")
        if measure.pays != (version.budget is not None):
            raise BrokenMeasure(f"{key}.budget", f"does not go with kind {measure.kind}")
        if measure.pays and isinstance(version.award, SlotsAward) != (
            measure.kind is MeasureKind.QUOTA
        ):
            raise BrokenMeasure(f"{key}.award.form", f"does not go with kind {measure.kind}")
        _check_version(key, version)
        stated = {period.id for period in version.periods}
        for period in PERIODS if measure.pays else ():
            if period not in stated:
                raise BrokenMeasure(f"{key}.periods", f"states no {period}")


def _check_dates(versions: Sequence[MeasureVersion]) -> None:
    for i, version in enumerate(versions):
        if version.valid_to is not None and version.valid_to < version.valid_from:
            raise BrokenMeasure(f"versions.{i}.valid_to", "is before valid_from")
    for i, (earlier, later) in enumerate(itertools.pairwise(versions), start=1):
        if later.valid_from <= earlier.valid_from:
            raise BrokenMeasure(f"versions.{i}.valid_from", "versions stand oldest first")
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise BrokenMeasure(
                f"versions.{i}.valid_from", f"overlaps the version from {earlier.valid_from}"
            )


def _check_version(key: str, version: MeasureVersion) -> None:
    clauses = [clause.id for clause in version.clauses]
    _once(f"{key}.clauses", clauses)
    _once(f"{key}.facts", [fact.name for fact in version.facts])
    _once(f"{key}.rules", [rule.id for rule in version.rules])
    _once(f"{key}.choices", [choice.id for choice in version.choices])
    _once(f"{key}.periods", [period.id for period in version.periods])
    facts = {fact.name: fact for fact in version.facts}
    for i, fact in enumerate(version.facts):
        _check_fact(f"{key}.facts.{i}", fact)
    for i, rule in enumerate(version.rules):
        _known_clause(f"{key}.rules.{i}.clause", rule.clause, clauses)
        _check_rule(f"{key}.rules.{i}", rule, facts)
    if version.award is not None and version.budget is not None:
        _known_clause(f"{key}.award.clause", version.award.clause, clauses)
        if isinstance(version.award, TableAward):
            for i, cell in enumerate(version.award.cells):
                if cell.clause is not None:
                    _known_clause(f"{key}.award.cells.{i}.clause", cell.clause, clauses)
        _check_budget(f"{key}.budget", version.budget)
        _check_award(f"{key}.award", version.award, facts)
        _check_pot(f"{key}.budget", version.award, version.budget, facts)
    for i, choice in enumerate(version.choices):
        if choice.chosen in choice.alternatives:
            raise BrokenMeasure(f"{key}.choices.{i}.chosen", "is among its own alternatives")
    if version.scoring is not None:
        _check_scoring(f"{key}.scoring", version.scoring)


def _check_fact(key: str, fact: Fact) -> None:
    if (fact.type is FactType.CHOICE) != bool(fact.choices):
        raise BrokenMeasure(f"{key}.choices", "a choice has some, and nothing else has")
    _once(f"{key}.choices", fact.choices)
    if fact.at_most is not None and (
        fact.type not in {FactType.MONEY, FactType.COUNT}
        or read_value(fact.model_copy(update={"at_most": None}), fact.at_most) is None
    ):
        raise BrokenMeasure(f"{key}.at_most", f"{fact.name} cannot be {fact.at_most!r}")
    if fact.required == (fact.assumed is not None):
        raise BrokenMeasure(f"{key}.assumed", "stands exactly where the fact may be left out")
    if fact.assumed is not None and read_value(fact, fact.assumed) is None:
        raise BrokenMeasure(f"{key}.assumed", f"{fact.name} cannot be {fact.assumed!r}")


def _check_rule(key: str, rule: Rule, facts: Mapping[str, Fact]) -> None:
    fact = _fact(f"{key}.fact", rule.fact, facts)
    tests = {"equals": rule.equals, "at_least": rule.at_least, "at_most": rule.at_most}
    stated = [name for name, bound in tests.items() if bound is not None]
    if len(stated) + (rule.one_of is not None) != 1:
        raise BrokenMeasure(key, "states exactly one of equals, one_of, at_least, at_most")
    bounds = rule.one_of if rule.one_of is not None else [tests[stated[0]]]
    name = stated[0] if stated else "one_of"
    if not bounds:
        raise BrokenMeasure(f"{key}.one_of", "names nothing, and nobody could meet it")
    if name in {"at_least", "at_most"} and fact.type not in {FactType.MONEY, FactType.COUNT}:
        raise BrokenMeasure(f"{key}.{name}", f"{fact.name} is neither money nor a count")
    for bound in bounds:
        if read_value(fact, bound) is None:
            raise BrokenMeasure(f"{key}.{name}", f"{fact.name} cannot be {bound!r}")
    if fact.assumed is not None:
        value = read_value(fact, fact.assumed)
        if value is None or not holds(rule, fact, value):
            raise BrokenMeasure(f"{key}.{name}", f"what {fact.name} is assumed to be fails it")


def _check_award(key: str, award: AwardForm, facts: Mapping[str, Fact]) -> None:
    match award:
        case TableAward():
            _check_table(f"{key}.cells", award, facts)
        case ShareAward():
            _typed(f"{key}.pct_of", award.pct_of, FactType.MONEY, facts)
            if award.cap is not None and award.cap <= ZERO:
                raise BrokenMeasure(f"{key}.cap", "must be more than nothing")
        case RequestedAward():
            _typed(f"{key}.requested", award.requested, FactType.MONEY, facts)
            _typed(f"{key}.at_most", award.at_most, FactType.MONEY, facts)
        case SlotsAward():
            _typed(f"{key}.at_most", award.at_most, FactType.COUNT, facts)


def _check_table(key: str, award: TableAward, facts: Mapping[str, Fact]) -> None:
    names = list(award.cells[0].when)
    seen: set[tuple[object, ...]] = set()
    for i, cell in enumerate(award.cells):
        if cell.amount <= ZERO:
            raise BrokenMeasure(f"{key}.{i}.amount", "must be more than nothing")
        for name, value in cell.when.items():
            fact = _fact(f"{key}.{i}.when.{name}", name, facts)
            if fact.type not in {FactType.CHOICE, FactType.BOOLEAN}:
                raise BrokenMeasure(f"{key}.{i}.when.{name}", "a table goes by choices")
            if read_value(fact, value) is None:
                raise BrokenMeasure(f"{key}.{i}.when.{name}", f"the fact cannot be {value!r}")
        if sorted(cell.when) != sorted(names):
            raise BrokenMeasure(f"{key}.{i}.when", "goes by other facts than the first cell")
        cell_of = tuple(cell.when[name] for name in names)
        if cell_of in seen:
            raise BrokenMeasure(f"{key}.{i}.when", "stands twice")
        seen.add(cell_of)
    every = itertools.product(*(facts[name].choices or (True, False) for name in names))
    missing = [cell_of for cell_of in every if cell_of not in seen]
    if missing:
        raise BrokenMeasure(key, f"says nothing of {', '.join(map(str, missing[0]))}")


def _check_budget(key: str, budget: Budget) -> None:
    money = budget.kind in {BudgetKind.POT, BudgetKind.YEARLY}
    slots = budget.kind in {BudgetKind.SLOTS, BudgetKind.SLOTS_YEARLY}
    if money != (budget.amount is not None):
        raise BrokenMeasure(f"{key}.amount", f"does not go with kind {budget.kind}")
    if slots != (budget.slots is not None):
        raise BrokenMeasure(f"{key}.slots", f"does not go with kind {budget.kind}")
    if budget.amount is not None and budget.amount <= ZERO:
        raise BrokenMeasure(f"{key}.amount", "must be more than nothing")


def _check_pot(key: str, award: AwardForm, budget: Budget, facts: Mapping[str, Fact]) -> None:
    """What is left is by default the whole, and never more."""
    if not isinstance(award, RequestedAward | SlotsAward):
        return
    fact = facts[award.at_most]
    whole = budget.slots if isinstance(award, SlotsAward) else budget.amount
    if whole is None:
        raise BrokenMeasure(f"{key}.kind", "is no kind that this award can be cut down to")
    for name, bound in (("assumed", fact.assumed), ("at_most", fact.at_most)):
        if bound is None or read_value(fact, bound) != whole:
            raise BrokenMeasure(key, f"{name} of {fact.name} is not the whole of the budget")


def _check_scoring(key: str, scoring: Scoring) -> None:
    criteria = [criterion.id for criterion in scoring.criteria]
    _once(f"{key}.criteria", criteria)
    total = sum(criterion.weight_pct for criterion in scoring.criteria)
    if total != WHOLE_PCT:
        raise BrokenMeasure(f"{key}.criteria", f"shares sum to {total}, not 100")
    _once(f"{key}.ties", scoring.ties)
    for i, tie in enumerate(scoring.ties):
        if tie not in criteria:
            raise BrokenMeasure(f"{key}.ties.{i}", f"{tie} is no criterion")


def _fact(key: str, name: str, facts: Mapping[str, Fact]) -> Fact:
    if name not in facts:
        raise BrokenMeasure(key, f"{name} is no fact of the measure")
    return facts[name]


def _typed(key: str, name: str, type: FactType, facts: Mapping[str, Fact]) -> None:
    if _fact(key, name, facts).type is not type:
        raise BrokenMeasure(key, f"{name} is not of type {type}")


def _known_clause(key: str, clause: str, clauses: Sequence[str]) -> None:
    if clause not in clauses:
        raise BrokenMeasure(key, f"{clause} is no clause of the measure")


def _once(key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BrokenMeasure(key, f"{name} stands twice")
        seen.add(name)
