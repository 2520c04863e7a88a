"""The shell's commands for whoever audits the ledger, with the database or without it."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import typer

from app import hosting, shell
from app.core.errors import Conflict
from app.core.supervising import interruptible
from app.journal import files
from app.journal.replay import Finding
from app.options import DatabaseUrl, DataDir, NoSuchFile
from app.services.exposures import ExposureFinding

commands = typer.Typer()


@dataclass(eq=False)
class CannotWrite(Conflict):
    message = "cannot write {path}: {reason}"

    path: Path
    reason: str


@commands.command()
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
    """Replay the whole ledger, check its hash chain and the parks' figures; 1 if anything is wrong.

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
        held = "The journal holds: every balance follows from its transfers."
    else:
        settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
        with hosting.filled(settings) as ready:
            assert ready.database_url
            bad = _report(asyncio.run(shell.verify(ready.database_url)))
        held = "The ledger holds: every balance follows from its transfers, every figure from"
        held += " its loans."
    if bad:
        raise typer.Exit(1)
    typer.echo(held)


def _report(findings: Iterable[Finding | ExposureFinding]) -> int:
    """Name each finding on standard error; how many there were."""
    number = 0
    for finding in findings:
        typer.echo(f"{finding.kind.name} {finding.subject}: {finding.detail}", err=True)
        number += 1
    return number


@commands.command(name="journal")
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
    settings = hosting.read_settings(data_dir=data_dir, database_url=database_url)
    with interruptible(), _writing(path) as out, hosting.filled(settings) as ready:
        assert ready.database_url
        lines = asyncio.run(shell.export_journal(ready.database_url, out))
    typer.echo(f"{lines} lines", err=True)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of ``path`` once it is whole; until then the old one stays."""
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        if path.exists() and not path.is_file():  # a pipe or a device has nothing to lose
            with path.open("w", encoding="utf-8") as out:
                yield out
            return
        with _aside(path.resolve()) as out:
            yield out
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from None


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[IO[str]]:
    mode = path.stat().st_mode & 0o777 if path.exists() else None
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with fresh.open("x", encoding="utf-8") as out:
            if mode is not None:
                fresh.chmod(mode)
            yield out
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
