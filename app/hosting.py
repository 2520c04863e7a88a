"""What the commands run on: settings, the database, and the processes of the service."""

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import typer
from pydantic import ValidationError

from app import shell
from app.core import migrating
from app.core.embedded import EmbeddedPostgres
from app.core.errors import Conflict
from app.core.settings import PREFIX, Settings


@dataclass(eq=False)
class CannotListen(Conflict):
    message = "cannot listen on {host}:{port}: {reason}; choose another --host or --port"

    host: str
    port: int
    reason: str


@dataclass(eq=False)
class NoServer(Conflict):
    message = "no server runs under {data_dir}; start `zhirong serve` or give --database-url"

    data_dir: Path


@dataclass(eq=False)
class NoDatabase(Conflict):
    message = "there is no database under {data_dir}; give --data-dir or --database-url"

    data_dir: Path


def prepare(settings: Settings) -> None:
    """Everything the database needs before the service may start: schema and reference data."""
    assert settings.database_url
    assert settings.owner_database_url
    migrating.upgrade(settings.owner_database_url, app_url=settings.database_url)
    asyncio.run(shell.load_reference(settings.database_url))


def read_settings(**options: Any) -> Settings:
    """The environment's settings under the options that were given."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [
            f"{PREFIX}{fault['loc'][0]}".upper() + f": {fault['msg']}"
            for fault in error.errors()
            if fault["type"] != "default_factory_not_called"  # follows from another one
        ]
        raise typer.BadParameter("; ".join(faults)) from None


def embedded(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.data_dir, major=settings.pg_major)


def with_urls(settings: Settings, server: EmbeddedPostgres) -> Settings:
    urls = {"database_url": server.app_url(), "owner_database_url": server.owner_url()}
    return settings.model_copy(update=urls)


@contextlib.contextmanager
def running(settings: Settings, *, shared: bool) -> Iterator[Settings]:
    """The settings with the URLs of a running database in them.

    ``shared`` is content with an embedded server that another process runs, and leaves it
    running; without it, that is ``DataDirectoryInUse``. A server started here is stopped.
    """
    if settings.database_url:
        yield settings
        return
    server = embedded(settings)
    with server.shared() if shared else server.owned():
        yield with_urls(settings, server)


@contextlib.contextmanager
def filled(settings: Settings) -> Iterator[Settings]:
    """``running`` for whoever works on what is there, and makes nothing by a slip of a path."""
    if settings.database_url is None and not embedded(settings).is_made():
        raise NoDatabase(settings.data_dir)
    with running(settings, shared=True) as ready:
        assert ready.database_url
        migrating.refuse_other_schema(ready.database_url)
        yield ready


def web_command(settings: Settings) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "app.main:create_app", "--factory"),
        *("--interface", "asgi", "--loop", "uvloop", "--log-level", "warning"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.web_workers), "--workers-kill-timeout", "10"),
    ]


def worker_command() -> list[str]:
    return [sys.executable, "-m", "app.worker"]


def refuse_taken_port(settings: Settings) -> None:
    """Look before starting anything: the web server would share a port of ours silently."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        if error.errno == errno.EADDRINUSE and (holder := _listener(settings.port)):
            reason = f"{reason} by {holder}"
        raise CannotListen(settings.host, settings.port, reason) from None


def _listener(port: int) -> str | None:
    """The process that listens on ``port``, as far as the system lets us see it."""
    try:
        found = [
            c.pid
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid
        ]
        return f"process {found[0]} ({' '.join(psutil.Process(found[0]).cmdline()[:4])})"
    except (IndexError, psutil.Error):
        return None


def answers(settings: Settings) -> bool:
    try:
        socket.create_connection((settings.host, settings.port), timeout=1).close()
    except OSError:
        return False
    return True


def url_of(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"
