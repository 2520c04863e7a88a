"""The shell's entry, ``zhirong``: runs the service and everything around it."""

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from app import shell
from app.core import migrating
from app.core.clock import business_date
from app.core.embedded import EmbeddedPostgres
from app.core.errors import Conflict, DomainError, NotFound
from app.core.settings import PREFIX, Settings
from app.core.supervising import interruptible, run_together
from app.demo import drive, throwaway
from app.demo.region import PASSWORD, accounts, region
from app.journal import files
from app.journal.replay import Finding

TABLE_WIDTH = 150

cli = typer.Typer(
    name="zhirong",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


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
class NoSuchFile(NotFound):
    message = "there is no file {path}"

    path: Path


@dataclass(eq=False)
class CannotWrite(Conflict):
    message = "cannot write {path}: {reason}"

    path: Path
    reason: str


Host = Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on. [default: 8000]")]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the embedded PostgreSQL and documents live. [default: var]"),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        help="An external PostgreSQL, 16 or newer, instead of the embedded one: "
        "postgresql://user:password@host/database"
    ),
]


@cli.callback()
def explain() -> None:
    """知融: loans against patents, trademarks and copyrights.

    Start with `zhirong serve`, then open http://127.0.0.1:8000/docs in a browser.

    Each option can be given in the environment too: --data-dir is ZHIRONG_DATA_DIR. An option
    wins over the environment. `zhirong COMMAND --help` shows examples of a command.
    """


@cli.command()
def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Run the service and its worker until Ctrl-C.

    Starts an embedded PostgreSQL under the data directory (unless a database URL is given),
    brings its schema up to date, then serves HTTP with the worker beside it. Everything that
    was started is stopped at the end.

    Examples:

    - `zhirong serve` at http://127.0.0.1:8000, keeping its data in var/

    - `zhirong serve --port 8100 --data-dir /srv/second` as a second, independent instance

    - `zhirong serve --host 0.0.0.0 --database-url postgresql://app:secret@db/zhirong`
    """
    settings = _settings(host=host, port=port, data_dir=data_dir, database_url=database_url)
    with contextlib.suppress(KeyboardInterrupt), interruptible():
        _refuse_taken_port(settings)
        with _database(settings, shared=False) as ready:
            _prepare(ready)
            assert ready.database_url
            demo = shell.wants_demo(ready)
            fresh = demo and asyncio.run(shell.make_demo_authority(ready.database_url))
            run_together(
                {"the web server": _web_command(ready), "the worker": _worker_command()},
                environment={**os.environ, **ready.environment()},
                is_up=lambda: _answers(ready),
                when_up=lambda: _announce(ready, demo=demo, fresh=fresh),
            )


@cli.command()
def worker(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Run one more worker; any number of them share the jobs, on any number of hosts.

    `zhirong serve` already runs one. Ctrl-C or SIGTERM lets running jobs finish.

    Examples:

    - `zhirong worker` beside a `zhirong serve` that runs with the same data directory

    - `zhirong worker --database-url postgresql://app:secret@db/zhirong` on another host
    """
    settings = _settings(data_dir=data_dir, database_url=database_url)
    if settings.database_url is None:
        server = _server(settings)
        if not server.is_ready():
            raise NoServer(settings.data_dir)
        settings = _with_urls(settings, server)
    command = _worker_command()
    os.execve(command[0], command, {**os.environ, **settings.environment()})


