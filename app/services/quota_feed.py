"""The quota accounts' five counters as they change, for any number of readers in one process.

One poller serves all readers and runs only while there are some: a notification wakes it early,
and without any it looks every ``INTERVAL_S``. Between two looks it holds no connection.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.core.listening import listening
from app.schemas.figures import QuotaEvent
from app.services.actor import SYSTEM, bind
from app.services.programme import get_quota

log = structlog.get_logger()

CHANNEL = "quota"
INTERVAL_S = 2.0
"""How late a reader learns of a change whose notification was missed."""
GAP_S = 0.2
"""At most five looks a second, however much is notified."""


class QuotaFeed:
    """What the readers of one process share."""

    def __init__(self, sessions: Callable[[], Sessions], *, url: str | None, lifetime_s: float):
        self._sessions, self._url, self._lifetime_s = sessions, url, lifetime_s
        self._quotas: list[QuotaEvent] = []
        self._looked_at = 0.0  # on the loop's clock, when the look at them began
        self._readers = 0
        self._looked, self._hint, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._poller: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Let every reader come to its end; nobody is kept any more, and nothing is asked.

        The database may be stopping too, and a reader may be slow to take its last line.
        """
        self._ended.set()
        self._looked.set()
        if self._poller is not None:
            self._poller.cancel()

    async def watch(
        self, first: Sequence[QuotaEvent], *, park_code: str | None = None
    ) -> AsyncIterator[QuotaEvent]:
        """``first``, then the counters of the account (or of every one) whenever they change.

        Ends after the lifetime, so that nobody keeps what was meant for a while; readers come
        back by themselves.
        """
        clock = asyncio.get_running_loop().time
        begun = clock()
        seen = {quota.park_code: quota for quota in first}
        for quota in first:
            yield quota
        with self._reading():
            while (left := begun + self._lifetime_s - clock()) > 0 and not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._looked.wait(), left)
                if self._looked_at < begun:  # older than what the reader has
                    continue
                for quota in self._quotas:
                    code = quota.park_code
                    if park_code in {None, code} and seen.get(code) != quota:
                        seen[code] = quota
                        yield quota

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self._readers += 1
        if self._poller is None and not self._ended.is_set():
            self._poller = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers and self._poller is not None:
                self._poller.cancel()
                self._poller = None

    async def _poll(self) -> None:
        assert self._url is not None
        async with listening(self._url, CHANNEL, self._hint.set):
            while True:
                await asyncio.sleep(GAP_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hint.wait(), INTERVAL_S)
                self._hint.clear()
                try:
                    await self._look()
                except (OSError, DBAPIError) as error:
                    log.warning("cannot read the quota", error=str(error))

    async def _look(self) -> None:
        began = asyncio.get_running_loop().time()
        async with self._sessions().begin() as session:
            await bind(session, SYSTEM)
            self._quotas = await read_quota(session)
        self._looked_at = began
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()


async def read_quota(session: AsyncSession, *, park_code: str | None = None) -> list[QuotaEvent]:
    """The five counters of every account, or of one."""
    quotas = await get_quota(session, park_code=park_code)
    return [QuotaEvent.model_validate(quota) for quota in quotas]
