"""Options and refusals that the shell's commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.core.errors import NotFound

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


@dataclass(eq=False)
class NoSuchFile(NotFound):
    message = "there is no file {path}"

    path: Path
