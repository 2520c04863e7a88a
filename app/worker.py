"""The worker's entry: runs jobs from the queue until it is told to stop."""

import asyncio
import signal
import sys

import asyncpg
from pgqueuer import PgQueuer

from app.core.settings import Settings


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT, letting those that run come to their end.

    Raises when the database goes away: whoever started us decides about a new try.
    """
    assert settings.database_url
    dsn = settings.database_url.replace("+asyncpg", "", 1)
    connection = await asyncpg.connect(dsn)
    try:
        queuer = PgQueuer.from_asyncpg_connection(connection)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, queuer.shutdown.set)
        await queuer.run(shutdown_on_listener_failure=True)
    finally:
        await connection.close()


def main() -> None:
    try:
        asyncio.run(work(Settings()))
    except (OSError, asyncpg.PostgresError) as error:
        sys.exit(f"zhirong worker: {error}")


if __name__ == "__main__":
    main()
