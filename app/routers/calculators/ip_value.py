"""What a right is worth, by each method."""

from collections.abc import Callable
from typing import Annotated, Any

from app.routers.calculators.sums import REFUSALS, example, sums_router
from app.schemas.calculators.ip_value import IpValueIn, IpValueOut, StepOut
from app.valuation import ENGINE
from app.valuation.income import excess_earnings, incremental_income, perpetuity, profit_split
from app.valuation.relief import relief_from_royalty
from app.valuation.replacement import minimum_licence_fee, replacement_cost, software_cost
from app.valuation.working import Worked

METHODS: dict[str, Callable[..., Worked]] = {
    "relief_from_royalty": relief_from_royalty,
    "excess_earnings": excess_earnings,
    "profit_split": profit_split,
    "perpetuity": perpetuity,
    "replacement_cost": replacement_cost,
    "minimum_licence_fee": minimum_licence_fee,
    "software_cost": software_cost,
    "incremental_income": incremental_income,
}
_LISTS = ("revenues", "earnings", "profits", "incomes")

router = sums_router()

_EXAMPLE = {
    "method": "relief_from_royalty",
    "revenues": ["46000000.00"] * 8,
    "royalty_rate_pct": "2",
    "tax_rate_pct": "25",
    "discount_rate_pct": "15",
}


@router.post(
    "/ip-value",
    summary="Value a right",
    response_model=IpValueOut,
    responses=REFUSALS,
)
async def value_ip(
    asked: Annotated[
        IpValueIn, example("Royalties saved over eight years", _EXAMPLE, discriminator="method")
    ],
) -> IpValueOut:
    """The value by one method, with its working: royalty relief, excess earnings, profit split,
    perpetuity, replacement cost, licence fee, software cost or incremental income.

    A model value, not an appraisal. Flows arrive at the end of each year, or in its middle.
    """
    stated: dict[str, Any] = {name: value for name, value in asked if name != "method"}
    lists = [stated.pop(name) for name in _LISTS if name in stated]
    worked = METHODS[asked.method](*lists, **stated)
    return IpValueOut(
        value=worked.value,
        steps=[StepOut.model_validate(step) for step in worked.steps],
        notes=list(worked.notes),
        **dict(worked.figures),
        inputs=asked,
        method=asked.method,
        version=ENGINE,
    )
