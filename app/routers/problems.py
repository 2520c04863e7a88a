"""Every refusal leaves as a problem document (RFC 9457)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import PydanticKnownError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from app.core.errors import Conflict, DomainError, Forbidden, NotFound, Unprocessable
from app.core.messages import Language, Text, get_language, say, speaking, translated
from app.routers.language import language_of
from app.schemas.base import NAMED, SHAPES

log = structlog.get_logger()

# A word that would do, as pydantic quotes it: 'half_up', or <Rounding.HALF_UP: 'half_up'>.
_WORD = re.compile(r"'([^']*)'")

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[DomainError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Unprocessable: HTTPStatus.UNPROCESSABLE_ENTITY,
}


class FieldError(BaseModel):
    field: str
    reason: str


class Problem(BaseModel):
    """RFC 9457. Further members carry the facts of the refusal."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] | None = None


def status_of(error: type[DomainError]) -> HTTPStatus:
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


def problems(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of an endpoint that may raise ``errors``."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = by_status.setdefault(
            status_of(error).value,
            {"description": "", "content": {MEDIA_TYPE: {"schema": _problem_schema()}}},
        )
        entry["description"] = " or ".join(filter(None, [entry["description"], error.error_code()]))
    return by_status


def _problem_schema() -> dict[str, str]:
    return {"$ref": "#/components/schemas/Problem"}


def document(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    body = {
        **(members or {}),
        "type": f"/problems/{code}",
        "title": _phrase_of(status),
        "status": status,
        "detail": str(detail),
        "instance": request.url.path,
    }
    told = {"Content-Language": get_language().value, "Vary": "Accept-Language"}
    return JSONResponse(body, status, headers={**(headers or {}), **told}, media_type=MEDIA_TYPE)


def render(request: Request, error: DomainError) -> JSONResponse:
    """A refusal by a rule, with its facts as members."""
    members = error.facts()
    if {"field", "reason"} <= members.keys():
        members["errors"] = [{"field": members["field"], "reason": members["reason"]}]
    wait = error.retry_after_s
    return document(
        request,
        status_of(type(error)),
        error.error_code(),
        str(error),
        headers=None if wait is None else {"Retry-After": str(wait)},
        members=members,
    )


async def _on_domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    return render(request, error)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": _field_name(item, error.body), "reason": _reason(item)}
        for item in error.errors()[:100]
    ]
    detail = str(say("; ")).join(str(say("{field}: {reason}", **item)) for item in errors[:3])
    return document(request, 422, "invalid-input", detail, members={"errors": errors})


def _field_name(error: dict[str, Any], body: Any) -> str:
    """``("body", "costs", 0, "amount")`` is ``costs.0.amount``; a body bad as a whole, ``body``."""
    location = _sent(error, body)
    if error["type"] == NAMED:
        location = (*location, error["ctx"]["field"])
    elif error["type"].startswith("union_tag_"):
        location = (*location, error["ctx"]["discriminator"].strip("'"))
    if len(location) == 1 or error["type"] == "json_invalid":  # the latter names an offset
        return str(location[0])
    return ".".join(map(str, location[1:]))


def _sent(error: dict[str, Any], body: Any) -> tuple[str | int, ...]:
    """Where the error lies in what was sent: without the names pydantic gives a union's members."""
    source, *path = error["loc"]
    if source != "body":
        return (source, *path)
    kept: list[str | int] = []
    missing = path[-1:] if error["type"] == "missing" else []
    for part in path[: len(path) - len(missing)]:
        if isinstance(body, dict) and part not in body:
            continue
        kept.append(part)
        inside = isinstance(body, dict) or (isinstance(body, list) and isinstance(part, int))
        body = body[part] if inside else None
    return (source, *kept, *missing)


def _reason(error: dict[str, Any]) -> str:
    """What is wrong. Our own sentences tell themselves, pydantic's are looked up by their type."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == NAMED:
        return str(context["reason"])
    if (ours := _our_words(error)) is not None:
        return str(ours)
    if get_language() is Language.ENGLISH:
        return str(error["msg"])
    if kind == "json_invalid":  # FastAPI's own, which tells less than pydantic's
        return translated(error["msg"])
    values = {name: _told(value) for name, value in context.items()}
    template = PydanticKnownError(kind, context).message_template
    return str(Text(template, values | {"expected_plural": ""}))


def _our_words(error: dict[str, Any]) -> Text | None:
    """Where pydantic speaks of its own insides: of enumerations, patterns and counted "items"."""
    context = error.get("ctx", {})
    told: Text | None = None
    match error["type"].removeprefix("string_"):
        case "enum" | "literal_error" | "union_tag_invalid":
            if words := _WORD.findall(context.get("expected") or context["expected_tags"]):
                told = say("must be one of: {words}", words=", ".join(words))
        case "missing" | "union_tag_not_found":
            told = say("is missing")
        case "timezone_aware":
            told = say("needs its time zone, as in 2026-11-23T10:00:00+08:00")
        case "pattern_mismatch":
            told = SHAPES.get(context["pattern"])
        case "too_short" if isinstance(error["input"], list):
            told = say("must have {least} or more entries", least=context["min_length"])
        case "too_short":
            told = say("must have {least} or more characters", least=context["min_length"])
        case "too_long" if isinstance(error["input"], list):
            told = say("must have at most {most} entries", most=context["max_length"])
        case "too_long":
            told = say("must have at most {most} characters", most=context["max_length"])
    return told


def _told(value: Any) -> Any:
    """A value of pydantic's in the reader's language: why a date is none."""
    return translated(value) if isinstance(value, str) else value


def _phrase_of(status: int) -> str:
    """The same words on every Python: before 3.13 it has an older phrase for 413."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "Content Too Large"
    return HTTPStatus(status).phrase


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _phrase_of(error.status_code).lower().replace(" ", "-")
    return document(request, error.status_code, code, _phrase(error), headers=error.headers)


def _phrase(error: HTTPException) -> str:
    """Ours tells itself; Starlette's is the phrase of the status, or FastAPI's own sentence."""
    return str(error.detail) if isinstance(error.detail, Text) else translated(error.detail)


async def _on_hangup(request: Request, _error: Exception) -> Response:
    """Nobody is there to read an answer; the caller asks again with the same key."""
    log.info("hung up", path=request.url.path)
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    """What nobody foresaw: the log gets the trace. A lost connection may have hidden a commit."""
    log.error("unhandled", path=request.url.path, exc_info=error)
    detail = say(
        "The service failed. Repeat the call with the same key: it takes effect once,"
        " whether or not it has by now."
    )
    with speaking(language_of(request.scope)):  # Starlette answers outside of the middleware
        return document(request, 500, "internal", detail)


def install(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_hangup)
    app.add_exception_handler(Exception, _on_crash)
