"""Clocks of the green channel, counted by hand across the National Day holiday of 2026.

Working days after Wednesday 30 September: 8, 9, Saturday 10, 12, 13, 14, 15, 16, 19, 20 October.
"""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.records import OutboxEvent
from app.models.workdays import ClockJudgement, GreenEntry
from app.schemas.green_channel import CalendarBody, CalendarDayIn, ClockOut
from app.services import clocks, green_channel, requests, work_calendar
from app.services.actor import SYSTEM, bind
from app.workdays.clocks import Outcome, Step
from tests.make.deals import Table, confirm_all
from tests.make.green import Green, approve, make_green, on, quote_and_accept
from tests.make.parties import make_actor, make_organisation
from tests.make.renewals import make_maturing

OCT = [date(2026, 10, day) for day in range(1, 32)]


def oct_(day: int) -> date:
    return OCT[day - 1]


async def read(session: AsyncSession, green: Green, day: date) -> dict[tuple[Step, str], ClockOut]:
    await bind(session, SYSTEM)
    shown = await clocks.show_request(
        session, actor=green.firm, request_id=green.request.id, now=on(day)
    )
    return {(clock.step, clock.role.value): clock for clock in shown.clocks}


@pytest.mark.parametrize(
    ("park", "field", "grounds"),
    [
        ("PINGLUO", None, ["key_park"]),
        (None, "new_materials", ["key_industry"]),
        ("NINGDONG", "clean_energy", ["key_park", "key_industry"]),
        (None, None, None),
    ],
)
async def test_a_request_enters_by_its_park_or_its_industry(
    session: AsyncSession, park: str | None, field: str | None, grounds: list[str] | None
) -> None:
    green = await make_green(session, park=park, field=field)
    entry = await session.get(GreenEntry, green.request.id)

    assert (entry and entry.grounds) == grounds


async def test_the_first_quote_is_due_on_the_fifth_working_day_after_the_holiday(
    session: AsyncSession,
) -> None:
    green = await make_green(session)

    waiting = (await read(session, green, oct_(13)))[Step.FIRST_QUOTE, "bank"]
    late = (await read(session, green, oct_(14)))[Step.FIRST_QUOTE, "bank"]
    assert (waiting.due_on, waiting.outcome) == (oct_(13), Outcome.RUNNING)
    assert late.outcome is Outcome.LATE


async def test_each_institution_has_its_own_clock_for_its_approval(session: AsyncSession) -> None:
    green = await make_green(session)
    deal = await quote_and_accept(session, green, quoted_on=oct_(12), accepted_on=oct_(12))
    await approve(session, deal, green.bank, oct_(19))

    shown = await read(session, green, oct_(20))
    quote = shown[Step.FIRST_QUOTE, "bank"]
    bank, guarantor = shown[Step.APPROVAL, "bank"], shown[Step.APPROVAL, "guarantor"]
    assert (quote.outcome, quote.working_days) == (Outcome.ON_TIME, 4)
    assert (bank.due_on, bank.outcome, bank.working_days) == (oct_(19), Outcome.ON_TIME, 5)
    assert (guarantor.outcome, guarantor.party_id) == (
        Outcome.LATE,
        green.guarantor.organisation_id,
    )
    assert (Step.CONTRACTS, "bank") not in shown


async def test_contracts_and_filing_follow_and_the_parties_see_them(session: AsyncSession) -> None:
    green = await make_green(session)
    deal = await quote_and_accept(session, green, quoted_on=oct_(8), accepted_on=oct_(8))
    await approve(session, deal, green.bank, oct_(9))
    await approve(session, deal, green.guarantor, oct_(9))
    table = Table.__new__(Table)
    table.firm, table.bank = green.firm, green.bank
    table.guarantor = table.insurer = green.guarantor
    await confirm_all(session, table, deal)  # on 23 November

    shown = await clocks.show_deal(
        session, actor=green.guarantor, deal_id=deal.id, now=on(date(2026, 11, 23))
    )
    steps = {clock.step: clock for clock in shown.clocks}
    assert (steps[Step.CONTRACTS].due_on, steps[Step.CONTRACTS].outcome) == (
        oct_(13),
        Outcome.DONE_LATE,
    )
    assert steps[Step.REGISTRATION_FILING].due_on == date(2026, 11, 25)
    assert steps[Step.GUARANTEE_EFFECTIVE].due_on == date(2026, 11, 26)
    assert Step.DRAWDOWN not in steps
    assert Step.FIRST_QUOTE not in steps


async def test_others_see_no_clocks(session: AsyncSession) -> None:
    green = await make_green(session)
    deal = await quote_and_accept(session, green, quoted_on=oct_(8), accepted_on=oct_(8))
    stranger = (await make_green(session)).bank

    with pytest.raises(NotFound):
        await clocks.show_deal(session, actor=stranger, deal_id=deal.id, now=on(oct_(9)))


async def test_a_clock_that_becomes_late_is_announced_once_to_its_party_and_the_firm(
    session: AsyncSession,
) -> None:
    green = await make_green(session)
    deal = await quote_and_accept(session, green, quoted_on=oct_(12), accepted_on=oct_(12))
    await approve(session, deal, green.bank, oct_(13))
    for day in (19, 20, 21):
        await clocks.judge_due(session, now=on(oct_(day)))

    announced = await session.scalars(
        select(OutboxEvent).where(
            OutboxEvent.kind == "clock.late", OutboxEvent.subject_id == deal.id
        )
    )
    told = {(event.organisation_id, event.at) for event in announced}
    assert told == {
        (green.guarantor.organisation_id, on(oct_(20))),
        (green.firm.organisation_id, on(oct_(20))),
    }


