"""Which field a header of a table names, in Chinese or English; the spellings are headers.toml."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

from app.core.messages import say
from app.identifiers.rights import RightKind
from app.registers.records import Limits, UnreadableFile
from app.registers.values import shown

Cells: TypeAlias = tuple[str, ...]

NUMBER_FIELDS = (
    "application_number",
    "patent_number",
    "registration_number",
    "recordal_number",
    "number",
)

_TABLE = tomllib.loads((files(__package__) / "headers.toml").read_text(encoding="utf-8"))
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】")
_NOISE = re.compile(r"[\s_*\-:：]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each field stands, by index, and the headers that name no field."""

    indexes: dict[str, int]
    unknown: dict[str, int]
    width: int

    def cell(self, cells: Cells, name: str) -> str | None:
        """What the row holds for the field ``name``; None if there is no such column or text."""
        index = self.indexes.get(name)
        if index is None or index >= len(cells):
            return None
        return cells[index] if cells[index].strip() else None


def field_of(header: str) -> str | None:
    """The field that ``header`` names, with its brackets or without; None if unknown."""
    whole = _fold(header)
    return _FIELDS.get(whole) or _FIELDS.get(_fold(_BRACKETED.sub("", _compatible(header))))


def kind_of(word: str) -> RightKind | None:
    """The kind a table calls ``word``; None where the number must tell. Unknown: ``KeyError``."""
    name = _KINDS[_fold(word)]
    return None if name == "any" else RightKind(name)


def office_of(word: str) -> str | None:
    """The ST.3 code of the office a table calls ``word``, or None."""
    code = word.strip().upper()
    if re.fullmatch(r"[A-Z]{2}", code) and _fold(word) not in _OFFICES:
        return code
    return _OFFICES.get(_fold(word))


def foreign_prefix(number: str) -> str | None:
    """The foreign office whose code ``number`` begins with, or None."""
    prefix = number.strip()[:2].upper()
    return prefix if prefix in _TABLE["prefixes"]["foreign"] else None


def read_headers(cells: Cells, *, limits: Limits) -> Columns:
    """The columns of a table. Raises ``UnreadableFile`` if no row below could be understood."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > limits.columns:
        raise UnreadableFile(say("it has more than {count} columns", count=limits.columns))
    indexes: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for index, header in enumerate(cells):
        name = field_of(header)
        known, key = (unknown, shown(header.strip())) if name is None else (indexes, name)
        if key in known:
            if not key:
                continue
            first = shown(cells[known[key]].strip())
            raise UnreadableFile(
                say(
                    "the headers {first} and {second} say the same",
                    first=first,
                    second=shown(header.strip()),
                )
            )
        known[key] = index
    if not any(name in indexes for name in NUMBER_FIELDS):
        raise UnreadableFile(
            say("the first row has no header for a number, such as 专利号 or application_number")
        )
    if "title" not in indexes:
        raise UnreadableFile(say("the first row has no header for a title, such as 名称 or title"))
    return Columns(indexes, unknown, len(cells))


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _fold(text: str) -> str:
    return _NOISE.sub("", _compatible(text).casefold())


def _inverted(section: str) -> dict[str, str]:
    return {_fold(word): name for name, words in _TABLE[section].items() for word in words}


_FIELDS = _inverted("fields")
_KINDS = _inverted("kinds")
_OFFICES = _inverted("offices")
