"""Caps on one loan, firm, bank and park of the programme, and a guarantor's on one client."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.core.money import ZERO, Money, Rounding

_WHOLE_PCT = 100


@dataclass(frozen=True, slots=True)
class Cap:
    """An amount, a share of the programme's capacity, or the lower of the two."""

    amount: Money | None = None
    pct_of_capacity: Decimal | None = None

    def limit(self, capacity: Money) -> Money | None:
        """What the cap comes to, cut down to the fen; None without one."""
        limits = [] if self.amount is None else [self.amount]
        if self.pct_of_capacity is not None:
            limits.append(capacity.times(self.pct_of_capacity / _WHOLE_PCT, Rounding.DOWN))
        return min(limits, default=None)


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps in force. ``per_loan`` counts principal, the others the guarantors' liability."""

    per_loan: Cap = Cap()
    per_firm: Cap = Cap()
    per_bank: Cap = Cap()
    per_park: Cap = Cap()


@dataclass(frozen=True, slots=True)
class Used:
    """Liability held + outstanding + called of one firm, bank and park; the firm's waiting too."""

    capacity: Money
    client_cap: Money | None
    client: Money
    firm: Money
    bank: Money
    park: Money


@dataclass(frozen=True, slots=True)
class Breach:
    """The cap that one more liability would exceed, with its figures."""

    rule: str
    limit: Money
    used: Money
    asked: Money


def find_breach(caps: Caps, used: Used, *, principal: Money, liability: Money) -> Breach | None:
    """The first cap that this loan would exceed; the guarantor's own comes first."""
    client = find_client_breach(used, liability=liability)
    if client is not None:
        return client
    rules = (
        ("per_loan", caps.per_loan, ZERO, principal),
        ("per_firm", caps.per_firm, used.firm, liability),
        ("per_bank", caps.per_bank, used.bank, liability),
        ("per_park", caps.per_park, used.park, liability),
    )
    return next(_breaches(rules, used.capacity), None)


def find_client_breach(used: Used, *, liability: Money) -> Breach | None:
    """The guarantor's cap on one client, if this liability would exceed it."""
    cap = used.client_cap
    if cap is None or used.client + liability <= cap:
        return None
    return Breach("client_cap", cap, used.client, liability)


def find_shared_breach(caps: Caps, used: Used, *, liability: Money) -> Breach | None:
    """The cap of the bank or the park, if this liability would exceed it."""
    rules = (
        ("per_bank", caps.per_bank, used.bank, liability),
        ("per_park", caps.per_park, used.park, liability),
    )
    return next(_breaches(rules, used.capacity), None)


def _breaches(
    rules: tuple[tuple[str, Cap, Money, Money], ...], capacity: Money
) -> Iterator[Breach]:
    for rule, cap, used, asked in rules:
        limit = cap.limit(capacity)
        if limit is not None and used + asked > limit:
            yield Breach(rule, limit, used, asked)
