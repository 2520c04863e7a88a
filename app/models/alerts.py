"""Alerts: a figure has passed a threshold of the dated rule, and a person takes note."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.lifecycle.alerts import AlertStatus


class Alert(WithId, Base):
    """One open alert per subject, measure and level. ``subject`` is a park code or a guarantor."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open",
            "subject",
            "measure",
            "level",
            unique=True,
            postgresql_where=text("status <> 'cleared'"),
        ),
        Index("ix_alerts_subject_id", "subject", "id"),
    )

    subject: Mapped[str]
    measure: Mapped[str]  # a code of app/reference/alerts.toml
    level: Mapped[Decimal]  # the threshold that was passed
    value: Mapped[Decimal]  # of the measure, when it was raised
    status: Mapped[AlertStatus] = mapped_column(default=AlertStatus.RAISED)
    raised_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str | None]
    cleared_at: Mapped[datetime | None]
