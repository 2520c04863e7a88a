"""What a loan really costs a year: interest, every fee, and what a subsidy gives back.

The rate is the XIRR of the borrower's dated flows. Beside it stands the simple method of the
People's Bank of China (公告〔2021〕第3号): all costs over the principal really in use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.periods import MONTHS_PER_YEAR, Frequency, months_after
from app.lending.schedule import Instalment, schedule
from app.lending.subsidy import Certainty, Subsidy, subsidy_amount
from app.lending.terms import RepaymentMethod, ScheduleTerms
from app.lending.xirr import DAYS_PER_YEAR, xirr

PLACES = Decimal("0.01")
NO_ROOT = say("these flows have no annual rate between −99 % and 10,000 %")


class CostWhen(StrEnum):
    """When a cost is paid. An amount or percentage is per year if it is paid yearly or monthly."""

    UPFRONT = "upfront"
    YEARLY_IN_ADVANCE = "yearly_in_advance"  # drawdown and each anniversary before maturity
    MONTHLY = "monthly"  # with each instalment, a twelfth for each month of its period
    AT_MATURITY = "at_maturity"


@dataclass(frozen=True, slots=True)
class CostItem:
    """A cost beside interest: exactly one of a fixed amount, a share of principal, or of what is
    outstanding when it is paid (at an anniversary after that day's instalment, with an instalment
    and at maturity before it)."""

    name: str
    when: CostWhen
    amount: Money | None = None
    pct_of_principal: Decimal | None = None
    pct_of_outstanding: Decimal | None = None

    def __post_init__(self) -> None:
        stated = (self.amount, self.pct_of_principal, self.pct_of_outstanding)
        if sum(one is not None for one in stated) != 1:
            raise FieldRefused(
                "amount", say("state exactly one of an amount and the two percentages")
            )
        if self.amount is not None and self.amount < ZERO:
            raise FieldRefused("amount", say("must not be negative"))
        for pct in (self.pct_of_principal, self.pct_of_outstanding):
            if pct is not None and not (pct.is_finite() and pct >= 0):
                raise FieldRefused("amount", say("a percentage must be finite and not negative"))


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the cost sheet; ``adds_pct`` is what it adds to the lines before it."""

    name: str
    amount: Money
    adds_pct: Decimal


@dataclass(frozen=True, slots=True)
class SubsidyLine:
    """What a subsidy gives back and when; ``adds_pct`` is negative."""

    name: str
    amount: Money
    adds_pct: Decimal
    on: date
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class CashFlow:
    """One day's money as the borrower sees it: received above zero, paid below."""

    on: date
    amount: Money
    what: str


@dataclass(frozen=True, slots=True)
class CostSheet:
    """The sheet of all-in financing cost (综合融资成本清单). Rates are per cent, two places."""

    before_subsidies_pct: Decimal
    effective_annual_rate_pct: Decimal
    nominal_annual_rate_pct: Decimal
    simple_annual_rate_pct: Decimal
    total_interest: Money
    total_cost: Money
    items: tuple[CostLine, ...]
    subsidies: tuple[SubsidyLine, ...]
    cash_flows: tuple[CashFlow, ...]


@dataclass(frozen=True, slots=True)
class PlannedLoan:
    """A loan with its schedule worked out, to price with many sets of costs."""

    terms: ScheduleTerms
    instalments: tuple[Instalment, ...]
    interest: Money
    rate_pct: Decimal  # XIRR of principal and interest alone


def plan(terms: ScheduleTerms) -> PlannedLoan:
    """The schedule of ``terms`` and its rate before any cost."""
    instalments = schedule(terms)
    flows = _Flows(terms, instalments)
    return PlannedLoan(
        terms,
        instalments,
        Money.sum([instalment.interest for instalment in instalments]),
        flows.rate_pct("annual_rate_pct"),
    )


def all_in_cost(
    loan: PlannedLoan, *, costs: Sequence[CostItem] = (), subsidies: Sequence[Subsidy] = ()
) -> CostSheet:
    """The cost sheet of ``loan``. ``FieldRefused`` if its flows have no rate that means anything.

    ``total_cost`` is interest and costs less subsidies.
    """
    terms, flows = loan.terms, _Flows(loan.terms, loan.instalments)
    items = [CostLine("interest", loan.interest, loan.rate_pct)]
    rate = loan.rate_pct
    for cost in costs:
        payments = _payments(loan, cost)
        for on, amount in payments:
            flows.add(on, -amount, cost.name)
        before, rate = rate, flows.rate_pct("costs")
        items.append(CostLine(cost.name, Money.sum([part for _, part in payments]), rate - before))
    before_subsidies, total = rate, Money.sum([item.amount for item in items])
    simple = _simple_rate_pct(loan, total)
    lines = []
    for subsidy in subsidies:
        amount = subsidy_amount(
            subsidy,
            principal=terms.principal,
            annual_rate_pct=terms.annual_rate_pct,
            first_day=terms.first_day,
            last_day=terms.maturity,
            interest=[(due.due_on, due.interest) for due in loan.instalments],
            rounding=terms.rounding,
        )
        on = months_after(terms.maturity, subsidy.months_after_maturity, day=terms.first_day.day)
        flows.add(on, amount, subsidy.name)
        before, rate = rate, flows.rate_pct("subsidies")
        lines.append(SubsidyLine(subsidy.name, amount, rate - before, on, subsidy.certainty))
        total -= amount
    return CostSheet(
        before_subsidies_pct=before_subsidies,
        effective_annual_rate_pct=rate,
        nominal_annual_rate_pct=terms.annual_rate_pct,
        simple_annual_rate_pct=simple,
        total_interest=loan.interest,
        total_cost=total,
        items=tuple(items),
        subsidies=tuple(lines),
        cash_flows=flows.listed(),
    )


