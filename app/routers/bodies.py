"""JSON bodies that mean one thing: every name once in its object, no number or depth beyond use.

Parsers differ on what a doubled name means, and money must not hang on that. A depth or a number
that Python itself will not read would otherwise be refused without a word about where it stands.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.core.messages import Text, say
from app.schemas.base import NAMED

DEPTH_MAX = 100
DIGITS_MAX = 1000

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}:]', re.DOTALL)


class _Wrong:
    """Stands in the parsed body for what must not stand there."""

    def __init__(self, reason: Text) -> None:
        self.reason = reason


class JsonRoute(APIRoute):
    """The route class of whatever takes JSON: a body of two meanings is refused by field."""

    takes_json = True  # else the body is a file

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        if self.body_field is None or not self.takes_json:
            return handler

        async def unambiguous(request: Request) -> Response:
            body = await request.body()
            with suppress(ValueError):  # malformed, which FastAPI words
                read_json(body)
            return await handler(request)

        return unambiguous


def read_json(body: bytes) -> Any:
    """``body`` parsed, fractions as they are written. ValueError if it is no JSON.

    RequestValidationError names the field that is stated twice, too deep or too long a number.
    """
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX and (field := _too_deep(body)) is not None:
        raise _refusal(field, say("is nested too deeply"))
    wrong: list[_Wrong] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            twice = next(name for name, count in counts.items() if count > 1)
            wrong.append(_Wrong(say("is stated twice")))
            read[twice] = wrong[-1]
        return read

    def short(digits: str) -> int | _Wrong:
        if len(digits) <= DIGITS_MAX:
            return int(digits)
        wrong.append(_Wrong(say("has too many digits")))
        return wrong[-1]

    long = len(body) > DIGITS_MAX
    read = json.loads(
        body, object_pairs_hook=once, parse_float=str, parse_int=short if long else None
    )
    if wrong:
        path, found = next(_find(read, ()))
        raise _refusal(".".join(path) or "body", found.reason)
    return read


def _find(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], _Wrong]]:
    """Where the first ``_Wrong`` stands."""
    match value:
        case _Wrong():
            yield path, value
        case dict():
            for name, item in value.items():
                yield from _find(item, (*path, name))
        case list():
            for index, item in enumerate(value):
                yield from _find(item, (*path, str(index)))


def _too_deep(body: bytes) -> str | None:
    """The outermost field under which ``body`` nests deeper than it may."""
    depth, field, text = 0, "body", b'""'
    for token in _TOKEN.finditer(body):
        match token[0]:
            case b"{" | b"[":
                depth += 1
                if depth > DEPTH_MAX:
                    return field
            case b"}" | b"]":
                depth -= 1
            case b":" if depth == 1:
                field = str(json.loads(text))
            case b":":
                pass
            case _:
                text = token[0]
    return None


def _refusal(field: str, reason: Text) -> RequestValidationError:
    return RequestValidationError(
        [{"type": NAMED, "loc": ("body",), "ctx": {"field": field, "reason": reason}}]
    )
