"""Organisations, the parks they belong to, and who may appear together in one package."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.lifecycle.parties import (
    GuarantorType,
    MembershipStatus,
    OrganisationKind,
    OrganisationStatus,
)


class Park(Base):
    """An industrial park, or the region itself (code REGION) for firms outside every park."""

    __tablename__ = "parks"

    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    city: Mapped[str]
    key_park: Mapped[bool]  # named by the policy


class Organisation(WithId, Base):
    """A party of the platform, known by its unified social credit code (统一社会信用代码)."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint(
            "(kind = 'guarantor') = (guarantor_type IS NOT NULL)", name="guarantor_type"
        ),
        CheckConstraint("kind <> 'park' OR park_code IS NOT NULL", name="park_code"),
        Index("ix_organisations_kind_status", "kind", "status"),
    )

    kind: Mapped[OrganisationKind]
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    status: Mapped[OrganisationStatus] = mapped_column(default=OrganisationStatus.PENDING)
    guarantor_type: Mapped[GuarantorType | None]
    park_code: Mapped[str | None] = mapped_column(ForeignKey("parks.code"))  # the park it runs
    demo: Mapped[bool] = mapped_column(default=False)  # invented, and marked so
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FirmProfile(Base):
    """What eligibility asks about a firm: its figures, and the marks of public registers."""

    __tablename__ = "firm_profiles"

    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    industry: Mapped[str]  # a code of enterprise_size.INDUSTRIES
    field: Mapped[str | None]  # a code of the dated list of key industries
    employees: Mapped[int | None]
    revenue: Mapped[Money | None]
    assets: Mapped[Money | None]
    registered_on: Mapped[date]
    credit_authorised_on: Mapped[date | None]  # consent to a query of the credit register
    dishonest: Mapped[bool] = mapped_column(default=False)  # 失信被执行人
    abnormal: Mapped[bool] = mapped_column(default=False)  # 经营异常名录
    updated_at: Mapped[datetime]


class ParkMembership(WithId, Base):
    """A firm's place in a park: claimed by the firm, certified by the park."""

    __tablename__ = "park_memberships"
    __table_args__ = (
        Index(
            "uq_park_memberships_live",
            "firm_id",
            unique=True,
            postgresql_where="status IN ('claimed', 'certified')",
        ),
        Index("ix_park_memberships_park_code_status", "park_code", "status"),
    )

    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    status: Mapped[MembershipStatus] = mapped_column(default=MembershipStatus.CLAIMED)
    claimed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Cooperation(WithId, Base):
    """A cooperation agreement between a bank and a guarantor or insurer, recorded by both."""

    __tablename__ = "cooperations"
    __table_args__ = (
        Index(
            "uq_cooperations_pair",
            "bank_id",
            "partner_id",
            unique=True,
            postgresql_where="ended_on IS NULL",
        ),
    )

    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    agreement_number: Mapped[str]
    signed_on: Mapped[date]
    proposed_by: Mapped[UUID]
    confirmed_at: Mapped[datetime | None]  # by the other side; in force from then on
    ended_on: Mapped[date | None]
