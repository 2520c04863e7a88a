"""Idempotency: the same key gives the same answer and one effect (deal.md).

A changing POST runs in a savepoint of the transaction that also stores its key and answer. A
refusal by a rule rolls back to the savepoint and is stored too; anything else (a crash, malformed
input, a caller who may not) rolls back everything and leaves the key free. A replayed refusal is in
the language it was first told in, whatever the caller asks for now.
"""

import hashlib
import json
import re

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.core.errors import DomainError
from app.core.messages import say
from app.routers import problems
from app.routers.access import Access, access_of
from app.routers.bodies import Handler, JsonRoute, read_json
from app.routers.deps import authenticate
from app.services import idempotency, passwords
from app.services.actor import NOBODY, Actor, bind

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

# Visible ASCII, as long as the UUIDs and ULIDs that callers send and no longer than is useful.
KEY = re.compile(r"[\x21-\x7e]{1,64}")

# Members of answers that must not lie in the database in clear.
SECRETS = frozenset({"secret", "token"})


class KeyedRoute(JsonRoute):
    """The route class of every router whose POSTs change something."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handler
        guards = [mark for mark in access_of(self.dependant) if isinstance(mark, Access)]

        async def keyed(request: Request) -> Response:
            key = _key_of(request)
            digest = await _digest_of(request, json_body=self.takes_json)
            if not guards:
                # What people send before they have signed in holds a password or a token.
                digest = await passwords.slow_digest(digest, salt=key)
            async with request.app.state.sessions.begin() as session:
                actor = await admit(request, session, guards)
                claim = idempotency.Claim(
                    organisation_id=actor.organisation_id,
                    route=f"{request.method} {_template(request, self.path_format)}",
                    key=key,
                    digest=digest,
                )
                if (stored := await idempotency.begin(session, claim)) is not None:
                    return _answer(stored)
                request.state.session, request.state.actor = session, actor
                response = await _run(handler, request, session)
                await idempotency.finish(session, claim, _stored(response))
            return response

        return keyed


async def admit(request: Request, session: AsyncSession, guards: list[Access]) -> Actor:
    """Who calls, if all ``guards`` let them; nobody where there are none."""
    if not guards:
        await bind(session, NOBODY)
        return NOBODY
    actor = await authenticate(request, session)
    for guard in guards:
        guard.check(actor)
    return actor


async def _run(handler: Handler, request: Request, session: AsyncSession) -> Response:
    """The business work. A refusal by a rule is an answer like any other."""
    try:
        async with session.begin_nested():
            return await handler(request)
    except DomainError as error:
        return problems.render(request, error)


def _template(request: Request, path_format: str) -> str:
    """The route's whole path with its parameters' names; ``path_format`` lacks the prefixes."""
    # The path as the parameters were read from it: without percent escapes.
    path, tail = request.scope["path"], path_format.format_map(request.path_params)
    assert isinstance(path, str)
    assert path.endswith(tail)
    return path.removesuffix(tail) + path_format


def _key_of(request: Request) -> str:
    keys = request.headers.getlist(HEADER)
    if not keys:
        raise HTTPException(
            400, say("{header}: this header is required on every changing POST.", header=HEADER)
        )
    if len(keys) > 1:  # whoever stands between may have seen the other one
        raise HTTPException(400, say("{header}: give this header once.", header=HEADER))
    [key] = keys
    if not KEY.fullmatch(key):
        raise HTTPException(
            400, say("{header}: 1 to 64 visible ASCII characters, no spaces.", header=HEADER)
        )
    return key


async def _digest_of(request: Request, *, json_body: bool) -> bytes:
    """What makes two requests the same: the full path, the query and the body."""
    digest = hashlib.sha256(request.url.path.encode())
    digest.update(b"\0" + request.url.query.encode() + b"\0")
    body = await request.body()
    digest.update(_canonical(body) if json_body else body)
    return digest.digest()


def _canonical(body: bytes) -> bytes:
    """``body`` as the input it is: the same JSON written another way is the same input."""
    try:
        read = read_json(body)
    except (ValueError, RequestValidationError):  # nothing that will be accepted
        return body
    return json.dumps(read, sort_keys=True, separators=(",", ":")).encode()


def _stored(response: Response) -> idempotency.Answer:
    """The answer to keep. A secret that is shown once (``no-store``) is shown by no replay."""
    body = bytes(response.body)
    if response.headers.get("cache-control") == "no-store":
        shown = json.loads(body)
        body = json.dumps(shown | dict.fromkeys(SECRETS & shown.keys())).encode()
    return idempotency.Answer(
        status=response.status_code,
        media_type=response.headers.get("content-type", ""),
        body=body,
    )


def _answer(stored: idempotency.Answer) -> Response:
    return Response(
        stored.body,
        stored.status,
        headers={REPLAYED: "true"},
        media_type=stored.media_type or None,
    )
