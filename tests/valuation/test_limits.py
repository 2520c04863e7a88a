"""Four values, and the least of three limits."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.reference import files
from app.valuation.limits import Haircuts, Interval, debt_service_limit, four_values

RULE = files.in_force("haircuts", on=date(2026, 11, 25))
HAIRCUTS = Haircuts(Decimal(20), Decimal(25), Decimal(10), Decimal(50))
MARKET = Interval(Money.yuan(600), Money.yuan(1_000), Money.yuan(1_500))
LATER = Interval(Money.yuan(300), Money.yuan(500), Money.yuan(900))


def test_each_value_is_cut_from_the_one_before() -> None:
    found = four_values(MARKET, at_maturity=LATER, haircuts=HAIRCUTS, pledge_rate_pct=Decimal(30))

    assert found.orderly_liquidation.value == Money.yuan(540)
    assert found.forced_sale.value == Money.yuan(270)
    assert found.lendable.value == Money.yuan(270)
    assert found.binding == "liquidation_at_maturity"
    assert found.lendable.low == Money.yuan(162)


def test_what_the_firm_can_pay_limits_too() -> None:
    found = four_values(
        MARKET,
        at_maturity=MARKET,
        haircuts=HAIRCUTS,
        pledge_rate_pct=Decimal(30),
        debt_service=Money.yuan(200),
    )

    assert found.binding == "debt_service"
    assert found.lendable == Interval(Money.yuan(180), Money.yuan(200), Money.yuan(200))


def test_cash_carries_the_loan_whose_payments_it_covers() -> None:
    loan = debt_service_limit(
        Money.yuan(130), cover=Decimal("1.3"), annual_rate_pct=Decimal(0), years=3
    )
    priced = debt_service_limit(
        Money.yuan(110), cover=Decimal(1), annual_rate_pct=Decimal(10), years=1
    )

    assert loan == Money.yuan(300)
    assert priced == Money.yuan(100)
    assert (
        debt_service_limit(Money(-1), cover=Decimal(1), annual_rate_pct=Decimal(5), years=3) == ZERO
    )


def test_the_haircuts_say_that_nobody_sourced_them() -> None:
    assert RULE.uncalibrated
    assert 0 < Haircuts.of(RULE.body).forced() < Haircuts.of(RULE.body).orderly() < 1


amounts = st.integers(0, 10**13).map(Money)
intervals = st.lists(amounts, min_size=3, max_size=3).map(lambda three: Interval(*sorted(three)))
shares = st.integers(0, 100).map(Decimal)


@given(
    market=intervals,
    later=intervals,
    haircuts=st.builds(Haircuts, shares, shares, shares, shares),
    pledge=shares,
    service=st.none() | amounts,
)
def test_no_more_is_lent_than_any_limit_allows(
    market: Interval, later: Interval, haircuts: Haircuts, pledge: Decimal, service: Money | None
) -> None:
    found = four_values(
        market,
        at_maturity=later,
        haircuts=haircuts,
        pledge_rate_pct=pledge,
        debt_service=service,
    )

    lendable = found.lendable
    assert ZERO <= lendable.low <= lendable.value <= lendable.high
    assert lendable.value <= later.value
    assert service is None or lendable.high <= service
    assert found.forced_sale.value <= found.orderly_liquidation.value <= market.value


def test_an_interval_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(FieldRefused) as refused:
        four_values(
            Interval(Money(3), Money(2), Money(1)),
            at_maturity=LATER,
            haircuts=HAIRCUTS,
            pledge_rate_pct=Decimal(30),
        )

    assert refused.value.field == "market"
