"""Wire shapes of the calculator of annual fees."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from app.core.money import Money
from app.identifiers.rights import RightKind
from app.lending.annuity_plan import FeeStatus
from app.schemas.fields import Answered, Asked, IsoDay, SharePct, Whole


class PatentFeesIn(Asked):
    right: Literal[RightKind.INVENTION, RightKind.UTILITY_MODEL, RightKind.DESIGN]
    filed_on: IsoDay
    granted_on: IsoDay | None = None
    as_of: IsoDay
    paid_through_year: Annotated[Whole, Field(ge=0, le=20)] = Field(
        description="The last patent year whose fee is paid."
    )
    reduction_pct: SharePct = Field(
        default=Decimal(0), description="Taken off each fee (费减), not off the surcharge."
    )


class FeeOut(Answered):
    year: int
    fee: Money
    due_on: date
    grace_ends_on: date


class AlarmOut(Answered):
    on: date
    days: int = Field(description="After the due day of the next fee; below zero before it.")
    passed: bool


class PatentFeesOut(Answered):
    status: FeeStatus
    expires_on: date
    next_due_on: date | None
    next_year: int | None
    next_fee: Money | None
    surcharge: Money = Field(description="On top of the next fee on the day asked for.")
    grace_ends_on: date | None
    lapses_on_if_unpaid: date | None = Field(description="The end of the last paid year.")
    alarms: list[AlarmOut]
    schedule: list[FeeOut]
    inputs: PatentFeesIn
    method: str
    version: str
