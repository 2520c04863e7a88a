"""A kind of case is a file and no code; a broken one is named with its key and the reason."""

from datetime import date
from pathlib import Path

import pytest

from app.casework.kind_files import DIRECTORY, KINDS, BrokenKindFile, read_kinds

SMALLEST = """
id = "advice"
group = "desk"
measure = 12
prefix = "AD"
text_zh = "咨询"
text_en = "Advice"
[[versions]]
valid_from = 2022-01-01
source = "a test"
opened_by = ["enterprise"]
initial = "asked"
[[versions.states]]
id = "asked"
text_zh = "已提交"
text_en = "asked"
[[versions.states]]
id = "done"
final = true
text_zh = "已办结"
text_en = "done"
[[versions.moves]]
id = "finish"
sources = ["asked"]
to = "done"
by = ["handler"]
text_zh = "办结"
text_en = "finish"
"""

CLOCK = """
[[versions.clocks]]
id = "answer"
starts = ["asked"]
stops = ["done"]
text_zh = "答复"
text_en = "answer"
"""

BROKEN = {
    "unknown state": (('to = "done"', 'to = "gone"'), "versions.0.moves.0", "gone is no state"),
    "unreached": (('to = "done"', 'to = "asked"'), "versions.0.states", "no move leads to done"),
    "dead end": (("final = true", "final = false"), "versions.0.states", "leads out of done"),
    "left": (('["asked"]', '["asked", "done"]'), "versions.0.moves.0.sources", "not left"),
    "initial": (('initial = "asked"', 'initial = "x"'), "versions.0.initial", "x is no state"),
    "role": (('["handler"]', '["nobody"]'), "versions.0.moves.0.by.0", "Input should be"),
    "typo": (("opened_by", "opend_by"), "versions.0.opened_by", "Field required"),
    "parent": (
        ('initial = "asked"', 'initial = "asked"\nparent = "x"\nparent_states = ["y"]'),
        "versions.0.parent",
        "x is no kind of case",
    ),
    "chosen": (
        ('initial = "asked"', 'initial = "asked"\nhandling = "chosen"'),
        "versions.0.handler_kinds",
        "go with handling = chosen",
    ),
    "public": (
        ('initial = "asked"', 'initial = "asked"\npublic_states = ["x"]'),
        "versions.0.public_states",
        "x is no state",
    ),
    "clock": (
        ('text_en = "finish"\n', 'text_en = "finish"\n' + CLOCK),
        "versions.0.clocks.0",
        "either days",
    ),
    "no TOML": (("id =", "id"), "TOML", ""),
}


def write(directory: Path, text: str, name: str = "advice") -> None:
    (directory / f"{name}.toml").write_text(text, "utf-8")


def test_a_new_kind_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, SMALLEST)

    kinds = read_kinds(tmp_path)

    assert list(kinds) == ["advice"]
    assert kinds["advice"].version_on(date(2021, 12, 31)) is None
    assert kinds["advice"].version_on(date(2022, 1, 1)) is not None


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_refused_by_key_and_reason(tmp_path: Path, fault: str) -> None:
    (old, new), key, reason = BROKEN[fault]
    assert old in SMALLEST
    write(tmp_path, SMALLEST.replace(old, new, 1))

    with pytest.raises(BrokenKindFile) as refusal:
        read_kinds(tmp_path)

    assert refusal.value.file == "advice.toml"
    assert refusal.value.key == key
    assert reason in refusal.value.reason


def test_a_file_is_named_by_its_id_and_a_prefix_stands_once(tmp_path: Path) -> None:
    write(tmp_path, SMALLEST, "other")
    with pytest.raises(BrokenKindFile):
        read_kinds(tmp_path)
    write(tmp_path, SMALLEST)
    write(tmp_path, SMALLEST.replace('"advice"', '"other"'), "other")
    with pytest.raises(BrokenKindFile) as refusal:
        read_kinds(tmp_path)

    assert refusal.value.key == "prefix"


def test_versions_do_not_overlap(tmp_path: Path) -> None:
    version = SMALLEST[SMALLEST.index("[[versions]]") :]
    write(tmp_path, SMALLEST + version.replace("2022", "2024"))

    with pytest.raises(BrokenKindFile) as refusal:
        read_kinds(tmp_path)

    assert refusal.value.key == "versions.1.valid_from"


def test_every_service_of_the_policy_has_its_kinds() -> None:
    measures = {kind.measure for kind in KINDS.values()}

    assert measures == {3, 5, 10, 11, 12, 13, 14}
    assert len(KINDS) == len(list(DIRECTORY.glob("*.toml")))
