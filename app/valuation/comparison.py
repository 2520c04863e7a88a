"""An external report beside the model's value: how far apart, why, and which of them count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Self

from app.core.messages import Text, say
from app.core.money import ZERO, Money
from app.valuation.checks import WHOLE_PCT

_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The key figures behind a value; None where nobody states one, or there is no single one."""

    discount_rate_pct: Decimal | None = None
    royalty_rate_pct: Decimal | None = None
    life_years: int | None = None
    annual_revenue: Money | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A value and how it came about. ``method`` is a code of the rule "appraisal"."""

    name: str
    value: Money
    valued_on: date
    method: str
    inputs: Inputs = field(default_factory=Inputs)
    expires_on: date | None = None  # the last day of its use
    unsettled: Text | None = None  # why it does not stand yet, or no more

    def out_of_use(self, on: date) -> Text | None:
        """Why it does not count on the day ``on``; None if it does."""
        if self.unsettled is not None:
            return self.unsettled
        if self.expires_on is not None and self.expires_on < on:
            return say("expired on {day}", day=self.expires_on)
        return None


@dataclass(frozen=True, slots=True)
class Levels:
    """From where on a difference is worth a finding, of the rule "appraisal"."""

    difference_warn_pct: Decimal
    days_apart_warn: int

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Self:
        return cls(Decimal(rule["difference_warn_pct"]), rule["days_apart_warn"])


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Comparison:
    """``ratio`` is the report's value over the model's, ``difference_pct`` of the lower of both."""

    ratio: Decimal | None
    difference_pct: Decimal | None
    beyond: bool
    findings: tuple[Finding, ...]


def compare(model: Side, report: Side, *, levels: Levels) -> Comparison:
    """What lies between the two values, and what may explain it; neither is taken for the truth."""
    if not model.value or not report.value:
        missing = Finding("no_ratio", say("one of the two values is zero: there is no ratio"))
        return Comparison(None, None, beyond=False, findings=(missing, *_reasons(model, report)))
    ratio = Decimal(report.value.fen) / model.value.fen
    low, high = sorted((model.value.fen, report.value.fen))
    exact = (Decimal(high) / low - 1) * WHOLE_PCT
    beyond = exact > levels.difference_warn_pct
    findings = [*_reasons(model, report)]
    apart = abs((report.valued_on - model.valued_on).days)
    if apart > levels.days_apart_warn:
        findings.append(
            Finding("dates_apart", say("the valuation dates lie {days} days apart", days=apart))
        )
    if beyond:
        told = say(
            "the higher value is {difference} % above the lower, more than the {level} % from which"
            " a difference must be explained",
            difference=exact.quantize(_PLACES, ROUND_HALF_UP),
            level=levels.difference_warn_pct,
        )
        findings.insert(0, Finding("beyond_level", told))
    return Comparison(
        ratio=ratio.quantize(_PLACES, ROUND_HALF_UP),
        difference_pct=exact.quantize(_PLACES, ROUND_HALF_UP),
        beyond=beyond,
        findings=tuple(findings),
    )


def _reasons(model: Side, report: Side) -> list[Finding]:
    """The inputs and methods in which the two differ, and those that only the model states."""
    found = []
    if model.method != report.method:
        found.append(Finding("method", say("the two use different methods")))
    for code, name, ours, theirs in (
        (
            "discount_rate_pct",
            say("discount rate, %"),
            model.inputs.discount_rate_pct,
            report.inputs.discount_rate_pct,
        ),
        (
            "royalty_rate_pct",
            say("royalty rate, %"),
            model.inputs.royalty_rate_pct,
            report.inputs.royalty_rate_pct,
        ),
        (
            "life_years",
            say("years of income"),
            model.inputs.life_years,
            report.inputs.life_years,
        ),
        (
            "annual_revenue",
            say("annual revenue, yuan"),
            model.inputs.annual_revenue,
            report.inputs.annual_revenue,
        ),
    ):
        if ours is None or ours == theirs:
            continue
        if theirs is None:
            text = say(
                "{name}: the model takes {model}, the report states none", name=name, model=ours
            )
        else:
            text = say(
                "{name}: the report takes {report}, the model {model}",
                name=name,
                report=theirs,
                model=ours,
            )
        found.append(Finding(code, text))
    return found


@dataclass(frozen=True, slots=True)
class DrawnUp:
    """The cautious value of all that count, and why the others do not."""

    value: Money | None
    counted: tuple[str, ...]
    left_out: tuple[tuple[str, Text], ...]


def draw_up(sides: Sequence[Side], *, on: date) -> DrawnUp:
    """The least of the values that count on the day ``on``; None if none does.

    A report that has expired, is disputed or not yet accepted does not count, and a value of zero
    counts as no value.
    """
    counted: list[Side] = []
    left_out: list[tuple[str, Text]] = []
    for side in sides:
        reason = side.out_of_use(on)
        if reason is None and side.value <= ZERO:
            reason = say("states no value")
        if reason is None:
            counted.append(side)
        else:
            left_out.append((side.name, reason))
    return DrawnUp(
        value=min((side.value for side in counted), default=None),
        counted=tuple(side.name for side in counted),
        left_out=tuple(left_out),
    )
