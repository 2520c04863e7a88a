"""The programme's changes, each by two people, and what every guarantor signed for, by day."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.money import Money
from app.lifecycle.programme import ChangeKind, ChangeStatus


class ProgrammeChange(WithId, Base):
    """A change that one manager of the authority proposes and another decides."""

    __tablename__ = "programme_changes"
    __table_args__ = (
        # Whatever the code above believes: nobody decides what they proposed.
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
        CheckConstraint(
            "(kind = 'guarantor_terms') = (guarantor_id IS NOT NULL)", name="guarantor"
        ),
        CheckConstraint("status <> 'failed' OR failure IS NOT NULL", name="failure"),
        Index("ix_programme_changes_guarantor_id_id", "guarantor_id", "id"),
        Index(
            "ix_programme_changes_due",
            "effective_on",
            "id",
            postgresql_where="status IN ('approved', 'signed')",
        ),
        # One payment is paid into a fund once, whoever proposes it at the same moment.
        Index(
            "uq_programme_changes_capital_reference",
            text("(facts ->> 'fund_id')"),
            text("(facts ->> 'reference')"),
            unique=True,
            postgresql_where=text(
                "kind = 'fund_capital' AND status IN ('proposed', 'approved', 'signed', 'in_force')"
            ),
        ),
    )

    kind: Mapped[ChangeKind]
    facts: Mapped[dict[str, Any]]  # by kind: schemas/programme.py
    effective_on: Mapped[date]
    reason: Mapped[str]
    status: Mapped[ChangeStatus] = mapped_column(default=ChangeStatus.PROPOSED)
    guarantor_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))  # who signs
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))  # of the authority
    decided_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))  # of the guarantor
    answered_at: Mapped[datetime | None]
    note: Mapped[str | None]  # why it was refused or withdrawn
    in_force_at: Mapped[datetime | None]
    failure: Mapped[str | None]  # why it could not take effect on its day


class GuarantorTerms(WithId, Base):
    """What one guarantor signed for, from a day on; the latest row is in force."""

    __tablename__ = "guarantor_terms"
    __table_args__ = (
        CheckConstraint("signed_capacity >= 0 AND capacity >= 0", name="capacity"),
        CheckConstraint("capacity <= signed_capacity", name="within_signed"),
        CheckConstraint("client_cap > 0", name="client_cap"),
        CheckConstraint(
            "(min_small_ticket_pct IS NULL) = (small_ticket_max IS NULL)", name="small_ticket"
        ),
        Index("ix_guarantor_terms_in_force", "guarantor_id", "valid_from", "id"),
    )

    guarantor_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    valid_from: Mapped[date]
    # None for what was signed before changes were made by two people.
    change_id: Mapped[UUID | None] = mapped_column(ForeignKey("programme_changes.id"), unique=True)
    signed_capacity: Mapped[Money]
    capacity: Mapped[Money]  # signed, or net assets × multiple if that is less
    client_cap: Mapped[Money | None]  # of its liability to one firm
    net_assets: Mapped[Money | None]
    net_asset_multiple: Mapped[Decimal | None]
    min_small_firm_pct: Mapped[Decimal | None]  # small and micro firms, of its liability
    min_small_ticket_pct: Mapped[Decimal | None]  # loans up to small_ticket_max, of its liability
    small_ticket_max: Mapped[Money | None]
