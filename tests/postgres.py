"""One embedded PostgreSQL per test run, shared by its processes, and quick copies of a database.

The process that imports this first (pytest itself, the controller under xdist) owns the server
and stops it at its end; its workers find the directory in the environment. A run that was killed
leaves its server behind, and the next run of the same user sweeps it away.
"""

import asyncio
import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil
from sqlalchemy import make_url

from app.core.embedded import OWNER, EmbeddedPostgres
from app.core.errors import DomainError
from app.core.postgres_tools import shared_place

MAJOR = int(os.environ.get("ZHIRONG_TEST_PG", "18"))
TEMPLATE = "tpl_zhirong"
_BUILDING = "tpl_building"
_VARIABLE = "ZHIRONG_TEST_SERVER"
_PREFIX = f"zhirong-test-{os.geteuid()}-"

T = TypeVar("T")

# Nothing here needs to survive a power cut.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "200",
}


def template_database(migrate: Callable[[str, str], None]) -> None:
    """Build the template once per run: ``migrate(owner_url, app_url)`` fills an empty database.

    Whoever comes first builds, the others wait. A build that fails leaves no template.
    """
    with _locked("template"):
        if _execute(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
            return
        drop(_BUILDING)
        _execute(f"CREATE DATABASE {_BUILDING} OWNER {OWNER}")
        server = _server()
        _outside_loop(lambda: migrate(server.owner_url(_BUILDING), server.app_url(_BUILDING)))
        _execute(f"ALTER DATABASE {_BUILDING} RENAME TO {TEMPLATE}")


def clone(name: str) -> tuple[str, str]:
    """A fresh copy of the template: its (owner_url, app_url)."""
    _execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY file_copy OWNER {OWNER}')
    return _server().owner_url(name), _server().app_url(name)


def empty(name: str) -> tuple[str, str]:
    """A database with nothing in it: its (owner_url, app_url)."""
    _execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
    return _server().owner_url(name), _server().app_url(name)


def owner_url(app_url: str) -> str:
    """The owner's URL of the database that ``app_url`` names."""
    return _server().owner_url(make_url(app_url).database or "")


def drop(name: str) -> None:
    """Remove the database, and whoever is still connected to it."""
    _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@cache
def _server() -> EmbeddedPostgres:
    """The run's server, started by the first process that asks."""
    server = EmbeddedPostgres(_directory(), major=MAJOR, settings=_FAST)
    server.start()
    return server


@cache
def _directory() -> Path:
    return Path(os.environ[_VARIABLE])


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    _server()
    with (_directory() / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _execute(statement: str) -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(_server().superuser_url().replace("+asyncpg", "", 1))
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    return _outside_loop(lambda: asyncio.run(run()))


def _outside_loop(work: Callable[[], T]) -> T:
    """In a thread of its own, so that fixtures may call from inside a running event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def _own_a_server() -> None:
    place = shared_place()
    for left in place.glob(f"{_PREFIX}*"):
        if not psutil.pid_exists(int(left.name.removeprefix(_PREFIX).split("-")[0])):
            _remove(left)
    directory = place / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    os.environ[_VARIABLE] = str(directory)
    atexit.register(_remove, directory)


def _remove(directory: Path) -> None:
    for major in (16, 18):
        # One that cannot be stopped loses its files below and ends by itself.
        with contextlib.suppress(DomainError, OSError):
            EmbeddedPostgres(directory, major=major).stop()
    shutil.rmtree(directory, ignore_errors=True)


if _VARIABLE not in os.environ:
    _own_a_server()
