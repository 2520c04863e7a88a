"""Whether an award would be given twice: across measures, years and related firms."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.grants.measure import Dimension, Duplication


@dataclass(frozen=True)
class Given:
    """An award given or asked for: by which measure, for what, to whom, in which year."""

    measure: int
    key: str
    firm: str
    year: int


def conflicts(
    rule: Duplication | None,
    asked: Given,
    previous: Sequence[Given],
    *,
    related: Collection[str] = (),
) -> Sequence[Given]:
    """Those of ``previous`` that ``asked`` would repeat; ``related`` are firms of one group."""
    if rule is None:
        return []
    measures = {asked.measure, *rule.with_measures}
    firms = {asked.firm, *related} if rule.related_firms else {asked.firm}

    def agrees(one: Given, dimension: Dimension) -> bool:
        match dimension:
            case Dimension.KEY:
                return one.key == asked.key
            case Dimension.FIRM:
                return one.firm in firms
            case Dimension.YEAR:
                return one.year == asked.year

    return [
        one
        for one in previous
        if one.measure in measures and all(agrees(one, dimension) for dimension in rule.same)
    ]
