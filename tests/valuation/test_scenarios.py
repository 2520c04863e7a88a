"""Scenarios of a portfolio: what must hold whatever the numbers."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.valuation.outlook import Correlation, Factor, RightOutlook, Spread
from app.valuation.scenarios import Loan, Outcome, simulate

RIGHT = RightOutlook(
    key="a",
    family="a",
    stream="a",
    revenue=Money.yuan(1_000_000),
    growth=Spread(0.03, 0.05),
    margin=Spread(0.15, 0.05),
    royalty=Spread(0.03, 0.01),
    life_years=Spread(8, 2),
    discount=Spread(0.135, 0.02),
    legal_years=12.0,
    valid=0.9,
)
RIGHTS = [
    replace(RIGHT, key=name, family=name, stream=name, revenue=Money.yuan(100_000 * size))
    for size, name in enumerate("abcde", start=1)
]


def worth(rights: list[RightOutlook], **asked: Any) -> Outcome:
    return simulate(rights, **({"tax_rate": 0.25, "seed": 7, "scenarios": 4096} | asked))


def certain(right: RightOutlook) -> RightOutlook:
    names = ("growth", "margin", "royalty", "life_years", "discount")
    sure: dict[str, Any] = {name: Spread(getattr(right, name).mean) for name in names}
    return replace(right, **sure, valid=1.0)


def test_the_same_seed_gives_the_same_fen_and_another_does_not() -> None:
    assert worth(RIGHTS) == worth(RIGHTS)
    assert worth(RIGHTS).mean != worth(RIGHTS, seed=8).mean


def test_the_order_of_rights_changes_nothing() -> None:
    assert worth(RIGHTS) == worth(RIGHTS[::-1])


def test_a_right_split_in_two_of_one_family_is_worth_the_same() -> None:
    half = replace(RIGHT, revenue=Money(RIGHT.revenue.fen // 2))

    whole = worth([RIGHT, RIGHTS[1]])
    split = worth([half, replace(half, key="a2"), RIGHTS[1]])

    assert split.percentiles == whole.percentiles
    assert split.contributions["a"] == split.contributions["a2"]
    assert abs(2 * split.contributions["a"].fen - whole.contributions["a"].fen) <= 1


def test_revenue_shared_by_two_rights_is_counted_once() -> None:
    second = replace(RIGHT, key="b", family="a")

    shared = worth([RIGHT, second], streams={"a": RIGHT.revenue})

    assert shared.mean == worth([RIGHT]).mean
    assert shared.contributions["a"] == shared.contributions["b"]


def test_contributions_add_up_to_the_whole() -> None:
    found = worth(RIGHTS)

    assert abs(Money.sum(list(found.contributions.values())).fen - found.mean.fen) <= len(RIGHTS)


def test_without_chance_it_is_an_annuity() -> None:
    flat = replace(certain(RIGHT), growth=Spread(0.0))

    found = worth([flat])

    annuity = (1 - 1.135**-8) / 0.135
    assert abs(found.mean.fen - 1_000_000_00 * 0.03 * 0.75 * annuity) < 1
    assert set(found.percentiles.values()) == {found.mean}


def test_growth_equal_to_the_discount_is_no_division_by_zero() -> None:
    same = replace(certain(RIGHT), growth=Spread(0.135))

    assert worth([same]).mean == Money.yuan(180_000)  # eight years of 22,500


def test_the_mean_of_a_linear_value_is_the_value_of_the_means() -> None:
    linear = replace(certain(RIGHT), margin=Spread(1.0), royalty=Spread(0.03, 0.01))

    assert worth([linear]).mean.fen == pytest.approx(worth([certain(RIGHT)]).mean.fen, rel=1e-4)


def test_correlation_widens_the_whole() -> None:
    def spread(between: float) -> int:
        found = worth(RIGHTS, correlation=Correlation(between_rights=between)).percentiles
        return found[95].fen - found[5].fen

    assert spread(0.0) < spread(0.5) < spread(1.0)


def test_less_is_left_at_the_loans_end() -> None:
    found = worth(RIGHTS, loan=Loan(Money.yuan(100_000), 3.0))

    assert all(found.at_maturity[p] <= found.percentiles[p] for p in found.percentiles)
    assert found.probability_below_loan is not None
    assert 0 < found.probability_below_loan < 1


def test_the_widest_swing_comes_first() -> None:
    widths = [swing.high.fen - swing.low.fen for swing in worth(RIGHTS).tornado]

    assert widths == sorted(widths, reverse=True)
    assert len(widths) == len(Factor)


@pytest.mark.parametrize(
    ("rights", "asked", "field"),
    [
        ([], {}, "rights"),
        ([replace(RIGHT, revenue=Money(-1))], {}, "rights.0.revenue"),
        ([replace(RIGHT, valid=1.1)], {}, "rights.0.valid"),
        ([replace(RIGHT, valid=float("nan"))], {}, "rights.0.valid"),
        ([replace(RIGHT, life_years=Spread(10_000))], {}, "rights.0.life_years"),
        ([replace(RIGHT, growth=Spread(0, -1))], {}, "rights.0.growth.deviation"),
        ([RIGHT], {"scenarios": 1000}, "scenarios"),
        ([RIGHT], {"tax_rate": 1.5}, "tax_rate"),
        ([RIGHT], {"correlation": Correlation(2.0)}, "between_rights"),
        ([RIGHT], {"correlation": Correlation(0.3, ((1.0,),))}, "factors"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    rights: list[RightOutlook], asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(FieldRefused) as refused:
        worth(rights, **asked)

    assert refused.value.field == field


def spreads(low: float, high: float) -> st.SearchStrategy[Spread]:
    return st.builds(Spread, st.floats(low, high), st.floats(0, 100))


outlooks = st.builds(
    RightOutlook,
    key=st.sampled_from("abc"),
    family=st.sampled_from("ab"),
    stream=st.sampled_from("ab"),
    revenue=st.integers(0, 10**12).map(Money),
    growth=spreads(-0.9, 1),
    margin=spreads(0, 1),
    royalty=spreads(0, 1),
    life_years=spreads(0, 100),
    discount=spreads(0, 10),
    legal_years=st.floats(0, 100),
    valid=st.floats(0, 1),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(outlooks, min_size=1, max_size=5), st.floats(0, 100), st.floats(0, 1))
def test_no_input_breaks_it(rights: list[RightOutlook], years: float, between: float) -> None:
    found = worth(
        rights,
        scenarios=64,
        loan=Loan(Money(1), years),
        correlation=Correlation(between_rights=between),
    )

    assert found.mean >= ZERO
    assert all(a <= b for a, b in pairwise(found.percentiles.values()))
    assert found.at_maturity[5] >= ZERO
