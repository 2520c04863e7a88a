"""Canonical records of runs, by the rules of the files."""

from datetime import date
from typing import Any

from app.identifiers.rights import RightKind
from app.reference import files
from app.valuation.inputs import Rates, default_inputs

ON = date(2026, 11, 23)
RULES = ("valuation", "valuation_runs", "pledge_rates", "haircuts", "annuity_fees")


def make_rules() -> dict[str, Any]:
    versions = {key: files.in_force(key, on=ON) for key in RULES}
    return {key: version.model_dump(mode="json") for key, version in versions.items()}


def make_right(
    key: str = "a",
    kind: RightKind = RightKind.INVENTION,
    *,
    facts: dict[str, Any] | None = None,
    obstacles: list[str] | None = None,
    **stated: Any,
) -> dict[str, Any]:
    """An invention with fourteen years left; ``stated`` are what its owner says of it."""
    rates = Rates.of(make_rules())
    defaults = default_inputs(kind, rates, challenged=False)
    inputs = {
        name: {"value": value, "grade": "uncalibrated", "source": rule}
        for name, (value, rule) in defaults.items()
    }
    inputs |= {name: {"value": value, "grade": "stated"} for name, value in stated.items()}
    return {
        "right_id": key,
        "kind": kind.value,
        "facts": {
            "expires_on": "2041-01-04",
            "ended_on": None,
            "lapsed_on": None,
            "made_on": "2021-01-04",
        }
        | (facts or {}),
        "obstacles": obstacles or [],
        "inputs": inputs,
    }


def make_record(*rights: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A run of a thousand scenarios for a loan of a year that nobody has named an amount of."""
    return {
        "as_of": ON.isoformat(),
        "rules": make_rules(),
        "loan": {"owed": None, "ends_on": "2027-11-23", "yearly_cash": None},
        "scenarios": 1024,
        "seed": 7,
        "rights": list(rights),
    } | changes
