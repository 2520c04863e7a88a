"""Cases of public services, whatever their kind: entries in a chain, clocks, and what is public."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId


class Case(WithId, Base):
    """A case by the version of its kind that was in force when it was opened."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_kind_id", "kind", "id"),
        Index("ix_cases_applicant_id_id", "applicant_id", "id"),
        Index("ix_cases_handler_id_id", "handler_id", "id"),
        Index("ix_cases_respondent_id_id", "respondent_id", "id"),
        Index("ix_cases_parent_id_id", "parent_id", "id"),
        Index("ix_cases_due_on", "due_on", postgresql_where=text("due_on IS NOT NULL")),
    )

    serial: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    kind: Mapped[str]
    kind_from: Mapped[date]  # the version it lives by
    title: Mapped[str]
    applicant_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    handler_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    respondent_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"))
    state: Mapped[str]
    fields: Mapped[dict[str, Any]]
    entries: Mapped[int]  # how many there are
    head: Mapped[bytes] = mapped_column(LargeBinary)  # the digest of the last
    due_on: Mapped[date | None]  # of the clock that runs out first
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class CaseEntry(Base):
    """What was done in a case, by whom. Append-only; each digest covers the one before it."""

    __tablename__ = "case_entries"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    move: Mapped[str]
    source: Mapped[str]
    target: Mapped[str]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str]
    fields: Mapped[dict[str, Any]]  # those stated with this entry
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    document_sha256: Mapped[str | None]
    at: Mapped[datetime]
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class CaseClock(Base):
    """One run of a clock of a case. What stopped stays as it was judged."""

    __tablename__ = "case_clocks"
    __table_args__ = (
        CheckConstraint("(stopped_on IS NULL) = (late IS NULL)", name="judged"),
        Index("ix_case_clocks_clock", "clock", "started_on"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    clock: Mapped[str] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    started_on: Mapped[date]
    due_on: Mapped[date | None]  # unknown while the day it hangs on is not stated
    paused_on: Mapped[date | None]
    stopped_on: Mapped[date | None]
    working_days: Mapped[int | None]  # from start to stop
    late: Mapped[bool | None]


class CasePublication(Base):
    """What is public of a case, and nothing else of it."""

    __tablename__ = "case_publications"
    __table_args__ = (
        Index("ix_case_publications_grams", "grams", postgresql_using="gin"),
        Index("ix_case_publications_kind_case_id", "kind", "case_id"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    parent_id: Mapped[UUID | None]
    kind: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    fields: Mapped[dict[str, Any]]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    published_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
