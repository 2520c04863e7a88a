"""What a legal event does to a right: to its life, to what burdens it, to whether it is pledged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Self


class OnLife(StrEnum):
    """What becomes of the time in which the right earns."""

    BEGINS = "begins"
    ENDS = "ends"
    RESTORED = "restored"
    EXTENDED = "extended"
    NARROWED = "narrowed"  # it goes on with fewer claims
    UNCLEAR = "unclear"  # one code for the whole and for a part
    NONE = "none"


class OnBurden(StrEnum):
    """What joins, changes or leaves the register of what others hold on the right."""

    PLEDGE = "pledge"
    PLEDGE_CHANGE = "pledge_change"
    PLEDGE_END = "pledge_end"
    PRESERVATION = "preservation"
    PRESERVATION_END = "preservation_end"
    LICENCE = "licence"
    LICENCE_CHANGE = "licence_change"
    LICENCE_END = "licence_end"
    OWNER = "owner"
    UNCLEAR = "unclear"
    NONE = "none"


class OnPledge(StrEnum):
    """What a pledgee, or who would become one, has to do."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    BLOCKED = "blocked"
    CONSENT = "consent"
    REVALUE = "revalue"
    REVIEW = "review"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one effect means, of the rule "event_consequences"."""

    life: OnLife
    burden: OnBurden
    pledge: OnPledge

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Self:
        return cls(OnLife(row["life"]), OnBurden(row["burden"]), OnPledge(row["pledge"]))


def remaining_years(
    *, on: date, expires_on: date | None, ended_on: date | None, lapses_on: date | None = None
) -> float:
    """Years of legal life left, parts of a year included; 0.0 for an end nobody knows.

    ``ended_on`` is what events say and ``lapses_on`` what a missed annual fee says, a year before
    the gazette does; whichever ends the right first counts.
    """
    ends = [day for day in (expires_on, ended_on, lapses_on) if day is not None]
    if expires_on is None or min(ends) <= on:
        return 0.0
    return (min(ends) - on).days / 365.25
