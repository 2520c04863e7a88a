"""Wire shapes of bulk imports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.lifecycle.imports import ImportStatus
from app.schemas.base import Output


class ImportOut(Output):
    """``rows_done`` of ``rows_total`` is the progress.

    ``accepted`` are new rights, ``changed`` stored ones of which the file says otherwise; with
    ``unchanged`` and ``refused`` they add up.
    """

    id: UUID
    document_id: UUID | None
    format: str | None
    status: ImportStatus
    rows_total: int | None
    rows_done: int
    accepted: int
    changed: int
    unchanged: int
    refused: int
    unmapped: list[str]
    failure: str | None = Field(validation_alias="told_failure")
    created_at: datetime
    finished_at: datetime | None


class ImportRowOut(Output):
    """``line`` is the line, sheet row or ordinal in the file, from 1.

    ``replaced`` is what a changed right said before, by field: null where it said nothing, and
    for ``co_owners`` and ``events``, which are only added to.
    """

    id: UUID
    line: int
    outcome: str
    right_id: UUID | None
    field: str | None
    reason: str | None = Field(validation_alias="told_reason")
    value: str | None
    replaced: dict[str, Any] | None
