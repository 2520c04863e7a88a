"""Loans that were drawn: schedules, repayments, extensions, releases of the pledge."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import ZERO, Money
from app.lifecycle.deals import ExtensionStatus, LoanStatus


class Loan(WithId, Base):
    """The live loan of a deal. Its terms are frozen at the first drawdown."""

    __tablename__ = "loans"
    __table_args__ = (
        CheckConstraint("outstanding >= 0 AND outstanding <= drawn", name="outstanding"),
        CheckConstraint("settled_by_calls >= 0", name="settled_not_negative"),
        CheckConstraint("called >= 0", name="called_not_negative"),
        Index("ix_loans_bank_id_id", "bank_id", "id"),
        Index("ix_loans_firm_id_id", "firm_id", "id"),
        UniqueConstraint("bank_id", "reference"),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), unique=True)
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    reference: Mapped[str | None]  # the bank's own
    status: Mapped[LoanStatus] = mapped_column(default=LoanStatus.PERFORMING)
    drawn: Mapped[Money]
    outstanding: Mapped[Money]
    settled_by_calls: Mapped[Money] = mapped_column(default=ZERO)
    called: Mapped[Money] = mapped_column(default=ZERO)  # liability that those calls moved
    guarantee_share_pct: Mapped[Decimal]
    liability: Mapped[Money]  # the guarantor's, outstanding; equal to the ledger's
    in_programme: Mapped[bool]
    annual_rate_pct: Mapped[Decimal]
    penalty_multiple: Mapped[Decimal]
    method: Mapped[str]
    frequency: Mapped[str]
    day_count: Mapped[str]
    rounding: Mapped[str]
    settlement_day: Mapped[int | None]
    grace_months: Mapped[int]
    instalment_multiple: Mapped[Money | None]
    allocation_order: Mapped[list[str]]
    first_day: Mapped[date]
    term_months: Mapped[int]  # extensions included
    maturity_on: Mapped[date]
    schedule_version: Mapped[int] = mapped_column(default=1)
    level: Mapped[Money]  # what the schedule repays each time: instalment or part of principal
    accrues_from: Mapped[date]  # a prepayment or tranche inside a period starts its interest anew
    carried_interest: Mapped[Money] = mapped_column(default=ZERO)  # accrued before that day, unpaid
    retake_waiting: Mapped[bool] = mapped_column(default=False)  # a reversal waits for room
    marked: Mapped[str | None]


class Instalment(Base):
    """One line of one version of a loan's schedule, and what was paid on it.

    A version is the whole schedule: the lines already due are copied into it as they stood.
    """

    __tablename__ = "instalments"
    __table_args__ = (
        CheckConstraint("paid_principal BETWEEN 0 AND principal", name="paid_principal"),
        CheckConstraint("paid_interest BETWEEN 0 AND interest", name="paid_interest"),
        CheckConstraint("paid_penalty BETWEEN 0 AND penalty", name="paid_penalty"),
    )

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    due_on: Mapped[date]
    days: Mapped[int]
    principal: Mapped[Money]
    interest: Mapped[Money]
    penalty: Mapped[Money] = mapped_column(default=ZERO)  # charged up to penalty_through
    paid_principal: Mapped[Money] = mapped_column(default=ZERO)
    paid_interest: Mapped[Money] = mapped_column(default=ZERO)
    paid_penalty: Mapped[Money] = mapped_column(default=ZERO)
    penalty_through: Mapped[date | None]


class Repayment(WithId, Base):
    """Money the bank confirms to have received, and how it was applied."""

    __tablename__ = "repayments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("penalty + interest + principal + fees = amount", name="applied_in_full"),
        UniqueConstraint("loan_id", "reference"),
        Index("ix_repayments_loan_id_id", "loan_id", "id"),
    )

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    kind: Mapped[str]  # RepaymentKind
    choice: Mapped[str | None]  # PrepaymentChoice: what becomes less
    reference: Mapped[str]  # the bank's own number of the receipt
    amount: Mapped[Money]
    fees: Mapped[Money] = mapped_column(default=ZERO)
    penalty: Mapped[Money]
    interest: Mapped[Money]
    principal: Mapped[Money]
    freed: Mapped[Money]  # liability that became headroom again
    withdrawn: Mapped[Money] = mapped_column(default=ZERO)  # of it, above the signed capacity
    spared: Mapped[Money] = mapped_column(default=ZERO)  # of a waiting retake, no longer needed
    applied: Mapped[list[Any]]  # per instalment, so that a reversal can undo it exactly
    loan_before: Mapped[dict[str, Any]]  # version, level, accrual of the schedule, likewise
    version_after: Mapped[int]
    received_on: Mapped[date]
    confirmed_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
    reversal_reason: Mapped[str | None]


class Extension(WithId, Base):
    """展期 of a loan: a later maturity, with the consents it needs."""

    __tablename__ = "extensions"
    __table_args__ = (
        Index(
            "uq_extensions_live",
            "loan_id",
            unique=True,
            postgresql_where=text("status IN ('requested', 'agreed')"),
        ),
    )

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    status: Mapped[ExtensionStatus] = mapped_column(default=ExtensionStatus.REQUESTED)
    maturity_on: Mapped[date]
    reason: Mapped[str]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class ExtensionConsent(Base):
    """A party whose prior consent the extension needs, and when it gave it."""

    __tablename__ = "extension_consents"

    extension_id: Mapped[UUID] = mapped_column(ForeignKey("extensions.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    role: Mapped[str]
    consented_at: Mapped[datetime | None]
