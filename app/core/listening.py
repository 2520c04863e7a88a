"""Hears PostgreSQL's notifications on a connection of its own, which is in no transaction."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import asyncpg
import structlog

RETRY_S = 5

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def listening(url: str, channel: str, heard: Callable[[], None]) -> AsyncIterator[None]:
    """Within the block ``heard`` is called for notifications of ``channel``; some may be missed."""
    task = asyncio.create_task(_listen(url, channel, heard))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _listen(url: str, channel: str, heard: Callable[[], None]) -> None:
    dsn = url.replace("+asyncpg", "", 1)
    while True:
        try:
            connection = await asyncpg.connect(dsn)
        except asyncpg.CannotConnectNowError:  # it starts or stops; the next try tells which
            await asyncio.sleep(RETRY_S)
            continue
        except (OSError, asyncpg.PostgresError) as error:
            log.warning("cannot listen", channel=channel, error=str(error))
            await asyncio.sleep(RETRY_S)
            continue
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_, lost=lost: lost.set())
            await connection.add_listener(channel, lambda *_: heard())
            heard()  # what was missed before
            await lost.wait()
        finally:
            connection.terminate()
