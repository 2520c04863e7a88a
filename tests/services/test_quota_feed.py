"""The feed behind the live streams, and that it asks nothing of a database once it was ended."""

import asyncio

from app.core.db import connect
from app.core.money import Money
from app.services.actor import SYSTEM, bind
from app.services.quota_feed import QuotaFeed, read_quota


async def test_an_ended_feed_listens_no_more_even_if_a_reader_is_slow(fresh_database: str) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            first = (await read_quota(session))[0]
        before = asyncio.all_tasks()
        feed = QuotaFeed(lambda: sessions, url=fresh_database, lifetime_s=600)
        reader = feed.watch([first.model_copy(update={"held": Money(1)})])
        await anext(reader)
        await anext(reader)  # what the feed looked up; the reader takes nothing more for now
        asking = asyncio.all_tasks() - before
        assert asking

        feed.end()

        _, still = await asyncio.wait(asking, timeout=5)
        assert not still
        assert [quota async for quota in reader if quota.held == Money(1)] == []
