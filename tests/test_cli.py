"""The shell: help that teaches, errors in one line, and a service that leaves nothing behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.core.db import connect
from app.core.postgres_tools import free_port
from app.journal.lines import GENESIS, Line, canonical, chained
from app.services import organisations
from app.services.actor import SYSTEM, bind
from tests import postgres
from tests.make.accounts import chosen, make_form
from tests.make.parties import NOW
from tests.postgres import MAJOR


def zhirong(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"ZHIRONG_PG_MAJOR": str(MAJOR)},
    )


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every account can enter, unlike pytest's own ``tmp_path``."""
    directory = Path(tempfile.mkdtemp(prefix="zhirong-cli-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def processes_of(place: Path) -> list[str]:
    """Command lines of whatever runs with its data or settings under ``place``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = [*process.cmdline(), process.environ().get("ZHIRONG_DATA_DIR", "")]
            if any(str(place) in word for word in words):
                found.append(" ".join(process.cmdline()))
    return found


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_help_shows_examples(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"], terminal_width=100)

    assert result.exit_code == 0
    assert "Examples" in result.stdout
    assert f"zhirong {command}" in result.stdout


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = zhirong("serve", "--port", port)

    assert result.returncode == 1
    assert result.stderr.startswith(f"zhirong: cannot listen on 127.0.0.1:{port}: ")
    assert f"by process {os.getpid()} (" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_worker_without_a_server_is_one_line(place: Path) -> None:
    result = zhirong("worker", "--data-dir", str(place))

    assert result.returncode == 1
    assert result.stderr == (
        f"zhirong: no server runs under {place}; start `zhirong serve` or give --database-url\n"
    )


@pytest.mark.parametrize("command", [["verify"], ["journal", "-"]])
def test_a_slip_of_the_path_is_one_line_and_makes_nothing(place: Path, command: list[str]) -> None:
    elsewhere = place / "elsewhere"

    result = zhirong(*command, "--data-dir", str(elsewhere))

    assert result.returncode == 1
    assert result.stderr == (
        f"zhirong: there is no database under {elsewhere}; give --data-dir or --database-url\n"
    )
    assert not elsewhere.exists()


def test_a_database_of_another_kind_is_one_line() -> None:
    _, url = postgres.empty("other")
    try:
        result = zhirong("verify", "--database-url", url)
    finally:
        postgres.drop("other")

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "its schema is not of this version" in result.stderr


def test_a_wrong_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIRONG_DATABASE_URL", "mysql://db/zhirong")

    result = CliRunner().invoke(cli, ["migrate"])

    assert result.exit_code == 2
    assert "ZHIRONG_DATABASE_URL" in result.stderr
    assert "only PostgreSQL" in result.stderr


@pytest.fixture
def firm(fresh_database: str) -> str:
    """The credit code of a firm that has signed up."""

    async def sign_up() -> str:
        async with connect(fresh_database) as sessions, sessions.begin() as session:
            await bind(session, SYSTEM)
            form = make_form()
            await organisations.sign_up(session, form=form, password=await chosen(), now=NOW)
            return form.uscc

    return asyncio.run(sign_up())


def import_text(url: str, firm: str, place: Path, text: str) -> subprocess.CompletedProcess[str]:
    (place / "rights.csv").write_text(text, "utf-8")
    file = str(place / "rights.csv")
    return zhirong("import", file, "--firm", firm, "--database-url", url)


def test_import_of_a_file_that_cannot_be_read_says_why_and_fails(
    fresh_database: str, firm: str, place: Path
) -> None:
    result = import_text(fresh_database, firm, place, "编号甲,名称\n1,枸杞\n")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        "zhirong: The file cannot be read: the first row has no header for a number"
    )
    assert result.stderr.count("\n") == 1


def test_import_names_the_columns_it_has_no_place_for(
    fresh_database: str, firm: str, place: Path
) -> None:
    text = "专利号,名称,经办人\n202110000001.6,枸杞干燥装置,张三\n"

    result = import_text(fresh_database, firm, place, text)

    assert result.returncode == 0
    assert result.stdout == "1 accepted, 0 changed, 0 unchanged, 0 refused\n"
    assert result.stderr == "not used: 经办人\n"


def test_import_names_the_fields_it_changes(fresh_database: str, firm: str, place: Path) -> None:
    header = "专利号,名称,申请日\n202110000001.6"
    import_text(fresh_database, firm, place, f"{header},甲,\n")

    result = import_text(fresh_database, firm, place, f"{header},乙,2021-01-04\n")

    assert result.stdout == (
        "line 2: changed title, filed_on, expires_on\n"
        "0 accepted, 1 changed, 0 unchanged, 0 refused\n"
    )


@contextlib.contextmanager
def serving(place: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The service with its data under ``place``, and its address; stopped at the end."""
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--data-dir"]
    environment = os.environ | {"ZHIRONG_PG_MAJOR": str(MAJOR), "ZHIRONG_DEMO": "false"}
    service = subprocess.Popen(
        [*command, str(place / "data")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert service.stdout
    assert service.stderr
    with service.stdout, service.stderr:
        assert f"http://127.0.0.1:{port}" in service.stdout.readline()
        try:
            yield service, f"http://127.0.0.1:{port}"
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(60)


def status_of(url: str) -> int:
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        return int(answer.status)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_service_answers_then_stops_and_leaves_nothing_running(
    place: Path, number: signal.Signals
) -> None:
    with serving(place) as (service, url):
        status = status_of(url)
        running = processes_of(place)

        started = time.monotonic()
        service.send_signal(number)
        exit_status = service.wait(60)

    assert status == 200
    assert len(running) >= 3  # the service, its web server, its worker; and PostgreSQL
    assert exit_status == 0
    assert time.monotonic() - started < 15
    assert processes_of(place) == []


def test_commands_work_on_the_data_of_a_service_that_runs(place: Path) -> None:
    data, journal = ["--data-dir", str(place / "data")], place / "journal.jsonl"
    who = ["--uscc", "11640000MA9D00013B", "--name", "局", "--email", "a@b.example"]
    (place / "rights.csv").write_text("专利号,名称\n202110000001.6,枸杞\n", "utf-8")
    with serving(place) as (_, url):
        verified = zhirong("verify", *data)
        exported = zhirong("journal", str(journal), *data)
        migrated = zhirong("migrate", *data)
        made = zhirong("authority", *who, "--password", "a long password of 2026", *data)
        imported = zhirong("import", str(place / "rights.csv"), "--firm", who[1], *data)
        status = status_of(url)

    assert (verified.returncode, verified.stderr) == (0, "")
    assert (exported.returncode, migrated.returncode) == (0, 0)
    assert journal.exists()
    assert (made.returncode, made.stdout) == (0, "a@b.example may sign in.\n")
    assert imported.returncode == 1
    assert imported.stderr.startswith("zhirong: ")
    assert "in use" not in imported.stderr
    assert status == 200


def test_a_journal_is_verified_without_a_database(place: Path) -> None:
    journal = place / "journal.jsonl"
    account = {"id": str(UUID(int=1)), "book": "b", "owner": "o", "role": "r", "limited": True}
    line: Line = {"sequence": 1, "sealed_at": "x", "horizon": 1, "account": account}
    line["hash"] = chained(GENESIS, line).hex()
    journal.write_bytes(canonical(line) + b"\n")

    good = zhirong("verify", "--journal", str(journal), "--root", line["hash"])
    other = zhirong("verify", "--journal", str(journal), "--root", "0" * 64)

    assert (good.returncode, good.stderr) == (0, "")
    assert other.returncode == 1
    assert other.stderr == f"HASH_MISMATCH {'0' * 64}: no line of the journal has this hash\n"
    missing = zhirong("verify", "--journal", str(place / "missing"))
    assert missing.stderr == f"zhirong: there is no file {place / 'missing'}\n"
    directory = zhirong("journal", str(place), "--data-dir", str(place))
    assert directory.stderr == f"zhirong: cannot write {place}: Is a directory\n"


def test_the_journal_is_exported_from_the_database(place: Path) -> None:
    data, journal = ["--data-dir", str(place)], place / "journal.jsonl"
    assert zhirong("migrate", *data).returncode == 0

    exported = zhirong("journal", str(journal), *data)

    # Sealing is the worker's, and none ran here.
    assert (exported.returncode, exported.stderr) == (0, "0 lines\n")
    assert journal.read_text() == ""

    journal.write_text("former")
    journal.chmod(0o640)
    assert zhirong("journal", str(journal), *data).returncode == 0
    assert journal.read_text() == ""
    assert journal.stat().st_mode & 0o777 == 0o640
    assert not list(place.glob(".journal*"))


@pytest.mark.parametrize("elsewhere", ["--data-dir={place}/none", "--database-url={url}"])
def test_a_journal_that_fails_leaves_the_former_file_and_no_scrap(
    place: Path, elsewhere: str
) -> None:
    journal = place / "journal.jsonl"
    journal.write_text("kept\n")
    url = f"postgresql://nobody:x@127.0.0.1:{free_port()}/none"

    failed = zhirong("journal", str(journal), elsewhere.format(place=place, url=url))

    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert journal.read_text() == "kept\n"
    assert [path.name for path in place.iterdir()] == ["journal.jsonl"]


@pytest.mark.parametrize("arguments", [["--root", "0" * 64], ["--journal", "x", "--root", "abc"]])
def test_a_root_needs_a_journal_and_64_digits(arguments: list[str]) -> None:
    result = zhirong("verify", *arguments)

    assert result.returncode == 2
    assert "--root takes 64 hexadecimal digits" in result.stderr
