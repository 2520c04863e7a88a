"""Reads the TOML files beside this module: each is one dated version of one rule.

key = "lpr"
valid_from = 2026-11-20
source = "where the figures come from, with the text"
uncalibrated = true          # nobody could source the figures
[body]                       # the rule itself; decimals as strings
"""

import itertools
import tomllib
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.errors import Unprocessable

DIRECTORY = Path(__file__).parent


class RuleFile(BaseModel):
    """One version of one rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    valid_from: date
    valid_to: date | None = None
    source: str = Field(min_length=1)
    uncalibrated: bool = False
    body: dict[str, Any]


class BrokenRuleFile(Unprocessable):
    message = "{file}: {reason}"

    def __init__(self, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__()

    def facts(self) -> dict[str, Any]:
        return {"file": self.file, "reason": self.reason}


def read_all(directory: Path = DIRECTORY) -> Sequence[RuleFile]:
    """Every rule file, sorted by key and date. BrokenRuleFile for a bad or overlapping one."""
    versions = sorted(
        (_read(path) for path in sorted(directory.glob("*.toml"))),
        key=lambda version: (version.key, version.valid_from),
    )
    for earlier, later in itertools.pairwise(versions):
        if earlier.key == later.key and (
            earlier.valid_to is None or earlier.valid_to >= later.valid_from
        ):
            raise BrokenRuleFile(later.key, f"overlaps the version from {earlier.valid_from}")
    return versions


def _read(path: Path) -> RuleFile:
    try:
        return RuleFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BrokenRuleFile(path.name, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BrokenRuleFile(
            path.name, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None


@cache
def _versions() -> Sequence[RuleFile]:
    return read_all()


def in_force(key: str, *, on: date) -> RuleFile:
    """The version of a rule on a day, the first one for the days before it. KeyError: none."""
    versions = [version for version in _versions() if version.key == key]
    begun = [version for version in versions if version.valid_from <= on]
    if not versions:
        raise KeyError(key)
    return begun[-1] if begun else versions[0]
