"""What an interest subsidy (贴息) gives back: a share of the interest, or principal at the LPR."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from app.core.money import ZERO, Money, Rounding
from app.lending.daycount import DAYS_365

WHOLE_PCT = Decimal(100)


class Certainty(StrEnum):
    """How sure a subsidy is."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"


class SubsidyKind(StrEnum):
    """What the subsidy is a part of."""

    SHARE_OF_INTEREST = "share_of_interest"
    PRINCIPAL_AT_LPR = "principal_at_lpr"  # principal × LPR × days / 365


@dataclass(frozen=True, slots=True)
class Subsidy:
    """A subsidy on one loan, paid ``months_after_maturity``, at most ``cap`` for all of it.

    Interest counts as if at ``counted_rate_max_pct`` where the loan's rate is above. With
    ``principal_rate_pct`` the principal earns that rate for the loan's days, ``days_max`` at most,
    and interest does not count. ``cap_per_year`` holds for each calendar year.
    """

    name: str
    share_of_interest_pct: Decimal
    months_after_maturity: int
    certainty: Certainty
    cap: Money | None = None
    cap_per_year: Money | None = None
    counted_rate_max_pct: Decimal | None = None
    principal_rate_pct: Decimal | None = None
    days_max: int | None = None
    ip_share_pct: Decimal = WHOLE_PCT


@dataclass(frozen=True, slots=True)
class SubsidyRule:
    """A dated rule as its file states it, before the loan, the LPR and the IP share are known."""

    name: str
    kind: SubsidyKind
    months_after_maturity: int
    certainty: Certainty
    share_of_interest_pct: Decimal
    rate_max_lpr_multiple: Decimal | None
    cap: Money | None
    cap_per_year: Money | None
    days_max: int | None
    counts_ip_share: bool

    def on_loan(self, *, lpr_pct: Decimal, ip_share_pct: Decimal = WHOLE_PCT) -> Subsidy:
        """The rule for a loan of this IP share, at the loan prime rate of its day."""
        of_principal = self.kind is SubsidyKind.PRINCIPAL_AT_LPR
        multiple = self.rate_max_lpr_multiple
        return Subsidy(
            name=self.name,
            share_of_interest_pct=self.share_of_interest_pct,
            months_after_maturity=self.months_after_maturity,
            certainty=self.certainty,
            cap=self.cap,
            cap_per_year=self.cap_per_year,
            counted_rate_max_pct=None if multiple is None else lpr_pct * multiple,
            principal_rate_pct=lpr_pct if of_principal else None,
            days_max=self.days_max,
            ip_share_pct=ip_share_pct if self.counts_ip_share else WHOLE_PCT,
        )


def read_rule(body: Mapping[str, Any]) -> SubsidyRule:
    """The body of a rule file ``interest-subsidy….toml``."""

    def amount(key: str) -> Money | None:
        return Money.yuan(body[key]) if key in body else None

    multiple = body.get("rate_max_lpr_multiple")
    return SubsidyRule(
        name=body["name_zh"],
        kind=SubsidyKind(body["kind"]),
        months_after_maturity=body["months_after_maturity"],
        certainty=Certainty(body["certainty"]),
        share_of_interest_pct=Decimal(body.get("share_of_interest_pct", "0")),
        rate_max_lpr_multiple=None if multiple is None else Decimal(multiple),
        cap=amount("cap"),
        cap_per_year=amount("cap_per_year"),
        days_max=body.get("days_max"),
        counts_ip_share=body["counts_ip_share"],
    )


def subsidy_amount(
    subsidy: Subsidy,
    *,
    principal: Money,
    annual_rate_pct: Decimal,
    first_day: date,
    last_day: date,
    interest: Sequence[tuple[date, Money]],
    granted: Mapping[int, Money] | None = None,
    rounding: Rounding = Rounding.HALF_UP,
) -> Money:
    """What ``subsidy`` gives on a loan whose ``interest`` was paid on these days.

    ``granted`` is what the firm had already under the yearly cap, by calendar year.
    """
    granted = granted or {}
    if subsidy.principal_rate_pct is not None:
        bases = _days_by_year(first_day, last_day, subsidy.days_max)
        factor = principal.fen * Fraction(subsidy.principal_rate_pct) / (100 * DAYS_365)
    else:
        bases = _interest_by_year(interest)
        factor = Fraction(subsidy.share_of_interest_pct) / 100
        counted = subsidy.counted_rate_max_pct
        if counted is not None and counted < annual_rate_pct:
            factor *= Fraction(counted) / Fraction(annual_rate_pct)
    factor *= Fraction(subsidy.ip_share_pct) / 100
    if subsidy.cap_per_year is None:
        amount = Money(sum(bases.values())).times(factor, rounding)
    else:
        amount = Money.sum(
            [
                min(
                    Money(base).times(factor, rounding),
                    max(ZERO, subsidy.cap_per_year - granted.get(year, ZERO)),
                )
                for year, base in bases.items()
            ]
        )
    return amount if subsidy.cap is None else min(amount, subsidy.cap)


def _interest_by_year(interest: Sequence[tuple[date, Money]]) -> dict[int, int]:
    """Fen of interest by the calendar year it was paid in."""
    years: dict[int, int] = {}
    for on, amount in interest:
        years[on.year] = years.get(on.year, 0) + amount.fen
    return years


def _days_by_year(first_day: date, last_day: date, days_max: int | None) -> dict[int, int]:
    """Days from the first day (included) to the last (excluded) by calendar year."""
    if days_max is not None:
        last_day = min(last_day, first_day + timedelta(days_max))
    days: dict[int, int] = {}
    for year in range(first_day.year, last_day.year + 1):
        start, end = max(first_day, date(year, 1, 1)), min(last_day, date(year + 1, 1, 1))
        if end > start:
            days[year] = (end - start).days
    return days
