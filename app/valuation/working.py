"""What every method answers with: the value, and the steps that lead to it."""

from dataclasses import dataclass

from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the working, rounded to the fen for people to read."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Worked:
    """``value`` is rounded once, from the exact sum and never from the rounded steps."""

    value: Money
    steps: tuple[Step, ...]
