"""Stateless sums that anyone may try: the same pure functions that the product itself uses."""

import math
import time
from collections import OrderedDict
from typing import Annotated, Any, get_type_hints

from fastapi import APIRouter, Body, Depends, Request
from fastapi.openapi.models import Example
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.core.errors import FieldRefused
from app.core.messages import say
from app.identifiers.enterprise_size import INDUSTRIES, STANDARD, classify
from app.identifiers.identifier import identify
from app.lending import ENGINE_VERSION
from app.lending.cost import all_in_cost, plan
from app.lending.schedule import Amortised, amortise
from app.routers.access import Public, access_of
from app.routers.bodies import Handler, JsonRoute
from app.routers.problems import MEDIA_TYPE, problems
from app.schemas.calculators import (
    AllInCostIn,
    AllInCostOut,
    CostSheetOut,
    EnterpriseSizeIn,
    EnterpriseSizeOut,
    IdentifierIn,
    IdentifierOut,
    IndustriesOut,
    IndustryOut,
    ScheduleIn,
    ScheduleOut,
)

IDENTIFIERS_VERSION = "identifiers-1"
COST_METHOD = "XIRR of the borrower's dated flows, ACT/365, two places"
IDENTIFIER_METHOD = "form and check digit, by the rules of each register"

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
        (parameter,) = get_type_hints(sum_up).keys() - {"return"}
        read = TypeAdapter(get_type_hints(sum_up)[parameter]).validate_json

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
            answer = await sum_up(asked)
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


_CENTS = [f".{cents:02d}" for cents in range(100)]

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "too-many-requests: try again after Retry-After seconds",
        "headers": {"Retry-After": {"schema": {"type": "integer"}}},
        **_PROBLEM,
    }
}
_REFUSALS = problems(FieldRefused) | _TOO_MANY

router = APIRouter(
    prefix="/calculators",
    tags=["calculators"],
    dependencies=[Depends(RateLimited())],
    route_class=SumRoute,
)

_SCHEDULE_EXAMPLE = {
    "principal": "5000.00",
    "annual_rate_pct": "12",
    "term_months": 18,
    "method": "equal_instalment",
    "day_count": "30/360",
    "first_day": "2022-11-01",
    "grace_months": 0,
    "instalment_multiple": "1.00",
    "rounding": "half_up",
}
_COST_EXAMPLE = {
    "loan": {
        "principal": "5000000.00",
        "annual_rate_pct": "4.35",
        "term_months": 12,
        "method": "interest_only",
        "day_count": "30/360",
        "first_day": "2025-01-15",
    },
    "costs": [
        {"name": "guarantee fee", "amount_pct_of_principal": "1", "when": "upfront"},
        {"name": "appraisal", "amount": "60000.00", "when": "upfront"},
        {"name": "premium", "amount_pct_of_outstanding": "2", "when": "yearly_in_advance"},
    ],
    "subsidies": [
        {
            "name": "interest subsidy",
            "share_of_interest_pct": "50",
            "cap": None,
            "months_after_maturity": 1,
            "certainty": "likely",
        }
    ],
}


_IDENTIFIER_EXAMPLE = {"kind": "patent", "value": "ZL 2021 1 0000001.6"}
_SIZE_EXAMPLE = {"industry": "工业", "employees": 300, "revenue": "20000000.00", "assets": None}


def _example(summary: str, value: dict[str, Any]) -> Any:
    return Body(openapi_examples={"example": Example(summary=summary, value=value)})


@router.post(
    "/repayment-schedule",
    summary="Work out a repayment schedule",
    response_model=ScheduleOut,
    responses=_REFUSALS,
)
async def repayment_schedule(
    asked: Annotated[ScheduleIn, _example("5,000 yuan over 18 months", _SCHEDULE_EXAMPLE)],
) -> Response:
    """Every instalment of a loan with its interest, principal and balance, to the fen.

    Interest is rounded once per period, the last instalment absorbs the rest and the last
    balance is exactly 0.00. An instalment multiple that pays nothing or ends the loan early is
    refused.
    """
    return Response(_schedule_json(asked, amortise(asked.terms())), media_type="application/json")


