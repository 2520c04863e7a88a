"""Real options: parity, bounds and an independent engine."""

import math

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from app.valuation.options import Option, american, european

rates = st.floats(0, 10)
options = st.builds(
    Option,
    asset=st.integers(0, 10**12).map(float),
    cost=st.integers(0, 10**12).map(float),
    years=st.floats(0, 100),
    rate=rates,
    volatility=rates,
    carry=rates,
)


@settings(max_examples=60, deadline=None)
@given(options)
def test_american_is_at_least_european_and_exercise_and_at_most_the_asset(option: Option) -> None:
    early, late = american(option), european(option)

    assert math.isfinite(early)
    assert 0 <= late <= early <= option.asset
    assert early >= option.asset - option.cost


@given(options)
def test_without_carry_waiting_costs_nothing(option: Option) -> None:
    free = Option(option.asset, option.cost, option.years, option.rate, option.volatility, 0.0)

    assert american(free) == european(free)


@given(options)
def test_put_call_parity(option: Option) -> None:
    """The put is the call with both sides swapped: C − P = S·e^(−qT) − K·e^(−rT)."""
    put = Option(
        option.cost, option.asset, option.years, option.carry, option.volatility, option.rate
    )
    forward = option.asset * math.exp(-option.carry * option.years)
    forward -= option.cost * math.exp(-option.rate * option.years)

    scale = max(option.asset, option.cost, 1.0)
    assert european(option) - european(put) == pytest.approx(forward, abs=1e-9 * scale)


def test_without_volatility_the_best_day_is_chosen() -> None:
    option = Option(100.0, 80.0, 10.0, 0.10, 1e-12, 0.02)
    best = math.log(0.10 * 80 / (0.02 * 100)) / 0.08
    best = min(best, 10.0)

    worth = 100 * math.exp(-0.02 * best) - 80 * math.exp(-0.10 * best)
    assert american(option) == pytest.approx(worth, rel=1e-5)


@pytest.mark.parametrize("volatility", [0.02, 0.2, 0.4733, 1.0, 3.0])
@pytest.mark.parametrize("cost", [1000.0, 2875.0, 9000.0])
def test_agrees_with_another_engine(volatility: float, cost: float) -> None:
    option = Option(3422.0, cost, 17.0, 0.067, volatility, 0.0588)

    assert american(option) == pytest.approx(_other(option), rel=1e-3, abs=0.01)


def _other(option: Option) -> float:
    today = ql.Date(1, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()

    def flat(rate: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(option.asset)),
        flat(option.carry),
        flat(option.rate),
        ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(today, ql.NullCalendar(), option.volatility, count)
        ),
    )
    priced = ql.VanillaOption(
        ql.PlainVanillaPayoff(ql.Option.Call, option.cost),
        ql.AmericanExercise(today, today + round(option.years * 365)),
    )
    priced.setPricingEngine(
        ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme())
    )
    return float(priced.NPV())
