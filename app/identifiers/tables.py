"""The one loader of this room's tables: TOML files beside the code, shipped with it."""

import tomllib
from importlib.resources import files
from typing import Any


def load_table(name: str) -> dict[str, Any]:
    """The table ``name``.toml of this package, as ``tomllib`` reads it."""
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))
