"""Wire shapes of the market: listings, enquiries, messages, contracts."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.money import ZERO, Money
from app.lifecycle.market import (
    ContractStatus,
    EnquiryStatus,
    ListingSide,
    ListingStatus,
    TransferForm,
)
from app.schemas.base import Day, Input, LongText, Output, Reference, ShortText, Told
from app.schemas.fields import Amount, PositiveAmount

IPC_MAX = 20

_ID = "0198c0de-0000-7000-8000-000000000001"


class ListingIn(Input):
    """A patent on offer, or what is asked for. An open licence states its price and terms."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "side": "offer",
                    "form": "open_licence",
                    "title": "一种光伏组件清洗装置",
                    "summary": "适用于西北干旱地区光伏电站，节水七成",
                    "ipc": ["H02S 40/10"],
                    "patent_number": "ZL202110000001.6",
                    "price": "20000.00",
                    "terms": "普通许可，一年，一次付清",
                    "valid_until": "2027-11-23",
                }
            ]
        }
    )

    side: ListingSide
    form: TransferForm
    title: ShortText
    summary: LongText
    ipc: Annotated[list[ShortText], Field(max_length=IPC_MAX)] = []
    patent_number: ShortText | None = Field(default=None, description="Needed of an offer.")
    price: Amount | None = Field(default=None, description="Left out: to be agreed.")
    terms: Annotated[str, Field(max_length=2000)] = ""
    disposal_id: UUID | None = Field(
        default=None, description="The pledgee's consent, for an open licence of a pledged patent."
    )
    valid_until: Day


class PublicListingOut(Output):
    """As anybody sees it: of who asks, no name."""

    id: UUID
    side: ListingSide
    form: TransferForm
    title: str
    summary: str
    ipc: list[str]
    patent_number: str | None
    holder_name: str | None
    price: Money | None
    terms: str
    valid_until: date
    listed_at: datetime


class ListingOut(PublicListingOut):
    """As its owner sees it."""

    status: ListingStatus
    right_id: UUID | None
    disposal_id: UUID | None
    ended_at: datetime | None


class MatchOut(Output):
    points: int = Field(description="By the dated rule: common IPC subclasses, common words.")
    listing: PublicListingOut


class EnquiryIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"body": "我司拟在吴忠电站使用，请告知许可条件"}]}
    )

    body: LongText


class MessageOut(Output):
    number: int
    sender_id: UUID
    body: str
    at: datetime


class EnquiryOut(Output):
    """Names are there once the owner of the listing has accepted."""

    id: UUID
    listing_id: UUID
    status: EnquiryStatus
    own: bool = Field(description="Whether you asked.")
    other_name: str | None
    asked_at: datetime
    answered_at: datetime | None
    messages: list[MessageOut]


class ContractIn(Input):
    """What was agreed; the buyer confirms it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "form": "licence",
                    "patent_number": "ZL202110000001.6",
                    "amount": "300000.00",
                    "signed_on": "2026-11-20",
                    "ends_on": "2029-11-19",
                    "exclusive": False,
                }
            ]
        }
    )

    form: TransferForm
    patent_number: ShortText
    amount: PositiveAmount
    exclusive: bool = False
    signed_on: Day
    ends_on: Day | None = None
    document_id: UUID | None = None
    disposal_id: UUID | None = Field(
        default=None, description="The pledgee's consent, if the patent is pledged."
    )


class ContractRefusalIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "金额与合同不符"}]})

    reason: LongText


class RecordalIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"record_number": "X2026980001234"}]})

    record_number: Reference


class BenefitIn(Input):
    """What the buyer paid so far, and what the technology brought."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "paid": "300000.00",
                    "benefit": "新增销售收入 120 万元",
                    "document_id": _ID,
                }
            ]
        }
    )

    paid: Amount = Field(default=ZERO, json_schema_extra={"default": "0.00"})
    benefit: LongText
    document_id: UUID


class ContractOut(Output):
    id: UUID
    enquiry_id: UUID
    supplier_id: UUID
    buyer_id: UUID
    form: TransferForm
    patent_number: str
    right_id: UUID | None
    disposal_id: UUID | None
    amount: Money
    exclusive: bool
    signed_on: date
    ends_on: date | None
    document_id: UUID | None
    record_number: str | None
    status: ContractStatus
    proposed_at: datetime
    answered_at: datetime | None
    note: str | None
    paid: Money
    benefit: str | None
    benefit_document_id: UUID | None


class GrantStepOut(Output):
    rule: str
    text: Told
    holds: bool


class ContractGrantOut(Output):
    """What measure 4 would give for the contract, from what the platform knows."""

    facts: dict[str, Any]
    missing: list[str] = Field(description="Facts that nobody has entered; then no award is told.")
    award: Money | None
    trace: list[GrantStepOut]
