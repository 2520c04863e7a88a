"""Reads the loss-sharing schemes: one TOML file each, all checked when this module is loaded."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.core.errors import FieldRefused, Unprocessable
from app.core.messages import say
from app.risk.scheme import Scheme
from app.risk.scheme_checks import BrokenScheme, check

DIRECTORY = Path(__file__).parent / "schemes"


@dataclass(eq=False)
class BrokenSchemeFile(Unprocessable):
    """A file of a scheme that cannot be used; ``key`` says where in it."""

    message = "{file}: {key}: {reason}"

    file: str
    key: str
    reason: str


def read_schemes(directory: Path = DIRECTORY) -> Mapping[str, Scheme]:
    """Every scheme of the directory by id; BrokenSchemeFile for the first bad file."""
    schemes: dict[str, Scheme] = {}
    for path in sorted(directory.glob("*.toml")):
        scheme = _read(path)
        if scheme.id != path.stem:
            raise BrokenSchemeFile(path.name, "id", f"{scheme.id} is not the file's name")
        schemes[scheme.id] = scheme
    return schemes


def _read(path: Path) -> Scheme:
    try:
        scheme = Scheme.model_validate(tomllib.loads(path.read_text("utf-8")))
        check(scheme)
    except BrokenScheme as error:
        raise BrokenSchemeFile(path.name, error.key, error.reason) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BrokenSchemeFile(path.name, key, first["msg"]) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise BrokenSchemeFile(path.name, "TOML", str(error)) from error
    return scheme


SCHEMES = read_schemes()


def find_scheme(id: str) -> Scheme:
    """The scheme of this id; FieldRefused naming the known ones if there is none."""
    found = SCHEMES.get(id)
    if found is None:
        raise FieldRefused("scheme", say("must be one of: {words}", words=", ".join(SCHEMES)))
    return found
