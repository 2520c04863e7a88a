"""Properties of all machines, so that a new one is covered by one line."""

import importlib
import pkgutil
from enum import StrEnum
from typing import Any

import pytest

from app import lifecycle
from app.core.messages import Language, speaking, told
from app.lifecycle import deals, funds, grants
from app.lifecycle.machine import IllegalMove, Machine
from app.lifecycle.words import BY_ITSELF, EVENTS, STATES, THINGS, event_of, state_of

MACHINES: list[Machine[Any, Any]] = [
    machine
    for module in pkgutil.iter_modules(lifecycle.__path__, "app.lifecycle.")
    for machine in vars(importlib.import_module(module.name)).values()
    if isinstance(machine, Machine)
]


def enums_of(machine: Machine[Any, Any]) -> tuple[type[StrEnum], type[StrEnum]]:
    (state, event), target = next(iter(machine.moves.items()))
    assert type(state) is type(target)
    return type(state), type(event)


def test_every_module_of_states_is_looked_at() -> None:
    assert len(MACHINES) >= 23


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.name))
def test_every_state_is_reached_and_every_event_is_used(machine: Machine[Any, Any]) -> None:
    states, events = enums_of(machine)
    first = next(iter(states))
    reached = {first}
    if machine is deals.DEAL:
        reached.add(deals.DealStatus.APPROVING)  # a deal that finds room at once begins there
    while new := {to for (at, _), to in machine.moves.items() if at in reached} - reached:
        reached |= new

    assert reached == set(states)
    assert {event for _, event in machine.moves} == set(events)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.name))
def test_what_is_not_in_the_table_is_refused(machine: Machine[Any, Any]) -> None:
    states, events = enums_of(machine)
    for state in states:
        for event in events:
            if (state, event) in machine.moves:
                assert machine.after(state, event) in set(states)
            else:
                with pytest.raises(IllegalMove) as refusal:
                    machine.after(state, event)
                facts = refusal.value.facts()
                assert facts == {
                    "machine": machine.name,
                    "state": state,
                    "event": event,
                    "allowed": facts["allowed"],
                    "again": facts["again"],
                }
                assert {(state, allowed) for allowed in facts["allowed"]} <= machine.moves.keys()


def codes_in(sentence: str) -> list[str]:
    return [word for word in sentence.split() if "_" in word]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.name))
def test_every_state_and_event_has_words_in_both_languages(machine: Machine[Any, Any]) -> None:
    states, events = enums_of(machine)
    words = [
        THINGS[machine.name],
        *(state_of(machine.name, state) for state in states),
        *(event_of(machine.name, event) for event in events),
    ]

    for word in words:
        assert codes_in(word) == []
        assert not any(letter.isascii() for letter in told(word, Language.CHINESE)), word


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: str(machine.name))
def test_a_refused_move_is_told_without_a_code(machine: Machine[Any, Any]) -> None:
    states, events = enums_of(machine)
    for state in states:
        for event in events:
            if (state, event) in machine.moves:
                continue
            with pytest.raises(IllegalMove) as refusal:
                machine.after(state, event)
            assert codes_in(str(refusal.value)) == []
            with speaking(Language.CHINESE):
                chinese = str(refusal.value)
            assert not any(letter.isascii() for letter in chinese), chinese


def test_no_words_are_kept_for_what_no_machine_has() -> None:
    states = {(m.name, state.value) for m in MACHINES for state in enums_of(m)[0]}
    events = {(m.name, event.value) for m in MACHINES for event in enums_of(m)[1]}

    assert THINGS.keys() == {machine.name for machine in MACHINES}
    assert STATES.keys() <= states | {state for _, state in states}
    assert EVENTS.keys() <= events | {event for _, event in events}
    assert events >= BY_ITSELF


@pytest.mark.parametrize(
    ("machine", "state", "event", "english", "chinese"),
    [
        (
            funds.CLAIM,
            funds.ClaimStatus.SUBMITTED,
            funds.ClaimEvent.APPROVE,
            "The claim is submitted; it can be reviewed, refused or withdrawn, not approved.",
            "索赔已提交，可以审核、拒绝或撤回，不能批准。",
        ),
        (
            funds.CLAIM,
            funds.ClaimStatus.APPROVED,
            funds.ClaimEvent.APPROVE,
            "The claim is approved; it can be refused, appealed or paid, not approved again.",
            "索赔已批准，可以拒绝、申诉或支付，不能再次批准。",
        ),
        (
            funds.CLAIM,
            funds.ClaimStatus.WITHDRAWN,
            funds.ClaimEvent.APPEAL,
            "The claim is withdrawn; it cannot be appealed.",
            "索赔已撤回，不能申诉。",
        ),
        (
            grants.WINDOW,
            grants.WindowStatus.SCORING,
            grants.WindowEvent.OPEN,
            "The application window is closed and being scored; it can be decided, not opened.",
            "申报批次已截止、评审中，可以评定，不能开放。",
        ),
    ],
)
def test_a_refused_move_tells_where_the_thing_is_and_what_may_be_done(
    machine: Machine[Any, Any], state: StrEnum, event: StrEnum, english: str, chinese: str
) -> None:
    with pytest.raises(IllegalMove) as refusal:
        machine.after(state, event)

    assert str(refusal.value) == english
    with speaking(Language.CHINESE):
        assert str(refusal.value) == chinese
