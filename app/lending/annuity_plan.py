"""What a patent's owner pays to keep it: every annual fee to come, surcharges and alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.identifiers.terms import expires_on as legal_end
from app.identifiers.terms import find_term_rule
from app.lending.annuity_fees import AnnuityStatus, annuity_state
from app.lending.periods import months_after

WHOLE_PCT = 100


class FeeStatus(StrEnum):
    """How a granted patent stands by its fees and its term."""

    IN_FORCE = "in_force"
    IN_GRACE = "in_grace"
    LAPSED = "lapsed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class FeeRule:
    """The body of the rule "annuity_fees" for one kind of right."""

    fees: Sequence[Money]
    grace_months: int
    surcharge_pct_per_month: Decimal
    surcharge_free_months: int
    alarm_days: Sequence[int]

    @classmethod
    def of(cls, kind: RightKind, body: Mapping[str, Any]) -> Self:
        return cls(
            fees=[Money.yuan(fee) for fee in body["fees"][kind]],
            grace_months=body["grace_months"],
            surcharge_pct_per_month=Decimal(body["surcharge_pct_per_month"]),
            surcharge_free_months=body["surcharge_free_months"],
            alarm_days=body["alarm_days"],
        )


@dataclass(frozen=True, slots=True)
class Fee:
    """The fee of one patent year, reduced if it is reduced."""

    year: int
    fee: Money
    due_on: date
    grace_ends_on: date


@dataclass(frozen=True, slots=True)
class Alarm:
    """A day to look at the next fee; ``days`` after its due day, below zero before it."""

    on: date
    days: int
    passed: bool


@dataclass(frozen=True, slots=True)
class FeePlan:
    """``schedule`` holds every unpaid year, the next one first; empty when all are paid."""

    status: FeeStatus
    expires_on: date
    schedule: tuple[Fee, ...]
    surcharge: Money
    alarms: tuple[Alarm, ...]

    @property
    def next(self) -> Fee | None:
        return self.schedule[0] if self.schedule else None


def fee_plan(
    kind: RightKind,
    rule: FeeRule,
    *,
    filed_on: date,
    granted_on: date | None,
    as_of: date,
    paid_through_year: int,
    reduction_pct: Decimal = Decimal(0),
) -> FeePlan:
    """The fees of a patent on the day ``as_of``.

    Year n runs from the (n−1)th anniversary of filing, and its fee is due by that day. In the
    grace the surcharge is a share of the full fee, never of the reduced one, per started month
    after the free ones; it stays at its highest once the patent has lapsed, for who restores it
    pays it. Raises FieldRefused for days in a wrong order or more years paid than the term has.
    """
    if granted_on is not None and granted_on < filed_on:
        raise FieldRefused("granted_on", say("must not be before the day of filing"))
    if as_of < (granted_on or filed_on):
        raise FieldRefused("as_of", say("must not be before the day of filing or of grant"))
    term, ends_on = find_term_rule(kind, filed_on=filed_on), legal_end(kind, filed_on=filed_on)
    if term is None or ends_on is None:
        raise FieldRefused("right", say("has no annual fees"))
    if not 0 <= paid_through_year <= term.years:
        raise FieldRefused(
            "paid_through_year",
            say("must be from {lowest} to {highest}", lowest=0, highest=term.years),
        )
    if not 0 <= reduction_pct <= WHOLE_PCT:
        raise FieldRefused("reduction_pct", say("must be from 0 to 100"))
    state = annuity_state(
        filed_on=filed_on,
        expires_on=ends_on,
        paid_through_year=paid_through_year,
        on=as_of,
        grace_months=rule.grace_months,
    )
    kept = 1 - reduction_pct / WHOLE_PCT
    schedule = tuple(
        Fee(year, rule.fees[year - 1].times(kept), due_on, months_after(due_on, rule.grace_months))
        for year in range(paid_through_year + 1, term.years + 1)
        for due_on in [months_after(filed_on, 12 * (year - 1))]
    )
    if state.status is AnnuityStatus.LAPSED:
        status = FeeStatus.LAPSED
    elif as_of >= ends_on:
        status = FeeStatus.EXPIRED
    elif state.status is AnnuityStatus.IN_GRACE:
        status = FeeStatus.IN_GRACE
    else:
        status = FeeStatus.IN_FORCE
    surcharge = ZERO
    alarms: tuple[Alarm, ...] = ()
    if schedule:
        due_on = schedule[0].due_on
        surcharge = rule.fees[schedule[0].year - 1].times(_surcharge(rule, due_on, as_of))
        alarms = tuple(_alarm(due_on, days, as_of) for days in rule.alarm_days)
    return FeePlan(status, ends_on, schedule, surcharge, alarms)


def _surcharge(rule: FeeRule, due_on: date, as_of: date) -> Decimal:
    """The share of the full fee that is owed on top on the day ``as_of``."""
    started = 0
    while started < rule.grace_months and as_of > months_after(due_on, started):
        started += 1
    late = max(0, started - rule.surcharge_free_months)
    return late * rule.surcharge_pct_per_month / WHOLE_PCT


def _alarm(due_on: date, days: int, as_of: date) -> Alarm:
    on = due_on + timedelta(days=days)
    return Alarm(on, days, on <= as_of)
