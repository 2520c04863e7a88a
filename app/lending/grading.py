"""Five classes of loans (五级分类): the floor that days past due give, and the bank's own grade."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """正常、关注、次级、可疑、损失, from good to bad."""

    PASS = "pass"
    SPECIAL_MENTION = "special_mention"
    SUBSTANDARD = "substandard"
    DOUBTFUL = "doubtful"
    LOSS = "loss"


_ORDER = list(Grade)


@dataclass(frozen=True, slots=True)
class Threshold:
    """More than ``over_days`` days past due a loan is ``grade`` at best."""

    over_days: int
    grade: Grade


def floor_of(days_past_due: int, thresholds: Sequence[Threshold]) -> Grade:
    """The best grade that so many days past due allow."""
    passed = [one.grade for one in thresholds if days_past_due > one.over_days]
    return max(passed, key=_ORDER.index, default=Grade.PASS)


def is_worse(grade: Grade, than: Grade) -> bool:
    return _ORDER.index(grade) > _ORDER.index(than)


def settle(*, floor: Grade, own: Grade, justified: bool) -> Grade:
    """The grade that counts: the bank's own if it is worse than the floor, or justified."""
    return own if justified or is_worse(own, floor) else floor
