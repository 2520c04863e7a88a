"""How principal comes back period by period, in whole fen and exact ratios.

The interest of a period is ``balance · weight / base`` fen, where ``weight / base`` is the rate
times the period's share of a year. All of it is integer arithmetic, so that nothing is rounded
but what the contract rounds, and a schedule costs microseconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd, prod

from app.core.errors import FieldRefused
from app.core.messages import say

Divide = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Span:
    """The periods still to run: ``balance`` fen owed at their start, and what each one costs."""

    balance: int
    weights: Sequence[int]
    base: int
    grace: int  # how many of the periods pay interest only
    divide: Divide
    carried: int = 0  # fen of interest already accrued and due with the first instalment

    def repay(self, *, payment: int = 0, part: int = 0) -> list[tuple[int, int]]:
        """Interest and principal of each period, in fen; principal sums to the balance.

        ``payment`` is the equal instalment; where it is 0, ``part`` of principal comes back each
        time. The last period repays whatever is left. An instalment that would not cover its
        interest is raised to it, and no more is repaid than is owed.
        """
        rows = []
        owed, divide, base = self.balance, self.divide, self.base
        last = len(self.weights) - 1
        extra = self.carried
        for index, weight in enumerate(self.weights):
            interest = divide(owed * weight, base) + extra
            extra = 0
            if index == last:
                principal = owed
            elif index < self.grace:
                principal = 0
            else:
                principal = payment - interest if payment else part
                principal = 0 if principal < 0 else principal if principal < owed else owed
            owed -= principal
            rows.append((interest, principal))
        return rows

    def equal_instalment(self, *, multiple: int | None = None) -> int:
        """The level instalment in fen: P·∏(1+fₖ)/Sₙ with S₁ = 1, Sₖ = Sₖ₋₁(1+fₖ)+1.

        Rounded once, to the fen or to the nearest ``multiple`` of fen. Carried interest is spread
        over the instalments, so that the first one is level too.
        """
        weights = self.weights[self.grace :]
        base, first = self.base, self.weights[self.grace]
        common = gcd(base, *weights)
        base, first, weights = base // common, first // common, [w // common for w in weights]
        carried = 0 if self.grace else self.carried
        opening = self.balance * (base + first) + carried * base
        growth, annuity = _growth_and_annuity(weights, base)
        unit = multiple or 1
        return unit * self.divide(opening * growth, base * annuity * unit)

    def fits(self, *, payment: int) -> bool:
        """Whether the equal instalment pays something and leaves some for the last day."""
        return payment > 0 and self.repay(payment=payment)[-1][1] > 0

    def equal_part(self) -> int:
        """The principal in fen that each period but the last repays, rounded once."""
        return self.divide(self.balance, len(self.weights) - self.grace)


def _growth_and_annuity(weights: Sequence[int], base: int) -> tuple[int, int]:
    """∏ₖ₌₂(1+fₖ) and Sₙ as whole numbers over the same baseⁿ⁻¹."""
    first = weights[0]
    if first and all(weight == first for weight in weights):
        # Equal periods sum as a geometric series, which spares one long product per period.
        growth = (base + first) ** (len(weights) - 1)
        return growth, (growth * (base + first) - base ** len(weights)) // first
    annuity, scale = 1, 1
    for weight in weights[1:]:
        scale *= base
        annuity = annuity * (base + weight) + scale
    return prod(base + weight for weight in weights[1:]), annuity


def refuse_unfit_multiple(rows: Sequence[tuple[int, int]], *, payment: int) -> None:
    """Refuse a multiple whose instalment pays nothing, or pays the loan off before its last day."""
    if payment == 0:
        raise FieldRefused("instalment_multiple", say("rounds the instalment to nothing"))
    if rows[-1][1] == 0:
        raise FieldRefused("instalment_multiple", say("ends the loan before its last instalment"))
