"""The rule files, and what is refused about a broken one."""

from datetime import date
from pathlib import Path

import pytest

from app.reference import files

GOOD = """
key = "{key}"
valid_from = {valid_from}
source = "a decree"
[body]
cap = "1.00"
"""


def write(directory: Path, name: str, **values: str) -> None:
    (directory / name).write_text(
        GOOD.format(**{"key": "cap", "valid_from": "2022-01-01"} | values)
    )


def test_every_file_of_the_product_is_read() -> None:
    keys = {version.key for version in files.read_all()}

    assert {"parks", "programme", "lpr", "eligibility", "pledge_rates"} <= keys


def test_versions_come_in_the_order_of_their_dates(tmp_path: Path) -> None:
    write(tmp_path, "b.toml", valid_from="2022-01-01\nvalid_to = 2022-12-31")
    write(tmp_path, "a.toml", valid_from="2023-01-01")

    versions = files.read_all(tmp_path)

    assert [version.valid_from for version in versions] == [date(2022, 1, 1), date(2023, 1, 1)]


def test_overlapping_versions_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.toml")
    write(tmp_path, "b.toml", valid_from="2023-01-01")

    with pytest.raises(files.BrokenRuleFile, match="cap: overlaps the version from 2022-01-01"):
        files.read_all(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("key = ", "bad.toml: "),
        ('key = "x"', "valid_from"),
        (GOOD.format(key="Bad Key", valid_from="2022-01-01"), "key"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "bad.toml").write_text(text)

    with pytest.raises(files.BrokenRuleFile, match=reason) as refusal:
        files.read_all(tmp_path)

    assert refusal.value.facts()["file"] == "bad.toml"
