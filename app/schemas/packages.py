"""Wire shapes of the comparison: admissible packages, cheapest first, each with its cost sheet."""

from datetime import date
from uuid import UUID

from app.core.money import Money
from app.lending.subsidy import Certainty
from app.schemas.base import Output, Told
from app.schemas.calculators.lending import CostSheetOut
from app.schemas.fields import PctOut
from app.schemas.quotes import RateOut


class ChosenQuote(Output):
    """One quote of a package at the revision that was priced: name both to accept it."""

    quote_id: UUID
    revision: int
    institution_id: UUID
    institution_name: str


class RoomOut(Output):
    """Whether the guarantor's liability has room now; otherwise the deal would queue.

    ``park_code`` is the quota account used, null for a commercial guarantor, who uses none.
    ``waits_for`` names what lacks room: quota, guarantor_limit. ``refused_by`` is the cap that
    would refuse the package whatever room there is (per_loan, per_firm, per_bank, per_park,
    client_cap); null if none.
    """

    liability: Money
    park_code: str | None
    quota_available: Money | None
    has_room: bool
    waits_for: list[str]
    refused_by: str | None = None


class PackageOut(Output):
    """A loan with at most one guarantee and one insurance; the three shares sum to 100."""

    rank: int
    loan: ChosenQuote
    guarantee: ChosenQuote | None
    insurance: ChosenQuote | None
    amount: Money
    term_months: int
    rate: RateOut
    guarantee_share_pct: PctOut
    insurance_share_pct: PctOut
    bank_share_pct: PctOut
    cost: CostSheetOut
    room: RoomOut | None  # None: no guarantor, so no quota


class SubsidyNote(Output):
    """The example subsidy on every sheet. It never changes the order."""

    name_zh: str
    name_en: str
    certainty: Certainty
    uncalibrated: bool
    source: str


class UnpricedOut(Output):
    quote_ids: list[UUID]
    reason: Told


class PackagesOut(Output):
    """Every admissible package by all-in annual cost before subsidies, as if drawn today."""

    request_id: UUID
    assumed_drawdown_on: date
    packages: list[PackageOut]
    unpriced: list[UnpricedOut]
    subsidy: SubsidyNote | None
