"""Runs queued imports of rights."""

import json
from datetime import UTC, datetime
from uuid import UUID

from pgqueuer.models import Job

from app.core.db import Sessions
from app.integrations.store import DocumentStore
from app.services import imports


async def import_rights(job: Job, *, sessions: Sessions, store: DocumentStore) -> None:
    """Task.IMPORT_RIGHTS: {"import_id": …}. Safe to run again after a crash."""
    payload = json.loads(job.payload or b"{}")
    await imports.run(
        sessions, store=store, import_id=UUID(payload["import_id"]), now=datetime.now(UTC)
    )
