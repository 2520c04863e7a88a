"""Compensation funds, the loans filed with them, and the papers a claim will need."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import ZERO, Money
from app.lifecycle.funds import FilingStatus


class Fund(WithId, Base):
    """A risk-compensation fund (风险补偿资金) of a city or park, under one loss-sharing scheme.

    Its money and its exposure are on the ledger. A row is locked before anything is filed, paid or
    suspended, so that leverage and fuse are tested against what stands.
    """

    __tablename__ = "funds"
    __table_args__ = (
        CheckConstraint("0 < leverage_warn AND leverage_warn <= leverage_max", name="leverage"),
        UniqueConstraint("name"),
    )

    name: Mapped[str]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    manager_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    park_code: Mapped[str | None] = mapped_column(ForeignKey("parks.code"))  # None: every park
    scheme: Mapped[str]
    leverage_warn: Mapped[Decimal]  # filed IP principal ÷ balance
    leverage_max: Mapped[Decimal]
    opened_on: Mapped[date]


class FundSuspension(WithId, Base):
    """A fuse that blew: what the fund no longer does, for one bank or for all, until a decision."""

    __tablename__ = "fund_suspensions"
    __table_args__ = (
        # Of one fuse at most one is open; a bank that is NULL is all of them.
        Index(
            "uq_fund_suspensions_open",
            "fund_id",
            text("coalesce(bank_id, fund_id)"),
            "fuse",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    fund_id: Mapped[UUID] = mapped_column(ForeignKey("funds.id"))
    bank_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    fuse: Mapped[str]  # its id in the scheme
    stops: Mapped[str]  # filings, or compensation
    ratio_pct: Mapped[Decimal]
    threshold_pct: Mapped[Decimal]
    since: Mapped[datetime]
    claim_id: Mapped[UUID | None] = mapped_column(ForeignKey("claims.id"))  # whose payment blew it
    ended_at: Mapped[datetime | None]
    change_id: Mapped[UUID | None] = mapped_column(ForeignKey("programme_changes.id"))


class FundFiling(WithId, Base):
    """A loan filed with a fund (入池备案), with the version of the scheme in force that day."""

    __tablename__ = "fund_filings"
    __table_args__ = (
        CheckConstraint("0 < ip_share_pct AND ip_share_pct <= 100", name="ip_share"),
        CheckConstraint("least(reserved, outstanding) >= 0", name="not_negative"),
        Index(
            "uq_fund_filings_live",
            "deal_id",
            unique=True,
            postgresql_where=text("status IN ('filed', 'acknowledged')"),
        ),
        Index("ix_fund_filings_fund_id_id", "fund_id", "id"),
        Index("ix_fund_filings_claimant_id_id", "claimant_id", "id"),
    )

    fund_id: Mapped[UUID] = mapped_column(ForeignKey("funds.id"))
    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), index=True)
    claimant_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    firm_name: Mapped[str]  # filing tells the fund who borrows
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    scheme: Mapped[str]
    scheme_from: Mapped[date]  # first day of the version that applies
    facts: Mapped[dict[str, Any]]  # what else the scheme asks
    loan_amount: Mapped[Money]  # the whole loan's, which tiers go by
    ip_share_pct: Mapped[Decimal]
    fund_share_pct: Mapped[Decimal]
    status: Mapped[FilingStatus] = mapped_column(default=FilingStatus.FILED)
    reserved: Mapped[Money] = mapped_column(default=ZERO)  # IP principal not drawn yet
    outstanding: Mapped[Money] = mapped_column(default=ZERO)  # IP principal drawn and owed
    compensated: Mapped[Money] = mapped_column(default=ZERO)  # principal that paid claims settled
    reference: Mapped[str | None]  # the fund's own number of the receipt
    refusal: Mapped[str | None]
    filed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class FilingPaper(Base):
    """A paper of the claim pack, attached long before there is a claim."""

    __tablename__ = "filing_papers"

    filing_id: Mapped[UUID] = mapped_column(ForeignKey("fund_filings.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)  # of the scheme's list
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    attached_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    attached_at: Mapped[datetime]


class ReadinessRecord(Base):
    """How complete the claim pack was at one step of the loan, and what it lacked. Append-only."""

    __tablename__ = "readiness_records"

    filing_id: Mapped[UUID] = mapped_column(ForeignKey("fund_filings.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str]  # filed, acknowledged, drawn, defaulted, claimed
    at: Mapped[datetime]
    score_pct: Mapped[Decimal]
    missing: Mapped[list[Any]]
