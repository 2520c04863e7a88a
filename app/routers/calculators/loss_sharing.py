"""Who bears what of a lost principal, by the schemes of the cities."""

from typing import Annotated

from app.core.errors import FieldRefused
from app.core.messages import say
from app.risk.scheme_files import SCHEMES, find_scheme
from app.risk.sharing import ENGINE_VERSION, Loss, read_facts, share_loss
from app.routers.calculators.sums import REFUSALS, TOO_MANY, example, sums_router
from app.schemas.calculators.loss_sharing import (
    LossSharingIn,
    LossSharingOut,
    SchemeOut,
    SchemesOut,
    ShareOut,
    StepOut,
)

METHOD = say("the IP part by largest remainder, caps in their order, the rest to the bank")

router = sums_router()

_EXAMPLE = {
    "scheme": "zhongshan-2021",
    "principal": "1000000.01",
    "loan_amount": "5000000.00",
    "ip_share_pct": "100",
    "facts": {},
}


@router.post(
    "/loss-sharing",
    summary="Split a loss by a compensation scheme",
    response_model=LossSharingOut,
    responses=REFUSALS,
)
async def split_loss(
    asked: Annotated[LossSharingIn, example("Zhongshan, 54 : 26 : 16 : 4", _EXAMPLE)],
) -> LossSharingOut:
    """What each party bears of the principal lost, to the fen, with every rule that decided.

    Only the part that intellectual property secures is compensated; the bank bears what is left.
    """
    scheme = find_scheme(asked.scheme)
    version = scheme.versions[-1] if asked.lost_on is None else scheme.version_on(asked.lost_on)
    if version is None:
        raise FieldRefused("lost_on", say("no rules of the scheme were in force on this day"))
    loan_amount = asked.loan_amount or asked.principal
    facts = read_facts(version, asked.facts)
    shared = share_loss(
        scheme, version, Loss(asked.principal, loan_amount, asked.ip_share_pct, facts)
    )
    return LossSharingOut(
        shares=[ShareOut(party=party, amount=part) for party, part in shared.shares.items()],
        trace=[StepOut.model_validate(step) for step in shared.trace],
        uncalibrated=version.uncalibrated,
        rules_from=version.valid_from,
        inputs=asked.model_copy(update={"loan_amount": loan_amount, "facts": facts}),
        method=METHOD,
        version=ENGINE_VERSION,
    )


@router.get(
    "/loss-sharing/schemes",
    summary="List the compensation schemes",
    response_model=SchemesOut,
    responses=TOO_MANY,
)
async def schemes() -> SchemesOut:
    """Every scheme with its parties and dated rules, and the facts that a calculation takes."""
    return SchemesOut(
        schemes=[SchemeOut.model_validate(scheme) for scheme in SCHEMES.values()],
        inputs={},
        method=METHOD,
        version=ENGINE_VERSION,
    )
