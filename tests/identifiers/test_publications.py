"""Publication numbers: which letters go with which right and width, and what they mean."""

import pytest

from app.identifiers.identifier import IdentifierKind, identify


@pytest.mark.parametrize(
    ("number", "right", "stage", "first_year", "last_year"),
    [
        ("CN101770823B", "invention", "grant", 2010, None),
        ("CN110266631A", "invention", "application", 2007, None),
        ("CN1030001A", "invention", "application", 1985, 2007),
        ("CN1019808B", "invention", "pre_grant", 1985, 1992),
        ("CN1735898B", "invention", "grant", 2010, None),
        ("CN1019873C", "invention", "grant", 1993, 2010),
        ("CN100596350C", "invention", "grant", 2007, 2010),
        ("CN2012345U", "utility_model", "pre_grant", 1985, 1992),
        ("CN2312345Y", "utility_model", "grant", 1993, 2007),
        ("CN201012345Y", "utility_model", "grant", 2007, 2010),
        ("CN201712345U", "utility_model", "grant", 2010, None),
        ("CN3001234S", "design", "pre_grant", 1985, 1992),
        ("CN3301234D", "design", "grant", 1993, 2007),
        ("CN300712345D", "design", "grant", 2007, 2010),
        ("CN301512345S", "design", "grant", 2010, None),
    ],
)
def test_a_kind_code_means_what_it_meant_in_its_period(
    number: str, right: str, stage: str, first_year: int, last_year: int | None
) -> None:
    verdict = identify(IdentifierKind.PUBLICATION, number)

    assert verdict.normalised == number
    assert verdict.facts["right"] == right
    assert verdict.facts["stage"] == stage
    assert verdict.facts["first_year"] == first_year
    assert verdict.facts.get("last_year") == last_year


@pytest.mark.parametrize(
    "number", ["CN101770823A8", "CN101770823B9", "CN201712345U8", "CN301512345S9"]
)
def test_eight_and_nine_reprint_with_corrections(number: str) -> None:
    assert identify(IdentifierKind.PUBLICATION, number).facts["corrected"] is True


@pytest.mark.parametrize("number", ["CN101770823C1", "CN201712345Y7", "CN301512345S3"])
def test_one_to_seven_print_a_partial_invalidation(number: str) -> None:
    facts = identify(IdentifierKind.PUBLICATION, number).facts

    assert facts["stage"] == "partly_invalid"
    assert facts["corrected"] is False


def test_typing_variants_come_to_one_form() -> None:
    assert identify(IdentifierKind.PUBLICATION, "cn 101770823 b").normalised == "CN101770823B"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("CN101770823", "is not a publication number"),
        ("CN401770823B", "is not a publication number"),
        ("101770823B", "is not a publication number"),
        ("CN10177082B", "is not a publication number"),
        ("CN101770823U", "has kind code U, which does not go with type digit 1"),
        ("CN201712345S", "has kind code S, which does not go with type digit 2"),
        ("CN201712345S8", "has kind code S, which does not go with type digit 2"),
        ("CN101770823B2", "has kind code B2, which does not exist"),
        ("CN101770823A0", "has kind code A0, which does not exist"),
        ("CN101770823C8", "has kind code C8, which does not exist"),
        ("CN300712345D1", "has kind code D1, which does not exist"),
    ],
)
def test_a_wrong_number_is_refused_with_its_reason(typed: str, reason: str) -> None:
    verdict = identify(IdentifierKind.PUBLICATION, typed)

    assert not verdict.valid
    assert verdict.reason is not None
    assert verdict.reason.startswith(reason)
