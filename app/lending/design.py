"""Terms that a firm's cash can carry (合理设置还款期限): which loans leave its cover high enough.

A loan is tried for every allowed term, grace and method, on the schedule that the product itself
would make. Each payment must be covered ``cover_ratio`` times: by the cash of its own period, or
by all cash so far, opening cash included, over all payments so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from itertools import accumulate

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.periods import Frequency, months_after
from app.lending.schedule import Instalment, schedule
from app.lending.terms import RepaymentMethod, ScheduleTerms

_COVER_PLACES = Decimal("0.0001")
_DEFERRABLE = (RepaymentMethod.EQUAL_INSTALMENT, RepaymentMethod.EQUAL_PRINCIPAL)

CANDIDATES_MAX = 500
"""More than any dated list of terms makes; a bound for the search."""


class Basis(StrEnum):
    """What must cover each payment. Cover of every period implies the cumulative one."""

    EVERY_PERIOD = "every_period"
    CUMULATIVE = "cumulative"


@dataclass(frozen=True, slots=True)
class CashPlan:
    """Cash that is free for debt service: ``flows[k]`` is there at the end of period k + 1."""

    opening: Money
    flows: Sequence[Money]
    frequency: Frequency

    def months(self) -> int:
        return len(self.flows) * self.frequency.months


@dataclass(frozen=True, slots=True)
class Allowed:
    """The terms of the dated list."""

    term_months: Sequence[int]
    grace_months: Sequence[int]
    methods: Sequence[RepaymentMethod]


@dataclass(frozen=True, slots=True)
class Period:
    """One payment, what covers it, and both covers, rounded down."""

    due_on: date
    payment: Money
    cash: Money
    cover: Decimal
    cumulative_cover: Decimal


@dataclass(frozen=True, slots=True)
class Proposal:
    """One loan that was tried. ``shortfall`` is the cash that its worst period lacks, if any."""

    term_months: int
    grace_months: int
    method: RepaymentMethod
    total_interest: Money
    lowest_cover: Decimal
    lowest_cumulative_cover: Decimal
    shortfall: Money
    shortest_on: date
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """Every loan that fits, the least interest first; else the one that misses by least."""

    proposals: tuple[Proposal, ...]
    nearest: Proposal | None
    tried: int


def design(
    base: ScheduleTerms, *, cash: CashPlan, cover_ratio: Decimal, basis: Basis, allowed: Allowed
) -> Design:
    """Try every allowed combination on ``base``, whose term, grace and method are replaced.

    Only terms inside the months that ``cash`` foresees are tried, since later ones are unknown.
    """
    if cover_ratio <= 0:
        raise FieldRefused("cover_ratio", say("must be more than nothing"))
    if base.frequency.months % cash.frequency.months:
        raise FieldRefused("frequency", say("cash must be foreseen as often as it is paid"))
    tried = [
        _try(terms, cash=cash, cover_ratio=cover_ratio, basis=basis)
        for terms in _candidates(base, cash, allowed)
    ]
    fitting = [proposal for proposal in tried if not proposal.shortfall]
    missing = [proposal for proposal in tried if proposal.shortfall]
    return Design(
        proposals=tuple(sorted(fitting, key=_by_interest)),
        nearest=None if fitting or not missing else min(missing, key=_by_shortfall),
        tried=len(tried),
    )


def _by_interest(proposal: Proposal) -> tuple[int, int, int, str]:
    return (
        proposal.total_interest.fen,
        proposal.term_months,
        proposal.grace_months,
        proposal.method,
    )


def _by_shortfall(proposal: Proposal) -> tuple[int, int, int, int, str]:
    return (proposal.shortfall.fen, *_by_interest(proposal))


def _candidates(base: ScheduleTerms, cash: CashPlan, allowed: Allowed) -> list[ScheduleTerms]:
    """Grace is tried only where it defers something, and only inside the term."""
    found = [
        replace(base, term_months=term, grace_months=grace, method=method)
        for term in sorted(set(allowed.term_months))
        for method in allowed.methods
        for grace in sorted({0, *(allowed.grace_months if method in _DEFERRABLE else ())})
        if term <= cash.months() and grace < term and not term % cash.frequency.months
    ]
    assert len(found) <= CANDIDATES_MAX
    return found


def _try(terms: ScheduleTerms, *, cash: CashPlan, cover_ratio: Decimal, basis: Basis) -> Proposal:
    plan = schedule(terms)
    periods = _periods(plan, terms.first_day, cash)
    lacks = _shortfalls(periods, cash.opening, cover_ratio, basis)
    worst = max(range(len(lacks)), key=lambda i: (lacks[i], -i))
    return Proposal(
        term_months=terms.term_months,
        grace_months=terms.grace_months,
        method=terms.method,
        total_interest=Money.sum([line.interest for line in plan]),
        lowest_cover=min(period.cover for period in periods),
        lowest_cumulative_cover=min(period.cumulative_cover for period in periods),
        shortfall=max(ZERO, lacks[worst]),
        shortest_on=periods[worst].due_on,
        periods=tuple(periods),
    )


def _periods(plan: Sequence[Instalment], first_day: date, cash: CashPlan) -> list[Period]:
    """The payments with the cash that has come in since the payment before."""
    step = cash.frequency.months
    dated = [(months_after(first_day, (k + 1) * step), flow) for k, flow in enumerate(cash.flows)]
    received = []
    start = first_day
    for line in plan:
        received.append(Money.sum([flow for day, flow in dated if start < day <= line.due_on]))
        start = line.due_on
    paid_so_far = accumulate(line.payment.fen for line in plan)
    cash_so_far = accumulate((flow.fen for flow in received), initial=cash.opening.fen)
    next(cash_so_far)
    return [
        Period(
            line.due_on,
            line.payment,
            flow,
            _cover(flow.fen, line.payment.fen),
            _cover(so_far, paid),
        )
        for line, flow, so_far, paid in zip(plan, received, cash_so_far, paid_so_far, strict=True)
    ]


def _cover(cash: int, payment: int) -> Decimal:
    """Rounded down, so that what is shown never flatters; a payment of nothing is well covered."""
    if not payment:
        return Decimal("9999")
    return (Decimal(cash) / payment).quantize(_COVER_PLACES, ROUND_FLOOR)


def _shortfalls(
    periods: Sequence[Period], opening: Money, cover_ratio: Decimal, basis: Basis
) -> list[Money]:
    """What each period lacks of ``cover_ratio`` times its payments, to the fen and exactly."""
    if basis is Basis.EVERY_PERIOD:
        pairs = [(period.payment.fen, period.cash.fen) for period in periods]
    else:
        paid = accumulate(period.payment.fen for period in periods)
        cash = accumulate((period.cash.fen for period in periods), initial=opening.fen)
        next(cash)
        pairs = list(zip(paid, cash, strict=True))
    return [
        Money(int((cover_ratio * payment).to_integral_value(ROUND_CEILING)) - cash)
        for payment, cash in pairs
    ]
