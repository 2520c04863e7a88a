"""How a sum is served: its rate limit, its short way from body to answer, its refusals."""

import math
import time
from collections import OrderedDict
from typing import Any, get_type_hints

from fastapi import APIRouter, Body, Depends, Request
from fastapi.openapi.models import Example
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.core.errors import FieldRefused
from app.core.messages import say
from app.routers.access import Public, access_of
from app.routers.bodies import Handler, JsonRoute
from app.routers.deps import get_measures
from app.routers.problems import MEDIA_TYPE, problems

ADDRESSES_MAX = 10_000


class CallRates:
    """A token bucket per address, in this process: ``per_second`` calls, as many at once.

    Of more than ``ADDRESSES_MAX`` addresses the one longest silent is forgotten, so that a
    crowd cannot fill the memory.
    """

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str, *, at_s: float) -> float:
        """0 if a call at ``at_s`` on a monotonic clock may pass, else the seconds until one may."""
        left, since_s = self._left.pop(address, (float(self.per_second), at_s))
        left = min(float(self.per_second), left + (at_s - since_s) * self.per_second)
        passes = left >= 1
        self._left[address] = (left - passes, at_s)
        if len(self._left) > ADDRESSES_MAX:
            self._left.popitem(last=False)
        return 0.0 if passes else (1 - left) / self.per_second


class RateLimited(Public):
    """Open to all, at the rate of the settings; 429 with Retry-After beyond. 0 limits nobody."""

    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        state = request.app.state
        per_second: int = state.settings.calculator_rate
        if per_second == 0:
            return
        rates: CallRates | None = getattr(state, "calculator_rates", None)
        if rates is None or rates.per_second != per_second:
            rates = state.calculator_rates = CallRates(per_second)
        address = request.client.host if request.client else "unknown"
        if wait_s := rates.wait_s(address, at_s=time.monotonic()):
            raise HTTPException(
                429,
                say(
                    "More than {per_second} calls a second from one address.", per_second=per_second
                ),
                headers={"Retry-After": str(math.ceil(wait_s))},
            )


KNOWN = "known"
"""The parameter of a sum that goes by the measures of this installation."""


class SumRoute(JsonRoute):
    """One body in, one answer out: a sum takes less time than FastAPI's way around it.

    Valid JSON goes straight from pydantic's parser into the endpoint, and a model straight out.
    Whatever is not valid takes the usual way, which words the refusal. So does what has more colons
    than its fields account for: a name may stand there twice.
    """

    def get_route_handler(self) -> Handler:
        usual = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return usual
        marks = [mark for mark in access_of(self.dependant) if isinstance(mark, RateLimited)]
        sum_up = self.endpoint
        hints = get_type_hints(sum_up)
        knows = hints.pop(KNOWN, None) is not None
        (parameter,) = hints.keys() - {"return"}
        read = TypeAdapter(hints[parameter]).validate_json

        async def handle(request: Request) -> Response:
            if request.headers.get("content-type") != "application/json":
                return await usual(request)
            body = await request.body()
            try:
                asked = read(body)
            except ValidationError:
                return await usual(request)
            colons = body.count(b":")
            if colons != len(asked.model_fields_set) and colons != _names(asked):
                return await usual(request)
            for mark in marks:
                await mark(request)
            known = {KNOWN: get_measures(request)} if knows else {}
            answer = await sum_up(asked, **known)
            if isinstance(answer, Response):
                return answer
            return Response(answer.model_dump_json(by_alias=True), media_type="application/json")

        return handle


def _names(value: Any) -> int:
    """How many names of JSON objects a model was read from, those of its parts included."""
    if isinstance(value, list):
        return sum(map(_names, value))
    if not isinstance(value, BaseModel):
        return 0
    count = len(value.model_fields_set)
    for part in value.__dict__.values():
        if isinstance(part, BaseModel | list):
            count += _names(part)
    return count


_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "too-many-requests: try again after Retry-After seconds",
        "headers": {"Retry-After": {"schema": {"type": "integer"}}},
        **_PROBLEM,
    }
}
REFUSALS = problems(FieldRefused) | TOO_MANY


def sums_router() -> APIRouter:
    """A router of sums. Its routes carry the rate limit themselves: SumRoute looks for it there."""
    return APIRouter(
        prefix="/calculators",
        tags=["calculators"],
        dependencies=[Depends(RateLimited())],
        route_class=SumRoute,
    )


def example(summary: str, value: dict[str, Any], *, discriminator: str | None = None) -> Any:
    return Body(
        openapi_examples={"example": Example(summary=summary, value=value)},
        discriminator=discriminator,
    )
