"""What the policy's measures award for given facts."""

from typing import Annotated

from app.core.messages import say
from app.grants.award import ENGINE_VERSION, decide
from app.grants.measure_files import find_version
from app.routers.calculators.sums import REFUSALS, TOO_MANY, example, sums_router
from app.routers.deps import Measures
from app.schemas.calculators.grant_award import (
    AwardStepOut,
    GrantAwardIn,
    GrantAwardOut,
    GrantFactsOut,
    MeasureOut,
    MeasuresOut,
)

METHOD = say("every rule of the measure, then its award, cut down to the fen")

router = sums_router()

_EXAMPLE = {"measure": 4, "facts": {"deal_amount": "19999999.00"}}


@router.post(
    "/grant-award",
    summary="What a measure of the policy awards",
    response_model=GrantAwardOut,
    responses=REFUSALS,
)
async def grant_award(
    asked: Annotated[GrantAwardIn, example("5 % of a licence, at most 1,000,000", _EXAMPLE)],
    known: Measures,
) -> GrantAwardOut:
    """The award for the facts, to the fen, with every rule that decided and what was assumed.

    A case that is not eligible is an answer too: nothing, and the rule that refuses it.
    """
    rules = find_version(asked.measure, asked.on, known)
    decided = decide(rules, asked.facts)
    return GrantAwardOut(
        award=decided.award,
        slots=decided.slots,
        assumed=decided.assumed,
        trace=[AwardStepOut.model_validate(step) for step in decided.trace],
        rules_from=rules.valid_from,
        uncalibrated=rules.uncalibrated,
        inputs=GrantFactsOut(measure=asked.measure, facts=decided.facts, on=asked.on),
        method=METHOD,
        version=ENGINE_VERSION,
    )


@router.get(
    "/grant-award/measures",
    summary="List the measures of the policy",
    response_model=MeasuresOut,
    responses=TOO_MANY,
)
async def measures(known: Measures) -> MeasuresOut:
    """Every measure with its clauses, facts, budget, and what was chosen where they are open."""
    return MeasuresOut(
        measures=[MeasureOut.model_validate(measure) for measure in known.values()],
        inputs={},
        method=METHOD,
        version=ENGINE_VERSION,
    )
