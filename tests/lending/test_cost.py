"""All-in cost: the worked figures of domain.md §0 and calculators.md, and what always holds."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.cost import (
    CostItem,
    CostSheet,
    CostWhen,
    all_in_cost,
    plan,
)
from app.lending.daycount import DayCount
from app.lending.periods import Frequency
from app.lending.subsidy import Certainty, Subsidy
from app.lending.terms import RepaymentMethod, ScheduleTerms
from app.lending.xirr import RATE_MAX, RATE_MIN, present_value, xirr
from tests.lending.make import any_terms

LOAN: dict[str, Any] = {
    "principal": Money.yuan(5_000_000),
    "annual_rate_pct": Decimal("4.35"),
    "term_months": 12,
    "method": RepaymentMethod.INTEREST_ONLY,
    "day_count": DayCount.THIRTY_360,
    "first_day": date(2025, 1, 15),
}
GUARANTEE = CostItem("guarantee fee", CostWhen.UPFRONT, pct_of_principal=Decimal(1))
APPRAISAL = CostItem("appraisal", CostWhen.UPFRONT, amount=Money.yuan(60_000))
PREMIUM = CostItem("premium", CostWhen.YEARLY_IN_ADVANCE, pct_of_outstanding=Decimal(2))
HALF_BACK = Subsidy("interest subsidy", Decimal(50), 1, Certainty.LIKELY)


def sheet(*costs: CostItem, subsidies: tuple[Subsidy, ...] = (), **changes: Any) -> CostSheet:
    loan = plan(ScheduleTerms(**(LOAN | changes)))
    return all_in_cost(loan, costs=costs, subsidies=subsidies)


def paid(cost: CostItem, **changes: Any) -> Money:
    return sheet(cost, **changes).items[-1].amount


def test_the_four_rates_of_the_worked_example() -> None:
    assert str(sheet().effective_annual_rate_pct) == "4.44"
    assert str(sheet(GUARANTEE, APPRAISAL).effective_annual_rate_pct) == "6.84"
    assert str(sheet(GUARANTEE, APPRAISAL, PREMIUM).effective_annual_rate_pct) == "9.11"
    subsidised = sheet(GUARANTEE, APPRAISAL, subsidies=(HALF_BACK,))
    assert str(subsidised.effective_annual_rate_pct) == "4.57"


def test_the_published_cost_sheet() -> None:
    found = sheet(GUARANTEE, APPRAISAL, PREMIUM, subsidies=(HALF_BACK,))

    assert (str(found.before_subsidies_pct), str(found.effective_annual_rate_pct)) == (
        "9.11",
        "6.81",
    )
    assert str(found.total_cost) == "318750.00"
    assert str(found.simple_annual_rate_pct) == "8.55"  # 427,500 on 5,000,000 over a year
    assert [(item.name, str(item.amount), str(item.adds_pct)) for item in found.items] == [
        ("interest", "217500.00", "4.44"),
        ("guarantee fee", "50000.00", "1.07"),
        ("appraisal", "60000.00", "1.33"),
        ("premium", "100000.00", "2.27"),
    ]
    first, last = found.cash_flows[0], found.cash_flows[-1]
    assert (str(first.amount), first.what) == ("4790000.00", "drawdown less upfront costs")
    assert (last.on, str(last.amount), last.what) == (
        date(2026, 2, 15),
        "108750.00",
        "interest subsidy",
    )


def test_a_started_year_is_a_whole_one() -> None:
    yearly = CostItem("fee", CostWhen.YEARLY_IN_ADVANCE, pct_of_principal=Decimal(1))

    assert [str(paid(yearly, term_months=months)) for months in (11, 12, 13, 24, 25)] == [
        "50000.00",
        "50000.00",
        "100000.00",
        "100000.00",
        "150000.00",
    ]


def test_a_yearly_share_of_the_outstanding_follows_the_balance() -> None:
    amount = paid(PREMIUM, term_months=24, method=RepaymentMethod.EQUAL_PRINCIPAL)

    assert amount == Money.yuan(150_000)  # 2 % of 5,000,000 and of 2,500,000


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "12000.00"),
        ({"frequency": Frequency.QUARTERLY}, "12000.00"),
        ({"frequency": Frequency.QUARTERLY, "term_months": 14}, "14000.00"),
        ({"method": RepaymentMethod.BULLET}, "12000.00"),
        # Thirteen monthly instalments: the first and the last are short.
        ({"settlement_day": 20}, "13000.00"),
    ],
)
def test_a_monthly_cost_is_a_twelfth_for_each_month(changes: Any, expected: str) -> None:
    monthly = CostItem("fee", CostWhen.MONTHLY, amount=Money.yuan(12_000))

    assert str(paid(monthly, **changes)) == expected


def test_a_monthly_share_is_of_what_was_owed_during_the_month() -> None:
    monthly = CostItem("fee", CostWhen.MONTHLY, pct_of_outstanding=Decimal(12))

    amount = paid(monthly, term_months=2, method=RepaymentMethod.EQUAL_PRINCIPAL)

    assert amount == Money.yuan(75_000)  # 1 % of 5,000,000 and of 2,500,000


def test_a_cost_at_maturity_is_paid_with_the_last_instalment() -> None:
    exit_fee = CostItem("exit fee", CostWhen.AT_MATURITY, pct_of_outstanding=Decimal(1))

    found = sheet(exit_fee)

    assert str(found.items[-1].amount) == "50000.00"
    assert found.cash_flows[-1].what == "instalment 12 and exit fee"
    assert str(found.cash_flows[-1].amount) == "-5068125.00"


def test_a_cap_limits_a_subsidy() -> None:
    capped = Subsidy("capped", Decimal(50), 0, Certainty.CONFIRMED, Money.yuan(10_000))

    found = sheet(subsidies=(capped,))

    (line,) = found.subsidies
    assert (str(line.amount), line.certainty) == ("10000.00", Certainty.CONFIRMED)
    assert line.adds_pct == found.effective_annual_rate_pct - found.before_subsidies_pct
    assert line.on == date(2026, 1, 15)
    assert found.total_cost == found.total_interest - line.amount


def test_a_loan_without_interest_costs_exactly_nothing() -> None:
    assert str(sheet(annual_rate_pct=Decimal(0)).effective_annual_rate_pct) == "0.00"


@pytest.mark.parametrize(
    "upfront",
    [
        Money.yuan(5_000_000),  # nothing is received, so no flow changes sign
        Money.yuan("4999999.99"),  # a rate exists, far above 10,000 %
    ],
)
def test_flows_without_a_sensible_rate_are_refused(upfront: Money) -> None:
    with pytest.raises(FieldRefused, match="no annual rate") as refusal:
        sheet(CostItem("fee", CostWhen.UPFRONT, amount=upfront))

    assert refusal.value.field == "costs"


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"amount": Money(1), "pct_of_principal": Decimal(1)},
        {"amount": Money(-1)},
        {"pct_of_principal": Decimal(-1)},
        {"pct_of_outstanding": Decimal("NaN")},
    ],
)
def test_a_cost_states_one_amount_that_is_not_negative(stated: Any) -> None:
    with pytest.raises(FieldRefused, match="amount"):
        CostItem("fee", CostWhen.UPFRONT, **stated)


def test_of_two_rates_the_one_that_grows_out_of_the_unsubsidised_is_taken() -> None:
    # In, out, in: the present value is zero at two rates, one of them deep below zero.
    flows = [(date(2025, 1, 1), 100_00), (date(2026, 1, 1), -150_00), (date(2027, 1, 1), 20_00)]

    rate = xirr(flows)

    assert rate == pytest.approx(0.35208, abs=1e-5)


def test_the_safe_search_finds_what_the_fast_one_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = [(date(2025, 1, 1), 100_00), (date(2026, 1, 1), -109_11)]
    monkeypatch.setattr("pyxirr.xirr", lambda *args, **options: None)

    assert xirr(flows) == pytest.approx(0.0911, abs=1e-9)
    assert xirr([(date(2025, 1, 1), 100_00), (date(2026, 1, 1), -1)]) is None
    assert xirr([(date(2025, 1, 1), 1), (date(2026, 1, 1), -100_00)]) is None
    assert xirr([(date(2025, 1, 1), 1), (date(2025, 1, 1), -1)]) is None


@given(
    terms=any_terms(principal=Money.yuan(1_000_000)),
    upfront=st.integers(0, 30_000_000),
    yearly=st.decimals(0, 3, places=2),
)
def test_the_rate_solves_its_flows(terms: ScheduleTerms, upfront: int, yearly: Decimal) -> None:
    costs = [
        CostItem("fee", CostWhen.UPFRONT, amount=Money(upfront)),
        CostItem("premium", CostWhen.YEARLY_IN_ADVANCE, pct_of_outstanding=yearly),
    ]
    try:
        found = all_in_cost(plan(terms), costs=costs)
    except FieldRefused as refused:
        # Only a short loan with a large fee costs more than 10,000 % a year.
        assert terms.term_months <= 1, refused  # noqa: PT017
        assume(False)

    flows = [(flow.on, flow.amount.fen) for flow in found.cash_flows]
    rate = xirr(flows)
    assert rate is not None
    assert RATE_MIN <= rate <= RATE_MAX
    years = [(on - terms.first_day).days / 365 for on, _ in flows]
    value = present_value(years, [float(fen) for _, fen in flows], rate=rate)
    assert abs(value) < 1  # fen, on 1,000,000 yuan
    assert found.before_subsidies_pct == round(Decimal(rate) * 100, 2) + 0
    assert sum(item.adds_pct for item in found.items) == found.before_subsidies_pct
    assert Money.sum([flow.amount for flow in found.cash_flows]) == ZERO - found.total_cost
