"""Every message that an answer can hold, found in the source; run, it updates the catalogues.

Three places hold them: the calls of ``say``, the ``message`` of each DomainError, and libraries
whose sentences reach our callers.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from pydantic_core._pydantic_core import list_all_errors

import app
from app.core.errors import DomainError
from app.core.messages import DOMAIN, LOCALE

ROOT = Path(__file__).resolve().parents[1]

HEADER = r"""msgid ""
msgstr ""
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""

# The errors of pydantic by the kind of schema that raises them.
PYDANTIC = {
    "bool": "bool_(type|parsing)$",
    "date": "date_(?!past|future)|less_|greater_",
    "datetime": "datetime_(?!past|future|object)|timezone_aware",
    "decimal": "decimal_|finite_number|less_|greater_",
    "default": "",
    "definition-ref": "",
    "definitions": "",
    "dict": "dict_type$",
    "enum": "enum$",
    "function-after": "",
    "function-before": "",
    "function-plain": "",
    "int": "int_|less_|greater_|multiple_of",
    "is-instance": "is_instance_of",
    "json-or-python": "",
    "lax-or-strict": "",
    "list": "list_type|too_(short|long)$",
    "literal": "literal_error",
    "model": "model_(type|attributes_type)|extra_forbidden",
    "model-field": "",
    "model-fields": "missing$",
    "no-info": "",
    "nullable": "",
    "str": "string_(?!not_ascii)",
    "tagged-union": "union_tag_",
    "union": "",
    "uuid": "uuid_(?!version)",
}

# What Starlette and FastAPI say for themselves; all else that is raised as HTTP is said by us.
PHRASES = [
    "Bad Request",
    "Forbidden",
    "JSON decode error",
    "Method Not Allowed",
    "Not Found",
    "There was an error parsing the body",
    "Too Many Requests",
    "Unauthorized",
]

# What pydantic fills into its sentences: why a date is none ({error}), and words of its own.
WORDS = [
    "input is too short",
    "input is too long",
    "unexpected extra characters at the end of the input",
    "invalid character in year",
    "invalid character in month",
    "invalid character in day",
    "invalid character in hour",
    "invalid character in minute",
    "invalid character in second",
    "invalid character in second fraction",
    "invalid date separator, expected `-`",
    "invalid datetime separator, expected `T`, `t`, `_` or space",
    "invalid time separator, expected `:`",
    "month value is outside expected range of 1-12",
    "day value is outside expected range",
    "hour value is outside expected range of 0-23",
    "minute value is outside expected range of 0-59",
    "second value is outside expected range of 0-59",
    "second fraction value is more than 6 digits long",
    "year value is outside expected range",
    "time zone requires sign",
    "datetime values must be in the form YYYY-MM-DDTHH:MM:SS",
    "List",
]


def found() -> dict[str, list[tuple[str, int]]]:
    """Each message, and the places of the source that hold it."""
    places: dict[str, list[tuple[str, int]]] = {}
    calls = extract_from_dir(
        ROOT / "app", [("**.py", "python")], keywords={"say": None}, strip_comment_tags=True
    )
    for file, line, message, *_ in calls:
        assert isinstance(message, str), f"{file}:{line} says no plain text"
        places.setdefault(message, []).append((f"app/{file}", line))
    for error in errors():
        file = error.__module__.replace(".", "/") + ".py"
        places.setdefault(error.message, []).append((file, 0))
    for message in (*pydantic_messages(), *PHRASES, *WORDS):
        places.setdefault(message, [])
    return places


def errors() -> list[type[DomainError]]:
    """DomainError and every class below it, in the order of their modules."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    family = (error for error in _family(DomainError) if error.__module__.startswith("app."))
    return sorted(family, key=lambda error: (error.__module__, error.__name__))


def _family(error: type[DomainError]) -> set[type[DomainError]]:
    return {error}.union(*map(_family, error.__subclasses__()))


def pydantic_messages() -> Iterator[str]:
    raised = re.compile("|".join(pattern for pattern in PYDANTIC.values() if pattern))
    for error in list_all_errors():
        if raised.match(error["type"]):
            yield error["message_template_python"]


def catalogues() -> dict[Path, Catalog]:
    return {path: read(path) for path in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))}


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def update(path: Path) -> Catalog:
    """The catalogue with what is new, not yet translated, and without what is gone."""
    old, new = read(path), Catalog(locale=path.parents[1].name, project=DOMAIN)
    for message, places in sorted(found().items()):
        known: Any = old.get(message)
        new.add(message, "" if known is None else known.string, locations=sorted(places))
    return new


if __name__ == "__main__":
    for path in catalogues():
        catalogue = update(path)
        with path.open("wb") as file:
            file.write(HEADER.format(language=catalogue.locale_identifier).encode())
            # Line numbers would change with every edit of the source.
            write_po(file, catalogue, width=100, omit_header=True, include_lineno=False)
