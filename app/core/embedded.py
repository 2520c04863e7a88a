"""Runs a PostgreSQL of our own under the data directory, with the binaries a wheel carries.

One cluster per major version, so that 16 and 18 never meet:

    <data_dir>/pg18/            ours
    ├── data/                   the cluster, of the server's account
    ├── run/                    its socket and its log, of the same account
    ├── *.secret                passwords, mode 0600
    ├── .lock  .owner           held while starting or stopping; held by whoever serves
    ├── .guests                 shared by short commands; the last of them stops the server
    └── binaries-0.6.0/         only where the server's account cannot reach the wheel
"""

import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import URL

from app.core.errors import Conflict, Unprocessable
from app.core.postgres_tools import Account, PostgresFailed, Tools, free_port

DATABASE = "zhirong"
OWNER = "zhirong_owner"
APP = "zhirong_app"
_SUPERUSER = "postgres"

# The builtin provider, whose order is the same on every system, exists from 17.
_LOCALE = {
    16: ["--locale=C"],
    18: ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
}

# sockaddr_un holds 104 bytes on macOS and 108 on Linux; PostgreSQL adds ".lock" for its lock file.
_SOCKET_PATH_BYTES_MAX = 98
_PORT = 5432  # names the socket file; nothing listens on it
_PATIENCE_S = 15.0
_SHARING_PATIENCE_S = 60.0


@dataclass(eq=False)
class DataDirectoryRefused(Unprocessable):
    """The server's account cannot get into the directory, or it cannot be written."""

    message = "{path} {reason}; {remedy}"

    path: Path
    reason: str
    remedy: str


@dataclass(eq=False)
class DataDirectoryInUse(Conflict):
    message = (
        "{path} is in use by another zhirong (process {pid}): wait until that one ends or stop it"
        " (another --data-dir is another, empty ledger)"
    )

    path: Path
    pid: str


