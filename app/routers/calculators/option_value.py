"""A patent as an option to build."""

from typing import Annotated

from app.routers.calculators.sums import REFUSALS, example, sums_router
from app.schemas.calculators.option_value import OptionValueIn, OptionValueOut
from app.valuation import ENGINE
from app.valuation.options import Style, option_value

METHODS = {
    Style.EUROPEAN: "Black–Scholes–Merton with a yield",
    Style.AMERICAN: "lattice of equal probabilities, extrapolated, with the European as control",
}

router = sums_router()

_EXAMPLE = {
    "asset_value": "3422.00",
    "exercise_cost": "2875.00",
    "years": "17",
    "risk_free_pct": "6.7",
    "volatility_pct": "47.33",
    "carry_cost_pct": "5.88",
    "style": "american",
}


@router.post(
    "/option-value",
    summary="Value a patent as a real option",
    response_model=OptionValueOut,
    responses=REFUSALS,
)
async def value_option(
    asked: Annotated[OptionValueIn, example("A drug of 17 years", _EXAMPLE)],
) -> OptionValueOut:
    """What the right to build later is worth, and what building today would bring.

    A patent may be put to use on any day, which is the American style; the European one may be
    exercised on the last day only and is worth less if waiting costs something.
    """
    value = option_value(
        asset_value=asked.asset_value,
        exercise_cost=asked.exercise_cost,
        years=asked.years,
        risk_free_pct=asked.risk_free_pct,
        volatility_pct=asked.volatility_pct,
        carry_cost_pct=asked.carry_cost_pct,
        style=asked.style,
    )
    return OptionValueOut(
        value=value,
        npv_now=asked.asset_value - asked.exercise_cost,
        inputs=asked,
        method=METHODS[asked.style],
        version=ENGINE,
    )
