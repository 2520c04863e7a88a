"""Who gets what of the money that comes in after a loss, in the order that the scheme states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.core.errors import FieldRefused, Unprocessable
from app.core.messages import say
from app.core.money import ZERO, Money
from app.risk.scheme import RecoveryStep


@dataclass(eq=False)
class RecoveryAboveDebt(Unprocessable):
    """More came in than costs, principal and interest together: what is above is the firm's."""

    message = "The recovery of {amount} is above what is still owed, {owed}."

    amount: Money
    owed: Money


@dataclass(frozen=True, slots=True)
class Recovered:
    """Parts of one recovery that sum to it; ``parties`` are those who bore the loss."""

    costs: Money
    parties: Mapping[str, Money]
    interest: Money


@dataclass(frozen=True, slots=True)
class Lost:
    """Lost principal and what recoveries have brought of it, of every yuan of it alike."""

    principal: Money
    recovered: Money

    def still(self, part: Money) -> Money:
        """What of ``part`` of the principal is still lost, half up."""
        if not self.principal:
            return ZERO
        return part.times(Fraction((self.principal - self.recovered).fen, self.principal.fen))

    def settles(self, claimed: Money, *, of: Money) -> Money:
        """The part of the principal ``of`` that a claim for ``claimed``, still lost, settles.

        The recovered share of that part included: a claim for all that is still lost settles all.
        """
        if claimed >= self.still(of):
            return of
        left = (self.principal - self.recovered).fen
        return min(of, claimed.times(Fraction(self.principal.fen, left)))


def split_recovery(
    order: Sequence[RecoveryStep],
    amount: Money,
    *,
    costs: Money,
    borne: Mapping[str, Money],
    returned: Mapping[str, Money],
    interest: Money,
) -> Recovered:
    """Pay costs, what the parties bore and interest in ``order``, as far as ``amount`` goes.

    ``costs`` and ``interest`` are what is still unpaid of them; ``borne`` is what each party bore
    in all, ``returned`` what earlier recoveries gave it back. Recoveries one by one return what one
    of their sum does, within a fen. RecoveryAboveDebt for more than all of it.
    """
    _refuse_negative("costs", costs)
    _refuse_negative("interest", interest)
    if amount <= ZERO:
        raise FieldRefused("amount", say("must be more than nothing"))
    still = {party: part - returned.get(party, ZERO) for party, part in borne.items()}
    for part in still.values():
        _refuse_negative("returned", part)
    principal = Money.sum(list(still.values()))
    owed = costs + principal + interest
    if amount > owed:
        raise RecoveryAboveDebt(amount, owed)
    unpaid = {
        RecoveryStep.COSTS: costs,
        RecoveryStep.BORNE: principal,
        RecoveryStep.INTEREST: interest,
    }
    paid, left = dict.fromkeys(RecoveryStep, ZERO), amount
    for step in order:
        paid[step] = min(left, unpaid[step])
        left -= paid[step]
    return Recovered(
        paid[RecoveryStep.COSTS],
        _pro_rata(paid[RecoveryStep.BORNE], borne, still),
        paid[RecoveryStep.INTEREST],
    )


def _pro_rata(
    amount: Money, borne: Mapping[str, Money], still: Mapping[str, Money]
) -> dict[str, Money]:
    """Shares of all that came back so far by what each bore, less what each has had."""
    if not amount:
        return dict.fromkeys(borne, ZERO)
    returned = Money.sum(list(borne.values())) - Money.sum(list(still.values()))
    parts = (returned + amount).split([part.fen for part in borne.values()])
    due = {
        party: max(ZERO, part - (borne[party] - still[party]))
        for party, part in zip(borne, parts, strict=True)
    }
    excess = Money.sum(list(due.values())) - amount
    for party in reversed(due):  # who is a fen ahead keeps it, the last named waits
        given = min(excess, due[party])
        due[party] -= given
        excess -= given
    return due


def _refuse_negative(field: str, amount: Money) -> None:
    if amount < ZERO:
        raise FieldRefused(field, say("must not be negative"))
