"""Budgets and places under races: exactly as many as there are, paid once, nobody passed over."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions, connect
from app.core.errors import DomainError
from app.core.money import ZERO, Money
from app.lifecycle.grants import ApplicationStatus, WindowStatus
from app.models.grants import GrantApplication
from app.services import (
    grant_budgets,
    grant_endings,
    grant_notices,
    grant_payments,
    sealing,
)
from app.services.actor import SYSTEM, Actor, bind
from tests.make import grants
from tests.make.grants import AFTER_NOTICE, Desk
from tests.make.parties import NOW

AT_ONCE = 8

Act = Callable[[AsyncSession], Awaitable[object]]


async def race(sessions: Sessions, actor: Actor, acts: Sequence[Act]) -> Counter[str]:
    """What came of all the acts at once: done, or the code of the refusal."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(act: Act) -> str:
        async with gate:
            try:
                async with sessions.begin() as session:
                    await bind(session, actor)
                    await act(session)
            except DomainError as error:
                return error.error_code()
            return "done"

    return Counter(await asyncio.gather(*(one(act) for act in acts)))


def noticing(desk: Desk, application_id: UUID) -> Act:
    return lambda session: grant_notices.notice(
        session, actor=desk.first, application_id=application_id, now=NOW
    )


async def state_of(sessions: Sessions, desk: Desk) -> grant_budgets.BudgetState:
    async with sessions.begin() as session:
        await bind(session, SYSTEM)
        assert await sealing.verify(session) == []
        budget = await grant_budgets.lock_budget(session, desk.programme.budget_id)
        return (await grant_budgets.states_of(session, [budget]))[budget.id]


async def make(sessions: Sessions, measure: int, counts: Sequence[int]) -> tuple[Desk, list[UUID]]:
    """A desk with so many recommended applications in each of several windows."""
    found: list[UUID] = []
    async with sessions.begin() as session:
        desk = await grants.make_desk(session, measure)
        for number, count in enumerate(counts):
            if number:
                desk.window = await grants.open_window(session, desk)
            rows = await grants.make_recommended(session, desk, count, first=len(found))
            found += [row.id for row in rows]
    return desk, found


async def test_two_hundred_recommended_in_two_windows_leave_a_hundred_places(
    fresh_database: str,
) -> None:
    async with connect(fresh_database, pool_size=AT_ONCE) as sessions:
        desk, rows = await make(sessions, 9, (100, 100))

        outcome = await race(sessions, desk.first, [noticing(desk, row) for row in rows])

        assert outcome == {"done": 100, "budget-spent": 100}
        state = await state_of(sessions, desk)
        assert (state.reserved, state.left) == (Money(100), ZERO)


async def test_awards_for_the_last_of_the_pot_leave_not_a_fen_over(fresh_database: str) -> None:
    """Each asks for 600,000 of 1,100,000: one has it, one the rest, nobody more."""
    async with connect(fresh_database, pool_size=AT_ONCE) as sessions:
        desk, rows = await make(sessions, 2, (10, 10))

        outcome = await race(sessions, desk.first, [noticing(desk, row) for row in rows])

        assert outcome == {"done": 2, "budget-spent": 18}
        state = await state_of(sessions, desk)
        assert (state.reserved, state.left) == (Money.yuan(1_100_000), ZERO)