def _schedule_json(asked: ScheduleIn, amortised: Amortised) -> str:
    """A ``ScheduleOut`` as text. Making and validating each amount would double the call's price.

    Only digits, dates and the values of enumerations go in, so that nothing needs escaping.
    """
    owed, opened = asked.principal.fen, asked.first_day
    interest_sum, lines = 0, []
    rows = zip(amortised.due_days, amortised.rows, strict=True)
    for number, (due_on, (interest, principal)) in enumerate(rows, start=1):
        owed -= principal
        interest_sum += interest
        lines.append(
            f'{{"number":{number},"due_on":"{due_on.isoformat()}","days":{(due_on - opened).days},'
            f'"interest":"{_yuan(interest)}","principal":"{_yuan(principal)}",'
            f'"payment":"{_yuan(interest + principal)}","closing":"{_yuan(owed)}"}}'
        )
        opened = due_on
    return (
        f'{{"instalments":[{",".join(lines)}],"total_interest":"{_yuan(interest_sum)}",'
        f'"total_payment":"{_yuan(interest_sum + asked.principal.fen)}",'
        f'"inputs":{asked.model_dump_json()},'
        f'"method":"{asked.method}, {asked.day_count}, {asked.rounding}",'
        f'"version":"{ENGINE_VERSION}"}}'
    )


def _yuan(fen: int) -> str:
    """``str(Money(fen))`` for an amount that is not negative, at a third of the price."""
    return f"{fen // 100}{_CENTS[fen % 100]}"


@router.post(
    "/all-in-cost",
    summary="Work out what a loan really costs a year",
    response_model=AllInCostOut,
    responses=_REFUSALS,
)
async def cost_of_loan(
    asked: Annotated[AllInCostIn, _example("5,000,000 yuan with fees", _COST_EXAMPLE)],
) -> AllInCostOut:
    """The annual rate of all dated flows, before and after subsidies, and what each item adds.

    Rates are XIRR by ACT/365; the simple rate of the central bank's method stands beside. Flows
    without a rate between −99 % and 10,000 % are refused.
    """
    try:
        loan = plan(asked.loan.terms())
    except FieldRefused as refused:
        raise FieldRefused(f"loan.{refused.field}", refused.reason) from refused
    sheet = all_in_cost(
        loan,
        costs=[cost.item() for cost in asked.costs],
        subsidies=[subsidy.subsidy() for subsidy in asked.subsidies],
    )
    return AllInCostOut(
        **dict(CostSheetOut.model_validate(sheet)),
        inputs=asked,
        method=COST_METHOD,
        version=ENGINE_VERSION,
    )


@router.post(
    "/identifier",
    summary="Check and normalise an identifier",
    response_model=IdentifierOut,
    responses=_REFUSALS,
)
async def check_identifier(
    asked: Annotated[IdentifierIn, _example("A patent number", _IDENTIFIER_EXAMPLE)],
) -> IdentifierOut:
    """Whether a number is well formed, its stored form and what it says.

    The year in a number is not the filing date. A wrong number is an answer, not an error.
    """
    found = identify(asked.kind, asked.value)
    return IdentifierOut(
        valid=found.valid,
        normalised=found.normalised,
        facts=found.facts,
        reason=found.reason,
        inputs=asked,
        method=IDENTIFIER_METHOD,
        version=IDENTIFIERS_VERSION,
    )


@router.post(
    "/enterprise-size",
    summary="Classify a firm by size",
    response_model=EnterpriseSizeOut,
    responses=_REFUSALS,
)
async def enterprise_size(
    asked: Annotated[EnterpriseSizeIn, _example("An industrial firm", _SIZE_EXAMPLE)],
) -> EnterpriseSizeOut:
    """Large, medium, small or micro by the official standard, and the rule that decided.

    A figure that the industry is sized by and that is missing is refused.
    """
    sized = classify(
        asked.industry, employees=asked.employees, revenue=asked.revenue, assets=asked.assets
    )
    return EnterpriseSizeOut(
        size=sized.size,
        rule=sized.rule,
        inputs=asked,
        method=STANDARD,
        version=IDENTIFIERS_VERSION,
    )


@router.get(
    "/enterprise-size/industries",
    summary="List the industries of the size standard",
    response_model=IndustriesOut,
    responses=_TOO_MANY,
)
async def industries() -> IndustriesOut:
    """The sixteen industries with their codes, Chinese names and the figures that size them."""
    return IndustriesOut(
        industries=[IndustryOut.model_validate(industry) for industry in INDUSTRIES],
        inputs={},
        method=STANDARD,
        version=IDENTIFIERS_VERSION,
    )
