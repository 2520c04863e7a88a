"""Around every endpoint: no body too large, no hidden character in the address, nothing kept."""

from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.messages import Text, say
from app.routers import problems
from app.schemas.base import refuse_hidden_characters

CALCULATOR_BYTES_MAX = 2**20  # the calculators' contract
CALCULATOR_PREFIX = "/v1/calculators/"


class PlainAddress:
    """ASGI middleware: no control or invisible character in a path or a query parameter."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (
            b"%" in scope["query_string"]
            or not scope["path"].isascii()
            or not scope["path"].isprintable()
        ):
            for name, value in _texts(scope):
                try:
                    refuse_hidden_characters(value)
                except ValueError as error:
                    wrong = {"field": name, "reason": str(error)}
                    detail = say("{field}: {reason}", **wrong)
                    refusal = problems.document(
                        Request(scope), 422, "invalid-input", detail, members={"errors": [wrong]}
                    )
                    await refusal(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _texts(scope: Scope) -> list[tuple[str, str]]:
    query = scope["query_string"].decode("latin-1")
    return [("path", scope["path"]), *parse_qsl(query, keep_blank_values=True)]


class BodyLimit:
    """ASGI middleware. FastAPI's own limit answers in plain text, before any handler of ours."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app, self._bytes_max = app, bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        calculator = scope["path"].startswith(CALCULATOR_PREFIX)
        limit = min(self._bytes_max, CALCULATOR_BYTES_MAX) if calculator else self._bytes_max
        declared = next((v for name, v in scope["headers"] if name == b"content-length"), None)
        if declared is None:
            receive = _counted(receive, limit)
        elif not declared.isdigit() or int(declared) > limit:
            refusal = problems.document(Request(scope), 413, "content-too-large", _detail(limit))
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)  # the server holds a body to its declared length


class PrivateAnswers:
    """ASGI middleware: what was read by a token or a session is kept by no cache on its way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] in {"GET", "HEAD"}
            and scope["path"].startswith("/v1/")
            and any(name in {b"authorization", b"cookie"} for name, _ in scope["headers"])
        ):
            send = _unkept(send)
        await self._app(scope, receive, send)


def _unkept(send: Send) -> Send:
    async def unkept(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return unkept


def _counted(receive: Receive, limit: int) -> Receive:
    """``receive`` for a body in chunks, whose length only counting tells."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, _detail(limit))
        return message

    return counted


def _detail(limit: int) -> Text:
    return say("The body is larger than {limit} bytes.", limit=limit)