async def test_withdrawals_racing_with_notices_never_overspend_and_strand_nothing(
    fresh_database: str,
) -> None:
    async with connect(fresh_database, pool_size=AT_ONCE) as sessions:
        desk, rows = await make(sessions, 9, (60, 60))
        await race(sessions, desk.first, [noticing(desk, row) for row in rows])

        def withdrawing(row: UUID) -> Act:
            return lambda session: grant_endings.withdraw(
                session, actor=desk.firm, application_id=row, now=NOW
            )

        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            found = await session.execute(select(GrantApplication.id, GrantApplication.status))
            statuses = dict(found.all())
        held = [row for row in rows if statuses[row] is ApplicationStatus.NOTICED]
        waiting = [row for row in rows if statuses[row] is ApplicationStatus.RECOMMENDED]
        assert (len(held), len(waiting)) == (100, 20)

        both = await asyncio.gather(
            race(sessions, desk.firm, [withdrawing(row) for row in held[:15]]),
            race(sessions, desk.first, [noticing(desk, row) for row in waiting]),
        )
        assert both[0] == {"done": 15}
        again = await race(sessions, desk.first, [noticing(desk, row) for row in waiting])

        assert both[1]["done"] + again["done"] == 15
        state = await state_of(sessions, desk)
        assert (state.reserved, state.left) == (Money(100), ZERO)


async def test_a_ranked_window_hands_every_freed_place_to_the_next_best(
    fresh_database: str,
) -> None:
    """Four of the hundred best withdraw at once: the four best of those who wait come in."""
    async with connect(fresh_database, pool_size=AT_ONCE) as sessions:
        async with sessions.begin() as session:
            desk = await grants.make_desk(session, 9)
            crowd = await grants.make_recommended(session, desk, 110)
            desk.window.status = WindowStatus.DECIDED
            desk.window.ranked_by = desk.first.user_id
            for place, row in enumerate(crowd, start=1):
                row.place, row.slots = place, 1
                if place > 100:
                    row.status = ApplicationStatus.REVIEWING
        first = [row.id for row in crowd[:4]]
        acts: list[Act] = [
            lambda session, row=row: grant_endings.withdraw(  # type: ignore[misc]
                session, actor=desk.firm, application_id=row, now=NOW
            )
            for row in first
        ]

        assert await race(sessions, desk.firm, acts) == {"done": 4}

        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            places = await session.scalars(
                select(GrantApplication.place)
                .where(GrantApplication.status == ApplicationStatus.RECOMMENDED)
                .order_by(GrantApplication.place)
            )
            assert list(places) == list(range(5, 105))


async def test_many_clicking_pay_at_once_pay_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=AT_ONCE) as sessions:
        async with sessions.begin() as session:
            desk = await grants.make_desk(session, 2)
            application = await grants.recommended(session, desk)
            await grants.notice(session, desk, application)
        approving: Act = lambda session: grants.approve(session, desk, application)  # noqa: E731
        outcome = await race(sessions, desk.second, [approving] * AT_ONCE)
        assert outcome == {"done": 1, "illegal-move": AT_ONCE - 1}
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            await grants.agree(session, desk, application)

        def paying(number: int) -> Act:
            return lambda session: grant_payments.pay(
                session,
                actor=desk.first,
                application_id=application.id,
                data=grants.payment(f"CZ-{number}"),
                now=AFTER_NOTICE,
            )

        outcome = await race(sessions, desk.first, [paying(n) for n in range(AT_ONCE)])
        assert outcome == {"done": 1, "done-otherwise": AT_ONCE - 1}
        state = await state_of(sessions, desk)
        assert (state.paid, state.committed) == (Money.yuan(600_000), ZERO)


async def test_one_contract_submitted_by_many_at_once_stands_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=AT_ONCE) as sessions:
        async with sessions.begin() as session:
            desk = await grants.make_desk(session, 4)
            other = await grants.open_window(session, desk)
        windows = [desk.window, other]

        def submitting(number: int) -> Act:
            async def act(session: AsyncSession) -> object:
                desk_of = Desk(**(vars(desk) | {"window": windows[number % 2]}))
                return await grants.submit(session, desk_of, "HT-1")

            return act

        outcome = await race(sessions, desk.firm, [submitting(n) for n in range(AT_ONCE)])

        assert outcome == {"done": 1, "awarded-twice": AT_ONCE - 1}
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            assert await session.scalar(select(func.count(GrantApplication.id))) == 1
