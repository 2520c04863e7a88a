"""The worker knows every task, does what is enqueued, and keeps to its clock."""

from pathlib import Path

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.types import QueueExecutionMode
from sqlalchemy import text

from app import worker
from app.core.db import connect
from app.integrations.store import open_store
from app.models.valuation_runs import ValuationResult
from app.services.actor import SYSTEM, bind
from app.services.tasks import Task, enqueue
from app.worker import SCHEDULES
from tests.make.valued import make_backed


async def test_runs_an_enqueued_task_and_every_job_of_the_clock(
    fresh_database: str, tmp_path: Path
) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            await enqueue(session, Task.PROMOTE_QUEUE)
        connection = await asyncpg.connect(fresh_database.replace("+asyncpg", "", 1))
        try:
            queuer = PgQueuer.from_asyncpg_connection(connection)
            worker.register(queuer, sessions=sessions, store=open_store(tmp_path.as_uri()))
            await queuer.qm.run(mode=QueueExecutionMode.drain)
        finally:
            await connection.close()

        for _, run in SCHEDULES.values():
            await run(sessions)

        async with sessions.begin() as session:
            left = await session.scalar(text("SELECT count(*) FROM pgqueuer"))
            unsealed = await session.scalar(
                text(
                    "SELECT count(*) FROM ledger_transfers t LEFT JOIN ledger_seals s"
                    " ON s.transfer_id = t.id WHERE s.sequence IS NULL"
                )
            )
    assert left == 0
    assert unsealed == 0
    assert {str(name) for name in queuer.qm.entrypoint_registry} == {*map(str, Task)}
    assert sorted(key.entrypoint for key in queuer.sm.registry) == sorted(SCHEDULES)


async def test_works_out_a_valuation(fresh_database: str, tmp_path: Path) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            backed = await make_backed(session)
        connection = await asyncpg.connect(fresh_database.replace("+asyncpg", "", 1))
        try:
            queuer = PgQueuer.from_asyncpg_connection(connection)
            worker.register(queuer, sessions=sessions, store=open_store(tmp_path.as_uri()))
            await queuer.qm.run(mode=QueueExecutionMode.drain, max_concurrent_tasks=worker.AT_ONCE)
        finally:
            await connection.close()
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            result = await session.get(ValuationResult, backed.run.id)
    assert result is not None
