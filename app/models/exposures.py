"""What parks read of their loans: kept by difference, stamped by the database clock."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money


class LoanExposure(Base):
    """What one loan contributes to its park's figures now, as of the day ``as_of``."""

    __tablename__ = "loan_exposures"
    __table_args__ = (
        Index(
            "ix_loan_exposures_changes_on",
            "changes_on",
            postgresql_where=text("changes_on IS NOT NULL"),
        ),
        Index("ix_loan_exposures_firm_id", "firm_id"),
        Index("ix_loan_exposures_bank_id", "bank_id", postgresql_where=text("live")),
        Index("ix_loan_exposures_guarantor_id", "guarantor_id", postgresql_where=text("live")),
        Index(
            "ix_loan_exposures_overdue",
            "park_code",
            "overdue_since",
            postgresql_where=text("overdue_since IS NOT NULL"),
        ),
    )

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"), primary_key=True)
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    guarantor_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    size: Mapped[str]  # of the firm when its request opened, or unknown
    in_programme: Mapped[bool]  # otherwise its liability uses no quota and counts nowhere here
    liability: Mapped[Money]
    live: Mapped[bool]
    drawn: Mapped[Money]
    outstanding: Mapped[Money]
    overdue_since: Mapped[date | None]
    overdue_principal: Mapped[Money]
    days_to_cash: Mapped[int | None]  # from the request's opening to the first drawdown
    first_time: Mapped[bool]  # no loan of the firm was here before
    releases: Mapped[dict[str, Any]]  # liability freed by the schedule, in fen, by day
    as_of: Mapped[date]
    changes_on: Mapped[date | None]  # the first day on which time alone changes it
    defaulted: Mapped[bool]


class ParkExposure(Base):
    """One line of a park: per bank, firm, size, month of release, or days to cash."""

    __tablename__ = "park_exposures"
    __table_args__ = (
        Index(
            "ix_park_exposures_largest", "park_code", "dimension", text("amount DESC"), text("key")
        ),
    )

    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[Money]
    count: Mapped[int] = mapped_column(BigInteger)


class ParkFigures(Base):
    """A park's running aggregates after one change of one loan. Append-only."""

    __tablename__ = "park_figures"
    __table_args__ = (Index("uq_park_figures_park_code_at", "park_code", "at", unique=True),)

    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    liability: Mapped[Money]  # of programme guarantors
    outstanding: Mapped[Money]
    drawn: Mapped[Money]
    loans: Mapped[int] = mapped_column(BigInteger)  # ever drawn
    live_loans: Mapped[int] = mapped_column(BigInteger)
    first_time: Mapped[int] = mapped_column(BigInteger)
    days_sum: Mapped[int] = mapped_column(BigInteger)
    days_count: Mapped[int] = mapped_column(BigInteger)
    days_median: Mapped[Decimal] = mapped_column(Numeric(12, 1))
    overdue_loans: Mapped[int] = mapped_column(BigInteger)
    overdue_principal: Mapped[Money]
    small_micro_liability: Mapped[Money]
    bank_squares: Mapped[Decimal] = mapped_column(Numeric(50, 0))  # of liability per bank, fen²
    firm_squares: Mapped[Decimal] = mapped_column(Numeric(50, 0))
    largest_bank: Mapped[UUID | None]
    largest_bank_liability: Mapped[Money]
    largest_firm: Mapped[UUID | None]
    largest_firm_liability: Mapped[Money]
    releases: Mapped[dict[str, Any]]  # liability freed by the schedules, in fen, by month
    defaulted_loans: Mapped[int] = mapped_column(BigInteger)
    defaulted_liability: Mapped[Money]  # outstanding, of programme guarantors


class ParkRelease(Base):
    """What the schedules free in a park on a day, since a version of its figures. Append-only."""

    __tablename__ = "park_releases"

    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"), primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    amount: Mapped[Money]


class DealStep(Base):
    """Since when, and until when, a deal was in a step before cash. A trigger keeps it."""

    __tablename__ = "deal_steps"
    __table_args__ = (
        Index(
            "ix_deal_steps_open",
            "park_code",
            "since",
            "deal_id",
            postgresql_where=text("until IS NULL"),
        ),
        Index(
            "ix_deal_steps_past",
            text("tstzrange(since, until)"),
            postgresql_using="gist",
        ),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # of the history's row
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    step: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class ParkConsent(WithId, Base):
    """A firm lets its park see its name where it is stuck or late, until it withdraws that."""

    __tablename__ = "park_consents"
    __table_args__ = (
        Index(
            "uq_park_consents_live",
            "firm_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    given_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    given_at: Mapped[datetime]
    withdrawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None]
