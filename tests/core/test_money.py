"""Money: whole fen, one rounding, splits that always sum to the whole."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.core.money import ZERO, Money, Rounding, round_fen

FEN = st.integers(min_value=-(10**14), max_value=10**14)
wire = TypeAdapter(Money)


@given(FEN)
def test_text_and_back_is_the_same_amount(fen: int) -> None:
    assert Money.yuan(str(Money(fen))) == Money(fen)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_only_a_whole_number_is_fen(value: object) -> None:
    with pytest.raises(TypeError):
        Money(value)  # type: ignore[arg-type]


def test_finer_than_a_fen_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of fen"):
        Money.yuan("0.001")


@pytest.mark.parametrize(
    ("factor", "rounding", "fen"),
    [
        ("0.5", Rounding.HALF_UP, 1),
        ("0.5", Rounding.HALF_EVEN, 0),
        ("1.5", Rounding.HALF_EVEN, 2),
        ("0.99", Rounding.DOWN, 0),
        ("-0.5", Rounding.HALF_UP, -1),
        ("-0.99", Rounding.DOWN, 0),
    ],
)
def test_rounds_by_the_rule_named(factor: str, rounding: Rounding, fen: int) -> None:
    assert Money(1).times(Decimal(factor), rounding) == Money(fen)


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6), st.sampled_from(Rounding))
def test_rounding_a_fraction_is_off_by_less_than_a_fen(
    numerator: int, denominator: int, rounding: Rounding
) -> None:
    exact = Fraction(numerator, denominator)

    rounded = Money(1).times(exact, rounding).fen

    assert abs(rounded - exact) < 1
    if rounding is not Rounding.DOWN:
        assert abs(rounded - exact) <= Fraction(1, 2)


HUGE = st.integers(-(10**40), 10**40)
FACTORS = st.one_of(
    HUGE,
    st.builds(Fraction, HUGE, st.integers(1, 10**40)),
    st.builds(lambda digits, scale: Decimal(digits).scaleb(-scale), HUGE, st.integers(0, 60)),
    st.builds(Fraction, st.integers(-99, 99), st.sampled_from([2, 4, 20, 200])),  # many halves
)


@given(st.one_of(FEN, HUGE), FACTORS, st.sampled_from(Rounding))
def test_times_is_the_exact_product_rounded_once(
    fen: int, factor: Decimal | Fraction | int, rounding: Rounding
) -> None:
    """By the definition of each rule, in fractions."""
    exact = abs(Fraction(fen) * Fraction(factor))
    match rounding:
        case Rounding.HALF_UP:
            magnitude = floor(exact + Fraction(1, 2))
        case Rounding.HALF_EVEN:
            magnitude = round(exact)  # Python's own rule for a Fraction
        case Rounding.DOWN:
            magnitude = floor(exact)
    sign = -1 if (fen < 0) != (factor < 0) else 1

    assert Money(fen).times(factor, rounding) == Money(sign * magnitude)
    assert round_fen(Fraction(fen) * Fraction(factor), rounding) == sign * magnitude


@given(FEN, st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any))
def test_parts_sum_to_the_whole_and_are_off_by_less_than_a_fen(
    fen: int, weights: list[int]
) -> None:
    parts = Money(fen).split(weights)

    assert Money.sum(parts) == Money(fen)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.fen - Fraction(fen) * weight / sum(weights)) < 1


def test_the_zhongshan_split_of_the_documents() -> None:
    parts = Money(100_000_001).split([54, 26, 16, 4])

    assert [part.fen for part in parts] == [54_000_001, 26_000_000, 16_000_000, 4_000_000]


def test_ties_go_to_the_part_named_first() -> None:
    assert Money(1).split([1, 1]) == [Money(1), ZERO]


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(1).split(weights)


@pytest.mark.parametrize("value", ["5000000.00", "-0.01", "7"])
def test_json_carries_a_decimal_string_of_yuan(value: str) -> None:
    money = wire.validate_json(f'"{value}"')

    assert wire.dump_json(money) == f'"{Decimal(value):.2f}"'.encode()


@pytest.mark.parametrize("value", ["5", "5.0", '"1e5"', '"1.001"', '"１"', '" 1"', "null", '"NaN"'])
def test_json_of_another_shape_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        wire.validate_json(value)


def test_arithmetic() -> None:
    assert Money(3) + Money(4) - Money(5) == Money(2)
    assert -Money(1) < ZERO
    assert not ZERO
    assert str(Money(-5)) == "-0.05"


def test_another_part_of_the_program_gets_the_amount_itself() -> None:
    assert wire.dump_python(Money(5)) == Money(5)
    assert wire.dump_python(Money(5), mode="json") == "0.05"
    assert TypeAdapter(Money | None).dump_json(None) == b"null"
