"""What every use case leaves behind: history, outbox, idempotency keys; and the dated rules."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId


class StatusChange(Base):
    """Who moved what, when, from which state to which. Append-only."""

    __tablename__ = "status_changes"
    __table_args__ = (Index("ix_status_changes_subject_id_id", "subject_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str]  # the machine's name
    subject_id: Mapped[UUID]
    source: Mapped[str]
    event: Mapped[str]
    target: Mapped[str]
    organisation_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    client_id: Mapped[UUID | None]
    at: Mapped[datetime]


class OutboxEvent(WithId, Base):
    """A fact for the world, written in the transaction of the fact."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_undelivered", "id", postgresql_where=text("delivered_at IS NULL")),
        Index("ix_outbox_events_organisation_id", "organisation_id", "transaction", "id"),
    )
    # Whoever tells others of a fact may not read it back.
    __mapper_args__ = {"eager_defaults": False}

    kind: Mapped[str]  # "deal.accepted"
    subject_id: Mapped[UUID]
    organisation_id: Mapped[UUID | None]  # whom it concerns, if one party only
    at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    # The database's own number of the transaction that wrote it: the order for readers.
    transaction: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    media_type: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    answered_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class RuleVersion(WithId, Base):
    """One dated version of a rule, cap, rate or list, with the text it comes from."""

    __tablename__ = "rule_versions"
    __table_args__ = (UniqueConstraint("key", "valid_from"),)

    key: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # last day in force
    source: Mapped[str]
    uncalibrated: Mapped[bool]
    body: Mapped[dict[str, Any]]
    loaded_at: Mapped[datetime] = mapped_column(server_default=func.now())
