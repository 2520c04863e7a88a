"""Bulk imports of rights: their progress, and each row that was refused with its reason.

Reasons are stored in both languages and told in the reader's (app/core/messages.py).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId
from app.core.messages import either
from app.lifecycle.imports import ImportStatus


class Import(WithId, Base):
    __tablename__ = "imports"
    __table_args__ = (Index("ix_imports_owner_id_id", "owner_id", "id"),)

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))  # None: by shell
    format: Mapped[str | None]  # as found, or as stated by the caller
    status: Mapped[ImportStatus] = mapped_column(default=ImportStatus.QUEUED)
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)  # new rights
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    unmapped: Mapped[list[str]] = mapped_column(default=list)
    failure: Mapped[str | None]  # why the file cannot be read at all
    failure_zh: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    @property
    def told_failure(self) -> str | None:
        """The failure in the reader's language."""
        return either(self.failure, self.failure_zh)


class ImportRow(WithId, Base):
    """One row of an import: the right it became, or why it was refused."""

    __tablename__ = "import_rows"
    __table_args__ = (Index("ix_import_rows_import_id_line", "import_id", "line"),)

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id"))
    line: Mapped[int]
    outcome: Mapped[str]  # accepted, changed, unchanged, refused
    right_id: Mapped[UUID | None] = mapped_column(ForeignKey("rights.id"))
    field: Mapped[str | None]
    reason: Mapped[str | None]
    reason_zh: Mapped[str | None]
    value: Mapped[str | None]
    replaced: Mapped[dict[str, Any] | None]  # what stood before, by field; None for what was added

    @property
    def told_reason(self) -> str | None:
        """The reason in the reader's language."""
        return either(self.reason, self.reason_zh)
