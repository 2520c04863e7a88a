"""What an incoming payment settles: oldest instalment first, buckets in a stated order."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money


class Bucket(StrEnum):
    """A kind of debt within one instalment."""

    FEES = "fees"
    PENALTY = "penalty"  # 罚息
    INTEREST = "interest"
    PRINCIPAL = "principal"


# The habit of Chinese contracts while a loan is performing (先息后本). A product may name another.
USUAL_ORDER = (Bucket.FEES, Bucket.PENALTY, Bucket.INTEREST, Bucket.PRINCIPAL)


@dataclass(frozen=True, slots=True)
class Due:
    """What instalment ``number`` still owes, by bucket; nothing is negative."""

    number: int
    fees: Money = ZERO
    penalty: Money = ZERO
    interest: Money = ZERO
    principal: Money = ZERO

    def __post_init__(self) -> None:
        for bucket in Bucket:
            if self.of(bucket) < ZERO:
                raise FieldRefused(bucket.value, say("must not be negative"))

    def of(self, bucket: Bucket) -> Money:
        match bucket:
            case Bucket.FEES:
                return self.fees
            case Bucket.PENALTY:
                return self.penalty
            case Bucket.INTEREST:
                return self.interest
            case Bucket.PRINCIPAL:
                return self.principal


@dataclass(frozen=True, slots=True)
class Settled:
    """``amount`` of a payment went to one bucket of one instalment."""

    number: int
    bucket: Bucket
    amount: Money


@dataclass(frozen=True, slots=True)
class Allocation:
    """Where a payment went; ``unallocated`` is what nothing was owed for."""

    settled: tuple[Settled, ...]
    unallocated: Money

    def total(self, bucket: Bucket) -> Money:
        return Money.sum([part.amount for part in self.settled if part.bucket is bucket])


def allocate(
    amount: Money, *, dues: Sequence[Due], order: Sequence[Bucket] = USUAL_ORDER
) -> Allocation:
    """Settle ``dues`` by number, each one's buckets by ``order``, until ``amount`` is used up.

    Refuses an amount that is not positive, and an order that does not name each bucket once.
    """
    if amount <= ZERO:
        raise FieldRefused("amount", say("must be more than nothing"))
    if sorted(order) != sorted(Bucket):
        raise FieldRefused(
            "order", say("must name each of fees, penalty, interest, principal once")
        )
    settled = []
    for due in sorted(dues, key=lambda due: due.number):
        for bucket in order:
            part = min(amount, due.of(bucket))
            if part:
                settled.append(Settled(due.number, bucket, part))
                amount -= part
    return Allocation(tuple(settled), amount)