class EmbeddedPostgres:
    """One cluster. Cheap to make; ``start`` and ``stop`` may be called from any process."""

    def __init__(
        self, data_dir: Path, *, major: int = 18, settings: dict[str, str] | None = None
    ) -> None:
        """``settings`` are server parameters laid over ours; they hold for the next start."""
        self.base = data_dir.resolve() / f"pg{major}"
        self.major = major
        self._data = self.base / "data"
        self._run_dir = self.base / "run"
        self._settings = {
            "max_connections": "100",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(settings or {}),
        }
        self._account = Account.for_server()
        self._tools = Tools(major=major, copies=self.base, account=self._account)

    def owner_url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of the role that owns ``database`` and runs migrations."""
        return self._url(OWNER, database)

    def app_url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of the role the service runs as; row-level security binds it."""
        return self._url(APP, database)

    def superuser_url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL for making and dropping databases; never given to the service."""
        return self._url(_SUPERUSER, database)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """The server is up inside, and down afterwards.

        A server left behind by a killed owner is taken over. Raises ``DataDirectoryInUse`` while
        another process owns it.
        """
        self._make_base()
        with (self.base / ".owner").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise DataDirectoryInUse(self.base.parent, lock.read() or "?") from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                self.start()
                yield
            finally:
                self.stop()

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """The server is up inside: another process's, or one started here and stopped at the end.

        Waits for a server that its owner is still starting or stopping, and leaves one that was
        started here up for as long as others share it.
        """
        self._make_base()
        with (self.base / ".guests").open("a") as guests, contextlib.ExitStack() as ownership:
            fcntl.flock(guests, fcntl.LOCK_SH)
            deadline = time.monotonic() + _SHARING_PATIENCE_S
            while not (borrowed := self.is_ready()):
                try:
                    ownership.enter_context(self.owned())
                    break
                except DataDirectoryInUse:
                    if time.monotonic() > deadline:
                        raise
                time.sleep(0.1)
            if borrowed:
                with self._locked():  # its roles are made by then
                    pass
            try:
                yield
            finally:
                if not borrowed:
                    fcntl.flock(guests, fcntl.LOCK_EX)

    def is_made(self) -> bool:
        """There is a cluster, up or down."""
        return self._data.exists()

    def is_ready(self) -> bool:
        """It answers in the protocol.

        A bare connect also succeeds while the children of a killed postmaster are still dying.
        """
        if not (self._data / "postmaster.pid").exists():
            return False
        where = ["-h", self._host(), "-p", str(self._port())]
        try:
            self._tools.run("pg_isready", "-q", "-t", "2", *where)
        except PostgresFailed:
            return False
        return True

    def start(self) -> None:
        """Make the cluster if there is none, start it if it is down, and see to its roles."""
        self._make_base()
        with self._locked():
            if not self.is_ready():
                if not self._data.exists():
                    self._make_cluster()
                self._drop_stale_pid_file()
                self._start_postmaster()
            self._make_roles()

    def stop(self) -> None:
        """Stop it if it is up: open transactions are rolled back, clients disconnected."""
        if not self._data.exists():
            return
        with self._locked():
            if (self._data / "postmaster.pid").exists():
                try:
                    self._pg_ctl("-m", "fast", "-t", "60", "stop")
                except PostgresFailed:
                    if self.is_ready():
                        raise

    def _url(self, role: str, database: str) -> str:
        # In the query, for there SQLAlchemy and asyncpg both find a directory as well as a name.
        url = URL.create(
            "postgresql+asyncpg",
            username=role,
            password=self._secret(role).read_text(),
            database=database,
            query={"host": self._host(), "port": str(self._port())},
        )
        return url.render_as_string(hide_password=False)

    def _host(self) -> str:
        """The socket's directory, or loopback where its path would not fit into an address."""
        path = self._run_dir / f".s.PGSQL.{_PORT}"
        # A comma would split the path into two hosts.
        fits = len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX and "," not in str(path)
        return str(self._run_dir) if fits else "127.0.0.1"

    def _port(self) -> int:
        if self._host().startswith("/"):
            return _PORT
        try:
            return int((self._data / "postmaster.pid").read_text().splitlines()[3])
        except (FileNotFoundError, IndexError):
            return _PORT  # not up, so nobody can be asked for the port it will have

    def _secret(self, role: str) -> Path:
        return self.base / f"{role}.secret"

    def _make_base(self) -> None:
        if set('"$`\\') & set(str(self.base)):  # pg_ctl hands the path to a shell in double quotes
            raise DataDirectoryRefused(
                self.base.parent, 'holds one of " $ ` \\', "choose another --data-dir"
            )
        if self._account and (barrier := self._account.barrier(self.base)):
            remedy = f"run `chmod o+x {barrier}`, choose another --data-dir, or do not run as root"
            raise DataDirectoryRefused(
                self.base.parent, f"cannot be reached by the server's account: {barrier}", remedy
            )
        missing = [path for path in (*reversed(self.base.parents), self.base) if not path.exists()]
        try:
            for directory in missing:
                directory.mkdir(exist_ok=True)
                directory.chmod(0o711 if self._account else 0o700)
            self._run_dir.mkdir(exist_ok=True)
            self._tools.give(self._run_dir)
        except OSError as error:
            raise DataDirectoryRefused(
                self.base.parent, f"is not ours: {error}", "choose another --data-dir"
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.base / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_cluster(self) -> None:
        # initdb writes PG_VERSION first, so a half-made cluster looks whole: make, then rename.
        fresh = self.base / "data.tmp"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        self._tools.give(fresh)
        for role in (_SUPERUSER, OWNER, APP):
            self._secret(role).unlink(missing_ok=True)
            self._secret(role).touch(0o600)
            self._secret(role).write_text(secrets.token_urlsafe(24))
        password = self._run_dir / "superuser.secret"  # initdb reads it as the server's account
        password.unlink(missing_ok=True)
        password.touch(0o600)
        password.write_text(self._secret(_SUPERUSER).read_text())
        self._tools.give(password)
        durable = [] if self._settings.get("fsync") != "off" else ["--no-sync"]
        try:
            self._tools.run(
                *("initdb", "-D", str(fresh), "-U", _SUPERUSER, "--pwfile", str(password)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
                *(_LOCALE[self.major] + durable),
            )
        finally:
            password.unlink()
        fresh.rename(self._data)

    def _drop_stale_pid_file(self) -> None:
        """Wait for a killed postmaster to be reaped, and forget a pid that another program got.

        PostgreSQL believes any live pid of its own account, zombies included.
        """
        file = self._data / "postmaster.pid"
        deadline = time.monotonic() + _PATIENCE_S
        while file.exists() and time.monotonic() < deadline:
            try:
                process = psutil.Process(int(file.read_text().split("\n", 1)[0]))
                if process.status() != psutil.STATUS_ZOMBIE and (
                    str(self._data) not in process.cmdline()
                ):
                    file.unlink()
            except (psutil.NoSuchProcess, ValueError):
                return  # PostgreSQL removes the file by itself
            except psutil.AccessDenied:
                file.unlink()  # ours can be looked at
            time.sleep(0.1)
        if file.exists():
            raise PostgresFailed("start", "a former server neither answers nor ends")

    def _start_postmaster(self) -> None:
        host = self._host()
        if host.startswith("/"):
            where = ["-p", str(_PORT), "-k", host, "-h", ""]
        else:
            where = ["-p", str(free_port()), "-k", "", "-h", host]
        parameters = [f"-c{name}={value}" for name, value in self._settings.items()]
        options = shlex.join([*parameters, *where])
        log = str(self._run_dir / "postgres.log")
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self._pg_ctl("-l", log, "-t", "60", "-o", options, "start")
            except PostgresFailed as error:
                # The children of a killed postmaster keep its shared memory for a moment.
                lines = Path(log).read_text().splitlines() if Path(log).exists() else []
                busy = any("shared memory block" in line for line in lines[-6:])
                if not busy or time.monotonic() > deadline:
                    told = [line for line in lines[-20:] if "FATAL" in line] or [error.reason]
                    raise PostgresFailed("start", f"{told[-1]} ({log})") from error
                time.sleep(0.2)

    def _make_roles(self) -> None:
        """Idempotent, so that a first start cut short is completed by the second."""
        script = [f"SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}' WHERE NOT EXISTS"]
        script += [f"(SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec"]
        for role in (APP, OWNER):
            password = self._secret(role).read_text()  # URL-safe characters: nothing to escape
            script = [
                f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS",
                f"(SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec",
                f"ALTER ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}';",
                *script,
            ]
        self._tools.run(
            *("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self._host()),
            *("-p", str(self._port()), "-U", _SUPERUSER, "-d", "postgres"),
            script="\n".join(script) + "\n",
            PGPASSWORD=self._secret(_SUPERUSER).read_text(),
        )

    def _pg_ctl(self, *arguments: str) -> None:
        self._tools.run("pg_ctl", "-D", str(self._data), "-w", *arguments)