@cli.command()
def migrate(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the database to the newest schema, and load or refresh the reference data.

    `zhirong serve` does this by itself. Migrations run as the owner of the tables
    (ZHIRONG_OWNER_DATABASE_URL); the role of the database URL is granted what it needs.

    Examples:

    - `zhirong migrate` on the embedded PostgreSQL, started for the moment if it is down

    - `ZHIRONG_OWNER_DATABASE_URL=postgresql://owner:secret@db/zhirong zhirong migrate
      --database-url postgresql://app:secret@db/zhirong`
    """
    settings = _settings(data_dir=data_dir, database_url=database_url)
    with _database(settings, shared=True) as ready:
        _prepare(ready)
    typer.echo("The database is up to date.")


@cli.command()
def authority(  # noqa: PLR0917  typer reads options from the signature
    uscc: Annotated[str, typer.Option(help="Its 统一社会信用代码.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    email: Annotated[str, typer.Option(help="The first manager signs in with this.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make the first account of the authority, which verifies everybody else.

    Example:

    - `zhirong authority --uscc 11640000… --name 宁夏知识产权局 --email a@b.cn`
    """
    settings = _settings(data_dir=data_dir, database_url=database_url)
    with _database(settings, shared=True) as ready:
        _prepare(ready)
        assert ready.database_url
        made = shell.make_authority(
            ready.database_url, uscc=uscc, name=name, email=email, password=password
        )
        asyncio.run(made)
    typer.echo(f"{email} may sign in.")


@cli.command(name="import")
def import_rights(
    path: Annotated[Path, typer.Argument(help="CSV, XLSX, or an office's XML or JSON.")],
    firm: Annotated[str, typer.Option(help="The firm's 统一社会信用代码.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Import a file of IP rights for a firm; exits with 1 if any row was refused.

    Good rows are kept whatever the others hold, and importing again makes no duplicates.

    Example:

    - `zhirong import portfolio.xlsx --firm 91640221MA75X0004C`
    """
    if not path.is_file():
        raise NoSuchFile(path)
    data = path.read_bytes()
    settings = _settings(data_dir=data_dir, database_url=database_url)
    with _database(settings, shared=True) as ready:
        assert ready.database_url
        imported = shell.import_records(
            ready.database_url, firm_uscc=firm, data=data, file_name=path.name
        )
        report = asyncio.run(imported)
    for row in report.refused:
        typer.echo(f"line {row.line}: {row.field}: {row.reason}", err=True)
    job = report.job
    typer.echo(f"{job.accepted} accepted, {job.unchanged} unchanged, {job.refused} refused")
    raise typer.Exit(1 if report.refused else 0)


@cli.command()
def verify(
    journal: Annotated[
        Path | None, typer.Option(help="An exported journal, instead of the database.")
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(
            help="A published root (SHA-256) that the journal must contain.", metavar="HASH"
        ),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Replay the whole ledger and check its hash chain; exits with 1 if anything is wrong.

    Names each bad row: HASH_MISMATCH, SEQUENCE_GAP, BALANCE_MISMATCH or UNBALANCED. With
    --journal it reads a file that `zhirong journal` wrote and needs no database.

    Examples:

    - `zhirong verify`

    - `zhirong verify --journal journal.jsonl --root 9f2c1d8a…`
    """
    if root is not None and (journal is None or not re.fullmatch("[0-9a-fA-F]{64}", root)):
        raise typer.BadParameter("--root takes 64 hexadecimal digits and needs --journal")
    if journal is not None:
        if not journal.is_file():
            raise NoSuchFile(journal)
        with journal.open("rb") as lines:
            bad = _report(files.check(lines, root=root and root.lower()))
    else:
        settings = _settings(data_dir=data_dir, database_url=database_url)
        with _database(settings, shared=True) as ready:
            assert ready.database_url
            bad = _report(asyncio.run(shell.verify(ready.database_url)))
    if bad:
        raise typer.Exit(1)
    typer.echo("The ledger holds: every balance follows from its transfers.")


def _report(findings: Iterable[Finding]) -> int:
    """Name each finding on standard error; how many there were."""
    number = 0
    for number, finding in enumerate(findings, start=1):  # noqa: B007
        typer.echo(f"{finding.kind.name} {finding.subject}: {finding.detail}", err=True)
    return number


@cli.command(name="journal")
def export_journal(
    path: Annotated[Path, typer.Argument(help="The file to write, or - for standard output.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write the sealed journal of the ledger as JSON Lines, for anyone to verify.

    docs/ledger.md describes the lines, and has a script that checks them without Zhirong.

    Example:

    - `zhirong journal journal.jsonl`, then `zhirong verify --journal journal.jsonl`
    """
    settings = _settings(data_dir=data_dir, database_url=database_url)
    with _writing(path) as out, _database(settings, shared=True) as ready:
        assert ready.database_url
        lines = asyncio.run(shell.export_journal(ready.database_url, out))
    typer.echo(f"{lines} lines", err=True)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[IO[str]]:
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from None
    with out:
        yield out


@cli.command()
def demo(
    url: Annotated[
        str | None, typer.Option(help="A running service, instead of a throw-away one.")
    ] = None,
) -> None:
    """Drive a service over HTTP through the whole road for firms of all four parks.

    Without --url it starts a service of its own, which is gone afterwards. Exit status 0 only if
    every step held and the ledger verifies.

    Examples:

    - `zhirong demo`

    - `zhirong demo --url http://127.0.0.1:8000` against `zhirong serve` with its demo region
    """
    # Without a terminal, as in CI, the table still needs its width.
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    if url is not None:
        console.print(drive.table(asyncio.run(drive.drive(url, console=console))))
        return
    with throwaway.service() as (own_url, data_dir):
        console.print(drive.table(asyncio.run(drive.drive(own_url, console=console))))
        verify(journal=None, root=None, data_dir=data_dir, database_url=None)


def _prepare(settings: Settings) -> None:
    """Everything the database needs before the service may start: schema and reference data."""
    assert settings.database_url
    assert settings.owner_database_url
    migrating.upgrade(settings.owner_database_url, app_url=settings.database_url)
    asyncio.run(shell.load_reference(settings.database_url))


def _settings(**options: Any) -> Settings:
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


def _server(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.data_dir, major=settings.pg_major)


def _with_urls(settings: Settings, server: EmbeddedPostgres) -> Settings:
    urls = {"database_url": server.app_url(), "owner_database_url": server.owner_url()}
    return settings.model_copy(update=urls)


@contextlib.contextmanager
def _database(settings: Settings, *, shared: bool) -> Iterator[Settings]:
    """The settings with the URLs of a running database in them.

    ``shared`` is content with an embedded server that another process runs; without it, that
    is ``DataDirectoryInUse``. A server started here is stopped at the end.
    """
    if settings.database_url:
        yield settings
        return
    server = _server(settings)
    borrowed = shared and server.is_ready()
    with contextlib.nullcontext() if borrowed else server.owned():
        yield _with_urls(settings, server)


def _web_command(settings: Settings) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "app.main:create_app", "--factory"),
        *("--interface", "asgi", "--loop", "uvloop", "--log-level", "warning"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.web_workers), "--workers-kill-timeout", "10"),
    ]


def _worker_command() -> list[str]:
    return [sys.executable, "-m", "app.worker"]


def _refuse_taken_port(settings: Settings) -> None:
    """Look before starting anything: the web server would share a port of ours silently."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise CannotListen(settings.host, settings.port, reason) from None


def _answers(settings: Settings) -> bool:
    try:
        socket.create_connection((settings.host, settings.port), timeout=1).close()
    except OSError:
        return False
    return True


def _url(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _announce(settings: Settings, *, demo: bool, fresh: bool) -> None:
    if fresh:
        asyncio.run(_sign_up_region(_url(settings)))
    typer.echo(f"Zhirong serves at {_url(settings)} (guide to its API: /docs).")
    if demo:
        typer.echo(f"Demo accounts, all with the password {PASSWORD}:")
        for account in accounts():
            typer.echo(f"  {account.kind:<11} {account.email:<44} {account.name}")
    typer.echo(f"Data: {settings.data_dir.absolute()}. Ctrl-C stops everything.")


async def _sign_up_region(url: str) -> None:
    async with region(url, today=business_date(datetime.now(UTC)).isoformat()):
        pass


def main() -> None:
    """Errors of the trade and of the surroundings are one line, not a traceback."""
    try:
        cli()
    except DomainError as error:
        sys.exit(f"zhirong: {error}")


if __name__ == "__main__":
    main()
