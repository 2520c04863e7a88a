"""Ranking by score, awards given twice, and what a firm is entitled to."""

from datetime import date

import pytest

from app.core.errors import FieldRefused
from app.grants.duplication import Given, conflicts
from app.grants.entitlements import entitlements
from app.grants.measure import Dimension, Duplication, Scoring
from app.grants.measure_files import find_version
from app.grants.ranking import Scored, rank, score


def sheet_of_nine() -> Scoring:
    scoring = find_version(9, None).scoring
    assert scoring is not None
    return scoring


def scored(reference: str, novelty: int, industry: int, use: int) -> Scored:
    marks = {"novelty": novelty, "industry": industry, "use": use}
    return Scored(reference, [marks, marks])


def test_the_best_come_first_and_a_withdrawn_place_goes_to_the_next() -> None:
    crowd = [scored(f"A{i:03}", 60 + i % 40, 70, 70) for i in range(200)]

    first = rank(sheet_of_nine(), crowd, 100)
    after = rank(sheet_of_nine(), crowd, 100, withdrawn={first.chosen[0]})

    assert (len(first.chosen), len(first.waiting)) == (100, 100)
    assert after.chosen == [*first.chosen[1:], first.waiting[0]]


def test_equals_are_decided_by_the_stated_criteria_then_by_reference() -> None:
    high = scored("Z", 80, 70, 70)
    equal = scored("B", 70, 70, 86)  # 40 % of 10 more is 25 % of 16 more

    ranked = rank(sheet_of_nine(), [equal, scored("A", 70, 70, 86), high], 3)

    assert score(sheet_of_nine(), high.sheets) == score(sheet_of_nine(), equal.sheets)
    assert ranked.chosen == ["Z", "A", "B"]


def test_below_the_pass_mark_no_place_is_given() -> None:
    assert rank(sheet_of_nine(), [scored("A", 59, 60, 60)], 9).failed == ["A"]


def test_two_reviewers_mark_every_criterion() -> None:
    sheets = scored("A", 1, 2, 3).sheets
    for bad in (sheets[:1], [sheets[0], {"novelty": 1}], scored("A", 101, 0, 0).sheets):
        with pytest.raises(FieldRefused):
            score(sheet_of_nine(), bad)


def test_awards_agree_across_measures_years_and_related_firms() -> None:
    rule = Duplication(
        text_zh="一年一次",
        text_en="once a year",
        same=[Dimension.FIRM, Dimension.YEAR],
        with_measures=[5],
        related_firms=True,
    )
    asked = Given(4, "K1", "F1", 2025)
    own, other, sister = (
        Given(4, "K2", "F1", 2025),
        Given(5, "K", "F1", 2025),
        Given(4, "K", "F2", 2025),
    )
    previous = [own, other, sister, Given(4, "K1", "F1", 2024), Given(3, "K1", "F1", 2025)]

    assert conflicts(rule, asked, previous, related={"F2"}) == [own, other, sister]
    assert conflicts(rule, asked, previous) == [own, other]
    assert conflicts(None, asked, previous) == []


def test_entitlements_tell_eligible_missing_and_refused() -> None:
    known = {4: {"deal_amount": "100.00", "buyer_size": "large"}}

    told = {one.measure: one for one in entitlements(known, date(2026, 1, 1))}

    assert list(told) == [1, 2, 3, 4, 5, 9, 10, 14]
    assert told[1].missing == ["designation", "level"]
    assert (told[3].standing, told[3].assumed) == ("possible", ["outstanding"])
    assert told[4].standing == "refused"
    assert entitlements(known, date(2021, 1, 1)) == []
