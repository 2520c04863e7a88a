"""A report beside the model's value: the difference, its reasons, and which of them count."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.core.messages import say
from app.core.money import ZERO, Money
from app.valuation.comparison import Inputs, Levels, Side, compare, draw_up

LEVELS = Levels(difference_warn_pct=Decimal(25), days_apart_warn=180)
TODAY = date(2026, 11, 23)
MODEL = Side(
    name="model",
    value=Money.yuan(10_000_000),
    valued_on=date(2026, 11, 20),
    method="income",
    inputs=Inputs(discount_rate_pct=Decimal("13.5"), life_years=10),
)
REPORT = Side(
    name="report",
    value=Money.yuan(12_000_000),
    valued_on=date(2026, 10, 31),
    method="income",
    inputs=MODEL.inputs,
    expires_on=date(2027, 10, 30),
)

amounts = st.integers(1, 10**12).map(Money)


def codes(model: Side, report: Side) -> list[str]:
    return [finding.code for finding in compare(model, report, levels=LEVELS).findings]


def test_a_difference_within_the_level_is_no_finding() -> None:
    found = compare(MODEL, REPORT, levels=LEVELS)

    assert (found.ratio, found.difference_pct) == (Decimal("1.2"), Decimal(20))
    assert not found.beyond
    assert found.findings == ()


def test_a_difference_beyond_the_level_is_one_and_is_told_first() -> None:
    high = replace(
        REPORT, value=Money.yuan(30_000_000), inputs=replace(REPORT.inputs, life_years=12)
    )

    found = compare(MODEL, high, levels=LEVELS)

    assert found.beyond
    assert [finding.code for finding in found.findings] == ["beyond_level", "life_years"]
    assert found.findings[1].text == "years of income: the report takes 12, the model 10"


def test_methods_inputs_and_dates_that_differ_are_told() -> None:
    other = replace(
        REPORT, method="market", valued_on=date(2026, 1, 31), inputs=Inputs(life_years=10)
    )

    assert codes(MODEL, other) == ["method", "discount_rate_pct", "dates_apart"]


def test_a_model_value_of_zero_has_no_ratio() -> None:
    found = compare(replace(MODEL, value=ZERO), REPORT, levels=LEVELS)

    assert (found.ratio, found.difference_pct, found.beyond) == (None, None, False)
    assert found.findings[0].code == "no_ratio"


@given(amounts, amounts)
def test_which_of_the_two_is_the_higher_makes_no_difference(one: Money, other: Money) -> None:
    there = compare(
        replace(MODEL, value=one, valued_on=TODAY),
        replace(REPORT, value=other, valued_on=TODAY),
        levels=LEVELS,
    )
    back = compare(
        replace(MODEL, value=other, valued_on=TODAY),
        replace(REPORT, value=one, valued_on=TODAY),
        levels=LEVELS,
    )

    assert there.difference_pct == back.difference_pct
    assert there.beyond == back.beyond
    assert there.difference_pct is not None
    assert there.difference_pct >= 0


class TestDrawingUp:
    def test_the_least_of_the_values_that_count(self) -> None:
        drawn = draw_up([MODEL, REPORT], on=TODAY)

        assert (drawn.value, drawn.counted) == (MODEL.value, ("model", "report"))
        assert drawn.left_out == ()

    def test_a_report_counts_on_its_last_day_and_not_on_the_next(self) -> None:
        low = replace(REPORT, value=Money.yuan(1), expires_on=TODAY)

        assert draw_up([MODEL, low], on=TODAY).value == low.value
        later = draw_up([MODEL, low], on=date(2026, 11, 24))
        assert (later.value, later.left_out) == (
            MODEL.value,
            (("report", "expired on 2026-11-23"),),
        )

    def test_a_disputed_report_does_not_count(self) -> None:
        disputed = replace(REPORT, unsettled=say("whoever ordered it disputes it"))

        drawn = draw_up([disputed], on=TODAY)

        assert (drawn.value, drawn.counted) == (None, ())
        assert drawn.left_out[0][0] == "report"

    def test_no_value_is_no_value(self) -> None:
        assert draw_up([replace(MODEL, value=ZERO)], on=TODAY).value is None
