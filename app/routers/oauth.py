"""Tokens for API clients: the client credentials grant of OAuth 2.0 (RFC 6749 §4.4)."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote_plus
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from app.core.errors import DomainError
from app.core.messages import Language, speaking
from app.routers.access import public
from app.routers.deps import Now, Session
from app.schemas.accounts import TokenOut
from app.services import clients
from app.services.clients import ScopeRefused, UnknownClient

router = APIRouter(prefix="/session", tags=["session"])

BODY_BYTES_MAX = 4096
FIELDS_MAX = 10
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {"type": "string", "format": "uuid"},
                        "client_secret": {"type": "string"},
                        "scope": {"type": "string", "description": "Some of the client's scopes."},
                    },
                },
                "example": {
                    "grant_type": "client_credentials",
                    "client_id": "0193598a-0000-7000-8000-000000000001",
                    "client_secret": "the-secret-shown-once",
                    "scope": "quotes:read quotes:write",
                },
            }
        },
    }
}


@dataclass(eq=False)
class TokenRefused(Exception):
    """An error answer of RFC 6749 §5.2."""

    error: str
    description: str


@router.post(
    "/token",
    response_model=TokenOut,
    dependencies=[public()],
    openapi_extra=_FORM,
    responses={
        400: {"description": "RFC 6749: invalid_request, invalid_scope, unsupported_grant_type"},
        401: {"description": "RFC 6749: invalid_client"},
    },
    summary="A bearer token for an API client",
)
async def grant_token(request: Request, session: Session, now: Now) -> JSONResponse:
    """`grant_type=client_credentials`, the client's id and secret by HTTP Basic or in the form.

    The token is good for an hour. Without `scope` it carries all the client was given.
    """
    try:
        form = _read_form(await _read_body(request))
        if "grant_type" not in form:
            raise TokenRefused("invalid_request", "grant_type is missing")
        if form["grant_type"] != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "only client_credentials is served")
        client_id, secret = _credentials(request, form)
        scopes = frozenset(form["scope"].split()) if "scope" in form else None
        granted = await clients.grant_token(
            session, client_id=client_id, secret=secret, scopes=scopes, now=now
        )
    except TokenRefused as refused:
        return _refusal(refused.error, refused.description)
    except UnknownClient as unknown:
        return _refusal("invalid_client", unknown)
    except ScopeRefused as refused_scope:
        return _refusal("invalid_scope", refused_scope)
    answer = TokenOut(
        access_token=granted.token,
        token_type="Bearer",
        expires_in=int(granted.lifetime.total_seconds()),
        scope=" ".join(granted.scopes),
    )
    return JSONResponse(answer.model_dump(), headers=_NO_STORE)


async def _read_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise TokenRefused("invalid_request", f"the form exceeds {BODY_BYTES_MAX} bytes")
    return body


def _read_form(body: bytes) -> dict[str, str]:
    """The form's fields. RFC 6749 §3.2 wants each at most once."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise TokenRefused("invalid_request", "the body is not a urlencoded form") from None
    for name, values in fields.items():
        if len(values) > 1:
            raise TokenRefused("invalid_request", f"{name[:40]} is given more than once")
    return {name: values[0] for name, values in fields.items()}


def _credentials(request: Request, form: dict[str, str]) -> tuple[UUID, str]:
    """The client's id and secret from the one place where they stand."""
    header = request.headers.get("authorization")
    if header is None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    elif "client_secret" in form:
        raise TokenRefused("invalid_request", "the client authenticates in two ways")
    else:
        client_id, secret = _read_basic(header)
    try:
        return UUID(client_id), secret
    except ValueError:
        raise UnknownClient from None


def _read_basic(header: str) -> tuple[str, str]:
    """RFC 6749 §2.3.1: both parts are urlencoded before they are joined."""
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise UnknownClient from None
    if scheme.lower() != "basic":
        raise UnknownClient
    return unquote_plus(client_id), unquote_plus(secret)


def _refusal(error: str, description: str | DomainError) -> JSONResponse:
    """RFC 6749 §5.2 admits ASCII only, so these are English to all."""
    unknown = error == "invalid_client"
    challenge = {"WWW-Authenticate": 'Basic realm="zhirong"'} if unknown else {}
    with speaking(Language.ENGLISH):
        told = str(description)
    return JSONResponse(
        {"error": error, "error_description": told},
        401 if unknown else 400,
        headers=_NO_STORE | challenge,
    )
