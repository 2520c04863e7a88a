"""Which language an answer speaks: what ``Accept-Language`` prefers (RFC 9110 §12.5.4)."""

import re
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.messages import Language, get_language, speaking

HEADER_BYTES_MAX = 500  # browsers send fewer than 100

# A language range and its quality, which is 1 unless stated.
_RANGE = re.compile(
    r"\s*(\*|[A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*[Qq]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*",
    re.ASCII,
)


class ReaderLanguage:
    """ASGI middleware: texts are told in the reader's language, in English if none is asked for.

    Machines do not ask, and log what they get: the source text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (language := language_of(scope)) is get_language():
            await self._app(scope, receive, send)
            return
        with speaking(language):
            await self._app(scope, receive, send)


def language_of(scope: Scope) -> Language:
    """The language that the request asks for."""
    asked = [value for name, value in scope["headers"] if name == b"accept-language"]
    return preferred(b",".join(asked)[:HEADER_BYTES_MAX]) if asked else Language.ENGLISH


@lru_cache(maxsize=256)
def preferred(header: bytes) -> Language:
    """The language of the highest quality; of equals the first named, and Chinese by ``*``.

    Ranges that are malformed, or of other languages, are passed over; so is a quality of zero.
    """
    qualities: dict[str, float] = {}
    for item in header.decode("latin-1").split(","):
        if found := _RANGE.fullmatch(item):
            primary, quality = found[1].lower(), float(found[2] or 1)
            qualities[primary] = max(quality, qualities.get(primary, 0))
    rest = qualities.get("*", 0)
    named = [Language(primary) for primary in qualities if primary in set(Language)]
    inherited = [language for language in Language if language not in named]
    candidates = {language: qualities.get(language, rest) for language in (*named, *inherited)}
    best = max(candidates, key=candidates.__getitem__)
    return best if candidates[best] else Language.ENGLISH
