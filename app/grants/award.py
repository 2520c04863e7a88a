"""Decides what a measure awards for given facts, and tells every rule that decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.core.errors import FieldRefused
from app.core.messages import Text, say
from app.core.money import ZERO, Money, Rounding
from app.grants.measure import (
    Fact,
    FactType,
    FactValue,
    MeasureVersion,
    RequestedAward,
    ShareAward,
    SlotsAward,
    TableAward,
    holds,
    read_value,
)

ENGINE_VERSION = "grant-award-1"

AWARD = "award"
"""The rule of the last step: how the award came about."""


@dataclass(frozen=True)
class Step:
    """One rule: its clause, its words, the facts it looked at, and whether it holds."""

    rule: str
    clause: str
    text: Text
    figures: Mapping[str, FactValue]
    holds: bool


@dataclass(frozen=True)
class Award:
    """The money and places given, the facts nobody stated, and why."""

    award: Money
    slots: int | None
    facts: Mapping[str, FactValue]
    assumed: Sequence[str]
    trace: Sequence[Step]

    @property
    def refused_by(self) -> Sequence[str]:
        return [step.rule for step in self.trace if not step.holds]


def decide(version: MeasureVersion, given: Mapping[str, object]) -> Award:
    """The award by ``version``: nothing, with the rules that refuse it, if one does not hold.

    FieldRefused, naming ``facts.x``, for a fact that is unknown, missing or has a strange value.
    """
    facts = read_facts(version, given)
    assumed = [fact.name for fact in version.facts if fact.name not in given]
    by_name = {fact.name: fact for fact in version.facts}
    trace = [
        Step(
            rule.id,
            rule.clause,
            rule.text,
            {rule.fact: facts[rule.fact]},
            holds(rule, by_name[rule.fact], facts[rule.fact]),
        )
        for rule in version.rules
    ]
    no_slots = 0 if isinstance(version.award, SlotsAward) else None
    if not all(step.holds for step in trace):
        return Award(ZERO, no_slots, facts, assumed, trace)
    award, slots, step = _award(version, facts)
    return Award(award, slots, facts, assumed, [*trace, step])


def read_facts(version: MeasureVersion, given: Mapping[str, object]) -> dict[str, FactValue]:
    """The facts of ``version``, those left out as assumed; FieldRefused for a strange one."""
    known = {fact.name: fact for fact in version.facts}
    for name in given:
        if name not in known:
            raise FieldRefused(f"facts.{name}", say("is no fact of this measure"))
    read: dict[str, FactValue] = {}
    for name, fact in known.items():
        if name not in given and fact.required:
            raise FieldRefused(f"facts.{name}", say("is missing: {meaning}", meaning=fact.text))
        value = read_value(fact, given.get(name, fact.assumed))
        if value is None:
            raise FieldRefused(f"facts.{name}", _wanted(fact))
        read[name] = value
    return read


def _wanted(fact: Fact) -> Text:
    """What a value of ``fact`` must be, in words."""
    match fact.type:
        case FactType.MONEY if fact.at_most is not None:
            return say(
                "must be a decimal string of yuan from 0.00 to {highest}", highest=fact.at_most
            )
        case FactType.MONEY:
            return say("must be a decimal string of yuan, not negative")
        case FactType.COUNT if fact.at_most is not None:
            return say("must be a whole number from 0 to {highest}", highest=fact.at_most)
        case FactType.COUNT:
            return say("must be a whole number, not negative")
    return say("must be one of: {words}", words=", ".join(fact.choices) or "true, false")


def _award(
    version: MeasureVersion, facts: Mapping[str, FactValue]
) -> tuple[Money, int | None, Step]:
    match version.award:
        case TableAward() as table:
            cell = next(
                cell
                for cell in table.cells
                if all(facts[name] == value for name, value in cell.when.items())
            )
            text = say("a fixed {amount}", amount=cell.amount)
            looked_at = {name: facts[name] for name in cell.when}
            return (
                cell.amount,
                None,
                Step(AWARD, cell.clause or table.clause, text, looked_at, True),
            )
        case ShareAward() as share:
            base = _money(facts, share.pct_of)
            award = base.times(share.pct / Decimal(100), Rounding.DOWN)
            text = say("{pct} % of {base}", pct=share.pct, base=base)
            if share.cap is not None:
                award = min(award, share.cap)
                text = say(
                    "{pct} % of {base}, at most {cap}", pct=share.pct, base=base, cap=share.cap
                )
            step = Step(AWARD, share.clause, text, {share.pct_of: base}, award > ZERO)
            return award, None, step
        case RequestedAward() as request:
            requested = _money(facts, request.requested)
            left = _money(facts, request.at_most)
            award = min(requested, left)
            text = say("{requested} requested, {left} left", requested=requested, left=left)
            figures = {request.requested: requested, request.at_most: left}
            return award, None, Step(AWARD, request.clause, text, figures, award > ZERO)
        case SlotsAward() as places:
            free = facts[places.at_most]
            assert isinstance(free, int)
            slots = min(places.slots, free)
            text = say("{slots} of {free} places left", slots=slots, free=free)
            step = Step(AWARD, places.clause, text, {places.at_most: free}, slots > 0)
            return ZERO, slots, step
    raise FieldRefused("measure", say("pays and allots nothing"))


def _money(facts: Mapping[str, FactValue], name: str) -> Money:
    value = facts[name]
    assert isinstance(value, Money)
    return value
