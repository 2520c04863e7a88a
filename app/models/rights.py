"""IP rights: what a register says of them, who owns, uses or holds them, and what happened."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, WithId
from app.identifiers.rights import Register, RightKind


class Right(WithId, Base):
    """One right of one register. Its number stands once on the whole platform."""

    __tablename__ = "rights"
    __table_args__ = (
        UniqueConstraint("jurisdiction", "register", "number"),
        Index("ix_rights_owner_id_id", "owner_id", "id"),
        CheckConstraint(
            "granted_on IS NULL OR filed_on IS NULL OR filed_on <= granted_on", name="dates_ordered"
        ),
        CheckConstraint("char_length(title) BETWEEN 1 AND 500", name="title_length"),
    )

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[RightKind]
    register: Mapped[Register]
    jurisdiction: Mapped[str]  # ISO 3166 or WIPO ST.3; only CN is pledgeable here
    number: Mapped[str]  # application number, trademark number or 登记号, normalised
    title: Mapped[str]
    holder_name: Mapped[str]  # the first holder as the register names it
    status_text: Mapped[str | None]  # as the source says it
    filed_on: Mapped[date | None]
    granted_on: Mapped[date | None]  # grant announced, or registered
    expires_on: Mapped[date | None]
    ended_on: Mapped[date | None]  # lapsed, invalidated, abandoned: moved by events
    publication_number: Mapped[str | None]
    grant_number: Mapped[str | None]
    ipc: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    nice: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)
    locarno: Mapped[str | None]
    certificate_number: Mapped[str | None]
    work_category: Mapped[str | None]
    version_number: Mapped[str | None]  # of software
    completed_on: Mapped[date | None]
    first_published_on: Mapped[date | None]
    annuity_paid_through_year: Mapped[int | None]
    ownership_disputed: Mapped[bool] = mapped_column(default=False)
    preserved: Mapped[bool] = mapped_column(default=False)  # frozen by a court (财产保全)
    invalidation_pending: Mapped[bool] = mapped_column(default=False)
    same_day_invention: Mapped[bool] = mapped_column(default=False)  # a utility model's twin
    cancellation_pending: Mapped[bool] = mapped_column(default=False)  # of a trademark
    similar_marks_outside: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str]  # "manual", or format and record id of the import
    demo: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime]

    co_owners: Mapped[list["CoOwner"]] = relationship(lazy="raise")
    licences: Mapped[list["Licence"]] = relationship(lazy="raise")
    encumbrances: Mapped[list["Encumbrance"]] = relationship(lazy="raise")
    events: Mapped[list["LegalEvent"]] = relationship(lazy="raise")


class CoOwner(WithId, Base):
    """Another owner of the right; its written consent is needed for a pledge."""

    __tablename__ = "co_owners"
    __table_args__ = (UniqueConstraint("right_id", "name"),)

    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"))
    name: Mapped[str]
    uscc: Mapped[str | None]
    share_pct: Mapped[Decimal | None]
    consent_document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))


class Licence(WithId, Base):
    __tablename__ = "licences"

    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), index=True)
    licensee: Mapped[str]
    exclusive: Mapped[bool]
    recordal_number: Mapped[str | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]


class Encumbrance(WithId, Base):
    """A pledge, preservation or other burden that a register shows, made outside this platform."""

    __tablename__ = "encumbrances"

    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"), index=True)
    kind: Mapped[str]  # pledge, preservation, other
    holder: Mapped[str]
    registration_number: Mapped[str | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]


class LegalEvent(WithId, Base):
    """What the register announced. The same event of the same day is recorded once."""

    __tablename__ = "legal_events"
    __table_args__ = (UniqueConstraint("right_id", "code", "announced_on", "description"),)

    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"))
    code: Mapped[str]
    announced_on: Mapped[date]
    effective_on: Mapped[date | None]
    description: Mapped[str]
    effect: Mapped[str | None]  # by the dated table of event codes
    source: Mapped[str]


class PrecheckConsent(WithId, Base):
    """Recorded consent of the firm to a finding that only warns (a waivable refusal ground)."""

    __tablename__ = "precheck_consents"
    __table_args__ = (UniqueConstraint("right_id", "ground"),)

    right_id: Mapped[UUID] = mapped_column(ForeignKey("rights.id"))
    ground: Mapped[str]
    statement: Mapped[str]
    consented_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    consented_at: Mapped[datetime]
