"""The list of public services (公共服务事项清单), in versions that two people publish."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.lifecycle.public_services import VersionStatus


class ServiceVersion(WithId, Base):
    """One version of one service; the published one counts until the next supersedes it."""

    __tablename__ = "service_versions"
    __table_args__ = (
        UniqueConstraint("code", "number"),
        Index(
            "uq_service_versions_published",
            "code",
            unique=True,
            postgresql_where=text("status = 'published'"),
        ),
        Index(
            "uq_service_versions_proposed",
            "code",
            unique=True,
            postgresql_where=text("status = 'proposed'"),
        ),
        Index("ix_service_versions_grams", "grams", postgresql_using="gin"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint(
            "(published_at IS NOT NULL) = (status IN ('published', 'superseded'))",
            name="published_at",
        ),
    )

    code: Mapped[str]
    number: Mapped[int]
    status: Mapped[VersionStatus] = mapped_column(default=VersionStatus.PROPOSED)
    offered: Mapped[bool]  # a version that is not takes the service off the list
    category: Mapped[str]  # a code of the dated rule "service_categories"
    name: Mapped[str]
    name_en: Mapped[str]
    content: Mapped[str]
    form: Mapped[str]  # online, at a window, by telephone …
    process: Mapped[list[str]]
    basis: Mapped[str]  # the rule that the service stands on
    contact: Mapped[str]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    refusal: Mapped[str | None]
    published_at: Mapped[datetime | None]
    in_force_from: Mapped[date | None]
    in_force_until: Mapped[date | None]  # the day on which the next one took over
