"""The unified social credit code: every single slip is caught, and the inner check only warns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers.identifier import IdentifierKind, identify
from app.identifiers.uscc import ALPHABET, LENGTH, check_character

VALID = (
    "91350100M000100Y43",  # the standard's own sample
    "91110108551385082Q",
    "91110000600037341L",
    "91640221MA75X0004C",  # this and the next three are made up: 平罗, 青铜峡, 中宁, 灵武
    "91640381MA75X00129",
    "91640521MA75X0020H",
    "91640181MA75X0039N",
)


def complete(body: str) -> str:
    return body + check_character(body)


@st.composite
def codes(draw: st.DrawFn) -> str:
    letters = st.sampled_from(ALPHABET)
    body = (
        draw(st.sampled_from(["11", "39", "54", "91", "92", "A1", "N3", "Y1"]))
        + draw(st.text(st.sampled_from("0123456789"), min_size=6, max_size=6))
        + draw(st.text(letters, min_size=9, max_size=9))
    )
    return complete(body)


@pytest.mark.parametrize(
    "start", ["11", "13", "35", "54", "59", "81", "91", "93", "A1", "N2", "Y1"]
)
def test_every_registering_authority_has_its_kinds(start: str) -> None:
    assert identify(IdentifierKind.USCC, complete(f"{start}640221MA75X0004")).valid


@pytest.mark.parametrize("code", VALID)
def test_samples_are_valid_and_unchanged(code: str) -> None:
    verdict = identify(IdentifierKind.USCC, code)

    assert (verdict.valid, verdict.normalised, verdict.reason) == (True, code, None)
    assert verdict.facts["registrant"] == "enterprise"


def test_a_code_tells_its_parts() -> None:
    verdict = identify(IdentifierKind.USCC, "9164 0221 ma75 x000 4c")

    assert verdict.facts == {
        "registrant": "enterprise",
        "registrant_code": "91",
        "region": "640221",
        "organisation_code": "MA75X0004",
        "organisation_code_check_holds": True,
    }


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("91350100M000100Y4Z", "has Z as character 18, which the code never uses"),
        ("91350100M000100Y44", "has check character 4; 3 was expected"),
        ("91310115MA1G4L1WXK", "has check character K; "),
        ("91350100M000100Y4", "has 17 characters"),
        ("91350100M000100Y433", "has 19 characters"),
        ("9I350100M000100Y43", "has I as character 2, which"),
        ("91A50100M000100Y43", "must have six digits of a region"),
        (complete("00350100M000100Y4"), "begins with 00, which no registering authority gives"),
        (complete("94350100M000100Y4"), "begins with 94, which"),
        (complete("Y2350100M000100Y4"), "begins with Y2, which"),
        (complete("B1350100M000100Y4"), "begins with B1, which"),
        ("91350100\u041c000100Y43", "CYRILLIC CAPITAL LETTER EM"),
    ],
)
def test_a_wrong_code_is_refused_with_its_reason(typed: str, reason: str) -> None:
    verdict = identify(IdentifierKind.USCC, typed)

    assert (verdict.valid, verdict.normalised, verdict.facts) == (False, None, {})
    assert verdict.reason is not None
    assert reason in verdict.reason


def test_a_total_divisible_by_31_has_check_character_zero() -> None:
    body = "91110000000000000"[:8] + "000000000"
    total = sum(ALPHABET.index(c) * 3**i for i, c in enumerate(body))
    spoilt = next(c for c in ALPHABET if (total + ALPHABET.index(c) * 3**8) % 31 == 0)

    assert check_character(body[:8] + spoilt + body[9:]) == "0"


def test_a_wrong_inner_check_is_a_fact_and_no_error() -> None:
    body = "91640221MA75X0005"
    code = body + check_character(body)

    verdict = identify(IdentifierKind.USCC, code)

    assert verdict.valid
    assert verdict.facts["organisation_code_check_holds"] is False


def test_an_unlisted_registrant_is_no_error() -> None:
    body = "A1640221MA75X0004"

    assert (
        identify(IdentifierKind.USCC, body + check_character(body)).facts["registrant"] == "other"
    )


@given(codes(), st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_refused(code: str, position: int, letter: str) -> None:
    """Of the alphabet: 31 is prime, no weight is 0 modulo 31, no two values differ by 31."""
    changed = code[:position] + letter + code[position + 1 :]

    assert identify(IdentifierKind.USCC, changed).valid is (changed == code)


@given(codes(), st.integers(0, LENGTH - 2))
def test_two_neighbours_swapped_are_refused(code: str, left: int) -> None:
    """Neighbouring weights differ by no multiple of 31; so do the last, 28, and the check's 1."""
    swapped = code[:left] + code[left + 1] + code[left] + code[left + 2 :]

    assert identify(IdentifierKind.USCC, swapped).valid is (swapped == code)
