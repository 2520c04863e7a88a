"""Wire shapes of what anyone may read."""

from datetime import date

from pydantic import ConfigDict, Field, field_validator

from app.core.money import Money
from app.schemas.base import Output
from app.schemas.fields import PctOut


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
    """Progress towards the policy's floor of guaranteed lending; it never falls.

    ``current_stock`` is principal drawn and not repaid by the firms: a lost loan counts in it until
    it is written off, and what recoveries bring lowers it once all of that loan is back.
    """

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


class QueuedOut(Output):
    """What joined the queue in the last whole quarter, over all accounts.

    Null where too few firms, or one above all, stand behind.
    """

    quarter: str = Field(examples=["2026Q3"])
    amount: Money | None
    deals: int | None


class RecoveredOut(Output):
    """Principal of the programme's loans that recoveries have brought, in all.

    It is told up to the end of a quarter; later quarters wait until enough firms, none of them too
    large, stand behind what is added. Null before the first of them.
    """

    quarter: str | None = Field(examples=["2026Q3"])
    amount: Money | None


class PublicProgrammeOut(ProgrammeOut):
    """The programme for everybody. Queue and recoveries are told by whole quarters of the region.

    ``recovered`` stands beside the floor's ``current_stock``, which counts lost loans in full
    until they are written off.
    """

    queued: QueuedOut
    recovered: RecoveredOut


class LedgerRootOut(Output):
    """The head of the ledger's hash chain when a business day (Asia/Shanghai) was over."""

    business_on: date
    sequence: int  # of the chain's last line by then
    hash: str = Field(description="SHA-256 of that line in hexadecimal; it covers all before it")
    transfers: int  # sealed since the root before

    @field_validator("hash", mode="before")
    @classmethod
    def _hexadecimal(cls, value: bytes | str) -> str:
        return value.hex() if isinstance(value, bytes) else value


class LedgerRootsOut(Output):
    """Roots, the newest day first; ``next`` is what to send as ``before`` for earlier ones."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "business_on": "2026-11-24",
                            "sequence": 48213,
                            "hash": "9f2c1d8a" * 8,
                            "transfers": 412,
                        }
                    ],
                    "next": None,
                }
            ]
        }
    )

    items: list[LedgerRootOut]
    next: date | None
