"""The rules a programme keeps: what facts they ask, and what they award, told in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from app.core.errors import Conflict, FieldRefused, Forbidden
from app.core.messages import Language, say, told
from app.core.money import Money
from app.grants import award as awards
from app.grants.award import Award
from app.grants.measure import (
    FactValue,
    MeasureVersion,
    Period,
    RequestedAward,
    SlotsAward,
    read_value,
)
from app.models.grants import GrantApplication, GrantProgramme
from app.services.actor import Actor
from app.workdays.calendar import WorkCalendar, add_working_days

REVIEWERS = 2
"""Where the rules do not score, so many reviewers must all be in favour."""


@dataclass(eq=False)
class NotEligible(Conflict):
    """The rules named do not hold; the trace of the calculator says more."""

    message = "The measure does not award this: {rules}."

    rules: list[str]


class OnePersonTwice(Forbidden):
    message = "One person does not do both: another person must."


@dataclass(eq=False)
class DoneOtherwise(Conflict):
    """Done already, and under another reference: doing it again would do it twice."""

    message = "This was done already, under the reference {reference}."

    reference: str


def rules_of(programme: GrantProgramme) -> MeasureVersion:
    """The measure's version that the programme keeps."""
    return MeasureVersion.model_validate(programme.rules)


def reviewers_of(rules: MeasureVersion) -> int:
    return rules.scoring.reviewers if rules.scoring else REVIEWERS


def what_is_left(rules: MeasureVersion) -> str | None:
    """The fact that the ledger states and no applicant: what the budget has left."""
    form = rules.award
    return form.at_most if isinstance(form, RequestedAward | SlotsAward) else None


def check_facts(
    rules: MeasureVersion, facts: Mapping[str, object], *, complete: bool = False
) -> None:
    """FieldRefused for a strange fact, or, if they must be ``complete``, for one not stated."""
    known = {fact.name: fact for fact in rules.facts if fact.name != what_is_left(rules)}
    for name, value in facts.items():
        if name not in known:
            raise FieldRefused(f"facts.{name}", say("is no fact of this measure"))
        if read_value(known[name], value) is None:
            awards.read_facts(rules, _required(rules) | dict(facts))  # says what it must be
    if complete and (missing := [name for name in known if name not in facts]):
        raise FieldRefused(
            f"facts.{missing[0]}", say("is missing: {meaning}", meaning=known[missing[0]].text)
        )


def _required(rules: MeasureVersion) -> dict[str, object]:
    """Something for each required fact, so that another one's fault is found."""
    return {fact.name: fact.choices[0] if fact.choices else "0.00" for fact in rules.facts
            if fact.required}  # fmt: skip


def decide(rules: MeasureVersion, facts: Mapping[str, Any], *, left: Money | None) -> Award:
    """The award for complete facts with ``left`` in the budget; None: there is no ceiling."""
    stated: dict[str, object] = dict(facts)
    name = what_is_left(rules)
    if name is not None and left is not None:
        bound = next(
            read_value(fact, fact.at_most)
            for fact in rules.facts
            if fact.name == name and fact.at_most is not None
        )
        whole = bound.fen if isinstance(bound, Money) else bound
        assert isinstance(whole, int)
        some = min(left.fen, whole)
        stated[name] = some if isinstance(rules.award, SlotsAward) else Money(some)
    return awards.decide(rules, stated)


def refused_by_rules(award: Award) -> list[str]:
    """The rules that do not hold; that the budget is used up is no rule of these."""
    return [rule for rule in award.refused_by if rule != awards.AWARD]


def stake_of(award: Award) -> Money:
    """What the award takes from the budget: money, or places as so many units."""
    return award.award if award.slots is None else Money(award.slots)


def stake_of_row(application: GrantApplication) -> Money:
    if application.slots is not None:
        return Money(application.slots)
    assert application.award is not None
    return application.award


def settle(application: GrantApplication, rules: MeasureVersion, award: Award) -> None:
    """Write an award and how it came about to the application."""
    application.award, application.slots = award.award, award.slots
    application.trace = tell_trace(rules, award)


def tell_trace(rules: MeasureVersion, award: Award) -> list[Any]:
    """Every rule with its clause, facts and figures, in Chinese and in English."""
    clauses = {clause.id: clause for clause in rules.clauses}
    return [
        {
            "rule": step.rule,
            "clause": step.clause,
            "clause_zh": clauses[step.clause].text_zh,
            "clause_en": clauses[step.clause].text_en,
            "text_zh": told(step.text, Language.CHINESE),
            "text_en": told(step.text, Language.ENGLISH),
            "figures": {name: _plain(value) for name, value in step.figures.items()},
            "holds": step.holds,
        }
        for step in award.trace
    ]


def _plain(value: FactValue) -> bool | int | str:
    return str(value) if isinstance(value, Money) else value


def end_of_period(
    rules: MeasureVersion, period_id: str, *, start: date, calendar: WorkCalendar
) -> date:
    """The last day of a period that the rules state, which begins after ``start``."""
    period = next((one for one in rules.periods if one.id == period_id), None)
    if period is None:
        raise FieldRefused("measure", say("states no period {period}", period=period_id))
    return _end(period, start, calendar)


def _end(period: Period, start: date, calendar: WorkCalendar) -> date:
    if period.unit == "working":
        return add_working_days(calendar, start, period.days)
    return date.fromordinal(start.toordinal() + period.days)


def person(actor: Actor) -> UUID:
    """Grants are decided by people; a program has no name to answer with."""
    if actor.user_id is None:
        raise Forbidden
    return actor.user_id
