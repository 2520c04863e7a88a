"""Comparables: adjusted multiples, their median, and the pull of the industry."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import Money
from app.valuation.market import Comparable, market_comparables

DEALS = [
    Comparable(Money.yuan(425), Money.yuan(100)),
    Comparable(Money.yuan(602), Money.yuan(100)),
    Comparable(Money.yuan(851), Money.yuan(100)),
]


def test_the_median_multiple_is_applied_to_the_income() -> None:
    worked = market_comparables(DEALS, income=Money.yuan(1_000))

    assert worked.value == Money.yuan(6_020)
    assert worked.figures["multiple"] == Decimal("6.02")


def test_adjustments_multiply_the_price() -> None:
    deal = Comparable(
        Money.yuan(500), Money.yuan(100), term=Decimal("1.2"), exclusivity=Decimal("0.5")
    )

    assert market_comparables([deal], income=Money.yuan(100)).value == Money.yuan(300)


def test_few_deals_are_drawn_to_the_industry() -> None:
    worked = market_comparables(
        DEALS,
        income=Money.yuan(100),
        industry_multiple=Decimal("3.02"),
        weight_of_industry=Decimal(3),
    )

    assert worked.value == Money.yuan(452)


def test_without_a_deal_the_industry_decides() -> None:
    worked = market_comparables(
        [], income=Money.yuan(100), industry_multiple=Decimal(4), weight_of_industry=Decimal(1)
    )

    assert worked.value == Money.yuan(400)


@given(
    deals=st.lists(
        st.builds(Comparable, st.integers(1, 10**12).map(Money), st.integers(1, 10**12).map(Money)),
        min_size=1,
        max_size=9,
    ),
    weight=st.integers(0, 100),
)
def test_the_value_lies_between_the_deals_and_the_industry(
    deals: list[Comparable], weight: int
) -> None:
    income = Money.yuan(100)
    alone = market_comparables(deals, income=income).value

    found = market_comparables(
        deals[::-1],
        income=income,
        industry_multiple=Decimal(5),
        weight_of_industry=Decimal(weight),
    ).value

    assert min(alone, Money.yuan(500)) <= found <= max(alone, Money.yuan(500))


@pytest.mark.parametrize(
    ("deals", "field"),
    [
        ([], "comparables"),
        ([Comparable(Money(0), Money(1))], "comparables.0.price"),
        ([Comparable(Money(1), Money(0))], "comparables.0.income"),
        ([Comparable(Money(1), Money(1), date=Decimal(0))], "comparables.0.date"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(deals: list[Comparable], field: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        market_comparables(deals, income=Money(1))

    assert refused.value.field == field
