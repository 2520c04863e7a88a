"""Wire shapes of the terms designer (合理设置还款期限)."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field

from app.core.money import ZERO, Money
from app.lending.daycount import DayCount
from app.lending.design import Basis
from app.lending.periods import Frequency
from app.lending.terms import TERM_MONTHS_MAX, RepaymentMethod
from app.schemas.base import Input, Output
from app.schemas.fields import READ_DECIMAL, Amount, IsoDay, PctOut, PositiveAmount, limits
from app.schemas.quotes import Rate, RateOut

RATIO_MAX = 10


class TermsDesignIn(Input):
    """What the firm needs, and the cash it expects to have for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "amount": "1000000.00",
                    "rate": {"type": "fixed", "annual_rate_pct": "4.35"},
                    "first_day": "2026-12-01",
                    "opening_cash": "50000.00",
                    "cash_frequency": "monthly",
                    "cash_flows": ["60000.00"] * 24,
                    "cover_ratio": "1.2",
                    "basis": "cumulative",
                }
            ]
        }
    )

    amount: PositiveAmount
    rate: Rate
    first_day: IsoDay = Field(description="The day of drawdown.")
    opening_cash: Amount = Field(default=ZERO, json_schema_extra={"default": "0.00"})
    cash_frequency: Frequency = Frequency.MONTHLY
    cash_flows: Annotated[list[Amount], Field(min_length=1, max_length=TERM_MONTHS_MAX)] = Field(
        description="Available for debt service at the end of each month or quarter."
    )
    cover_ratio: Annotated[Decimal, limits(gt=0, le=RATIO_MAX), READ_DECIMAL] | None = Field(
        default=None, description="Cash over payments; the dated rule's where none is given."
    )
    basis: Basis = Field(
        default=Basis.EVERY_PERIOD,
        description=(
            "Every period by its own cash (the cumulative cover follows), or the cumulative cover "
            "alone, with opening cash and what was left over."
        ),
    )
    frequency: Frequency = Frequency.MONTHLY
    day_count: DayCount = DayCount.ACT_360


class PeriodOut(Output):
    due_on: date
    payment: Money
    cash: Money
    cover: PctOut
    cumulative_cover: PctOut


class ProposalOut(Output):
    """Covers are rounded down; ``shortfall`` is what the worst period lacks."""

    term_months: int
    grace_months: int
    method: RepaymentMethod
    total_interest: Money
    lowest_cover: PctOut
    lowest_cumulative_cover: PctOut
    shortfall: Money
    shortest_on: date
    periods: list[PeriodOut]


class TermsDesignOut(Output):
    """All that fits, the least interest first; if nothing does, what misses by least."""

    engine: str
    rate: RateOut
    cover_ratio: PctOut
    basis: Basis
    uncalibrated: bool
    tried: int
    proposals: list[ProposalOut]
    nearest: ProposalOut | None
