"""What every wire shape shares: strict input, and text that no screen or register can misread."""

import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.core.messages import Text, say

# The type of an error whose context names the field: a model's validator has no place of its own.
NAMED = "named_field"

# What each pattern of ours asks for, in words. The tests hold it against every route.
SHAPES: dict[str, Text] = {}

# Categories that no name or sentence needs: control, surrogate, private use, unassigned.
_REFUSED = frozenset({"Cc", "Cs", "Co", "Cn"})
_ALLOWED_CONTROLS = frozenset("\n\t")
# Invisible or direction-changing characters, by which one text can pass for another.
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)
}


def refused(field: str, reason: str) -> PydanticCustomError:
    """What a model's validator raises about one of the model's fields."""
    return PydanticCustomError(NAMED, "{reason}", {"field": field, "reason": reason})


def shape(pattern: str, meaning: Text) -> str:
    """``pattern``, which a refusal then tells as ``meaning``: few read regular expressions."""
    SHAPES[pattern] = meaning
    return pattern


def refuse_hidden_characters(value: Any, depth: int = 0) -> None:
    """Raise ValueError for a control, invisible or bidirectional character anywhere inside."""
    if depth > 32:  # noqa: PLR2004  no input of ours nests as deep
        raise ValueError(say("nested too deeply"))
    match value:
        case str():
            for character in value:
                hidden = character in _INVISIBLE or (
                    unicodedata.category(character) in _REFUSED
                    and character not in _ALLOWED_CONTROLS
                )
                if hidden:
                    raise ValueError(
                        say("holds the character {code}", code=f"U+{ord(character):04X}")
                    )
        case dict():
            for key, item in value.items():
                refuse_hidden_characters(key, depth + 1)
                refuse_hidden_characters(item, depth + 1)
        case list():
            for item in value:
                refuse_hidden_characters(item, depth + 1)


class Input(BaseModel):
    """A request body: unknown fields are refused, and so are hidden characters."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _no_hidden_characters(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for name, item in value.items():
                try:
                    refuse_hidden_characters(item)
                except ValueError as error:
                    raise refused(str(name), error.args[0]) from None
        return value


class Output(BaseModel):
    """An answer: built from a row or from keywords, every field always there."""

    model_config = ConfigDict(from_attributes=True)


def _tell(value: Any) -> Any:
    return str(value) if isinstance(value, Text) else value


Told = Annotated[str, BeforeValidator(_tell)]
"""A sentence in an answer: in the reader's language if it is one of the catalogue."""

# Older than any record here, later than any term: what lies outside was mistyped.
IN_OUR_TIME = Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))
Day = Annotated[date, IN_OUR_TIME]
Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC)),
]
"""One that every time zone and PostgreSQL can hold."""

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Reference = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=64,
        pattern=shape(r"^[\x21-\x7e]+$", say("must be visible ASCII characters, no spaces")),
    ),
]
"""The caller's own reference: visible ASCII, unique per organisation."""


T = TypeVar("T")


class Page(Output, Generic[T]):
    """One page of a list; ``next`` is what to send as ``after`` for the following one."""

    items: list[T]
    next: UUID | None
