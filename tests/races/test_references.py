"""One reference or number for two at once: the second waits for the first, and is then refused."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import Sessions, connect
from app.core.errors import Conflict, DomainError
from app.core.money import Money
from app.identifiers.rights import Register
from app.lifecycle.deals import DealStatus, RegistrationEvent
from app.models.deals import Deal
from app.schemas.deals import FilingEvent
from app.services import drawdowns, registrations, repayments, requests, sealing
from app.services.actor import SYSTEM, Actor, bind
from app.services.constraints import refusing
from tests.make.deals import accept, approve_all, confirm_all, make_ready, make_table
from tests.make.limits import at
from tests.make.loans import make_drawn, receipt
from tests.make.market import make_draft, make_firm, make_portfolio, make_right
from tests.make.parties import NOW

Act = Callable[[AsyncSession], Awaitable[object]]

TODAY = business_date(NOW)
PATIENCE_S = 10
WAITS_FOR_ME = text("""
    SELECT count(*), pg_sleep(0.01) FROM pg_locks
    WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
""")


async def outcome(sessions: Sessions, actor: Actor, act: Act) -> str:
    """Do it in a transaction of its own: "done", or the code of the refusal."""
    try:
        async with sessions.begin() as session:
            await bind(session, actor)
            await act(session)
    except DomainError as error:
        return error.error_code()
    return "done"


async def second_of_two(sessions: Sessions, actor: Actor, first: Act, second: Act) -> str:
    """What comes of ``second`` when it runs into ``first``, which commits only then."""
    async with sessions.begin() as session:
        await bind(session, actor)
        await first(session)
        running = asyncio.create_task(outcome(sessions, actor, second))
        async with asyncio.timeout(PATIENCE_S):
            while not await session.scalar(WAITS_FOR_ME):
                pass
    return await running


def drawn(deal_id: UUID, drawdown_id: UUID, actor: Actor) -> Act:
    return lambda session: drawdowns.report_drawn(
        session,
        actor=actor,
        deal_id=deal_id,
        drawdown_id=drawdown_id,
        drawn_on=TODAY,
        reference="FK-1",
        last=True,
        now=NOW,
    )


async def test_one_reference_is_drawn_under_once(fresh_database: str) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            table = await make_table(session)
            tables = [table, await make_table(session, bank=table.bank)]
            acts = []
            for each in tables:
                deal = await make_ready(session, each)
                released = await drawdowns.release(
                    session, actor=each.bank, deal_id=deal.id, amount=Money.yuan(1), now=NOW
                )
                acts.append(drawn(deal.id, released.id, each.bank))

        assert await second_of_two(sessions, table.bank, *acts) == "reference-used"

        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            assert (await session.get_one(Deal, deal.id)).status is DealStatus.PERFECTING
            assert await sealing.verify(session) == []


async def test_one_number_is_registered_under_once(fresh_database: str) -> None:
    def register(deal_id: UUID, event: FilingEvent) -> Act:
        return lambda session: registrations.record(
            session,
            actor=table.bank,
            deal_id=deal_id,
            register=Register.PATENTS,
            event=event,
            number="Y2026640000123",
            on=TODAY,
            now=NOW,
        )

    async with connect(fresh_database) as sessions:
        acts = []
        async with sessions.begin() as session:
            table = await make_table(session)
            for each in (table, await make_table(session, bank=table.bank)):
                deal = await accept(session, each)
                await approve_all(session, each, deal)
                await confirm_all(session, each, deal)
                await register(deal.id, RegistrationEvent.SUBMIT)(session)
                acts.append(register(deal.id, RegistrationEvent.REGISTER))

        assert await second_of_two(sessions, table.bank, *acts) == "number-taken"


async def test_one_receipt_recorded_twice_at_once_is_one(fresh_database: str) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            loan = await make_drawn(session)
        on = loan.loan.first_day.replace(month=6)
        data = receipt("100.00", on, reference="R-1")
        ids = set()

        async def record(session: AsyncSession) -> None:
            stored = await repayments.record(
                session, actor=loan.bank, loan_id=loan.loan.id, data=data, now=at(on)
            )
            ids.add(stored.id)

        assert await second_of_two(sessions, loan.bank, record, record) == "done"
        assert len(ids) == 1


async def test_one_reference_of_a_firm_names_one_request(fresh_database: str) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            firm = await make_firm(session)
            portfolio = await make_portfolio(session, firm, [await make_right(session, firm)])
            drafts = [
                await requests.create_request(
                    session, actor=firm, draft=make_draft(portfolio.id), now=NOW
                )
                for _ in range(2)
            ]

        def name(request_id: UUID) -> Act:
            return lambda session: requests.edit_request(
                session,
                actor=firm,
                request_id=request_id,
                draft=make_draft(portfolio.id, reference="R-1"),
            )

        acts = [name(draft.id) for draft in drafts]
        assert await second_of_two(sessions, firm, *acts) == "reference-taken"


async def test_a_constraint_without_a_refusal_is_an_error(session: AsyncSession) -> None:
    quote = (await make_table(session)).loan

    async def break_a_foreign_key() -> None:
        async with refusing(session, {"uq_quotes_accepted": Conflict()}):
            quote.request_id = quote.id

    with pytest.raises(IntegrityError, match="fk_quotes_request_id"):
        await break_a_foreign_key()
