"""Grades: within 0 and 100, never falling as an answer rises, nothing guessed; and bad tables."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers.rights import RightKind
from app.valuation.composite import Cohort, Measure, composite, find_cohort, percentile
from app.valuation.grading import Origin, grade
from app.valuation.grading_table import (
    DIRECTORY,
    TABLES,
    WORDS,
    BrokenTable,
    Fact,
    Facts,
    read_tables,
    table_on,
)

[TABLE] = TABLES
FILE = f"{TABLE.id}.toml"
TEXT = (DIRECTORY / FILE).read_text("utf-8")
INDICATORS = {place.indicator.id: place.indicator for place in TABLE.places()}

numbers = st.decimals(min_value=0, max_value=500, places=1)
uses = st.sampled_from(sorted(TABLE.uses))
levels = st.dictionaries(st.sampled_from(sorted(INDICATORS)), st.integers(1, 5))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    known = draw(st.sets(st.sampled_from(Fact)))
    return {
        fact: draw(st.sampled_from(sorted(WORDS[fact]))) if fact in WORDS else draw(numbers)
        for fact in known
    }


def test_the_shape_is_that_of_the_standard_and_no_row_claims_to_be_read() -> None:
    assert (TABLE.shape.dimensions, TABLE.shape.groups, TABLE.shape.indicators) == (3, 14, 27)
    assert len(TABLE.rows()) == 3 + 14 + 27
    assert not any(row.verified for row in TABLE.rows())
    assert TABLE.covers == {RightKind.INVENTION, RightKind.UTILITY_MODEL}
    assert all(sum(one.weights[use] for one in INDICATORS.values()) == 100 for use in TABLE.uses)


def test_nothing_answered_is_anything_from_0_to_100() -> None:
    graded = grade(TABLE, "finance", facts={}, levels={})

    assert (graded.whole.low, graded.whole.high) == (Decimal(0), Decimal(100))
    assert graded.whole.score is None
    assert graded.answered_pct == 0
    assert {line.origin for line in graded.lines} == {Origin.MISSING}


def test_all_answered_is_one_score() -> None:
    graded = grade(TABLE, "finance", facts={}, levels=dict.fromkeys(INDICATORS, 3))

    assert graded.whole.score == 50
    assert graded.answered_pct == 100
    assert {span.score for span in graded.by_dimension.values()} == {Decimal(50)}


def test_what_the_register_answers_is_not_taken_from_people() -> None:
    graded = grade(TABLE, "finance", facts={Fact.STANDING: "ended"}, levels={"challenges": 5})

    [line] = [line for line in graded.lines if line.place.indicator.id == "challenges"]
    assert (line.origin, line.score) == (Origin.REGISTER, Decimal(0))


@given(uses, facts(), levels)
def test_a_grade_lies_within_0_and_100(use: str, known: Facts, given: dict[str, int]) -> None:
    graded = grade(TABLE, use, facts=known, levels=given)

    for span in (graded.whole, *graded.by_dimension.values()):
        assert 0 <= span.low <= span.high <= 100
    assert 0 <= graded.answered_pct <= 100


@given(uses, facts(), levels, st.sampled_from(sorted(INDICATORS)), st.integers(1, 4))
def test_a_better_answer_never_lowers_the_grade(
    use: str, known: Facts, given: dict[str, int], indicator: str, level: int
) -> None:
    worse = grade(TABLE, use, facts=known, levels=given | {indicator: level}).whole
    better = grade(TABLE, use, facts=known, levels=given | {indicator: level + 1}).whole

    assert worse.low <= better.low
    assert worse.high <= better.high


@given(
    uses,
    facts(),
    levels,
    st.sampled_from([fact for fact in Fact if fact not in WORDS]),
    st.tuples(numbers, numbers).map(sorted),
)
def test_more_of_a_fact_never_lowers_the_grade(
    use: str, known: Facts, given: dict[str, int], fact: Fact, counts: list[Decimal]
) -> None:
    low, high = counts
    less = grade(TABLE, use, facts={**known, fact: low}, levels=given).whole
    more = grade(TABLE, use, facts={**known, fact: high}, levels=given).whole

    assert less.low <= more.low
    assert less.high <= more.high


@given(uses, facts(), levels, st.sampled_from(sorted(INDICATORS)), st.integers(1, 5))
def test_an_answer_more_narrows_the_span(
    use: str, known: Facts, given: dict[str, int], indicator: str, level: int
) -> None:
    before = grade(TABLE, use, facts=known, levels=given).whole
    after = grade(TABLE, use, facts=known, levels={indicator: level} | given).whole

    assert before.low <= after.low <= after.high <= before.high


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "gbt-42748-2023-shape-1"', 'id = "another"', "id"),
        ("indicators = 27", "indicators = 28", "shape.indicators"),
        ('levels = ["0", "25",', 'levels = ["30", "25",', "levels"),
        ('id = "challenges"', 'id = "examined"', "indicators"),
        ('finance = "4.75"', 'finance = "4.76"', "weights.finance"),
        ('finance = "4.75", ', "", "examined.weights"),
        ('invention = "100", ', "", "examined.words"),
        ('fact = "kind"\n', "", "examined.words"),
        ('{ from = "0", score = "20" }, { from = "5"', '{ from = "1", score = "20" }, { from = "5"',
         "claim_count.bands"),
        ('{ from = "2", score = "50" }, { from = "4"', '{ from = "2", score = "10" }, { from = "4"',
         "family.bands"),
        ("verified = false", 'verified = "no"', "dimensions.0.verified"),
        ('score = "20"', "score = 20", "dimensions.0.groups.0.indicators.2.bands.0.score"),
        ('covers = ["invention"', 'covers = ["idea"', "covers.0"),
        ("[shape]", "[shape", "TOML"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_file_key_and_reason(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    assert old in TEXT
    (tmp_path / FILE).write_text(TEXT.replace(old, new, 1), "utf-8")

    with pytest.raises(BrokenTable) as refused:
        read_tables(tmp_path)

    assert (refused.value.file, refused.value.key) == (FILE, key)
    assert refused.value.reason


def test_two_editions_do_not_overlap(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(TEXT, "utf-8")
    began = "valid_from = 2023-09-01"
    later = TEXT.replace(TABLE.id, "second").replace(began, "valid_from = 2027-01-01")
    (tmp_path / "second.toml").write_text(later, "utf-8")

    with pytest.raises(BrokenTable, match=r"second.toml: valid_from: is not after"):
        read_tables(tmp_path)

    ended = TEXT.replace(
        "valid_from = 2023-09-01", "valid_from = 2023-09-01\nvalid_to = 2026-12-31"
    )
    (tmp_path / FILE).write_text(ended, "utf-8")
    tables = read_tables(tmp_path)
    days = [table.valid_from for table in tables]
    assert [table_on(day, tables) for day in days] == list(tables)
    assert table_on(days[0].replace(year=2020), tables) is None


COHORT = Cohort.of(
    {
        "field": "A23L",
        "year": 2021,
        "values": {name.value: ["1", "2", "2", "3"] for name in Measure},
    }
)


class TestComposite:
    def test_is_the_mean_of_percentiles_in_the_cohort(self) -> None:
        values = dict.fromkeys(Measure, Decimal(2))

        found = composite(values, COHORT)

        assert {one.percentile for one in found.standings} == {Decimal(50)}
        assert found.score == 50

    def test_has_no_score_while_a_measure_or_the_cohort_is_missing(self) -> None:
        values = dict.fromkeys(Measure, Decimal(2))

        assert composite(values, None).score is None
        del values[Measure.CITATIONS]
        found = composite(values, COHORT)
        assert found.score is None
        assert [one.value for one in found.standings].count(None) == 1

    def test_a_cohort_is_of_the_first_class_and_the_year(self) -> None:
        assert find_cohort([COHORT], ipc=["A23L 3/40", "B01D 1/00"], year=2021) is COHORT
        assert find_cohort([COHORT], ipc=["B01D 1/00"], year=2021) is None
        assert find_cohort([COHORT], ipc=[], year=None) is None

    @given(st.lists(numbers, min_size=1), numbers, numbers)
    def test_percentiles_lie_within_0_and_100_and_rise(
        self, cohort: list[Decimal], one: Decimal, other: Decimal
    ) -> None:
        low, high = sorted((one, other))
        peers = sorted(cohort)

        assert 0 <= percentile(low, peers) <= percentile(high, peers) <= 100
