"""Uploaded files: what they are and where they lie. The bytes are in the document store."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, WithId


class Document(WithId, Base):
    __tablename__ = "documents"
    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[str]  # contract, certificate, report, consent, import, other
    file_name: Mapped[str]
    content_type: Mapped[str]  # by content, not by name
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    store_key: Mapped[str]
    uploaded_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime]


class DocumentReader(Base):
    """Another organisation that may read a document, because it is a party of the deal."""

    __tablename__ = "document_readers"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
