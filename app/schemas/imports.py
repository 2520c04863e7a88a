"""Wire shapes of bulk imports."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.lifecycle.imports import ImportStatus
from app.schemas.base import Output


class ImportOut(Output):
    """``rows_done`` of ``rows_total`` is the progress; accepted + unchanged + refused = done."""

    id: UUID
    document_id: UUID | None
    format: str | None
    status: ImportStatus
    rows_total: int | None
    rows_done: int
    accepted: int
    unchanged: int
    refused: int
    unmapped: list[str]
    failure: str | None = Field(validation_alias="told_failure")
    created_at: datetime
    finished_at: datetime | None


class ImportRowOut(Output):
    """``line`` is the line, sheet row or ordinal in the file, from 1."""

    id: UUID
    line: int
    outcome: str
    right_id: UUID | None
    field: str | None
    reason: str | None = Field(validation_alias="told_reason")
    value: str | None
