"""What can be booked: hours of the desk's windows, and public events with so many places."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.lifecycle.openings import OpeningKind, OpeningStatus


class Opening(WithId, Base):
    """Places at a time. ``taken`` can by no race come to more than ``capacity``."""

    __tablename__ = "openings"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="taken"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint("ends_at > starts_at", name="times_ordered"),
        CheckConstraint("(kind = 'appointment') = (window_code IS NOT NULL)", name="window"),
        Index("ix_openings_starts_at", "starts_at"),
        Index(
            "uq_openings_window",
            "window_code",
            "starts_at",
            unique=True,
            postgresql_where=text("status <> 'cancelled'"),
        ),
    )

    kind: Mapped[OpeningKind]
    window_code: Mapped[str | None]  # of the dated rule "desk_windows"
    organiser_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    title: Mapped[str]
    place: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]  # people
    taken: Mapped[int] = mapped_column(default=0)
    status: Mapped[OpeningStatus] = mapped_column(default=OpeningStatus.ANNOUNCED)
    announced_at: Mapped[datetime]


class Booking(WithId, Base):
    """Places that an organisation has taken, and whether it came."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("people > 0", name="people_positive"),
        Index(
            "uq_bookings_live",
            "opening_id",
            "organisation_id",
            unique=True,
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index("ix_bookings_organisation_id_id", "organisation_id", "id"),
    )

    opening_id: Mapped[UUID] = mapped_column(ForeignKey("openings.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    people: Mapped[int]
    matter: Mapped[str | None]  # a kind of case that the window accepts
    booked_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    attended: Mapped[bool | None]
