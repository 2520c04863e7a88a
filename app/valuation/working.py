"""What every method answers with: the value, and the steps that lead to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from app.core.messages import Text
from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the working, rounded to the fen for people to read."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Worked:
    """``value`` is rounded once, from the exact sum and never from the rounded steps.

    ``figures`` are what else the method finds, by the name its documentation gives.
    """

    value: Money
    steps: tuple[Step, ...]
    figures: Mapping[str, Money | Decimal] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()
