"""Wire shapes of the calculator of real options."""

from decimal import Decimal
from typing import Annotated

from app.core.money import Money
from app.schemas.fields import READ_DECIMAL, TELL_DECIMAL, Amount, Answered, Asked, Pct, limits
from app.valuation.checks import YEARS_MAX
from app.valuation.options import Style

Years = Annotated[Decimal, limits(le=YEARS_MAX), READ_DECIMAL, TELL_DECIMAL]


class OptionValueIn(Asked):
    """The right to build for ``exercise_cost`` what is worth ``asset_value`` today."""

    asset_value: Amount
    exercise_cost: Amount
    years: Years
    risk_free_pct: Pct
    volatility_pct: Pct
    carry_cost_pct: Pct
    style: Style = Style.AMERICAN


class OptionValueOut(Answered):
    value: Money
    npv_now: Money
    inputs: OptionValueIn
    method: str
    version: str
