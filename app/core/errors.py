"""What can go wrong, by kind. Each edge (HTTP, CLI, job) translates the kind for itself.

DomainError
├── NotFound        nothing there that this actor may see
├── Forbidden       there, but not theirs to change
├── Conflict        the state of the world forbids it, and may change
└── Unprocessable   the request itself makes no sense, and never will
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from app.core.decimals import plain
from app.core.messages import all_of, translated


@dataclass(eq=False)
class DomainError(Exception):
    """A rule said no. Fields carry the facts; ``message`` tells them to a person, in any language.

    ``message`` is the English template, and so the key of the catalogues (messages.py).
    """

    message: ClassVar[str] = "The operation was refused."
    retry_after_s: ClassVar[int | None] = None  # when asking again may help

    @classmethod
    def error_code(cls) -> str:
        """The stable, machine-readable name: ``QuotaExceeded`` is ``quota-exceeded``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()

    def facts(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def words(self) -> Mapping[str, Any]:
        """What people read in place of the facts that are codes."""
        return {}

    def __str__(self) -> str:
        return _told(self.message, {**self.facts(), **self.words()})


def _plain(value: Any) -> Any:
    """``value`` as JSON can carry it: lists and mappings keep their shape, the rest is text."""
    match value:
        case None | bool() | int():
            return value
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case datetime() | date():
            return value.isoformat()
    if (
        is_dataclass(value)
        and not isinstance(value, type)
        and value.__class__.__str__ is object.__str__
    ):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return plain(value) if isinstance(value, Decimal) else str(value)


def _told(template: str, values: Mapping[str, Any]) -> str:
    """The template in the context's language, a list among the values as one says a list."""
    told = {
        name: all_of(map(str, value)) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return translated(template).format_map({name: str(value) for name, value in told.items()})


class NotFound(DomainError):
    message = "No such resource."


class Forbidden(DomainError):
    message = "You may not do this."


class Conflict(DomainError):
    message = "The resource is not in a state that allows this."


class Unprocessable(DomainError):
    message = "The request cannot be understood."


@dataclass(eq=False)
class FieldRefused(Unprocessable):
    """One field of the input is wrong for a reason that only a rule or a register knows."""

    message = "{field}: {reason}"

    field: str
    reason: str
