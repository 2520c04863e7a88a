"""How large a firm is by the official standard of sixteen industries, 工信部联企业〔2011〕300号.

The bounds are data, in enterprise_size.toml beside this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any

from app.core.errors import FieldRefused
from app.core.messages import Text, say
from app.core.money import Money
from app.identifiers.tables import load_table
from app.identifiers.text import Malformed, compact


class EnterpriseSize(StrEnum):
    LARGE = "large"  # 大型
    MEDIUM = "medium"  # 中型
    SMALL = "small"  # 小型
    MICRO = "micro"  # 微型


SIZE_NAMES: dict[EnterpriseSize, Text] = {
    EnterpriseSize.LARGE: say("large"),
    EnterpriseSize.MEDIUM: say("medium"),
    EnterpriseSize.SMALL: say("small"),
    EnterpriseSize.MICRO: say("micro"),
}
FIELD_NAMES: dict[str, Text] = {
    "industry": say("industry"),
    "employees": say("employees"),
    "revenue": say("revenue"),
    "assets": say("assets"),
}
"""What people call the sizes, and what decides them."""


@dataclass(frozen=True)
class Industry:
    """One row of the standard.

    ``indicators`` names the figures it counts: ``employees``, ``revenue``, ``assets``. ``tiers``
    holds large, medium and small, each with one lower bound per indicator: persons or fen.
    """

    code: str
    name_zh: str
    also: tuple[str, ...]
    indicators: tuple[str, ...]
    tiers: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Sized:
    """The size, and the bounds that decided it, in words."""

    size: EnterpriseSize
    rule: str


_BOUNDED = (EnterpriseSize.LARGE, EnterpriseSize.MEDIUM, EnterpriseSize.SMALL)


def _industry(row: dict[str, Any], unit_yuan: int) -> Industry:
    indicators = tuple(name for name in ("employees", "revenue", "assets") if name in row)
    columns = [
        row[name] if name == "employees" else [Money.yuan(n * unit_yuan).fen for n in row[name]]
        for name in indicators
    ]
    return Industry(
        code=row["code"],
        name_zh=row["name_zh"],
        also=tuple(row["also"]),
        indicators=indicators,
        tiers=tuple(zip(*columns, strict=True)),
    )


_TABLE = load_table("enterprise_size")
STANDARD: str = _TABLE["standard"]
INDUSTRIES = tuple(_industry(row, _TABLE["unit_yuan"]) for row in _TABLE["industry"])


def _names(industry: Industry) -> set[str]:
    """Every way to name ``industry``, folded: its code and its names with and without 业."""
    stems = {name.removesuffix("业") for name in (industry.name_zh, *industry.also)}
    return {compact(name) for name in (industry.code, *stems, *(f"{stem}业" for stem in stems))}


_BY_NAME = {name: industry for industry in INDUSTRIES for name in _names(industry)}


def classify(
    industry: str, *, employees: int | None, revenue: Money | None, assets: Money | None
) -> Sized:
    """The highest tier of which the firm meets every bound; micro if it meets none.

    ``industry`` is a code or a Chinese name of ``INDUSTRIES``; ``revenue`` and ``assets`` are of
    the last year. Raises ``FieldRefused`` for an unknown industry, a negative figure, or one that
    the industry counts and that is missing, even where the others would already decide.
    """
    row = find_industry(industry)
    figures = {
        "employees": employees,
        "revenue": None if revenue is None else revenue.fen,
        "assets": None if assets is None else assets.fen,
    }
    counted = _counted(row, figures)
    for size, bounds in zip(_BOUNDED, row.tiers, strict=True):
        if all(figure >= bound for figure, bound in zip(counted, bounds, strict=True)):
            return Sized(size, _rule(row, bounds, met=True))
    return Sized(EnterpriseSize.MICRO, _rule(row, row.tiers[-1], met=False))


def _counted(row: Industry, figures: Mapping[str, int | None]) -> list[int]:
    """The figures that ``row`` counts, in its order, once none of all given is negative."""
    for field, figure in figures.items():
        if figure is not None and figure < 0:
            raise FieldRefused(field, say("must not be negative"))
    counted = []
    for field in row.indicators:
        figure = figures[field]
        if figure is None:
            raise FieldRefused(
                field, say("is missing, and {industry} is sized by it", industry=row.name_zh)
            )
        counted.append(figure)
    return counted


def _rule(row: Industry, bounds: tuple[int, ...], *, met: bool) -> Text:
    """For example 工信部联企业〔2011〕300号, 工业: employees at least 300 and revenue at least …"""
    conditions = [
        (_at_least if met else _below)(name, bound if name == "employees" else Money(bound))
        for name, bound in zip(row.indicators, bounds, strict=True)
    ]
    together = reduce(_both if met else _either, conditions)
    return say(
        "{standard}, {industry}: {conditions}",
        standard=STANDARD,
        industry=row.name_zh,
        conditions=together,
    )


def _at_least(figure: str, bound: int | Money) -> Text:
    return say("{figure} at least {bound}", figure=FIELD_NAMES[figure], bound=bound)


def _below(figure: str, bound: int | Money) -> Text:
    return say("{figure} below {bound}", figure=FIELD_NAMES[figure], bound=bound)


def _both(one: Text, other: Text) -> Text:
    return say("{one} and {other}", one=one, other=other)


def _either(one: Text, other: Text) -> Text:
    return say("{one} or {other}", one=one, other=other)


def find_industry(name: str) -> Industry:
    """The industry of a code or a Chinese name, with or without 业. ``FieldRefused`` if none is."""
    try:
        found = _BY_NAME.get(compact(name))
    except Malformed as malformed:
        raise FieldRefused("industry", malformed.reason) from malformed
    if found is None:
        raise FieldRefused("industry", say("is none of the sixteen industries of the standard"))
    return found
