"""The embedded server on its own: starting, dying, sharing a machine, refusing bad places."""

import asyncio
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.core import postgres_tools
from app.core.embedded import APP, OWNER, DataDirectoryInUse, DataDirectoryRefused, EmbeddedPostgres
from app.core.postgres_tools import Account
from tests.postgres import MAJOR

FAST = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every account can enter, unlike pytest's own ``tmp_path``."""
    directory = Path(tempfile.mkdtemp(prefix="zhirong-embedded-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def cluster(place: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(place, major=MAJOR, settings=FAST)


def postmaster(place: Path) -> int:
    lines = (place / f"pg{MAJOR}" / "data" / "postmaster.pid").read_text().splitlines()
    return int(lines[0])


def ask(url: str, statement: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_neither_role_can_step_around_row_level_security(place: Path) -> None:
    server = cluster(place)
    powers = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"

    with server.owned():
        assert ask(server.app_url(), "SELECT current_user") == APP
        assert ask(server.owner_url(), "SELECT current_user") == OWNER
        assert ask(server.app_url(), powers) is False
        assert ask(server.owner_url(), powers) is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            ask(server.app_url(), "CREATE TABLE public.mine ()")


def test_passwords_are_needed_and_readable_by_nobody_else(place: Path) -> None:
    server = cluster(place)

    with server.owned():
        secrets = list(server.base.glob("*.secret"))

        assert len(secrets) == 3
        assert {stat.S_IMODE(secret.stat().st_mode) for secret in secrets} == {0o600}
        password = (server.base / f"{APP}.secret").read_text()
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(server.app_url().replace(password, "guess"), "SELECT 1")


def test_data_outlives_the_server(place: Path) -> None:
    with cluster(place).owned():
        ask(cluster(place).owner_url(), "CREATE TABLE kept AS SELECT 7 AS number")
    assert not cluster(place).is_ready()

    with cluster(place).owned():
        assert ask(cluster(place).owner_url(), "SELECT number FROM kept") == 7


def test_a_killed_postmaster_is_replaced_at_once(place: Path) -> None:
    server = cluster(place)
    with server.owned():
        killed = postmaster(place)
        os.kill(killed, signal.SIGKILL)

        server.start()

        assert postmaster(place) != killed
        assert ask(server.app_url(), "SELECT 1") == 1


def test_a_command_waits_for_a_server_that_its_owner_is_starting(place: Path) -> None:
    owning, looked, over = threading.Event(), threading.Event(), threading.Event()

    class Owner(EmbeddedPostgres):
        def start(self) -> None:
            owning.set()
            assert looked.wait(60)
            super().start()

    class Guest(EmbeddedPostgres):
        def is_ready(self) -> bool:
            ready = super().is_ready()
            looked.set()
            return ready

    def own() -> None:
        with Owner(place, major=MAJOR, settings=FAST).owned():
            over.wait(60)

    owner = threading.Thread(target=own)
    owner.start()
    assert owning.wait(60)
    try:
        with Guest(place, major=MAJOR, settings=FAST).shared():
            assert ask(cluster(place).app_url(), "SELECT 1") == 1
        assert cluster(place).is_ready()  # the owner's still
    finally:
        looked.set()
        over.set()
        owner.join()


def test_a_server_started_for_one_command_stays_while_another_shares_it(place: Path) -> None:
    leaving, guest_left = threading.Event(), threading.Event()
    here, first_over = threading.Event(), threading.Event()

    def first() -> None:
        with cluster(place).shared():
            here.set()
            leaving.wait(60)
        assert guest_left.is_set()
        first_over.set()

    one = threading.Thread(target=first)
    one.start()
    assert here.wait(60)
    with cluster(place).shared():
        leaving.set()
        assert ask(cluster(place).app_url(), "SELECT 1") == 1
        guest_left.set()
    one.join()

    assert first_over.is_set()
    assert not cluster(place).is_ready()


def test_a_pid_that_another_program_got_does_not_count_as_a_server(place: Path) -> None:
    server = cluster(place)
    with server.owned():
        pid_file = (place / f"pg{MAJOR}" / "data" / "postmaster.pid").read_text()
    lines = pid_file.splitlines()
    lines[0] = str(os.getpid())
    (place / f"pg{MAJOR}" / "data" / "postmaster.pid").write_text("\n".join(lines))

    with server.owned():
        assert ask(server.app_url(), "SELECT 1") == 1


def test_a_cluster_cut_short_while_it_was_made_is_made_anew(place: Path) -> None:
    left = place / f"pg{MAJOR}" / "data.tmp"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text(f"{MAJOR}\n")

    with cluster(place).owned():
        assert ask(cluster(place).app_url(), "SELECT 1") == 1
    assert not left.exists()


def test_one_directory_has_one_owner(place: Path) -> None:
    with (
        cluster(place).owned(),
        pytest.raises(DataDirectoryInUse, match=rf"process {os.getpid()}\b.*--data-dir"),
        cluster(place).owned(),
    ):
        pytest.fail("two owners")


def test_two_directories_do_not_disturb_each_other(place: Path) -> None:
    one, two = cluster(place / "one"), cluster(place / "two")
    with two.owned():
        with one.owned():
            ask(one.owner_url(), "CREATE TABLE mine ()")
            assert ask(two.owner_url(), "SELECT to_regclass('mine')") is None

        assert ask(two.app_url(), "SELECT 1") == 1


@pytest.mark.parametrize("name", ["d" * 100, "a, comma", "it's (a) place; #1"])
def test_odd_directories_work(place: Path, name: str) -> None:
    server = cluster(place / name)
    with server.owned():
        assert ask(server.app_url(), "SELECT 1") == 1


def test_binaries_that_the_account_cannot_run_are_copied(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_tools, "_runs", lambda *_: False)
    server = cluster(place)

    with server.owned():
        assert ask(server.app_url(), "SELECT 1") == 1
        command = Path(f"/proc/{postmaster(place)}/cmdline")
        if command.exists():
            assert command.read_bytes().startswith(os.fsencode(server.base))


@pytest.mark.parametrize("name", ['say "so"', "$HOME", "`id`", "back\\slash"])
def test_a_name_that_a_shell_would_read_is_refused(place: Path, name: str) -> None:
    with pytest.raises(DataDirectoryRefused, match="choose another"):
        cluster(place / name).start()


@as_root
def test_a_directory_the_account_cannot_reach_is_refused_with_the_remedy(place: Path) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)

    with pytest.raises(DataDirectoryRefused, match=f"chmod o\\+x {private}"):
        cluster(private / "data").start()
    assert list(private.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "uid_is_owner", "gid_is_owner", "enters"),
    [
        (0o700, True, False, True),
        (0o700, False, False, False),
        (0o710, False, True, True),
        (0o701, False, True, False),  # the group's bits decide for its members, even against them
        (0o711, False, False, True),
        (0o644, False, False, False),
    ],
)
def test_mode_bits_say_who_enters(
    place: Path, mode: int, uid_is_owner: bool, gid_is_owner: bool, enters: bool
) -> None:
    door = place / "door"
    door.mkdir()
    door.chmod(mode)
    status = door.stat()
    account = Account(
        uid=status.st_uid if uid_is_owner else status.st_uid + 1,
        gid=status.st_gid if gid_is_owner else status.st_gid + 1,
    )

    assert account.barrier(door / "not" / "yet" / "there") == (None if enters else door)
