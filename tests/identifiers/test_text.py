"""Typed text is folded only where its meaning cannot change, and refused everywhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers.text import VALUE_LENGTH_MAX, Malformed, compact, fold


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("ＺＬ２０２１１００００００１．６", "ZL202110000001.6"),
        ("zl 2021\u30001\u00a00000001。6", "ZL 2021 1 0000001.6"),
        ("  201710601862・3 ", "201710601862.3"),
        ("国作登字—2021—F—00012345", "国作登字-2021-F-00012345"),
        ("９、３５", "9,35"),
        ("1\uff612", "1.2"),
    ],
)
def test_forms_of_the_same_character_fold_together(typed: str, folded: str) -> None:
    assert fold(typed) == folded


def test_compact_drops_every_space() -> None:
    assert compact(" zl 2021 1 0000001.6 ") == "ZL202110000001.6"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "is empty"),
        (" \u3000 ", "is empty"),
        ("1" * (VALUE_LENGTH_MAX + 1), "longer than 200"),
        ("12\x0034", "control character (U+0000)"),
        ("1234\n", "control character (U+000A)"),
        ("12\u202834", "control character (U+2028 LINE SEPARATOR)"),
        ("12\u200b34", "U+200B ZERO WIDTH SPACE"),
        ("\ufeff1234", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("12\u202e34", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("12\u00ad34", "U+00AD SOFT HYPHEN"),
        ("1\u03012", "U+0301 COMBINING ACUTE ACCENT"),
        ("\ud800", "no character (U+D800)"),
        ("\ue000", "no character (U+E000)"),
        ("\u041c1", "U+041C CYRILLIC CAPITAL LETTER EM"),
        ("\u03911", "U+0391 GREEK CAPITAL LETTER ALPHA"),
        ("٣", "U+0663 ARABIC-INDIC DIGIT THREE"),
        ("①", "U+2460 CIRCLED DIGIT ONE"),
        ("²", "U+00B2 SUPERSCRIPT TWO"),
        ("𝟏", "U+1D7CF MATHEMATICAL BOLD DIGIT ONE"),
        ("\uffe3", "U+FFE3 FULLWIDTH MACRON"),
        ("ß", "U+00DF LATIN SMALL LETTER SHARP S"),
    ],
)
def test_what_no_identifier_has_is_refused_by_name(typed: str, told: str) -> None:
    with pytest.raises(Malformed) as refusal:
        fold(typed)

    assert told in str(refusal.value)
    assert str(refusal.value).isprintable()


@given(st.text(max_size=VALUE_LENGTH_MAX))
def test_folding_twice_is_folding_once(typed: str) -> None:
    try:
        folded = fold(typed)
    except Malformed:
        return

    assert fold(folded) == folded
    assert all(c.isascii() or "\u4e00" <= c <= "\u9fff" for c in folded)


@given(st.text(st.sampled_from("０１２ＡＢＺ．－ \u3000\u00a0。·–、中abz19"), max_size=50))
def test_typing_variants_are_never_refused_and_fold_once(typed: str) -> None:
    folded = fold(typed + "1")

    assert fold(folded) == folded
