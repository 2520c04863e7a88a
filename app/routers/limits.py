"""Bounds the size of request bodies, refusing with a problem document like any other refusal."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routers import problems

CALCULATOR_BYTES_MAX = 2**20  # the calculators' contract
CALCULATOR_PREFIX = "/v1/calculators/"


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


def _detail(limit: int) -> str:
    return f"The body is larger than {limit} bytes."
