"""Lives of rights: from records, and from the fees that owners pay."""

import math
import random
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FieldRefused
from app.core.money import Money
from app.reference import files
from app.valuation.survival import (
    Life,
    Weibull,
    fit_weibull,
    kaplan_meier,
    renewal_survival,
)

FEES = [
    Money.yuan(fee)
    for fee in files.in_force("annuity_fees", on=date(2026, 11, 25)).body["fees"]["invention"]
]


def test_the_textbook_estimate() -> None:
    """Freireich's 6-MP group (1963): 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    alive = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    lives = [Life(t, True) for t in ended] + [Life(t, False) for t in alive]

    found = kaplan_meier(lives)

    assert list(found.ages) == [6, 7, 10, 13, 16, 22, 23]
    assert [round(share, 3) for share in found.alive] == [
        0.857,
        0.807,
        0.753,
        0.690,
        0.627,
        0.538,
        0.448,
    ]
    assert found.at(5.9) == 1.0
    assert found.given(10, 3)[-1] == pytest.approx(0.690196 / 0.752941, rel=1e-4)


def test_a_weibull_is_found_again() -> None:
    draw = random.Random(1)
    lives = []
    for _ in range(4_000):
        age = draw.weibullvariate(12, 1.8)
        lives.append(Life(min(age, 15.0), age <= 15))

    found = fit_weibull(lives)

    assert found.shape == pytest.approx(1.8, rel=0.05)
    assert found.scale == pytest.approx(12, rel=0.05)


def test_survival_given_an_age_is_a_ratio() -> None:
    weibull = Weibull(1.8, 12)

    assert weibull.given(5, 3)[2] == pytest.approx(weibull.at(8) / weibull.at(5))


def test_half_renew_where_the_median_return_is_the_fee() -> None:
    found = renewal_survival(FEES, mean_log_return=math.log(900), deviation=1.0, decay=1.0)

    assert found[0] == pytest.approx(0.5)
    assert found[19] == pytest.approx(0.5 * math.erfc(math.log(8000 / 900) / math.sqrt(2)))


@given(mean=st.floats(-20, 20), deviation=st.floats(0.01, 10), decay=st.floats(0.01, 1))
def test_renewals_only_fall_and_stay_shares(mean: float, deviation: float, decay: float) -> None:
    found = renewal_survival(FEES, mean_log_return=mean, deviation=deviation, decay=decay)

    assert all(0 <= later <= earlier <= 1 for earlier, later in pairwise(found))


lives_of_rights = st.lists(
    st.builds(Life, st.floats(0.001, 100), st.booleans()), min_size=2, max_size=30
)


@given(lives_of_rights)
def test_what_is_fitted_is_a_survival(lives: list[Life]) -> None:
    estimate = kaplan_meier(lives)
    years = estimate.given(2, 30)
    if sum(life.ended for life in lives) >= 2:
        years_fitted = fit_weibull(lives).given(2, 30)
        assert all(0 <= b <= a <= 1 for a, b in pairwise([1.0, *years_fitted]))

    assert all(0 <= later <= earlier <= 1 for earlier, later in pairwise([1.0, *years]))


@pytest.mark.parametrize(
    ("lives", "message"),
    [
        ([], "must not be empty"),
        ([Life(-1, True)], "must be from 0 to 100"),
        ([Life(10_000, True)], "must be from 0 to 100"),
        ([Life(float("nan"), True)], "must be from 0 to 100"),
        ([Life(1, True)], "at least two"),
    ],
)
def test_what_makes_no_sense_is_refused(lives: list[Life], message: str) -> None:
    with pytest.raises(FieldRefused, match=message):
        fit_weibull(lives)
