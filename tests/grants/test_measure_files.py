"""The files of measures: a fifteenth needs no code, and what is refused of a bad one."""

from datetime import date
from pathlib import Path
from shutil import copytree

import pytest

from app.core.errors import FieldRefused
from app.grants.award import decide
from app.grants.measure_files import DIRECTORY, BrokenMeasureFile, find_version, read_measures

GOOD = """\
number = 15
id = "overseas-filings"
kind = "grant"
text_zh = "海外申请"
text_en = "filings abroad"
[[versions]]
valid_from = 2025-01-01
valid_to = 2025-12-31
source = "第十五条"
[[versions.clauses]]
id = "share"
text_zh = "按费用的 33.3% 资助，最高 5000 元"
text_en = "33.3 % of the fees, at most 5,000"
[[versions.facts]]
name = "fees"
type = "money"
required = true
text_zh = "费用"
text_en = "fees"
[[versions.facts]]
name = "granted"
type = "boolean"
assumed = true
text_zh = "已授权"
text_en = "granted"
[[versions.rules]]
id = "enough"
clause = "share"
fact = "fees"
at_least = "100.00"
text_zh = "至少 100 元"
text_en = "at least 100"
[[versions.rules]]
id = "granted"
clause = "share"
fact = "granted"
equals = true
text_zh = "须已授权"
text_en = "must be granted"
[versions.award]
form = "share"
clause = "share"
pct_of = "fees"
pct = "33.3"
cap = "5000.00"
[versions.budget]
kind = "none"
text_zh = "无上限"
text_en = "no ceiling"
[versions.scoring]
reviewers = 2
pass_mark = 60
criteria = [
  { id = "a", weight_pct = "60", text_zh = "甲", text_en = "a" },
  { id = "b", weight_pct = "40", text_zh = "乙", text_en = "b" },
]
[[versions.periods]]
id = "public_notice"
days = 5
unit = "working"
text_zh = "公示"
text_en = "public notice"
[[versions.periods]]
id = "correction"
days = 10
unit = "working"
text_zh = "补正"
text_en = "correction"
"""
VERSION = GOOD[GOOD.index("[[versions]]") :]


def write(directory: Path, text: str) -> Path:
    (directory / "15-overseas-filings.toml").write_text(text, "utf-8")
    return directory


def test_a_fifteenth_measure_is_a_file_and_no_code(tmp_path: Path) -> None:
    measures = read_measures(write(Path(copytree(DIRECTORY, tmp_path / "measures")), GOOD))

    version = find_version(15, None, measures)

    assert len(measures) == 15
    assert str(decide(version, {"fees": "1000.10"}).award) == "333.03"
    assert str(decide(version, {"fees": "99999.00"}).award) == "5000.00"
    assert decide(version, {"fees": "99.99", "granted": False}).refused_by == ["enough", "granted"]


def test_measures_come_by_number_wherever_their_files_lie(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    own = write(tmp_path / "a", GOOD)
    policy = Path(copytree(DIRECTORY, tmp_path / "b"))

    assert list(read_measures(policy, own)) == list(range(1, 16))


def test_a_day_is_answered_by_the_rules_of_that_day(tmp_path: Path) -> None:
    later = VERSION.replace("2025-", "2026-").replace('pct = "33.3"', 'pct = "50"', 1)
    measures = read_measures(write(tmp_path, GOOD + later))

    def paid(day: date) -> str:
        return str(decide(find_version(15, day, measures), {"fees": "1000.00"}).award)

    assert [paid(date(2025, 12, 31)), paid(date(2026, 1, 1))] == ["333.00", "500.00"]
    with pytest.raises(FieldRefused):
        find_version(15, date(2027, 1, 1), measures)


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("kind =", "kind", "TOML", "Expected"),
        ('id = "overseas', 'id = "abroad', "id", "named by number and id"),
        ('text_en = "fees"', 'text_en = "fees"\ncolour = "red"', "facts.0.colour", "not permitted"),
        ('fact = "granted"', 'fact = "size"', "rules.1.fact", "size is no fact"),
        ('pct_of = "fees"', 'pct_of = "price"', "award.pct_of", "price is no fact"),
        ('pct_of = "fees"', 'pct_of = "granted"', "award.pct_of", "not of type money"),
        ('pct = "33.3"', 'pct = "100.1"', "award.share.pct", "less than or equal to 100"),
        ('pct = "33.3"', "pct = 33.3", "award.share.pct", "in quotes"),
        ('cap = "5000.00"', "cap = 5000", "award.share.cap", "decimal string"),
        ('form = "share"', 'form = "lottery"', "award", "lottery"),
        (
            'weight_pct = "40"',
            'weight_pct = "41"',
            "scoring.criteria",
            "shares sum to 101, not 100",
        ),
        ("valid_to = 2025-12-31", "valid_to = 2024-12-31", "versions.0.valid_to", "before"),
        ("equals = true", "at_least = 3", "rules.1.at_least", "neither money nor a count"),
        ("equals = true", "equals = false", "rules.1.equals", "is assumed to be fails it"),
        ("equals = true", 'equals = "yes"', "rules.1.equals", "cannot be 'yes'"),
        ("equals = true", "", "rules.1", "exactly one of"),
        ('id = "granted"\nclause = "share"', 'id = "granted"\nclause = "x"', "clause", "no clause"),
        ("required = true", "required = false", "facts.0.assumed", "may be left out"),
        ('kind = "none"', 'kind = "pot"', "budget.amount", "does not go with kind pot"),
        ('id = "correction"', 'id = "corrections"', "versions.0.periods", "states no correction"),
        ('kind = "grant"', 'kind = "service"', "award", "does not go with kind service"),
    ],
)
def test_a_bad_file_is_refused_with_file_key_and_reason(
    tmp_path: Path, old: str, new: str, key: str, reason: str
) -> None:
    assert old in GOOD

    with pytest.raises(BrokenMeasureFile) as refusal:
        read_measures(write(tmp_path, GOOD.replace(old, new, 1)))

    assert refusal.value.file == "15-overseas-filings.toml"
    assert key in refusal.value.key
    assert reason in refusal.value.reason


def test_versions_that_overlap_are_refused(tmp_path: Path) -> None:
    later = VERSION.replace("2025-01-01", "2025-12-31").replace(
        "2025-12-31\nsource", "2026-01-01\nsource"
    )

    with pytest.raises(BrokenMeasureFile) as refusal:
        read_measures(write(tmp_path, GOOD + later))
    assert refusal.value.key == "versions.1.valid_from"
    assert "overlaps" in refusal.value.reason
