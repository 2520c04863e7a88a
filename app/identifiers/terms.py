"""When a right ends by law: the term of each kind, counted from the date the law names.

The terms are dated data with their source, in terms.toml beside this file.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, date
from enum import StrEnum
from typing import Any

from app.core.errors import FieldRefused
from app.core.messages import say
from app.identifiers.rights import RightKind
from app.identifiers.tables import load_table


class TermEnd(StrEnum):
    """On the counted day so many years later, or on the last day of that year."""

    ANNIVERSARY = "anniversary"
    YEAR_END = "year_end"


@dataclass(frozen=True)
class TermRule:
    """One term of one law.

    ``counted_from`` names the argument of ``expires_on`` that it counts from, ``unpublished_from``
    the one that counts while that is missing. ``filed_from`` is the first filing day it holds for,
    ``filed_before`` the day after the last; None is open.
    """

    kind: RightKind
    years: int
    counted_from: str
    unpublished_from: str | None
    ends: TermEnd
    filed_from: date | None
    filed_before: date | None
    source: str

    def applies(self, *, filed_on: date | None) -> bool:
        """Whether the rule is the one for that filing day; unknown satisfies no dated rule."""
        if filed_on is None:
            return self.filed_from is None and self.filed_before is None
        return (self.filed_from is None or self.filed_from <= filed_on) and (
            self.filed_before is None or filed_on < self.filed_before
        )


def _rule(row: dict[str, Any]) -> TermRule:
    return TermRule(
        kind=RightKind(row["kind"]),
        years=row["years"],
        counted_from=row["counted_from"],
        unpublished_from=row.get("unpublished_from"),
        ends=TermEnd(row["ends"]),
        filed_from=row.get("filed_from"),
        filed_before=row.get("filed_before"),
        source=row["source"],
    )


TERM_RULES = tuple(_rule(row) for row in load_table("terms")["term"])


def find_term_rule(kind: RightKind, *, filed_on: date | None) -> TermRule | None:
    """The rule that a right of this kind and filing day lives by; None if the day decides and is
    not known.
    """
    rules = (rule for rule in TERM_RULES if rule.kind is kind)
    return next((rule for rule in rules if rule.applies(filed_on=filed_on)), None)


def expires_on(
    kind: RightKind,
    *,
    filed_on: date | None = None,
    registered_on: date | None = None,
    first_published_on: date | None = None,
    completed_on: date | None = None,
) -> date | None:
    """The day the right ends if nothing ends it before; None if the date to count from is missing.

    Patents: the anniversary of filing (for a PCT application the international filing day), the
    first day without the right. Trademarks: the anniversary of registration, from which a renewal
    counts in its turn. Copyrights, of a legal person: the last day, 31 December; unpublished they
    count from completion, and what was published only after that term was never protected longer.
    Raises ``FieldRefused`` for a date so late that the calendar has no end for it.
    """
    dates = {
        "filed_on": filed_on,
        "registered_on": registered_on,
        "first_published_on": first_published_on,
        "completed_on": completed_on,
    }
    rule = find_term_rule(kind, filed_on=filed_on)
    if rule is None:
        return None
    counted_on = dates[rule.counted_from]
    ends_on = _end(rule, rule.counted_from, counted_on)
    if rule.unpublished_from is None:
        return ends_on
    unpublished_ends_on = _end(rule, rule.unpublished_from, dates[rule.unpublished_from])
    if counted_on is None or (unpublished_ends_on is not None and unpublished_ends_on < counted_on):
        return unpublished_ends_on
    return ends_on


def _end(rule: TermRule, field: str, day: date | None) -> date | None:
    if day is None:
        return None
    year = day.year + rule.years
    if year > MAXYEAR:
        raise FieldRefused(
            field, say("is too late: the term of {years} years has no end", years=rule.years)
        )
    if rule.ends is TermEnd.YEAR_END:
        return date(year, 12, 31)
    # 29 February has no anniversary in most years; the law takes the month's last day then.
    return date(year, day.month, min(day.day, monthrange(year, day.month)[1]))
