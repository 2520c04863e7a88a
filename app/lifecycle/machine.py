"""A finite state machine as a table. Nothing here knows about rows, sessions or HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from app.core.errors import Conflict
from app.core.messages import say
from app.lifecycle.words import BY_ITSELF, THINGS, event_of, events_of, state_of

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(eq=False)
class IllegalMove(Conflict):
    """The facts are codes: what was asked, what is ``allowed`` instead, whether it was done.

    ``again`` is true where the thing is already where the event would have led it.
    """

    message = "The {machine} {state}; it can be {allowed}, not {event}."

    machine: str
    state: str
    event: str
    allowed: list[str]
    again: bool

    def words(self) -> Mapping[str, Any]:
        event = event_of(self.machine, self.event)
        return {
            "machine": THINGS[self.machine],
            "state": state_of(self.machine, self.state),
            "event": say("{event} again", event=event) if self.again else event,
            "allowed": events_of(self.machine, self.allowed) if self.allowed else "",
        }

    def __str__(self) -> str:
        if self.allowed:
            return super().__str__()
        words = self.words()
        return str(
            say(
                "The {machine} {state}; it cannot be {event}.",
                machine=words["machine"],
                state=words["state"],
                event=words["event"],
            )
        )


@dataclass(frozen=True, slots=True)
class Machine(Generic[S, E]):
    name: str
    moves: Mapping[tuple[S, E], S]

    def after(self, state: S, event: E) -> S:
        """The state that ``event`` leads to, or ``IllegalMove``."""
        try:
            return self.moves[state, event]
        except KeyError:
            allowed = [
                next_event.value
                for source, next_event in self.moves
                if source == state and (self.name, next_event) not in BY_ITSELF
            ]
            again = any(led == event and target == state for (_, led), target in self.moves.items())
            raise IllegalMove(self.name, state, event, allowed, again) from None
