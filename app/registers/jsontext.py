"""JSON without NaN, endless depth or endless size, and small steps into it that never raise."""

import json
from typing import Any, NoReturn

from app.core.messages import say
from app.registers.records import Limits, UnreadableFile


def parse_json(data: bytes, *, limits: Limits) -> Any:
    """The value of the text. Raises ``UnreadableFile``."""
    # Objects and arrays are what costs memory, and each has one opening bracket in the text.
    if data.count(b"{") + data.count(b"[") > limits.nodes:
        raise UnreadableFile(say("it has more than {count} objects and arrays", count=limits.nodes))
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UnreadableFile(say("it is not JSON in UTF-8")) from error
    except RecursionError as error:
        raise UnreadableFile(
            say("its values nest deeper than {depth}", depth=limits.xml_depth)
        ) from error
    except ValueError as error:
        raise UnreadableFile(
            say("it is not well-formed JSON: {fault}", fault=str(error))
        ) from error
    _check_depth(value, depth_max=limits.xml_depth)
    return value


def inside(value: Any, *path: str) -> Any:
    """What stands at ``path`` in nested objects; None as soon as a step leads nowhere."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; an empty list for anything that is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """A string or a number as text; None for null, blank and everything that has parts."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text.strip() else None


def holding(value: Any) -> bool:
    """Whether a field says anything: not null, blank, false or empty."""
    return value not in (None, "", [], {}, False) and not (
        isinstance(value, str) and not value.strip()
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _check_depth(value: Any, *, depth_max: int) -> None:
    level = [value]
    for _ in range(depth_max):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise UnreadableFile(say("its values nest deeper than {depth}", depth=depth_max))
