"""Wire shapes of valuation runs, their challenges, and signals where cover fell."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import Money
from app.lifecycle.valuations import CoverChoice, RunKind
from app.schemas.base import Input, LongText, Output, Told
from app.schemas.documents import Digest
from app.schemas.fields import PctOut
from app.schemas.portfolios import RIGHTS_MAX, RightInputs
from app.valuation.wording import WORDING

_ID = "0193a1b2-0000-7000-8000-000000000001"


class RunOut(Output):
    """A model value, not a 资产评估报告. The amounts are empty until a worker has computed them.

    ``engine`` names the libraries too: `zhirong revalue --check` gets the same fen with the same.
    """

    id: UUID
    kind: RunKind
    firm_id: UUID
    portfolio_id: UUID
    valuation_id: UUID
    deal_id: UUID | None
    challenges_id: UUID | None
    made_by: UUID | None
    reason: str | None
    valued_on: date
    inputs_sha256: Digest
    created_at: datetime
    engine: str | None
    market: Money | None
    liquidation: Money | None
    lendable: Money | None
    results_sha256: Digest | None
    computed_at: datetime | None


class RunDetailOut(RunOut):
    """With all that it was worked out from and all that came out; ``wording`` explains codes."""

    inputs: dict[str, Any]
    results: dict[str, Any] | None
    wording: dict[str, Told] = Field(default_factory=lambda: dict(WORDING), validate_default=True)


class DifferenceOut(Output):
    right_id: UUID
    input: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ChallengeOut(Output):
    """Both sides stand: the run that is challenged keeps its values, and this one has its own."""

    run: RunOut
    differences: list[DifferenceOut]


class ChallengeIn(Input):
    """What the other side would put in instead, and why. An input of null is struck out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "近三年实际销售额低于申报",
                    "rights": [{"right_id": _ID, "annual_revenue": "30000000.00"}],
                }
            ]
        }
    )

    reason: LongText
    rights: Annotated[list[RightInputs], Field(min_length=1, max_length=RIGHTS_MAX)]


class CoverDecisionIn(Input):
    """What follows from the signal, under the contract."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"choice": "top_up", "reason": "按合同第八条要求补充质押", "document_id": None}
            ]
        }
    )

    choice: CoverChoice
    reason: LongText
    document_id: UUID | None = None


class CoverDecisionOut(Output):
    organisation_id: UUID
    choice: CoverChoice
    reason: str
    document_id: UUID | None
    decided_at: datetime


class CoverSignalOut(Output):
    """``cover_pct``: what an orderly sale of the pledge would bring, of what is outstanding."""

    id: UUID
    deal_id: UUID
    loan_id: UUID
    run_id: UUID
    level_pct: PctOut
    cover_pct: PctOut
    previous_pct: PctOut | None
    outstanding: Money
    liquidation: Money
    raised_at: datetime
    decisions: list[CoverDecisionOut]
