"""What every reader of this room answers with: a verdict, the facts read, and the reason if not."""

from dataclasses import dataclass
from typing import TypeAlias

Facts: TypeAlias = dict[str, str | int | bool | list[int]]


@dataclass(frozen=True)
class Identified:
    """``normalised`` is the form to store and compare by; it is None exactly if not ``valid``."""

    valid: bool
    normalised: str | None
    facts: Facts
    reason: str | None


def accepted(normalised: str, facts: Facts) -> Identified:
    return Identified(valid=True, normalised=normalised, facts=facts, reason=None)


def refused(reason: str) -> Identified:
    return Identified(valid=False, normalised=None, facts={}, reason=reason)
