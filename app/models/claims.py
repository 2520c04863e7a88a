"""From overdue to recovered: grades, inspections, claims, recoveries, disposals of rights."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import ZERO, Money
from app.lending.grading import Grade
from app.lifecycle.funds import ClaimKind, ClaimStatus, DisposalKind, DisposalStatus


class LoanGrade(WithId, Base):
    """五级分类: the grade that days past due give at least, and the bank's own. Append-only."""

    __tablename__ = "loan_grades"
    __table_args__ = (
        CheckConstraint("days_past_due >= 0", name="days_not_negative"),
        Index("ix_loan_grades_loan_id_id", "loan_id", "id"),
    )

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    graded_on: Mapped[date]
    days_past_due: Mapped[int]
    floor: Mapped[Grade]
    own: Mapped[Grade]
    grade: Mapped[Grade]  # the one that counts
    reason: Mapped[str]  # why the own grade is another than the floor
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    graded_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    graded_at: Mapped[datetime]


class Inspection(WithId, Base):
    """贷后检查: what the bank found when it looked at a borrower. Append-only."""

    __tablename__ = "inspections"
    __table_args__ = (Index("ix_inspections_loan_id_id", "loan_id", "id"),)

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    inspected_on: Mapped[date]
    findings: Mapped[str]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    recorded_at: Mapped[datetime]


class Claim(WithId, Base):
    """A claim on the guarantor, the insurer or the fund, for principal that was lost.

    Two people of the payer look at it. It is paid once: the state that payment leaves is the proof.
    """

    __tablename__ = "claims"
    __table_args__ = (
        CheckConstraint("principal > 0 AND amount > 0", name="positive"),
        CheckConstraint(
            "settles >= principal OR (due IS NOT NULL AND approved < due)", name="settles"
        ),
        CheckConstraint("approved IS NULL OR approved BETWEEN 1 AND amount", name="approved"),
        CheckConstraint("(kind = 'fund') = (fund_id IS NOT NULL)", name="fund"),
        CheckConstraint("(kind = 'fund') = (filing_id IS NOT NULL)", name="filing"),
        Index(
            "uq_claims_in_flight",
            "loan_id",
            "kind",
            unique=True,
            postgresql_where=text("status IN ('submitted', 'reviewed', 'approved', 'paid')"),
        ),
        UniqueConstraint("claimant_id", "reference"),
        Index("ix_claims_loan_id", "loan_id"),
        Index("ix_claims_payer_id_id", "payer_id", "id"),
        Index("ix_claims_fund_id_id", "fund_id", "id"),
    )

    kind: Mapped[ClaimKind]
    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    filing_id: Mapped[UUID | None] = mapped_column(ForeignKey("fund_filings.id"))
    fund_id: Mapped[UUID | None] = mapped_column(ForeignKey("funds.id"))
    payer_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))  # or the fund's manager
    claimant_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    reference: Mapped[str]  # the claimant's own
    lost_on: Mapped[date]
    principal: Mapped[Money]  # still lost, the bank's part included
    settles: Mapped[Money]  # of the outstanding principal, what recoveries brought of it included
    amount: Mapped[Money]  # asked of the payer
    shares: Mapped[list[Any]]  # how the loss is shared, party by party
    trace: Mapped[list[Any]]
    status: Mapped[ClaimStatus] = mapped_column(default=ClaimStatus.SUBMITTED)
    due_on: Mapped[date | None]  # an answer is due by this day
    submitted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    reviewed_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    approved_at: Mapped[datetime | None]
    approved: Mapped[Money | None]
    due: Mapped[Money | None]  # what it came to at the approval; if cut, at the payment
    cut: Mapped[str | None]  # why less was approved than it came to
    refusal: Mapped[str | None]
    refused_at: Mapped[datetime | None]
    appeal: Mapped[str | None]
    paid_on: Mapped[date | None]
    payment_reference: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    hold_id: Mapped[UUID | None]  # on the fund's money, from approval to payment


class Recovery(WithId, Base):
    """Money that came in on a lost loan: costs first, then by what each bore, then interest."""

    __tablename__ = "recoveries"
    __table_args__ = (
        CheckConstraint("amount > 0 AND costs >= 0 AND costs <= amount", name="amounts"),
        CheckConstraint("costs + principal + interest = amount", name="split_in_full"),
        UniqueConstraint("loan_id", "reference"),
    )

    loan_id: Mapped[UUID] = mapped_column(ForeignKey("loans.id"))
    disposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("disposals.id"))
    reference: Mapped[str]  # the recorder's own number of the receipt
    received_on: Mapped[date]
    amount: Mapped[Money]
    costs: Mapped[Money] = mapped_column(default=ZERO)  # of enforcement
    principal: Mapped[Money]
    interest: Mapped[Money] = mapped_column(default=ZERO)
    claims_paid: Mapped[int]  # on the loan when it came in: who bears what changes with each
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    recorded_at: Mapped[datetime]


class RecoveryShare(Base):
    """One bearer's part of a recovery; it has the money once it says so."""

    __tablename__ = "recovery_shares"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    recovery_id: Mapped[UUID] = mapped_column(ForeignKey("recoveries.id"), primary_key=True)
    party: Mapped[str] = mapped_column(primary_key=True)  # bank, guarantee, insurance, fund
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    fund_id: Mapped[UUID | None] = mapped_column(ForeignKey("funds.id"))
    amount: Mapped[Money]
    received_at: Mapped[datetime | None]


class Disposal(WithId, Base):
    """A licence, sale, licence-back or buy-out of a pledged right, with its pledgee's consent."""

    __tablename__ = "disposals"
    __table_args__ = (
        CheckConstraint("price > 0", name="price_positive"),
        Index("ix_disposals_deal_id", "deal_id"),
        Index(
            "uq_disposals_sold",
            "right_id",
            unique=True,
            postgresql_where=text("kind <> 'licence' AND status <> 'refused'"),
        ),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"))
    kind: Mapped[DisposalKind]
    counterparty: Mapped[str]
    price: Mapped[Money]  # or the licence fee
    terms: Mapped[str]
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    status: Mapped[DisposalStatus] = mapped_column(default=DisposalStatus.PROPOSED)
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    escrow: Mapped[str | None]  # 提存: where the fee lies, by the pledgee's word
    note: Mapped[str | None]
    settled_at: Mapped[datetime | None]
