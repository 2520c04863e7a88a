"""Work for the worker, enqueued in the transaction of the fact."""

import json
from collections.abc import Mapping
from enum import StrEnum

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BEHIND = -1
"""The priority of what can wait, such as a revaluation of everything; others have 0."""


class Task(StrEnum):
    """The jobs that exist, by the name they are enqueued under (app/jobs/)."""

    IMPORT_RIGHTS = "import_rights"
    PROMOTE_QUEUE = "promote_queue"
    VALUE_PORTFOLIO = "value_portfolio"
    REVALUE_PLEDGE = "revalue_pledge"


async def enqueue(
    session: AsyncSession,
    task: Task,
    payload: dict[str, str] | None = None,
) -> None:
    """Enqueue ``task``; it becomes visible to workers when the caller's transaction commits.

    SQLAlchemy sends BEGIN with the first statement. Ours has been sent by ``authenticate`` or
    ``bind``; without it the job would be there even after a rollback.
    """
    await (await _queue(session)).enqueue(task.value, json.dumps(payload or {}).encode())


async def enqueue_behind(
    session: AsyncSession, task: Task, payloads: Mapping[str, dict[str, str]]
) -> None:
    """Enqueue many of ``task`` behind everything else, by key: one still in the queue stays it."""
    keys = list(payloads)
    if not keys:
        return
    await (await _queue(session)).enqueue(
        [task.value] * len(keys),
        [json.dumps(payloads[key]).encode() for key in keys],
        [BEHIND] * len(keys),
        dedupe_key=list(keys),
        on_conflict="skip",
    )


async def count_in_flight(session: AsyncSession, task: Task) -> int:
    """How many of ``task`` wait, run, or will be tried again."""
    number = await session.scalar(
        text(
            "SELECT count(*) FROM pgqueuer"
            " WHERE entrypoint = :name AND status IN ('queued', 'picked')"
        ),
        {"name": task.value},
    )
    return number or 0


async def _queue(session: AsyncSession) -> Queries:
    connection = await (await session.connection()).get_raw_connection()
    raw = connection.driver_connection
    assert raw is not None
    assert raw.is_in_transaction()
    return Queries(AsyncpgDriver(raw))
