"""The shell's entry, ``zhirong``: runs the service and everything around it."""

import asyncio
import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app import auditing, hosting, revaluing, shell
from app.core.clock import business_date
from app.core.errors import DomainError
from app.core.settings import Settings
from app.core.supervising import interruptible, run_together
from app.demo import drive, throwaway
from app.demo.region import PASSWORD, accounts, region, sign_terms
from app.options import DatabaseUrl, DataDir, NoSuchFile
from app.registers.records import UnreadableFile

TABLE_WIDTH = 150

cli = typer.Typer(
    name="zhirong",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
cli.add_typer(auditing.commands)
cli.add_typer(revaluing.commands)


Host = Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on. [default: 8000]")]


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
    settings = hosting.read_settings(
        host=host, port=port, data_dir=data_dir, database_url=database_url
    )
    with contextlib.suppress(KeyboardInterrupt), interruptible():
        hosting.refuse_taken_port(settings)
        with hosting.running(settings, shared=False) as ready:
            hosting.prepare(ready)
            assert ready.database_url
            if not shell.is_loopback(ready.host):
                asyncio.run(shell.refuse_public_demo(ready.database_url))
            demo = shell.wants_demo(ready)
            fresh = demo and asyncio.run(shell.make_demo_authority(ready.database_url))
            run_together(
                {
                    "the web server": hosting.web_command(ready),
                    "the worker": hosting.worker_command(),
                },
                environment={**os.environ, **ready.environment()},
                is_up=lambda: hosting.answers(ready),
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
    settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
    if settings.database_url is None:
        server = hosting.embedded(settings)
        if not server.is_ready():
            raise hosting.NoServer(settings.data_dir)
        settings = hosting.with_urls(settings, server)
    command = hosting.worker_command()
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
    settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
    with hosting.running(settings, shared=True) as ready:
        hosting.prepare(ready)
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
    settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
    with hosting.running(settings, shared=True) as ready:
        hosting.prepare(ready)
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
    """Import a file of IP rights for a firm; exits with 1 if any row, or the file, was refused.

    Good rows are kept whatever the others hold, and importing again makes no duplicates. A row
    that says otherwise than a stored right changes it, and its fields are named; so are columns
    and fields that have no place here.

    Example:

    - `zhirong import portfolio.xlsx --firm 91640221MA75X0004C`
    """
    if not path.is_file():
        raise NoSuchFile(path)
    data = path.read_bytes()
    settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
    with hosting.filled(settings) as ready:
        assert ready.database_url
        imported = shell.import_records(
            ready.database_url, firm_uscc=firm, data=data, file_name=path.name
        )
        report = asyncio.run(imported)
    job = report.job
    if job.failure is not None:
        raise UnreadableFile(job.failure)
    for row in report.refused:
        typer.echo(f"line {row.line}: {row.field}: {row.reason}", err=True)
    if job.unmapped:
        typer.echo(f"not used: {', '.join(job.unmapped)}", err=True)
    for row in report.changed:
        typer.echo(f"line {row.line}: changed {', '.join(row.replaced or ())}")
    typer.echo(
        f"{job.accepted} accepted, {job.changed} changed, {job.unchanged} unchanged,"
        f" {job.refused} refused"
    )
    raise typer.Exit(1 if report.refused else 0)


@cli.command()
def demo(
    url: Annotated[
        str | None, typer.Option(help="A running service, instead of a throw-away one.")
    ] = None,
) -> None:
    """Drive a service over HTTP through the whole road for firms of all four parks, and one
    applicant through each measure that pays.

    Without --url it starts a service of its own, which is gone afterwards. A service can have the
    demo once: its rights stay pledged, so a second one is refused from the start. Exit status 0
    only if every step held and the ledger verifies, else 1 and one line that says why.

    Examples:

    - `zhirong demo`

    - `zhirong demo --url http://127.0.0.1:8000` against `zhirong serve` on a fresh --data-dir
    """
    # Without a terminal, as in CI, the table still needs its width.
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    if url is not None:
        console.print(*asyncio.run(drive.drive(url, console=console)).tables())
        return
    with throwaway.service() as (own_url, data_dir):
        console.print(*asyncio.run(drive.drive(own_url, console=console)).tables())
        auditing.verify(data_dir=data_dir)


def _announce(settings: Settings, *, demo: bool, fresh: bool) -> None:
    if fresh:
        asyncio.run(_sign_up_region(hosting.url_of(settings)))
    typer.echo(f"Zhirong serves at {hosting.url_of(settings)} (guide to its API: /docs).")
    if demo:
        typer.echo(f"Demo accounts, all with the password {PASSWORD}:")
        for account in accounts():
            typer.echo(f"  {account.kind:<11} {account.email:<44} {account.name}")
    typer.echo(f"Data: {settings.data_dir.absolute()}. Ctrl-C stops everything.")


async def _sign_up_region(url: str) -> None:
    today = business_date(datetime.now(UTC)).isoformat()
    async with region(url, today=today) as whole:
        await sign_terms(whole, today)


def main() -> None:
    """Errors of the trade and of the surroundings are one line, not a traceback."""
    try:
        cli()
    except DomainError as error:
        sys.exit(f"zhirong: {error}")


if __name__ == "__main__":
    main()