class _Flows:
    """The borrower's flows by day, each day's parts named."""

    def __init__(self, terms: ScheduleTerms, instalments: Sequence[Instalment]) -> None:
        self._first_day = terms.first_day
        self._fen = {terms.first_day: terms.principal.fen}
        self._what = {terms.first_day: ["drawdown"]}
        for instalment in instalments:
            self._fen[instalment.due_on] = -instalment.payment.fen
            self._what[instalment.due_on] = [f"instalment {instalment.number}"]

    def add(self, on: date, amount: Money, what: str) -> None:
        if amount:
            self._fen[on] = self._fen.get(on, 0) + amount.fen
            self._what.setdefault(on, []).append(what)

    def rate_pct(self, field: str) -> Decimal:
        rate = xirr(sorted(self._fen.items()))
        if rate is None:
            raise FieldRefused(field, NO_ROOT)
        # Adding zero turns a rounded −0.00 into 0.00.
        return (Decimal(rate) * 100).quantize(PLACES, ROUND_HALF_UP) + 0

    def listed(self) -> tuple[CashFlow, ...]:
        return tuple(
            CashFlow(on, Money(fen), self._described(on)) for on, fen in sorted(self._fen.items())
        )

    def _described(self, on: date) -> str:
        names = self._what[on]
        if on != self._first_day:
            return " and ".join(names)
        return "drawdown less upfront costs" if len(names) > 1 else "drawdown"


def _payments(loan: PlannedLoan, cost: CostItem) -> list[tuple[date, Money]]:
    """When ``cost`` is paid and how much, each payment rounded once."""
    terms = loan.terms
    match cost.when:
        case CostWhen.UPFRONT:
            return [(terms.first_day, _share(cost, terms, terms.principal))]
        case CostWhen.YEARLY_IN_ADVANCE:
            return [
                (on, _share(cost, terms, _outstanding_after(loan, on)))
                for on in _anniversaries(terms)
            ]
        case CostWhen.MONTHLY:
            return [
                (due.due_on, _share(cost, terms, owed, Fraction(months, MONTHS_PER_YEAR)))
                for due, owed, months in _monthly(loan)
            ]
        case CostWhen.AT_MATURITY:
            last = loan.instalments[-1]
            return [(last.due_on, _share(cost, terms, last.closing + last.principal))]


def _share(
    cost: CostItem, terms: ScheduleTerms, outstanding: Money, part: Fraction = Fraction(1)
) -> Money:
    if cost.amount is not None:
        return cost.amount.times(part, terms.rounding)
    if cost.pct_of_principal is not None:
        return terms.principal.times(Fraction(cost.pct_of_principal) / 100 * part, terms.rounding)
    assert cost.pct_of_outstanding is not None
    return outstanding.times(Fraction(cost.pct_of_outstanding) / 100 * part, terms.rounding)


def _anniversaries(terms: ScheduleTerms) -> list[date]:
    """The first day and each anniversary before maturity: a started year is a whole one."""
    months = range(0, terms.term_months, MONTHS_PER_YEAR)
    return [months_after(terms.first_day, later) for later in months]


def _outstanding_after(loan: PlannedLoan, on: date) -> Money:
    """What is owed at the end of the day ``on``."""
    owed = loan.terms.principal
    for instalment in loan.instalments:
        if instalment.due_on > on:
            break
        owed = instalment.closing
    return owed


def _monthly(loan: PlannedLoan) -> list[tuple[Instalment, Money, int]]:
    """Each instalment, what was owed during its period, and the months it stands for.

    A monthly instalment stands for one, also in a period cut short by a settlement day.
    """
    terms = loan.terms
    rows, opened = [], terms.first_day
    for instalment in loan.instalments:
        months = 1
        if terms.frequency is Frequency.QUARTERLY or terms.method is RepaymentMethod.BULLET:
            while months_after(opened, months, day=terms.anchor_day) < instalment.due_on:
                months += 1
        rows.append((instalment, instalment.closing + instalment.principal, months))
        opened = instalment.due_on
    return rows


def _simple_rate_pct(loan: PlannedLoan, total: Money) -> Decimal:
    """All costs over principal × years in use (ACT/365), in per cent."""
    fen_days = sum(
        (instalment.closing + instalment.principal).fen * instalment.days
        for instalment in loan.instalments
    )
    exact = Fraction(total.fen * DAYS_PER_YEAR * 100, fen_days)
    return (Decimal(exact.numerator) / exact.denominator).quantize(PLACES, ROUND_HALF_UP)
