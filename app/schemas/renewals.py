"""Wire shapes of the renewal desk (无还本续贷)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import Money
from app.lending.periods import Frequency
from app.lending.terms import TERM_MONTHS_MAX, RepaymentMethod
from app.lifecycle.financing import RequestStatus
from app.schemas.base import Input, LongText, Output, Reference, Told
from app.schemas.fields import PositiveAmount, Whole


class RenewalIn(Input):
    """What the firm asks for in place of the old loan, on the same pledge."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "R-2026-0002",
                    "amount": "5000000.00",
                    "term_months": 12,
                    "purpose_text": "续贷，继续采购原材料",
                    "method": "interest_only",
                    "frequency": "monthly",
                }
            ]
        }
    )

    reference: Reference | None = None
    amount: PositiveAmount
    term_months: Annotated[Whole, Field(ge=1, le=TERM_MONTHS_MAX)]
    purpose_text: LongText
    method: RepaymentMethod
    frequency: Frequency = Frequency.MONTHLY


class RenewalOut(Output):
    """A loan near its maturity; ``obstacles`` is empty where it can be renewed today."""

    deal_id: UUID
    loan_id: UUID
    firm_id: UUID
    firm_name: str
    bank_id: UUID
    maturity_on: date
    days_left: int
    outstanding: Money
    obstacles: list[Told]
    request_id: UUID | None  # of the renewal under way
    request_status: RequestStatus | None


class RenewalsOut(Output):
    """Loans that mature inside the window of the dated rule, the next one first."""

    window_days: int
    items: list[RenewalOut]


class ParkRenewalsOut(RenewalsOut):
    """A park sees by name the firms that let it; of the others it knows how many there are."""

    unnamed: int
