"""Four values of one portfolio: on the market, sold in order, sold by force, and to lend on."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.valuation.checks import WHOLE_PCT, money, refuse_negative, share


@dataclass(frozen=True, slots=True)
class Interval:
    """A value between the 5th and the 95th percentile of the scenarios."""

    low: Money
    value: Money
    high: Money

    def times(self, factor: Fraction) -> "Interval":
        return Interval(*(money(one.fen * factor) for one in (self.low, self.value, self.high)))

    def at_most(self, other: "Interval") -> "Interval":
        """The lower of both, end by end: a limit holds in each case, the good and the bad."""
        return Interval(
            min(self.low, other.low), min(self.value, other.value), min(self.high, other.high)
        )


@dataclass(frozen=True, slots=True)
class Haircuts:
    """The body of the rule "haircuts": what a sale takes off, each a share of what is left.

    ``time_pct`` for waiting until it is sold, ``outsider_pct`` because the next user makes less
    of it than its maker, ``sale_cost_pct`` for broker and court.
    """

    time_pct: Decimal
    outsider_pct: Decimal
    sale_cost_pct: Decimal
    forced_pct: Decimal

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            time_pct=Decimal(body["time_pct"]),
            outsider_pct=Decimal(body["outsider_pct"]),
            sale_cost_pct=Decimal(body["sale_cost_pct"]),
            forced_pct=Decimal(body["forced_pct"]),
        )

    def orderly(self) -> Fraction:
        """(1−time)·(1−outsider)·(1−cost). Source: reference/valuation.md §2 (Liquidation)."""
        kept = Fraction(1)
        for field in ("time_pct", "outsider_pct", "sale_cost_pct"):
            kept *= 1 - share(field, getattr(self, field))
        return kept

    def forced(self) -> Fraction:
        """A sale within weeks takes ``forced_pct`` off what an orderly one brings."""
        return self.orderly() * (1 - share("forced_pct", self.forced_pct))


@dataclass(frozen=True, slots=True)
class FourValues:
    """``binding`` names the limit that decides what may be lent."""

    market: Interval
    orderly_liquidation: Interval
    forced_sale: Interval
    lendable: Interval
    binding: str


def four_values(
    market: Interval,
    *,
    at_maturity: Interval,
    haircuts: Haircuts,
    pledge_rate_pct: Decimal,
    debt_service: Money | None = None,
) -> FourValues:
    """Lendable = min(pledge rate × market, orderly liquidation at the loan's end, debt service).

    The liquidation limit looks at what is left when the loan ends, not when it is signed: a patent
    ages. ``debt_service`` is the loan that the firm's cash can carry; None if nobody knows it.
    Raises FieldRefused for a rate outside 0–100 % or an interval in the wrong order.
    """
    for field, one in (("market", market), ("at_maturity", at_maturity)):
        if not ZERO <= one.low <= one.value <= one.high:
            raise FieldRefused(field, say("must not fall from its low to its high end"))
    if debt_service is not None:
        refuse_negative(debt_service=debt_service)
    limits = {
        "pledge_rate": market.times(share("pledge_rate_pct", pledge_rate_pct)),
        "liquidation_at_maturity": at_maturity.times(haircuts.orderly()),
    }
    if debt_service is not None:
        limits["debt_service"] = Interval(debt_service, debt_service, debt_service)
    binding = min(limits, key=lambda name: limits[name].value)
    lendable = limits["pledge_rate"]
    for limit in limits.values():
        lendable = lendable.at_most(limit)
    return FourValues(
        market=market,
        orderly_liquidation=market.times(haircuts.orderly()),
        forced_sale=market.times(haircuts.forced()),
        lendable=lendable,
        binding=binding,
    )


def debt_service_limit(
    yearly_cash: Money, *, cover: Decimal, annual_rate_pct: Decimal, years: int
) -> Money:
    """The loan whose equal yearly payments are the cash over the cover: C/κ·a(n, r).

    ``cover`` is what the bank asks of cash over debt service, above 0. Cash below zero carries no
    loan. Raises FieldRefused for a cover of nothing, a negative rate or a term outside 1–100.
    """
    if cover <= 0:
        raise FieldRefused("cover", say("must be more than nothing"))
    refuse_negative(annual_rate_pct=annual_rate_pct)
    if not 1 <= years <= WHOLE_PCT:
        raise FieldRefused(
            "years", say("must be from {lowest} to {highest}", lowest=1, highest=WHOLE_PCT)
        )
    growth = 1 + Fraction(annual_rate_pct) / WHOLE_PCT
    annuity = sum((growth**-year for year in range(1, years + 1)), Fraction(0))
    return money(max(yearly_cash.fen, 0) / Fraction(cover) * annuity)
