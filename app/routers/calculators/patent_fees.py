"""The annual fees of a patent."""

from typing import Annotated

from app.lending.annuity_plan import FeeRule, fee_plan
from app.reference import files
from app.routers.calculators.sums import REFUSALS, example, sums_router
from app.schemas.calculators.patent_fees import AlarmOut, FeeOut, PatentFeesIn, PatentFeesOut

METHOD = "official fee by patent year, due by the anniversary of filing"
RULE = "annuity_fees"

router = sums_router()

_EXAMPLE = {
    "right": "invention",
    "filed_on": "2019-03-10",
    "granted_on": "2021-05-07",
    "as_of": "2026-11-23",
    "paid_through_year": 8,
    "reduction_pct": "0",
}


@router.post(
    "/patent-fees",
    summary="Work out a patent's annual fees",
    response_model=PatentFeesOut,
    responses=REFUSALS,
)
async def patent_fees(
    asked: Annotated[PatentFeesIn, example("An invention in its eighth year", _EXAMPLE)],
) -> PatentFeesOut:
    """Whether the patent is in force, what is due next, and every fee to the end of its term.

    A missed fee may be paid in the grace with a surcharge on the full fee; after it the patent
    has lapsed back at the end of the last paid year.
    """
    version = files.in_force(RULE, on=asked.as_of)
    plan = fee_plan(
        asked.right,
        FeeRule.of(asked.right, version.body),
        filed_on=asked.filed_on,
        granted_on=asked.granted_on,
        as_of=asked.as_of,
        paid_through_year=asked.paid_through_year,
        reduction_pct=asked.reduction_pct,
    )
    due = plan.next
    return PatentFeesOut(
        status=plan.status,
        expires_on=plan.expires_on,
        next_due_on=due and due.due_on,
        next_year=due and due.year,
        next_fee=due and due.fee,
        surcharge=plan.surcharge,
        grace_ends_on=due and due.grace_ends_on,
        lapses_on_if_unpaid=due and due.due_on,
        alarms=[AlarmOut.model_validate(alarm) for alarm in plan.alarms],
        schedule=[FeeOut.model_validate(fee) for fee in plan.schedule],
        inputs=asked,
        method=METHOD,
        version=f"{RULE}-{version.valid_from}",
    )
