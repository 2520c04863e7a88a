"""A priority by a dated rule: who goes first, how often, and that it is switched on by two."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.deals import DealStatus
from app.models.deals import Deal, QueueEntry
from app.models.organisations import Organisation
from app.services import alternatives, queue
from tests.make.deals import Table, accept, make_table
from tests.make.limits import make_limit
from tests.make.parties import NOW
from tests.make.programme import decide, make_pair

FOUR = Money.yuan(4_000_000)


async def prefer_small(session: AsyncSession, **changes: Any) -> None:
    rule = {
        "enabled": True,
        "preferred": ["small_and_micro"],
        "passes_max": 1,
        "days_max": 30,
        "text_zh": "小微企业优先，每笔最多被越过一次。",
        "text_en": "Small and micro firms first, past each deal once at most.",
    }
    await decide(session, await make_pair(session), "queue_rule", **(rule | changes))


async def make_queue(session: AsyncSession, *sizes: str) -> tuple[Table, list[Deal]]:
    """Firms of these sizes wait for one guarantor, in this order."""
    first = await make_table(session, limit=Money(1), size=sizes[0])
    deals = [await accept(session, first)]
    for size in sizes[1:]:
        table = await make_table(session, guarantor=first.guarantor, size=size)
        deals.append(await accept(session, table))
    return first, deals


async def give_room(session: AsyncSession, table: Table) -> int:
    """Room for one more deal, and the queue's answer to it."""
    guarantor = await session.get_one(Organisation, table.guarantor.organisation_id)
    await make_limit(session, guarantor, FOUR)
    return await queue.promote(session, now=NOW)


async def test_without_it_arrival_decides(session: AsyncSession) -> None:
    table, (large, small) = await make_queue(session, "large", "small")

    assert await give_room(session, table) == 1

    assert (large.status, small.status) == (DealStatus.RECONFIRMING, DealStatus.QUEUED)


async def test_the_preferred_pass_but_not_for_ever(session: AsyncSession) -> None:
    table, (large, first, second) = await make_queue(session, "large", "micro", "small")
    await prefer_small(session)

    await give_room(session, table)
    assert (first.status, large.status) == (DealStatus.RECONFIRMING, DealStatus.QUEUED)
    passed = await session.scalar(select(QueueEntry.passed).where(QueueEntry.deal_id == large.id))
    assert passed == 1

    await give_room(session, table)
    assert (large.status, second.status) == (DealStatus.RECONFIRMING, DealStatus.QUEUED)


async def test_the_place_tells_the_turn_and_the_rule(session: AsyncSession) -> None:
    table, (large, small) = await make_queue(session, "large", "small")
    await prefer_small(session)

    place = await alternatives.get_queue(session, actor=table.firm, deal_id=large.id, now=NOW)

    assert (place.position, place.rule.priority, place.rule.passes_max) == (2, True, 1)
    assert place.rule.text_zh.startswith("小微企业优先")
    assert small.status is DealStatus.QUEUED


async def test_whoever_waited_long_enough_is_first_again(session: AsyncSession) -> None:
    table, (large, _) = await make_queue(session, "large", "small")
    await prefer_small(session)
    later = NOW + timedelta(days=30)

    place = await alternatives.get_queue(session, actor=table.firm, deal_id=large.id, now=later)

    assert place.position == 1


async def test_a_key_industry_can_be_preferred_too(session: AsyncSession) -> None:
    first = await make_table(session, limit=Money(1), size="large")
    plain = await accept(session, first)
    key = await accept(
        session,
        await make_table(session, guarantor=first.guarantor, size="large", key_industry=True),
    )
    await prefer_small(session, preferred=["key_industry"])

    await give_room(session, first)

    assert (plain.status, key.status) == (DealStatus.QUEUED, DealStatus.RECONFIRMING)
