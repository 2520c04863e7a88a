"""The front door over all kinds: marks, copyrights, classes, and what holds for any text at all."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.identifiers.answer import Facts
from app.identifiers.classes import read_locarno
from app.identifiers.identifier import Identified, IdentifierKind, identify
from app.identifiers.patents import check_digit
from app.identifiers.text import Malformed

Kind = IdentifierKind


@pytest.mark.parametrize(
    ("kind", "typed", "normalised", "facts"),
    [
        (Kind.TRADEMARK, "12345678", "12345678", {"madrid": False}),
        (Kind.TRADEMARK, "第01234567号", "1234567", {"madrid": False}),
        (Kind.TRADEMARK, "1234567 a", "1234567A", {"madrid": False, "division": "A"}),
        (Kind.TRADEMARK, "G 0812345", "G812345", {"madrid": True}),
        (Kind.TRADEMARK, "g1234567B", "G1234567B", {"madrid": True, "division": "B"}),
        (
            Kind.SOFTWARE_COPYRIGHT,
            "2021sr 0001234",
            "2021SR0001234",
            {"number_year": 2021, "serial": "0001234", "serial_width_usual": True},
        ),
        (
            Kind.SOFTWARE_COPYRIGHT,
            "2017SR012345",
            "2017SR012345",
            {"number_year": 2017, "serial": "012345", "serial_width_usual": True},
        ),
        (
            Kind.SOFTWARE_COPYRIGHT,
            "2021SR012345",
            "2021SR012345",
            {"number_year": 2021, "serial": "012345", "serial_width_usual": False},
        ),
        (
            Kind.SOFTWARE_COPYRIGHT,
            "2016SR0123456",
            "2016SR0123456",
            {"number_year": 2016, "serial": "0123456", "serial_width_usual": False},
        ),
        (
            Kind.WORK_COPYRIGHT,
            "宁作登字2021F00012345",
            "宁作登字-2021-F-00012345",
            {"number_year": 2021, "registry": "宁", "category": "F"},
        ),
        (Kind.IPC, "h04l", "H04L", {"section": "H", "class": "H04", "subclass": "H04L"}),
        (
            Kind.IPC,
            "H04L 0009/32 (2006.01)I",
            "H04L 9/32",
            {
                "section": "H",
                "class": "H04",
                "subclass": "H04L",
                "main_group": 9,
                "subgroup": "32",
                "edition": "2006.01",
            },
        ),
        (
            Kind.IPC,
            "A01B33/08",
            "A01B 33/08",
            {
                "section": "A",
                "class": "A01",
                "subclass": "A01B",
                "main_group": 33,
                "subgroup": "08",
            },
        ),
        (Kind.NICE, "9", "9", {"classes": [9], "goods": True, "services": False}),
        (
            Kind.NICE,
            "第35类、 09；9",
            "9,35",
            {"classes": [9, 35], "goods": True, "services": True},
        ),
        (
            Kind.NICE,
            "9 0901 42",
            "0901,42",
            {"classes": [9, 42], "goods": True, "services": True, "similar_groups": "0901"},
        ),
    ],
)
def test_typing_variants_come_to_one_form(
    kind: Kind, typed: str, normalised: str, facts: Facts
) -> None:
    assert identify(kind, typed) == Identified(
        valid=True,
        normalised=normalised,
        facts=facts,
        reason=None,
    )


@pytest.mark.parametrize(
    ("kind", "typed", "reason"),
    [
        (Kind.TRADEMARK, "123456789", "has 9 digits; a trademark number has at most 8"),
        (Kind.TRADEMARK, "G12345", "has 5 digits; an international number has 6 or 7"),
        (Kind.TRADEMARK, "0000", "is not a trademark number"),
        (Kind.TRADEMARK, "123 456", "is not a trademark number"),
        (Kind.TRADEMARK, "第1234567", "is not a trademark number"),
        (Kind.TRADEMARK, "1234567号", "is not a trademark number"),
        (Kind.SOFTWARE_COPYRIGHT, "软著登字第1234567号", "is the number of the certificate"),
        (Kind.SOFTWARE_COPYRIGHT, "2021SR12345", "is not a software registration number"),
        (Kind.SOFTWARE_COPYRIGHT, "1990SR123456", "is of the year 1990"),
        (Kind.WORK_COPYRIGHT, "国作登字-2021-M-00012345", "is not a work registration number"),
        (Kind.WORK_COPYRIGHT, "港作登字-2021-F-00012345", "is not a work registration number"),
        (Kind.WORK_COPYRIGHT, "国作登字-1890-F-00012345", "is of the year 1890"),
        (Kind.IPC, "I04L", "is not an IPC symbol"),
        (Kind.IPC, "H04L 0/32", "is not an IPC symbol"),
        (Kind.IPC, "H04L 9", "is not an IPC symbol"),
        (Kind.NICE, "46", "has class 46; there are the classes 1 to 45"),
        (Kind.NICE, "0,9", "has class 0"),
        (Kind.NICE, "9,,35", "is not a list of Nice classes"),
        (Kind.NICE, "935", "is not a list of Nice classes"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(kind: Kind, typed: str, reason: str) -> None:
    verdict = identify(kind, typed)

    assert (verdict.valid, verdict.normalised, verdict.facts) == (False, None, {})
    assert verdict.reason is not None
    assert verdict.reason.startswith(reason)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (Kind.PATENT, "202710000001." + check_digit("202710000001")),
        (Kind.SOFTWARE_COPYRIGHT, "2027SR0001234"),
        (Kind.WORK_COPYRIGHT, "宁作登字-2027-F-00012345"),
    ],
)
def test_a_number_of_a_year_to_come_is_refused_once_the_day_is_known(
    kind: Kind, number: str
) -> None:
    assert identify(kind, number).valid
    assert identify(kind, number, today=date(2027, 1, 1)).valid
    assert identify(kind, number, today=date(2026, 12, 31)).reason == (
        "is of the year 2027, which is still to come"
    )


def test_a_locarno_class_is_of_1_to_32() -> None:
    assert read_locarno("14－02").normalised == "14-02"
    for wrong in ("33-01", "00-01", "14.02"):
        with pytest.raises(Malformed, match="is not a Locarno class"):
            read_locarno(wrong)


@given(st.sampled_from(Kind), st.text(max_size=250))
@example(Kind.PATENT, "\ud800")
@example(Kind.NICE, ",")
@example(Kind.USCC, "9" * 201)
def test_no_text_raises(kind: Kind, typed: str) -> None:
    verdict = identify(kind, typed)

    assert verdict.valid is (verdict.reason is None) is (verdict.normalised is not None)
    assert not (len(typed) > 200 and verdict.valid)


SHAPES = {
    Kind.USCC: r"91640221MA75X0004C",
    Kind.PATENT: r"(CN)?(ZL)?20211000000[01]\.?[0-9X]",
    Kind.PUBLICATION: r"CN ?[123][0-9]{6}([0-9]{2})?[ABCDSUY][1-9]?",
    Kind.TRADEMARK: r"G?[0-9]{1,8}[A-Z]?",
    Kind.SOFTWARE_COPYRIGHT: r"20[0-9]{2}SR[0-9]{6,7}",
    Kind.WORK_COPYRIGHT: r"[国宁]作登字-?20[0-9]{2}-?[A-L]-?[0-9]{8}",
    Kind.IPC: r"[A-H][0-9]{2}[A-Z]( ?[0-9]{1,4}/[0-9]{2,6})?",
    Kind.NICE: r"[0-9]{1,2}([,; 、](第[0-9]{1,2}类|[0-9]{4})){0,3}",
}


@given(
    st.sampled_from(Kind).flatmap(
        lambda k: st.tuples(st.just(k), st.from_regex(SHAPES[k], fullmatch=True))
    )
)
def test_a_normalised_value_is_its_own_normal_form(case: tuple[Kind, str]) -> None:
    kind, typed = case
    first = identify(kind, typed)

    if first.normalised is not None:
        again = identify(kind, first.normalised)
        assert again.normalised == first.normalised
        assert again.facts == first.facts
