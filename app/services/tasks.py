"""Work for the worker, enqueued in the transaction of the fact."""

import json
from enum import StrEnum

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncSession


class Task(StrEnum):
    """The jobs that exist, by the name they are enqueued under (app/jobs/)."""

    IMPORT_RIGHTS = "import_rights"
    PROMOTE_QUEUE = "promote_queue"


async def enqueue(
    session: AsyncSession,
    task: Task,
    payload: dict[str, str] | None = None,
) -> None:
    """Enqueue ``task``; it becomes visible to workers when the caller's transaction commits.

    SQLAlchemy sends BEGIN with the first statement. Ours has been sent by ``authenticate`` or
    ``bind``; without it the job would be there even after a rollback.
    """
    connection = await (await session.connection()).get_raw_connection()
    raw = connection.driver_connection
    assert raw is not None
    assert raw.is_in_transaction()
    await Queries(AsyncpgDriver(raw)).enqueue(task.value, json.dumps(payload or {}).encode())
