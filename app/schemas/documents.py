"""Wire shapes of documents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import PlainSerializer

from app.schemas.base import Output

Digest = Annotated[bytes, PlainSerializer(bytes.hex, return_type=str)]


class DocumentOut(Output):
    """``content_type`` is told by the content; ``sha256`` is hexadecimal."""

    id: UUID
    owner_id: UUID
    kind: str
    file_name: str
    content_type: str
    size: int
    sha256: Digest
    uploaded_at: datetime
