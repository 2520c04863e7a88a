"""Application and patent numbers, old and new: their form, their facts, their check digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers.identifier import IdentifierKind, identify
from app.identifiers.patents import check_digit

# Eleven real patents of the award list in Xiangsee Patent Value Benchmark (CC BY 4.0).
AWARDED = (
    "ZL201610705624.2",
    "ZL202110783589.7",
    "ZL202010510899.7",
    "ZL201010246628.1",
    "ZL201410529844.5",
    "ZL201811205291.2",
    "ZL201910561574.9",
    "ZL201710687934.0",
    "ZL201310068343.7",
    "ZL201811083498.7",
    "ZL201811455931.5",
)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    year = draw(st.integers(2003, 2099).map(str) | st.sampled_from(["85", "99", "00", "03"]))
    digits = 7 if len(year) == 4 else 5
    serial = draw(st.integers(0, 10**digits - 1))
    body = f"{year}{draw(st.sampled_from('12389'))}{serial:0{digits}d}"
    return f"{body}.{check_digit(body)}"


@pytest.mark.parametrize("number", AWARDED)
def test_real_patents_are_valid_inventions(number: str) -> None:
    verdict = identify(IdentifierKind.PATENT, number)

    assert verdict.normalised == number
    assert verdict.facts["right"] == "invention"


@pytest.mark.parametrize(
    ("number", "right", "year", "pct"),
    [
        ("200310102344.5", "invention", 2003, False),  # the standard's own sample
        ("201710601862.3", "invention", 2017, False),
        ("97101765.4", "invention", 1997, False),
        ("95115608.X", "invention", 1995, False),
        ("ZL202220000001.6", "utility_model", 2022, False),
        ("ZL202330000001.6", "design", 2023, False),
        ("ZL202180000001.4", "invention", 2021, True),
        ("ZL202290000001.4", "utility_model", 2022, True),
    ],
)
def test_samples_tell_right_year_and_route(number: str, right: str, year: int, pct: bool) -> None:
    verdict = identify(IdentifierKind.PATENT, number)

    assert (verdict.valid, verdict.normalised) == (True, number)
    assert verdict.facts == {
        "right": right,
        "number_year": year,
        "application_number": number.removeprefix("ZL"),
        "pct": pct,
    }


@pytest.mark.parametrize(
    ("typed", "normalised"),
    [
        ("ZL 2021 1 0000001.6", "ZL202110000001.6"),
        ("zl2021100000016", "ZL202110000001.6"),
        ("202110000001.6", "202110000001.6"),
        ("CN202110000001.6", "202110000001.6"),
        ("CN ZL 202110000001.6", "ZL202110000001.6"),
        ("ＺＬ２０２１１００００００１．６", "ZL202110000001.6"),
        ("95115608x", "95115608.X"),
        ("00100001.2", "00100001.2"),
    ],
)
def test_typing_variants_come_to_one_form(typed: str, normalised: str) -> None:
    verdict = identify(IdentifierKind.PATENT, typed)

    assert verdict.normalised == normalised
    assert verdict.facts["application_number"] == normalised.removeprefix("ZL")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("ZL202110000001.7", "has check digit 7; 6 was expected"),
        ("202110000001", "lacks its check digit; 6 was expected"),
        ("202140000001.6", "has type digit 4; there are 1, 2, 3, 8 and 9"),
        ("198410000001.6", "is of the year 1984"),
        ("84100001.6", "is of the year 1984"),
        ("04100001.6", "is of the year 1904"),
        ("20211000001.6", "is not a patent number"),
        ("2021.10000001.6", "is not a patent number"),
        ("US8930553B2", "is not a patent number"),
        ("ZL２０２１1000000١.6", "ARABIC-INDIC DIGIT ONE"),
    ],
)
def test_a_wrong_number_is_refused_with_its_reason(typed: str, reason: str) -> None:
    verdict = identify(IdentifierKind.PATENT, typed)

    assert (verdict.valid, verdict.normalised, verdict.facts) == (False, None, {})
    assert verdict.reason is not None
    assert verdict.reason.startswith(reason) or reason in verdict.reason


@given(numbers(), st.data())
def test_any_single_wrong_digit_is_refused(number: str, data: st.DataObject) -> None:
    """11 is prime, divides no weight, and exceeds the difference of any two digits."""
    place = data.draw(st.sampled_from([i for i, c in enumerate(number) if c != "."]))
    digit = data.draw(st.sampled_from("0123456789X" if place == len(number) - 1 else "0123456789"))
    changed = number[:place] + digit + number[place + 1 :]

    assert identify(IdentifierKind.PATENT, changed).valid is (changed == number)


@given(numbers(), st.data())
def test_two_neighbours_swapped_are_refused(number: str, data: st.DataObject) -> None:
    """Neighbouring weights differ by 1 or 7, the last and the check's −1 by 6 or 10."""
    digits = number.replace(".", "")
    left = data.draw(st.integers(0, len(digits) - 2))
    swapped = digits[:left] + digits[left + 1] + digits[left] + digits[left + 2 :]

    assert identify(IdentifierKind.PATENT, swapped).valid is (swapped == digits)
