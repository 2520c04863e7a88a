"""Wire shapes of organisations, firms' profiles, park memberships and cooperation agreements."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.messages import say
from app.core.money import ZERO, Money
from app.lifecycle.parties import (
    GuarantorType,
    MembershipStatus,
    OrganisationKind,
    OrganisationStatus,
)
from app.schemas.accounts import Email, NewPassword
from app.schemas.base import Day, Input, Output, ShortText, refused, shape

ParkCode = Annotated[
    str,
    Field(
        pattern=shape(
            r"^[A-Z][A-Z0-9_]{0,31}$",
            say("must be up to 32 capital letters, digits or _, a letter first"),
        )
    ),
]


class SignUpIn(Input):
    """An organisation and the person who will manage it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "enterprise",
                    "uscc": "91640221MA75X0004C",
                    "name": "宁夏示例新材料有限公司",
                    "email": "zhang@example.com",
                    "manager_name": "张三",
                    "password": "four-plain-words-here",
                }
            ]
        }
    )

    kind: OrganisationKind = Field(description="Any but authority and system.")
    uscc: ShortText = Field(description="统一社会信用代码, 18 characters with a check character.")
    name: ShortText
    guarantor_type: GuarantorType | None = Field(None, description="Guarantors only, required.")
    park_code: ParkCode | None = Field(None, description="Parks only, required: the park it runs.")
    email: Email
    manager_name: ShortText
    password: NewPassword


class OrganisationOut(Output):
    id: UUID
    kind: OrganisationKind
    uscc: str
    name: str
    status: OrganisationStatus
    guarantor_type: GuarantorType | None
    park_code: str | None
    demo: bool
    created_at: datetime


class EventOut(Output):
    """A fact that concerns an organisation, as it was when it happened."""

    id: UUID
    kind: str
    subject_id: UUID
    at: datetime


class InstitutionOut(Output):
    """A verified bank, insurer or guarantor, as everybody may see it."""

    id: UUID
    kind: OrganisationKind
    name: str
    guarantor_type: GuarantorType | None


class FirmProfileIn(Input):
    """Figures are of the last full year."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "industry": "industry",
                    "field": "new_materials",
                    "employees": 120,
                    "revenue": "38000000.00",
                    "assets": "52000000.00",
                    "registered_on": "2018-05-10",
                    "credit_authorised_on": "2026-11-02",
                }
            ]
        }
    )

    industry: ShortText = Field(
        description="A code or Chinese name of the enterprise-size calculator; kept as the code."
    )
    field: ShortText | None = Field(None, description="A code of the dated list of key industries.")
    employees: int | None = Field(None, ge=0, le=10_000_000)
    revenue: Money | None = None
    assets: Money | None = None
    registered_on: Day
    credit_authorised_on: Day | None = Field(
        None, description="When the firm consented to a query of the credit register."
    )

    @model_validator(mode="after")
    def _not_negative(self) -> "FirmProfileIn":
        for name, amount in (("revenue", self.revenue), ("assets", self.assets)):
            if amount is not None and amount < ZERO:
                raise refused(name, say("must not be negative"))
        return self


class FirmProfileOut(Output):
    firm_id: UUID
    industry: str
    field: str | None
    employees: int | None
    revenue: Money | None
    assets: Money | None
    registered_on: date
    credit_authorised_on: date | None
    dishonest: bool
    abnormal: bool
    updated_at: datetime


class MarksIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"dishonest": False, "abnormal": True}]}
    )

    dishonest: bool = Field(description="失信被执行人: on the list of defaulting judgment debtors.")
    abnormal: bool = Field(description="经营异常名录: on the list of abnormal operations.")


class MembershipIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"park_code": "PINGLUO"}]})

    park_code: ParkCode


class MembershipOut(Output):
    id: UUID
    firm_id: UUID
    park_code: str
    status: MembershipStatus
    claimed_at: datetime
    decided_at: datetime | None


class FirmMembershipOut(MembershipOut):
    """With the firm's public identity, for the park that decides."""

    firm_name: str
    firm_uscc: str


class CooperationIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "counterpart_id": "0193598a-0000-7000-8000-000000000001",
                    "agreement_number": "合作〔2026〕12号",
                    "signed_on": "2026-03-01",
                }
            ]
        }
    )

    counterpart_id: UUID = Field(description="A bank for a guarantor or insurer; else one of them.")
    agreement_number: ShortText
    signed_on: Day


class CooperationOut(Output):
    id: UUID
    bank_id: UUID
    partner_id: UUID
    agreement_number: str
    signed_on: date
    proposed_by: UUID
    confirmed_at: datetime | None
    ended_on: date | None
