"""The shell's commands on valuations: check stored ones, and revalue everything that is pledged."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import hosting, shell
from app.options import DatabaseUrl, DataDir
from app.services.revaluations import Progress as Done
from app.services.run_checks import Verdict

commands = typer.Typer()


@commands.command()
def revalue(  # noqa: PLR0917  typer reads options from the signature
    run_id: Annotated[
        str | None, typer.Argument(help="The run to check.", metavar="[ID]", show_default=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Re-run stored valuations; change nothing.")
    ] = False,
    all_stored: Annotated[
        bool, typer.Option("--all-stored", help="With --check: every stored run.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Revalue every pledged portfolio.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check stored valuations, or revalue everything that is pledged.

    --check re-runs a stored valuation from its inputs and gets the same fen. One that another
    engine made says other-engine, since only its hashes can be checked; a difference is named and
    exits with 1.

    --all opens a round (or goes on with the one that was interrupted), works on it beside any
    `zhirong worker` on any host, and ends when every pledge is done. Where cover fell below a
    level the pledgee finds a signal.

    Examples:

    - `zhirong revalue --check 0193a1b2-0000-7000-8000-000000000001`

    - `zhirong revalue --check --all-stored`

    - `zhirong revalue --all`
    """
    if everything == check or (check and (run_id is None) != all_stored):
        raise typer.BadParameter("give --all, --check ID, or --check --all-stored")
    if everything and (run_id is not None or all_stored):
        raise typer.BadParameter("--all takes no ID and no --all-stored")
    wanted = None if run_id is None else _read_id(run_id)
    settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
    with hosting.filled(settings) as ready:
        assert ready.database_url
        if everything:
            _revalue_all(ready.database_url)
        else:
            _check(ready.database_url, wanted)


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no id of a run") from None


def _check(database_url: str, run_id: UUID | None) -> None:
    counts = dict.fromkeys(Verdict, 0)

    async def run() -> None:
        async for checked in shell.check_runs(database_url, run_id):
            counts[checked.verdict] += 1
            if checked.verdict is not Verdict.SAME:
                line = f"{checked.verdict} {checked.run_id} {checked.detail}".rstrip()
                typer.echo(line, err=checked.verdict.is_bad)

    asyncio.run(run())
    found = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
    typer.echo(found or "no run is stored")
    if any(number for verdict, number in counts.items() if verdict.is_bad):
        raise typer.Exit(1)


def _revalue_all(database_url: str) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("revaluing", total=None)

        def show(done: Done) -> None:
            bar.update(task, total=done.total, completed=done.total - done.left)

        ended = asyncio.run(shell.revalue_all(database_url, show=show))
    done = ended.progress.total - ended.progress.left
    for deal_id in ended.failed:
        typer.echo(f"not revalued: the pledge of deal {deal_id}", err=True)
    typer.echo(f"{done} of {ended.progress.total} pledges, {ended.signals} signals")
    if ended.interrupted and ended.progress.left:
        typer.echo("interrupted; `zhirong revalue --all` goes on with it", err=True)
    if ended.progress.left:
        raise typer.Exit(1)
