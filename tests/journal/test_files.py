"""An exported journal is checked without a database: by us, and by a script that is not ours."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.journal.files import JournalUnreadable, check
from app.journal.lines import GENESIS, Line, canonical, chained
from app.journal.replay import Finding
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


def theirs(lines: list[Line], place: Path, *root: str) -> subprocess.CompletedProcess[str]:
    """The stand-alone script, without our packages in reach."""
    file = place / "journal.jsonl"
    file.write_bytes(written(lines))
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(file), *root],
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


FORGERIES: list[tuple[Callable[[list[Line]], None], str]] = [
    (change_amount, "UNBALANCED|BALANCE_MISMATCH"),
    (change_balance, "BALANCE_MISMATCH"),
    (drop_a_line, "SEQUENCE_GAP|BALANCE_MISMATCH"),
    (resolve_twice, "UNBALANCED"),
    (repeat_a_version, "SEQUENCE_GAP"),
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


@pytest.mark.parametrize(
    "forge", [*(forgery for forgery, _ in FORGERIES), change_owner], ids=lambda f: f.__name__
)
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
