"""What the platform's model says of some rights: the one seam between appraisals and the engine."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.models.portfolios import Valuation, ValuationItem
from app.services import valuation_runs, valuations
from app.services.actor import as_platform
from app.services.valuation_runs import Worked
from app.valuation.comparison import Inputs, Side
from app.valuation.inputs import Inputs as RunInputs

MODEL = "model"

T = TypeVar("T")

APPROACHES = {
    "relief_from_royalty": "income",
    "excess_earnings": "income",
    "profit_split": "income",
    "incremental_income": "income",
    "market_comparables": "market",
    "replacement_cost": "cost",
    "software_cost": "cost",
}
"""The approach that each method of the engine belongs to, as reports name it."""


@dataclass(frozen=True, slots=True)
class ModelValue:
    """A value with what it rests on, and the engine that made it."""

    side: Side
    engine: str


async def find(
    session: AsyncSession, *, portfolio_id: UUID, right_ids: Collection[UUID]
) -> ModelValue | None:
    """The newest model value of the rights; None unless it covers every one of them.

    That of the newest run that is worked out; of the quick valuation where there is none. The
    caller has checked that the actor may see the rights, whose portfolio it may not.
    """
    async with as_platform(session):
        worked = await valuation_runs.find_newest(session, portfolio_id=portfolio_id)
        found = _of_run(worked, right_ids) if worked else None
        if found is not None:
            return found
        valuation = await valuations.find_latest(session, portfolio_id=portfolio_id)
        if valuation is None:
            return None
        items = [
            item
            for item in await valuations.list_items(session, valuation)
            if item.right_id in right_ids
        ]
        return _of_valuation(valuation, items) if len(items) == len(right_ids) else None


def _of_run(worked: Worked, right_ids: Collection[UUID]) -> ModelValue | None:
    assert worked.result is not None
    results = {right["right_id"]: right for right in worked.result.results["rights"]}
    wanted = sorted(str(right_id) for right_id in right_ids)
    if not results.keys() >= set(wanted):
        return None
    rights = [results[right_id] for right_id in wanted]
    stated = {
        right["right_id"]: RunInputs(right["inputs"]) for right in worked.run.inputs["rights"]
    }
    earning = [right for right in rights if APPROACHES.get(right["chosen"]) == "income"]
    by_royalty = [right for right in rights if right["chosen"] == "relief_from_royalty"]
    side = Side(
        name=MODEL,
        value=Money.sum([Money.yuan(right["value"]) for right in rights]),
        valued_on=worked.run.valued_on,
        method=_approach(APPROACHES.get(right["chosen"]) for right in rights),
        inputs=Inputs(
            discount_rate_pct=_only(Decimal(right["discount_rate_pct"]) for right in earning),
            royalty_rate_pct=_only(
                stated[right["right_id"]].rate("royalty_rate_pct") for right in by_royalty
            ),
            life_years=_only(right["life_years"] for right in earning),
            annual_revenue=_sum(
                stated[right["right_id"]].money("annual_revenue") for right in earning
            ),
        ),
    )
    return ModelValue(side, worked.result.engine)


def _of_valuation(valuation: Valuation, items: Collection[ValuationItem]) -> ModelValue:
    """Only what the items themselves say: the rates behind them are in the run."""
    stated: Mapping[str, Any] = {
        right["right_id"]: right for right in valuation.inputs.get("rights", [])
    }
    earning = [item for item in items if item.income_value is not None]
    revenues = [stated.get(str(item.right_id), {}).get("annual_revenue") for item in earning]
    side = Side(
        name=MODEL,
        value=Money.sum([item.value for item in items]),
        valued_on=valuation.valued_on,
        method=_approach("cost" if item.income_value is None else "income" for item in items),
        inputs=Inputs(
            life_years=_only(item.life_years for item in earning),
            annual_revenue=_sum(
                None if revenue is None else Money.yuan(revenue) for revenue in revenues
            ),
        ),
    )
    return ModelValue(side, valuation.engine)


def _approach(found: Iterable[str | None]) -> str:
    approaches = {approach for approach in found if approach is not None}
    if approaches == {"income", "cost"}:
        return "income_and_cost"
    return approaches.pop() if len(approaches) == 1 else "other"


def _only(values: Iterable[T]) -> T | None:
    """The value, if it is the same for all the rights."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _sum(amounts: Iterable[Money | None]) -> Money | None:
    known = [amount for amount in amounts if amount is not None]
    return Money.sum(known) if known else None
