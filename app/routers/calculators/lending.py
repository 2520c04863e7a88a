"""What a loan costs and when it is paid back."""

from typing import Annotated

from starlette.responses import Response

from app.core.errors import FieldRefused
from app.lending import ENGINE_VERSION
from app.lending.cost import all_in_cost, plan
from app.lending.schedule import Amortised, amortise
from app.routers.calculators.sums import REFUSALS, example, sums_router
from app.schemas.calculators.lending import (
    AllInCostIn,
    AllInCostOut,
    CostSheetOut,
    ScheduleIn,
    ScheduleOut,
)

COST_METHOD = "XIRR of the borrower's dated flows, ACT/365, two places"

_CENTS = [f".{cents:02d}" for cents in range(100)]

router = sums_router()

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


@router.post(
    "/repayment-schedule",
    summary="Work out a repayment schedule",
    response_model=ScheduleOut,
    responses=REFUSALS,
)
async def repayment_schedule(
    asked: Annotated[ScheduleIn, example("5,000 yuan over 18 months", _SCHEDULE_EXAMPLE)],
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
    responses=REFUSALS,
)
async def cost_of_loan(
    asked: Annotated[AllInCostIn, example("5,000,000 yuan with fees", _COST_EXAMPLE)],
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
