"""The inputs of a run as its canonical record holds them: each with the grade of its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from app.core.money import Money
from app.identifiers.rights import RightKind
from app.valuation.market import Comparable


class Grade(StrEnum):
    """How far an input is proven, the best first."""

    REGISTER = "register"  # a register's file says so
    DOCUMENTED = "documented"  # a document on file stands behind it
    STATED = "stated"  # a party says so
    RULE = "rule"  # dated data with a source
    UNCALIBRATED = "uncalibrated"  # dated data that nobody could source


@dataclass(frozen=True, slots=True)
class Inputs:
    """``record`` is one right's: {"annual_revenue": {"value": "1.00", "grade": "stated"}, …}."""

    record: Mapping[str, Mapping[str, Any]]

    def get(self, name: str) -> Any:
        return self.record[name]["value"] if name in self.record else None

    def money(self, name: str) -> Money | None:
        value = self.get(name)
        return None if value is None else Money.yuan(value)

    def number(self, name: str) -> Decimal | None:
        value = self.get(name)
        return None if value is None else Decimal(value)

    def rate(self, name: str) -> Decimal:
        """A rate that every right has, stated or from the rules."""
        return Decimal(self.record[name]["value"])

    def comparables(self) -> list[Comparable]:
        return [
            Comparable(
                price=Money.yuan(one["price"]),
                income=Money.yuan(one["income"]),
                **{name: Decimal(one[name]) for name in ("term", "exclusivity", "date")},
            )
            for one in self.get("comparables") or ()
        ]


@dataclass(frozen=True, slots=True)
class Rates:
    """The bodies of the rules "valuation", "valuation_runs" and "pledge_rates"."""

    valuation: Mapping[str, Any]
    runs: Mapping[str, Any]
    pledge_rates: Mapping[str, Any]

    @classmethod
    def of(cls, rules: Mapping[str, Mapping[str, Any]]) -> Self:
        names = ("valuation", "valuation_runs", "pledge_rates")
        return cls(*(rules[name]["body"] for name in names))

    @property
    def tax_pct(self) -> Decimal:
        return Decimal(self.valuation["tax_rate_pct"])

    def pledge_pct(self, kind: RightKind) -> Decimal:
        return Decimal(self.pledge_rates["pledge_rate_pct"][kind])


DEFAULTED = frozenset(
    {
        "royalty_rate_pct",
        "discount_rate_pct",
        "economic_life_years",
        "growth_pct",
        "margin_pct",
        "attribution_pct",
        "valid_pct",
    }
)
"""What every right has, stated or not."""
YEARLY = (
    "annual_revenue",
    "annual_earnings",
    "annual_charges",
    "annual_profit",
    "annual_income",
)
"""Amounts of the last year, which grow."""


def default_inputs(
    kind: RightKind, rates: Rates, *, challenged: bool
) -> dict[str, tuple[str, str]]:
    """What the rules say where nobody states anything: by input, the value and its rule."""
    valuation, runs = rates.valuation, rates.runs
    valid = runs["challenged_valid_pct"] if challenged else runs["valid_pct"][kind]
    return {
        "royalty_rate_pct": (valuation["royalty_rate_pct"][kind], "valuation"),
        "discount_rate_pct": (valuation["discount_rate_pct"], "valuation"),
        "economic_life_years": (str(valuation["economic_life_years"][kind]), "valuation"),
        "growth_pct": (runs["growth_pct"], "valuation_runs"),
        "margin_pct": (runs["margin_pct"], "valuation_runs"),
        "attribution_pct": ("100", "valuation_runs"),
        "valid_pct": (valid, "valuation_runs"),
    }
