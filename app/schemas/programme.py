"""Wire shapes of the programme's changes: what is proposed, and what became of it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic.config import JsonDict

from app.core.messages import say
from app.core.money import Money
from app.lifecycle.programme import ChangeKind, ChangeStatus
from app.schemas.base import Day, Input, LongText, Output, ShortText, refused, shape
from app.schemas.fields import (
    Amount,
    PctOut,
    PositiveAmount,
    SharePct,
)
from app.schemas.funds import (
    CalledReturnFacts,
    FundCapitalFacts,
    FundFacts,
    FundLeverageFacts,
    FundResumptionFacts,
)
from app.schemas.green_channel import CalendarBody, Year
from app.schemas.programme_rules import (
    AlertsFacts,
    CapsFacts,
    KeyIndustriesFacts,
    PositiveShare,
    QueueRuleFacts,
    RenewalFacts,
)

TICKET_UNSIZED = say("is stated exactly if min_small_ticket_pct is")

RESERVE = "RESERVE"
"""How a transfer names the unallocated reserve."""

Code = Annotated[
    str,
    StringConstraints(
        pattern=shape(
            r"^[A-Z][A-Z0-9_]{1,31}$",
            say("must be 2 to 32 capital letters, digits or _, a letter first"),
        )
    ),
]


class CapacityFacts(Input):
    """The programme's capacity. More goes into the reserve; less comes out of it only."""

    kind: Literal[ChangeKind.CAPACITY]
    capacity: PositiveAmount


class TransferFacts(Input):
    """Room moved between the reserve and an account, or between two accounts."""

    kind: Literal[ChangeKind.TRANSFER]
    source: Code = Field(description="Code of a park or REGION; RESERVE for the reserve.")
    target: Code = Field(description="Code of a park or REGION; RESERVE for the reserve.")
    amount: PositiveAmount

    @model_validator(mode="after")
    def _two_accounts(self) -> "TransferFacts":
        if self.source == self.target:
            raise refused("target", say("must be another account than source"))
        return self


class ParkFacts(Input):
    """A further park (「等」), with an empty account; a transfer then gives it room."""

    kind: Literal[ChangeKind.PARK]
    code: Code
    name_zh: ShortText
    name_en: ShortText
    city: ShortText
    key_park: bool

    @model_validator(mode="after")
    def _no_word_of_ours(self) -> "ParkFacts":
        if self.code == RESERVE:
            raise refused("code", say("must not be RESERVE, which names the reserve"))
        return self


class GuarantorTermsFacts(Input):
    """What a guarantor signs for; it signs the change itself.

    What is left out stays as the terms in force on the change's day have it; null drops it.
    """

    kind: Literal[ChangeKind.GUARANTOR_TERMS]
    guarantor_id: UUID
    signed_capacity: Amount = Field(description="0 stops new guarantees and breaks none.")
    client_cap: PositiveAmount | None = Field(None, description="Liability to one firm, at most.")
    net_assets: Amount | None = None
    net_asset_multiple: PositiveShare | None = Field(
        None, description="With net_assets: the capacity is at most their product."
    )
    min_small_firm_pct: SharePct | None = Field(
        None, description="Small and micro firms, of its liability; an alarm, never a refusal."
    )
    min_small_ticket_pct: SharePct | None = Field(
        None, description="Loans up to small_ticket_max, of its liability; an alarm likewise."
    )
    small_ticket_max: PositiveAmount | None = None

    @model_validator(mode="after")
    def _ticket_has_a_size(self) -> "GuarantorTermsFacts":
        both = {"min_small_ticket_pct", "small_ticket_max"} <= self.model_fields_set
        if both and not self.is_ticket_sized():
            raise refused("small_ticket_max", TICKET_UNSIZED)
        return self

    def is_ticket_sized(self) -> bool:
        """Whether the share of small tickets and what is small stand together or not at all."""
        return (self.min_small_ticket_pct is None) is (self.small_ticket_max is None)


FundChange = (
    FundFacts | FundCapitalFacts | FundLeverageFacts | FundResumptionFacts | CalledReturnFacts
)


class CalendarFacts(CalendarBody):
    """Days of a year as a decree sets them; they win over what was in force.

    Where nothing is decreed for the year yet, the decree's number and day of publication are
    needed.
    """

    kind: Literal[ChangeKind.CALENDAR]
    year: Year

    @model_validator(mode="after")
    def _days_of_the_year(self) -> "CalendarFacts":
        for day in self.days:
            if day.on.year != self.year:
                raise refused(
                    "days", say("{day} is not a day of {year}", day=day.on, year=self.year)
                )
        return self


AnyFacts = (
    CapacityFacts
    | TransferFacts
    | ParkFacts
    | GuarantorTermsFacts
    | CapsFacts
    | QueueRuleFacts
    | AlertsFacts
    | RenewalFacts
    | KeyIndustriesFacts
    | FundChange
    | CalendarFacts
)
Facts = Annotated[AnyFacts, Field(discriminator="kind")]

FACTS: TypeAdapter[AnyFacts] = TypeAdapter(Facts)
"""Reads the ``facts`` column of a change, and writes it with ``dump_python(…, mode="json")``."""

