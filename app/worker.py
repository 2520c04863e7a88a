"""The worker's entry: runs jobs from the queue and by the clock until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job, Schedule

from app.core.db import Sessions, connect
from app.core.settings import Settings
from app.integrations.store import DocumentStore, open_store
from app.jobs import alerts, deals, imports, loans, market, programme, sealing, valuations
from app.services.tasks import Task

AT_ONCE = 20
"""Jobs that one worker takes at a time: of thousands it must leave some to the others."""

# Cron, in UTC; the sixth field is seconds. Late is harmless: each job asks the clock what is due.
SCHEDULES: dict[str, tuple[str, Callable[[Sessions], Awaitable[int]]]] = {
    "seal_ledger": ("* * * * * */30", sealing.seal_ledger),
    "close_ledger_days": ("*/5 * * * *", lambda sessions: sealing.close_days(sessions, now=_now())),
    "expire_deals": ("* * * * *", lambda sessions: deals.expire_due(sessions, now=_now())),
    "expire_market": ("* * * * *", lambda sessions: market.expire_due(sessions, now=_now())),
    "judge_clocks": ("*/10 * * * *", lambda sessions: market.judge_clocks(sessions, now=_now())),
    "sweep_alerts": ("* * * * *", lambda sessions: alerts.sweep(sessions, now=_now())),
    # Whoever frees room enqueues a promotion; this one is for a worker that died over it.
    "promote_queue": ("*/5 * * * *", lambda sessions: deals.promote_queue(sessions, now=_now())),
    # Soon after midnight in Ningxia, and again for what was decided while the worker was down.
    "change_programme": (
        "1-59/10 * * * *",
        lambda sessions: programme.take_effect_due(sessions, now=_now()),
    ),
    # Five past midnight in Ningxia.
    "mark_overdue": ("5 16 * * *", lambda sessions: loans.mark_overdue(sessions, now=_now())),
}


def _now() -> datetime:
    return datetime.now(UTC)


def register(queuer: PgQueuer, *, sessions: Sessions, store: DocumentStore) -> None:
    """Tell ``queuer`` every job there is. One that keeps failing is held, not forgotten."""
    entrypoint = partial(
        queuer.entrypoint, on_failure="hold", executor_factory=DatabaseRetryEntrypointExecutor
    )

    @entrypoint(Task.IMPORT_RIGHTS)
    async def import_rights(job: Job) -> None:
        await imports.import_rights(job, sessions=sessions, store=store)

    @entrypoint(Task.PROMOTE_QUEUE)
    async def promote_queue(_job: Job) -> None:
        await deals.promote_queue(sessions, now=_now())

    @entrypoint(Task.VALUE_PORTFOLIO)
    async def value_portfolio(job: Job) -> None:
        await valuations.value_portfolio(job, sessions=sessions)

    register_revaluation(queuer, sessions=sessions)
    for name, (expression, run) in SCHEDULES.items():
        queuer.schedule(name, expression, accepts_context=False)(_by_clock(run, sessions))


def register_revaluation(queuer: PgQueuer, *, sessions: Sessions) -> None:
    """The one job that `zhirong revalue --all` works on itself, beside any workers."""

    @queuer.entrypoint(
        Task.REVALUE_PLEDGE, on_failure="hold", executor_factory=DatabaseRetryEntrypointExecutor
    )
    async def revalue_pledge(job: Job) -> None:
        await valuations.revalue_pledge(job, sessions=sessions)


def _by_clock(
    run: Callable[[Sessions], Awaitable[int]], sessions: Sessions
) -> Callable[[Schedule], Awaitable[None]]:
    async def scheduled(_schedule: Schedule) -> None:
        await run(sessions)

    return scheduled


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT, letting those that run come to their end.

    Raises when the database goes away: whoever started us decides about a new try.
    """
    assert settings.database_url
    dsn = settings.database_url.replace("+asyncpg", "", 1)
    async with connect(settings.database_url, pool_size=settings.pool_size) as sessions:
        connection = await asyncpg.connect(dsn)
        try:
            queuer = PgQueuer.from_asyncpg_connection(connection)
            register(queuer, sessions=sessions, store=open_store(settings.documents_url))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, queuer.shutdown.set)
            await queuer.run(max_concurrent_tasks=AT_ONCE, shutdown_on_listener_failure=True)
        finally:
            await connection.close()


def main() -> None:
    try:
        asyncio.run(work(Settings()))
    except (OSError, asyncpg.PostgresError) as error:
        sys.exit(f"zhirong worker: {error}")


if __name__ == "__main__":
    main()