async def test_what_was_judged_stays_when_the_calendar_is_changed_afterwards(
    session: AsyncSession,
) -> None:
    green = await make_green(session)
    deal = await quote_and_accept(session, green, quoted_on=oct_(14), accepted_on=oct_(14))
    await clocks.judge_due(session, now=on(oct_(15)))
    authority = await make_organisation(session, OrganisationKind.AUTHORITY)
    snow = [CalendarDayIn(on=oct_(day), working=False) for day in (13, 15)]
    body = CalendarBody(decree="暴雪停工通知", whole_year=False, days=snow)
    await work_calendar.put_days(session, body, set_by=authority.id, now=on(oct_(15)))

    shown = await read(session, green, oct_(16))
    quote, approval = shown[Step.FIRST_QUOTE, "bank"], shown[Step.APPROVAL, "bank"]
    assert (quote.due_on, quote.outcome) == (oct_(13), Outcome.DONE_LATE)
    # 16, 19, 20, 21, 22 October: the 15th is off for what still runs.
    assert (approval.due_on, approval.outcome) == (oct_(22), Outcome.RUNNING)
    assert deal.id == approval.deal_id


async def test_a_request_that_ends_is_settled_and_its_clock_is_nobody_s_fault(
    session: AsyncSession,
) -> None:
    green = await make_green(session)
    await requests.withdraw_request(
        session, actor=green.firm, request_id=green.request.id, now=on(oct_(9))
    )
    await session.flush()

    assert await clocks.judge_due(session, now=on(oct_(20))) == 1
    assert await clocks.judge_due(session, now=on(oct_(21))) == 0
    judged = (await session.scalars(select(ClockJudgement))).one()
    assert (judged.outcome, judged.late_at) == (Outcome.ENDED, None)


async def test_the_figures_agree_whether_the_worker_has_judged_or_not(
    session: AsyncSession,
) -> None:
    green = await make_green(session)
    deal = await quote_and_accept(session, green, quoted_on=oct_(12), accepted_on=oct_(12))
    await approve(session, deal, green.bank, oct_(19))
    other = await make_green(session)
    await quote_and_accept(session, other, quoted_on=oct_(14), accepted_on=oct_(14))
    park = await make_actor(session, await make_organisation(session, OrganisationKind.PARK))

    async def figures() -> dict[Step, tuple[object, ...]]:
        shown = await green_channel.show_park(
            session, actor=park, since=None, until=None, now=on(oct_(20))
        )
        return {
            row.step: (
                row.counted,
                row.on_time,
                str(row.on_time_share_pct),
                str(row.median_working_days),
                row.running,
                row.late_now,
            )
            for row in shown.parks[0].steps
        }

    before = await figures()
    await clocks.judge_due(session, now=on(oct_(20)))
    assert await figures() == before
    # Quotes after 4 and 6 working days; approvals: one in time, one late, two in their time.
    assert before[Step.FIRST_QUOTE] == (2, 1, "50.00", "5", 0, 0)
    assert before[Step.APPROVAL] == (1, 1, "100.00", "5", 3, 1)


async def test_the_public_sees_a_quarter_only_when_enough_firms_stand_behind_it(
    session: AsyncSession,
) -> None:
    for _ in range(4):
        green = await make_green(session)
        await quote_and_accept(session, green, quoted_on=oct_(12), accepted_on=oct_(12))
    later = on(date(2027, 1, 4))
    await clocks.judge_due(session, now=on(oct_(13)))
    few = await green_channel.show_public(session, quarter="2026-Q4", now=later)
    green = await make_green(session)
    await quote_and_accept(session, green, quoted_on=oct_(12), accepted_on=oct_(12))
    await clocks.judge_due(session, now=on(oct_(14)))
    enough = await green_channel.show_public(session, quarter="2026-Q4", now=later)

    assert few.steps[0].counted is None
    assert (enough.steps[0].step, enough.steps[0].counted) == (Step.FIRST_QUOTE, 5)
    assert enough.steps[1].counted is None


async def test_the_gate_opens_the_drawdown_s_clock_with_the_last_thing_it_waits_for(
    session: AsyncSession,
) -> None:
    maturing = await make_maturing(session)
    entered = GreenEntry(
        request_id=maturing.deal.request_id,
        firm_id=maturing.deal.firm_id,
        park_code="PINGLUO",
        grounds=["key_park"],
        entered_at=maturing.deal.accepted_at,
        checked_at=maturing.deal.accepted_at,
    )
    session.add(entered)
    await session.flush()
    shown = await clocks.show_deal(
        session,
        actor=maturing.table.bank,
        deal_id=maturing.deal.id,
        now=on(date(2026, 11, 23)),
    )
    drawn = {clock.step: clock for clock in shown.clocks}[Step.DRAWDOWN]

    assert (drawn.due_on, drawn.outcome) == (date(2026, 11, 25), Outcome.ON_TIME)
