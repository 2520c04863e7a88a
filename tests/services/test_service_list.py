"""The list of public services: two people publish, all may read, and old days answer as of old."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.public_services import VersionStatus
from app.services import service_list
from app.services.actor import NOBODY, bind
from app.services.service_list import OwnVersion, VersionProposed
from app.services.sheets import to_csv
from tests.make.parties import NOW
from tests.make.services import make_two_people, make_version, publish

TODAY = business_date(NOW)
LATER = NOW + timedelta(days=30)


async def names_found(session: AsyncSession, query: str) -> list[str]:
    rows = await service_list.search(
        session, on=TODAY, query=query, category=None, limit=10, after=None
    )
    return [row.name for row in rows]


async def test_whoever_proposes_does_not_publish(session: AsyncSession) -> None:
    one, other = await make_two_people(session)
    proposed = await service_list.propose(
        session, actor=one, code="pledges", data=make_version(), now=NOW
    )
    with pytest.raises(OwnVersion):
        await service_list.publish(session, actor=one, version_id=proposed.id, now=NOW)
    with pytest.raises(OwnVersion):
        await service_list.refuse(session, actor=one, version_id=proposed.id, reason="x", now=NOW)
    assert await names_found(session, "质押登记") == []

    done = await service_list.publish(session, actor=other, version_id=proposed.id, now=NOW)

    assert (done.number, done.status) == (1, VersionStatus.PUBLISHED)
    assert await names_found(session, "质押登记") == ["专利权质押登记"]


async def test_one_version_waits_at_a_time(session: AsyncSession) -> None:
    one, other = await make_two_people(session)
    first = await service_list.propose(
        session, actor=one, code="pledges", data=make_version(), now=NOW
    )
    with pytest.raises(VersionProposed):
        await service_list.propose(
            session, actor=other, code="pledges", data=make_version(), now=NOW
        )
    await service_list.withdraw(session, actor=one, version_id=first.id, now=NOW)
    second = await service_list.propose(
        session, actor=one, code="pledges", data=make_version(), now=NOW
    )
    with pytest.raises(IllegalMove):
        await service_list.publish(session, actor=other, version_id=first.id, now=NOW)

    assert second.number == 2


async def test_a_day_answers_by_the_version_in_force_then(session: AsyncSession) -> None:
    people = await make_two_people(session)
    await publish(session, people, "pledges")
    await publish(session, people, "pledges", form="网上", now=LATER)
    await publish(session, people, "pledges", offered=False, now=LATER + timedelta(days=30))

    forms = {}
    for days in (-1, 0, 29, 30, 59, 60):
        rows = await service_list.list_all(session, on=TODAY + timedelta(days=days))
        forms[days] = [row.form for row in rows]

    assert forms == {
        -1: [],
        0: ["窗口、网上"],
        29: ["窗口、网上"],
        30: ["网上"],
        59: ["网上"],
        60: [],
    }
    versions = await service_list.list_published(session, code="pledges")
    assert [row.number for row in versions] == [3, 2, 1]


async def test_chinese_words_are_found_in_any_order_and_the_best_come_first(
    session: AsyncSession,
) -> None:
    people = await make_two_people(session)
    await publish(session, people, "pledges")
    await publish(
        session,
        people,
        "fees",
        name="专利费用减缴",
        content="受理专利费用减缴备案",
        process=["备案"],
        name_en="Reduction of patent fees",
    )

    assert await names_found(session, "质押登记办理") == ["专利权质押登记"]
    assert await names_found(session, "减缴 专利") == ["专利费用减缴"]
    assert await names_found(session, "ＰＡＴＥＮＴ ＦＥＥＳ") == ["专利费用减缴", "专利权质押登记"]
    assert await names_found(session, "商标") == []
    with pytest.raises(FieldRefused):
        await names_found(session, "！？")


async def test_a_category_must_be_known_and_counts_what_it_has(session: AsyncSession) -> None:
    people = await make_two_people(session)
    with pytest.raises(FieldRefused):
        await publish(session, people, "pledges", category="strange")
    await publish(session, people, "pledges")

    counts = await service_list.list_categories(session, on=TODAY)

    assert {one.code: one.services for one in counts if one.services} == {"acceptance": 1}


async def test_nobody_reads_what_is_only_proposed(session: AsyncSession) -> None:
    people = await make_two_people(session)
    await publish(session, people, "pledges")
    await service_list.propose(
        session, actor=people[0], code="secret", data=make_version(), now=NOW
    )
    await bind(session, NOBODY)

    assert [row.code for row in await service_list.list_all(session, on=TODAY)] == ["pledges"]
    with pytest.raises(NotFound):
        await service_list.list_published(session, code="secret")


async def test_the_table_holds_the_whole_list(session: AsyncSession) -> None:
    people = await make_two_people(session)
    await publish(session, people, "pledges", contact="=1+1")

    table = to_csv(service_list.sheet_of(await service_list.list_all(session, on=TODAY)))

    text = table.decode("utf-8-sig")
    assert text.startswith("编码 code,版本 number")
    assert "预审 → 受理 → 领取登记通知书" in text
    assert "'=1+1" in text
