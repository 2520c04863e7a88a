"""Wire shapes of what anyone may read."""

from app.core.money import Money
from app.schemas.base import Output
from app.schemas.calculators import PctOut


class Health(Output):
    status: str


class ParkOut(Output):
    code: str
    name_zh: str
    name_en: str
    city: str
    key_park: bool


class QuotaOut(Output):
    """One quota account: allocated = held + outstanding + called + available."""

    park_code: str
    allocated: Money
    held: Money
    outstanding: Money
    called: Money
    available: Money


class FloorOut(Output):
    """Progress towards the policy's floor of guaranteed lending; it never falls."""

    target: Money
    cumulative: Money
    current_stock: Money
    progress_pct: PctOut


class ProgrammeOut(Output):
    capacity: Money
    reserve: Money
    uncalibrated: bool
    source: str
    floor: FloorOut
    accounts: list[QuotaOut]
