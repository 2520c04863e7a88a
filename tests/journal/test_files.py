"""An exported journal is checked without a database: by us, and by a script that is not ours."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.journal.files import JournalUnreadable, check
from app.journal.lines import GENESIS, Line, canonical, chained
from app.journal.replay import Finding, FindingKind
from app.services import journal, ledger, sealing
from app.services.ledger import AccountRole
from tests.make.ledger import make_accounts

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_journal.py"


@pytest.fixture
async def lines(session: AsyncSession) -> list[Line]:
    """Every kind of transfer, sealed, with the roots of two days."""
    accounts = await make_accounts(session, room=100, owner="灵武")
    available, used = accounts[AccountRole.AVAILABLE].id, accounts[AccountRole.OUTSTANDING].id
    holds = [ledger.hold("accept", available, used, Money(10 + n), new_id()) for n in range(4)]
    await ledger.apply(session, holds)
    await ledger.apply(session, [ledger.post("drawdown", holds[0].id, Money(7), new_id())])
    await ledger.apply(session, [ledger.void("decline", holds[1].id, new_id())])
    await ledger.apply(session, [ledger.expire("expire", holds[2].id, new_id())])
    await ledger.apply(session, [ledger.transfer("repay", used, available, Money(3), new_id())])
    await sealing.seal(session)
    await sealing.close_days(session, now=datetime.now(UTC) + timedelta(days=2))
    return [line async for line in journal.sealed_lines(session)]


def written(lines: list[Line]) -> bytes:
    return b"".join(canonical(line) + b"\n" for line in lines)


def ours(lines: list[Line], root: str | None = None) -> list[Finding]:
    return list(check(written(lines).splitlines(keepends=True), root=root))


def theirs(
    lines: list[Line], place: Path, *root: str, optimised: bool = False
) -> subprocess.CompletedProcess[str]:
    """The stand-alone script, without our packages in reach."""
    file = place / "journal.jsonl"
    file.write_bytes(written(lines))
    return subprocess.run(
        [sys.executable, "-I", "-S", *["-O"] * optimised, str(SCRIPT), str(file), *root],
        capture_output=True,
        text=True,
        check=False,
    )


def place_of(lines: list[Line], kind: str) -> int:
    return next(n for n, line in enumerate(lines) if line.get("transfer", {}).get("kind") == kind)


def rechained(lines: list[Line]) -> list[Line]:
    """Whoever forges may also compute all the hashes, and the roots, anew."""
    link, sequence, since = GENESIS, 0, 0
    for line in lines:
        if "root" in line:
            line["root"] |= {"hash": link.hex(), "sequence": sequence, "transfers": since}
            since = 0
            continue
        sequence += 1
        since += "transfer" in line
        line["sequence"] = sequence
        link = chained(link, line)
        line["hash"] = link.hex()
    return lines


def change_amount(lines: list[Line]) -> None:
    lines[place_of(lines, "post")]["transfer"]["amount"] += 1


def change_balance(lines: list[Line]) -> None:
    lines[place_of(lines, "post")]["transfer"]["debit"]["before"][0] += 1


def drop_a_line(lines: list[Line]) -> None:
    del lines[place_of(lines, "void")]


def resolve_twice(lines: list[Line]) -> None:
    void, expire = (lines[place_of(lines, kind)]["transfer"] for kind in ("void", "expire"))
    expire["hold"] = void["hold"]


def change_owner(lines: list[Line]) -> None:
    next(line for line in lines if line.get("account", {}).get("owner") == "灵武")["account"][
        "owner"
    ] = "PINGLUO"


def repeat_a_version(lines: list[Line]) -> None:
    lines[place_of(lines, "void")]["transfer"]["debit"]["version"] -= 1


def open_an_account_again(lines: list[Line]) -> None:
    """Its counters would start at zero again: room out of nothing."""
    opened = next(line for line in lines if "account" in line)
    lines.insert(place_of(lines, "void"), json.loads(json.dumps(opened)))


def hold_twice(lines: list[Line]) -> None:
    first = place_of(lines, "hold")
    lines[first + 1]["transfer"]["id"] = lines[first]["transfer"]["id"]


def leave_out_a_day(lines: list[Line]) -> None:
    lines[-1]["root"]["business_on"] = "2999-01-01"


# Another value of each type that a line can hold, no less readable.
OTHER: dict[type, Callable[[Any], Any]] = {
    int: lambda number: number + 1,
    bool: lambda truth: not truth,
    str: lambda text: ("3" if text[0] == "1" else "1") + text[1:],
    type(None): lambda _: "x",
}


def paths_in(value: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each single value."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths_in(inner, *way, key)
    else:
        yield way


FORGERIES: list[tuple[Callable[[list[Line]], None], str]] = [
    (change_amount, "UNBALANCED|BALANCE_MISMATCH"),
    (change_balance, "BALANCE_MISMATCH"),
    (drop_a_line, "SEQUENCE_GAP|BALANCE_MISMATCH"),
    (resolve_twice, "UNBALANCED"),
    (repeat_a_version, "SEQUENCE_GAP"),
    (open_an_account_again, "SEQUENCE_GAP"),
    (hold_twice, "UNBALANCED"),
    (leave_out_a_day, "SEQUENCE_GAP"),
]


def test_an_honest_journal_holds(lines: list[Line], tmp_path: Path) -> None:
    assert ours(lines) == []

    script = theirs(lines, tmp_path)

    assert (script.returncode, script.stderr) == (0, "")
    assert f"{lines[-3]['sequence']} lines hold" in script.stdout


def test_a_root_that_somebody_kept_is_found_or_missed(lines: list[Line], tmp_path: Path) -> None:
    kept = lines[-1]["root"]["hash"]
    assert ours(lines, kept) == []
    assert theirs(lines, tmp_path, kept.upper()).returncode == 0

    change_owner(lines)
    forged = rechained(lines)

    assert ours(forged) == []  # nothing inside tells; the root that somebody kept does
    assert [finding.kind.name for finding in ours(forged, kept)] == ["HASH_MISMATCH"]
    script = theirs(forged, tmp_path, kept)
    assert script.returncode == 1
    assert script.stderr.startswith("HASH_MISMATCH")


SEALED = [forge for forge, _ in FORGERIES if forge is not leave_out_a_day]


@pytest.mark.parametrize("forge", [*SEALED, change_owner], ids=lambda f: f.__name__)
def test_a_changed_line_breaks_the_chain(
    lines: list[Line], tmp_path: Path, forge: Callable[[list[Line]], None]
) -> None:
    forge(lines)

    assert "HASH_MISMATCH" in {finding.kind.name for finding in ours(lines)}
    script = theirs(lines, tmp_path)
    assert script.returncode == 1
    assert script.stderr.startswith("HASH_MISMATCH")


@pytest.mark.parametrize(("forge", "kinds"), FORGERIES, ids=lambda f: getattr(f, "__name__", ""))
def test_a_chain_made_anew_does_not_hide_wrong_sums(
    lines: list[Line], tmp_path: Path, forge: Callable[[list[Line]], None], kinds: str
) -> None:
    forge(lines)
    forged = rechained(lines)

    assert {finding.kind.name for finding in ours(forged)} & set(kinds.split("|"))
    script = theirs(forged, tmp_path)
    assert script.returncode == 1
    assert script.stderr.split()[0] in kinds.split("|")


def test_the_script_checks_also_where_python_leaves_assertions_out(
    lines: list[Line], tmp_path: Path
) -> None:
    change_amount(lines)

    assert theirs(lines, tmp_path, optimised=True).returncode == 1


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 0.5])
def test_only_whole_fen_are_read(lines: list[Line], tmp_path: Path, number: float) -> None:
    """Whatever is compared with infinity lies within its limit."""
    opened = lines[place_of(lines, "transfer")]["transfer"]
    opened["amount"] = opened["credit"]["after"][2] = opened["debit"]["after"][0] = number
    forged = rechained(lines)

    with pytest.raises(JournalUnreadable, match="whole number"):
        ours(forged)
    assert theirs(forged, tmp_path).returncode == 1


def test_any_field_of_any_line_that_was_changed_is_named(lines: list[Line]) -> None:
    theirs = runpy.run_path(str(SCRIPT))["check"]
    whole = [canonical(line) + b"\n" for line in lines]
    theirs(whole, None)
    for place, line in enumerate(lines):
        for path in paths_in(line):
            changed = json.loads(canonical(line))
            *way, last = path
            holder = reduce(getitem, way, changed)
            holder[last] = OTHER[type(holder[last])](holder[last])
            forged = [*whole[:place], canonical(changed) + b"\n", *whole[place + 1 :]]

            assert next(check(forged)).kind in FindingKind, path
            with pytest.raises((SystemExit, LookupError, ValueError)):
                theirs(forged, None)


def test_a_root_out_of_place_is_named(lines: list[Line], tmp_path: Path) -> None:
    lines[-1]["root"]["transfers"] += 1

    assert [(finding.kind.name, finding.subject) for finding in ours(lines)] == [
        ("SEQUENCE_GAP", lines[-1]["root"]["business_on"])
    ]
    assert theirs(lines, tmp_path).returncode == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"nonsense\n",
        b"\xff\xfe\n",
        b'{"sequence":1}\n',
        b'{"account":{},"hash":"zz","horizon":1,"sealed_at":"","sequence":1}\n',
        b'{"root":{}}\n',
        b'{"root":{"business_on":"x"}}\n',
        b"[" * 100_000,
    ],
)
def test_what_is_no_journal_is_one_refusal(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable):
        list(check(text.splitlines(keepends=True)))


def test_only_the_canonical_form_is_accepted(lines: list[Line]) -> None:
    """Two ways to write a line would be two things to read."""
    loose = [json.dumps(line).encode() + b"\n" for line in lines]

    with pytest.raises(JournalUnreadable, match="canonical"):
        list(check(loose))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "no journal: not one line"),
        (b'{"account":"\xff"}\n', "no journal: UnicodeDecodeError"),
        (b"[" * 100_000, "no journal: RecursionError"),
    ],
)
def test_the_script_names_what_is_no_journal(tmp_path: Path, content: bytes, fault: str) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(content)
    with pytest.raises(JournalUnreadable), file.open("rb") as journal_lines:
        list(check(journal_lines))

    told = subprocess.run(
        [sys.executable, str(SCRIPT), str(file)], capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert fault in told.stderr
    assert "Traceback" not in told.stderr


def test_the_script_names_the_line_that_it_cannot_read(lines: list[Line], tmp_path: Path) -> None:
    del lines[2]["hash"]

    assert "KeyError('hash') at line 3" in theirs(lines, tmp_path).stderr


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--help"], 0, "JOURNAL [ROOT]"),
        ([], 1, "JOURNAL [ROOT]"),
        (["/nowhere"], 1, "no journal: [Errno 2]"),
    ],
)
def test_the_script_tells_how_it_is_called(arguments: list[str], status: int, told: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )

    assert done.returncode == status
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
