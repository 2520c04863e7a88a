"""Deals: an accepted package on its way to cash, and what hangs on it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.identifiers.rights import Register
from app.lifecycle.deals import (
    ApprovalStatus,
    ContractKind,
    ContractStatus,
    DealStatus,
    DrawdownStatus,
    PledgeeKind,
    QueueKind,
    QueueStatus,
    RegistrationStatus,
)
from app.lifecycle.parties import OrganisationKind


class Deal(WithId, Base):
    """One loan with at most one guarantee and one insurance, as the firm accepted them."""

    __tablename__ = "deals"
    __table_args__ = (
        CheckConstraint("principal > 0", name="principal_positive"),
        CheckConstraint("liability >= 0", name="liability_not_negative"),
        CheckConstraint("(guarantor_id IS NULL) = (guarantee_quote_id IS NULL)", name="guarantor"),
        CheckConstraint("(insurer_id IS NULL) = (insurance_quote_id IS NULL)", name="insurer"),
        CheckConstraint("guarantee_share_pct + insurance_share_pct <= 100", name="shares"),
        Index(
            "uq_deals_live",
            "request_id",
            unique=True,
            postgresql_where=text("status <> 'failed'"),
        ),
        # One renewal of a deal at a time, and one that was drawn for ever.
        Index(
            "uq_deals_renewal",
            "renews_deal_id",
            unique=True,
            postgresql_where=text("status <> 'failed'"),
        ),
        Index("ix_deals_firm_id_id", "firm_id", "id"),
        Index("ix_deals_bank_id_id", "bank_id", "id"),
        Index("ix_deals_guarantor_id_id", "guarantor_id", "id"),
        Index("ix_deals_insurer_id_id", "insurer_id", "id"),
        Index(
            "ix_deals_hold_expiring",
            "hold_expires_at",
            postgresql_where=text(
                "status IN ('reconfirming', 'approving', 'contracting', 'perfecting')"
            ),
        ),
        # What a bank's share of the programme is summed over at every acceptance.
        Index(
            "ix_deals_programme_bank",
            "bank_id",
            postgresql_where=text("in_programme AND status NOT IN ('failed', 'closed')"),
        ),
    )

    request_id: Mapped[UUID] = mapped_column(ForeignKey("financing_requests.id"))
    # The deal that this one renews: until its drawdown the pledge stays with that one.
    renews_deal_id: Mapped[UUID | None] = mapped_column(ForeignKey("deals.id"))
    firm_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    guarantor_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    loan_quote_id: Mapped[UUID] = mapped_column(ForeignKey("quotes.id"))
    guarantee_quote_id: Mapped[UUID | None] = mapped_column(ForeignKey("quotes.id"))
    insurance_quote_id: Mapped[UUID | None] = mapped_column(ForeignKey("quotes.id"))
    park_code: Mapped[str] = mapped_column(ForeignKey("parks.code"))
    status: Mapped[DealStatus]
    principal: Mapped[Money]  # approved; at first the amount quoted
    term_months: Mapped[int]
    guarantee_share_pct: Mapped[Decimal]
    insurance_share_pct: Mapped[Decimal]
    liability: Mapped[Money]  # the guarantor's, on the whole principal
    in_programme: Mapped[bool]  # a government guarantor, so the quota account is used too
    loan_terms: Mapped[dict[str, Any]]
    guarantee_terms: Mapped[dict[str, Any] | None]
    insurance_terms: Mapped[dict[str, Any] | None]
    pledgee: Mapped[PledgeeKind]
    held: Mapped[Money]  # liability held and not yet drawn; on the ledger, repeated for the gate
    hold_id: Mapped[UUID | None]  # the open pending transfer on the guarantor's limit
    quota_hold_id: Mapped[UUID | None]  # the open pending transfer on the quota account
    hold_expires_at: Mapped[datetime | None]  # on the database clock; NULL while a release is out
    use_of_funds: Mapped[str | None]
    available_until: Mapped[date | None]  # end of the availability period
    failure: Mapped[str | None]
    accepted_at: Mapped[datetime]


class DealRight(Base):
    """A right pledged for a deal. While ``released_at`` is empty nobody else can take it."""

    __tablename__ = "deal_rights"
    __table_args__ = (
        # The law for patents, the platform's policy for the rest: one live pledge per right.
        Index(
            "uq_deal_rights_live",
            "right_id",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), primary_key=True)
    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), primary_key=True)
    register: Mapped[Register]
    locked_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class QueueEntry(WithId, Base):
    """A deal, or a retake of a reversed repayment, that waits for room."""

    __tablename__ = "queue_entries"
    __table_args__ = (
        Index("ix_queue_entries_waiting", "arrival", postgresql_where=text("status = 'waiting'")),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    # One order of arrival for everything, handed out by a sequence.
    arrival: Mapped[int] = mapped_column(
        BigInteger, server_default=text("nextval('queue_arrival')"), unique=True
    )
    kind: Mapped[QueueKind]
    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), index=True)
    quota_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_accounts.id"))
    limit_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"))
    amount: Mapped[Money]
    lacks: Mapped[list[str]]  # ids of the accounts whose room is short
    passed: Mapped[int] = mapped_column(server_default="0")  # times that priority let one by
    status: Mapped[QueueStatus] = mapped_column(default=QueueStatus.WAITING)
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class Approval(WithId, Base):
    """An institution's decision on the deal (批复, 保审, 承保)."""

    __tablename__ = "approvals"
    __table_args__ = (UniqueConstraint("deal_id", "institution_id"),)

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    role: Mapped[OrganisationKind]
    status: Mapped[ApprovalStatus] = mapped_column(default=ApprovalStatus.PENDING)
    principal: Mapped[Money | None]  # approved for this much, never more than the deal's
    reference: Mapped[str | None]  # the institution's own number of the decision
    note: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class Condition(WithId, Base):
    """A condition precedent that an approval names; the approver records that it is met."""

    __tablename__ = "conditions"

    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approvals.id"), index=True)
    text: Mapped[str]
    met_at: Mapped[datetime | None]
    met_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))


