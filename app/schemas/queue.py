"""Wire shapes of waiting for room: the place, the rule of the queue, the alternatives priced."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from app.core.money import Money
from app.schemas.base import Output
from app.schemas.fields import EffectivePct
from app.schemas.packages import PackageOut


class QueueRuleOut(Output):
    """The order of the queue in force, in words; with a priority, its bounds."""

    priority: bool
    passes_max: int | None
    days_max: int | None
    text_zh: str
    text_en: str
    valid_from: date
    source: str
    uncalibrated: bool


class PlaceOut(Output):
    """A place in the queue: how many come first, and which limits are short."""

    position: int
    lacks: list[str]
    amount: Money
    since: datetime
    passed: int = Field(description="How often a priority has let a later deal by.")
    rule: QueueRuleOut


class SmallerLoanOut(Output):
    """The largest loan of the accepted package that has room now, priced on the same terms."""

    amount: Money
    before_subsidies_pct: EffectivePct | None


class PricedOut(PackageOut):
    """An alternative package; what its year costs more (or less) than that of the accepted one."""

    dearer_by_pct: EffectivePct


class AlternativesOut(Output):
    """What a firm that waits could do instead, and what each costs a year, all in."""

    accepted: PackageOut | None  # the package that waits, at its price today
    smaller_loan: Money | None  # with this guarantor, if a smaller one fits now
    smaller: SmallerLoanOut | None  # the same, priced
    without_quota: list[UUID]  # loan quotes that need no guarantee
    other_guarantees: list[UUID]  # guarantee quotes with room for the whole loan
    packages: list[PricedOut]  # every other package with room now, cheapest first
    room_forecast_on: date | None  # when scheduled repayments will have freed what is short


class QueueOut(PlaceOut):
    alternatives: AlternativesOut