_EXAMPLES: list[JsonDict] = [
    {"kind": "transfer", "source": "RESERVE", "target": "PINGLUO", "amount": "5000000.00"},
    {"kind": "capacity", "capacity": "250000000.00"},
    {
        "kind": "park",
        "code": "SUYIN",
        "name_zh": "苏银产业园",
        "name_en": "Suyin Industrial Park",
        "city": "银川",
        "key_park": False,
    },
    {
        "kind": "guarantor_terms",
        "guarantor_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001",
        "signed_capacity": "120000000.00",
        "client_cap": "10000000.00",
        "net_assets": "30000000.00",
        "net_asset_multiple": "10",
        "min_small_firm_pct": "80",
        "min_small_ticket_pct": "50",
        "small_ticket_max": "5000000.00",
    },
    {
        "kind": "caps",
        "per_loan": {"amount": "20000000.00"},
        "per_firm": {"amount": "20000000.00"},
        "per_bank": {"pct_of_capacity": "40"},
        "per_park": None,
    },
    {
        "kind": "queue_rule",
        "enabled": True,
        "preferred": ["small_and_micro", "key_industry"],
        "passes_max": 3,
        "days_max": 30,
        "text_zh": "小微企业和重点产业优先；每笔排队最多被越过三次，等待满三十天后不再被越过。",
        "text_en": "Small and micro firms and key industries first; at most three times past one.",
    },
    {
        "kind": "alerts",
        "loans_min": 10,
        "call_within_days": 5,
        "levels": {
            "utilisation_pct": ["60", "80", "95"],
            "bank_hhi": ["2500"],
            "firm_hhi": ["2500"],
            "largest_bank_pct": ["50"],
            "largest_firm_pct": ["20"],
            "small_firms_short_pct": ["0"],
            "small_tickets_short_pct": ["0"],
            "client_cap_over_pct": ["0"],
            "net_assets_over_pct": ["0"],
        },
    },
    {"kind": "renewal", "window_days": 90, "days_past_due_max": 0},
    {
        "kind": "key_industries",
        "industries": [
            {"code": "new_materials", "name": "新型材料"},
            {"code": "clean_energy", "name": "清洁能源"},
        ],
    },
    {
        "kind": "fund",
        "name": "平罗工业园知识产权质押融资风险补偿资金",
        "owner_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b001",
        "manager_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b002",
        "park_code": "PINGLUO",
        "scheme": "zhongshan-2021",
        "leverage_warn": "8",
        "leverage_max": "10",
    },
    {
        "kind": "fund_capital",
        "fund_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b003",
        "amount": "3000000.00",
        "reference": "FIN-2026-031",
    },
    {
        "kind": "fund_leverage",
        "fund_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b003",
        "leverage_warn": "6",
        "leverage_max": "8",
    },
    {
        "kind": "fund_resumption",
        "suspension_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b004",
    },
    {
        "kind": "called_return",
        "loan_id": "0193b1d2-7c1f-7e7e-8a52-3a3fd2a4b005",
        "amount": "800000.00",
    },
    {
        "kind": "calendar",
        "year": 2026,
        "decree": "宁夏回族自治区人民政府办公厅关于2026年开斋节放假的通知",
        "document_number": "宁政办发〔2026〕3号",
        "published_on": "2026-03-02",
        "whole_year": False,
        "days": [{"on": "2026-03-20", "working": False}],
    },
]


class ChangeIn(Input):
    """A change of the programme. Another manager of the authority decides on it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"effective_on": "2026-12-01", "reason": "平罗园区额度不足", "facts": facts}
                for facts in _EXAMPLES
            ]
        }
    )

    facts: Facts
    effective_on: Day = Field(description="Today: at approval, or signing. Never a past day.")
    reason: LongText


class NoteIn(Input):
    """Why a change is refused or withdrawn."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "依据不足，请补充文件"}]})

    note: LongText


class ChangeOut(Output):
    """A change, who proposed and who decided it, and what came of it."""

    id: UUID
    kind: ChangeKind
    facts: dict[str, Any]
    effective_on: date
    reason: str
    status: ChangeStatus
    guarantor_id: UUID | None
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    answered_by: UUID | None
    answered_at: datetime | None
    note: str | None
    in_force_at: datetime | None
    failure: str | None


class GuarantorTermsOut(Output):
    """What a guarantor signed for from a day on; ``capacity`` is bounded by its net assets."""

    guarantor_id: UUID
    valid_from: date
    change_id: UUID | None
    signed_capacity: Money
    capacity: Money
    client_cap: Money | None
    net_assets: Money | None
    net_asset_multiple: PctOut | None
    min_small_firm_pct: PctOut | None
    min_small_ticket_pct: PctOut | None
    small_ticket_max: Money | None


class ShareOut(Output):
    liability: Money
    share_pct: PctOut | None
    min_pct: PctOut | None
    below: bool


class MixOut(Output):
    """How a guarantor's liability is spread; ``below`` names the shares that are too small."""

    liability: Money
    small_firms: ShareOut
    small_tickets: ShareOut
    below: list[str]


class RuleOut(Output):
    """The version of a dated rule in force."""

    valid_from: date
    source: str
    uncalibrated: bool
    body: dict[str, Any]