class Contract(WithId, Base):
    """One version of one contract of a deal: a document both sides confirm."""

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("deal_id", "kind", "version"),
        Index(
            "uq_contracts_live",
            "deal_id",
            "kind",
            unique=True,
            postgresql_where=text("status <> 'replaced'"),
        ),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    kind: Mapped[ContractKind]
    version: Mapped[int]
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"))
    status: Mapped[ContractStatus] = mapped_column(default=ContractStatus.DRAFTED)
    drafted_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    drafted_at: Mapped[datetime]


class ContractConfirmation(Base):
    __tablename__ = "contract_confirmations"

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    confirmed_by: Mapped[UUID | None]  # the user, if a person did it
    confirmed_at: Mapped[datetime]


class Registration(WithId, Base):
    """The pledge in one register: patents, trademarks or copyrights."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("deal_id", "register"),
        # A change of registration may keep the number that it changes.
        Index(
            "uq_registrations_register_number",
            "register",
            "number",
            unique=True,
            postgresql_where=text("renews_id IS NULL"),
        ),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    register: Mapped[Register]
    # The registration of the old deal that this one changes (变更登记).
    renews_id: Mapped[UUID | None] = mapped_column(ForeignKey("registrations.id"))
    pledgee: Mapped[PledgeeKind]
    status: Mapped[RegistrationStatus] = mapped_column(default=RegistrationStatus.PREPARED)
    number: Mapped[str | None]  # given by the register
    registered_on: Mapped[date | None]
    cancelled_on: Mapped[date | None]
    remark: Mapped[str | None]  # what the register asked or why it refused


class Milestone(Base):
    """Acts the gate waits for that have no state of their own: guarantee effective, policy paid."""

    __tablename__ = "milestones"

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    recorded_at: Mapped[datetime]
    reference: Mapped[str | None]


class Drawdown(WithId, Base):
    """A dated release to the bank for one tranche, and what the bank reports of it."""

    __tablename__ = "drawdowns"
    __table_args__ = (
        UniqueConstraint("deal_id", "tranche"),
        UniqueConstraint("bank_id", "reference"),
        CheckConstraint("amount > 0", name="amount_positive"),
        # One release at a time: the hold waits for the bank's report on it.
        Index(
            "uq_drawdowns_released",
            "deal_id",
            unique=True,
            postgresql_where=text("status = 'released'"),
        ),
    )

    deal_id: Mapped[UUID] = mapped_column(ForeignKey("deals.id"))
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    tranche: Mapped[int]
    amount: Mapped[Money]
    last: Mapped[bool]  # no further tranche: what is left of the hold is voided
    status: Mapped[DrawdownStatus] = mapped_column(default=DrawdownStatus.RELEASED)
    released_at: Mapped[datetime]
    valid_until: Mapped[date]
    hold_expires_at: Mapped[datetime | None]  # of the deal before; comes back if nothing is drawn
    drawn_on: Mapped[date | None]
    liability: Mapped[Money | None]  # moved from held to outstanding
    reference: Mapped[str | None]  # the bank's own number of the payment
    reported_at: Mapped[datetime | None]
