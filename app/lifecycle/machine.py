"""A finite state machine as a table. Nothing here knows about rows, sessions or HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from app.core.errors import Conflict

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(eq=False)
class IllegalMove(Conflict):
    message = "A {machine} that is {state} cannot {event}."

    machine: str
    state: str
    event: str


@dataclass(frozen=True, slots=True)
class Machine(Generic[S, E]):
    name: str
    moves: Mapping[tuple[S, E], S]

    def after(self, state: S, event: E) -> S:
        """The state that ``event`` leads to, or ``IllegalMove``."""
        try:
            return self.moves[state, event]
        except KeyError:
            raise IllegalMove(self.name, state, event) from None
