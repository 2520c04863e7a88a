"""Properties of all machines, so that a new one is covered by one line."""

from enum import StrEnum
from typing import Any

import pytest

from app.lifecycle import deals, financing, funds, grants, imports, parties
from app.lifecycle.machine import IllegalMove, Machine

MACHINES = [
    machine
    for module in (deals, financing, funds, grants, imports, parties)
    for machine in vars(module).values()
    if isinstance(machine, Machine)
]


def enums_of(machine: Machine[Any, Any]) -> tuple[type[StrEnum], type[StrEnum]]:
    (state, event), target = next(iter(machine.moves.items()))
    assert type(state) is type(target)
    return type(state), type(event)


def test_every_module_of_states_is_looked_at() -> None:
    assert len(MACHINES) >= 15


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
                assert refusal.value.facts() == {
                    "machine": machine.name,
                    "state": state,
                    "event": event,
                }
