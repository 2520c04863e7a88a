"""What a guarantor can carry, and whether enough of it goes to small firms in small tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from app.core.money import Money, Rounding

_PLACES = Decimal("0.01")
_WHOLE_PCT = 100

PCT_MAX = Decimal("999999.99")
"""What a percentage of next to nothing is shown as, at most."""


def effective_capacity(
    signed: Money, *, net_assets: Money | None, multiple: Decimal | None
) -> Money:
    """What was signed for, or net assets × multiple if both are given and come to less."""
    if net_assets is None or multiple is None:
        return signed
    return min(signed, net_assets.times(multiple, Rounding.DOWN))


def used_pct(used: Money, capacity: Money) -> Decimal:
    """What is used in per cent of the capacity, above 100 too; 0 while nothing is used."""
    if not used:
        return Decimal(0).quantize(_PLACES)
    if not capacity:
        return PCT_MAX
    return min(
        PCT_MAX, (Decimal(_WHOLE_PCT) * used.fen / capacity.fen).quantize(_PLACES, ROUND_HALF_UP)
    )


def over_pct(used: Money, most: Money) -> Decimal:
    """By how many per cent ``used`` exceeds ``most``."""
    return used_pct(used, most) - _WHOLE_PCT


@dataclass(frozen=True, slots=True)
class Ticket:
    """One guarantee in force: the liability, the loan behind it, and the firm's size."""

    liability: Money
    principal: Money
    small_firm: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the liability beside the least that it should be."""

    liability: Money
    share_pct: Decimal | None  # None while nothing is guaranteed
    min_pct: Decimal | None
    below: bool


@dataclass(frozen=True, slots=True)
class Mix:
    """How a guarantor's liability is spread."""

    liability: Money
    small_firms: Share
    small_tickets: Share

    @property
    def shares(self) -> dict[str, Share]:
        return {"small_firms": self.small_firms, "small_tickets": self.small_tickets}

    @property
    def below(self) -> list[str]:
        """The shares that are below their minimum, by name: each is an alarm."""
        return [name for name, share in self.shares.items() if share.below]


def mix(
    tickets: Sequence[Ticket],
    *,
    min_small_firm_pct: Decimal | None,
    min_small_ticket_pct: Decimal | None,
    small_ticket_max: Money | None,
) -> Mix:
    """The shares of small and micro firms and of small tickets, by liability."""
    whole = Money.sum([ticket.liability for ticket in tickets])
    small = Money.sum([ticket.liability for ticket in tickets if ticket.small_firm])
    low = Money.sum(
        [
            ticket.liability
            for ticket in tickets
            if small_ticket_max is not None and ticket.principal <= small_ticket_max
        ]
    )
    return Mix(
        liability=whole,
        small_firms=_share(small, whole, min_small_firm_pct),
        small_tickets=_share(low, whole, min_small_ticket_pct),
    )


def _share(part: Money, whole: Money, least: Decimal | None) -> Share:
    if not whole:
        return Share(part, None, least, below=False)
    exact = Decimal(part.fen) * _WHOLE_PCT / whole.fen
    # Shown cut down, so that a share below its minimum never reads as one that reaches it.
    shown = exact.quantize(_PLACES, ROUND_DOWN)
    below = least is not None and part.fen * _WHOLE_PCT < least * whole.fen
    return Share(part, shown, least, below=below)
