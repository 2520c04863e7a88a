"""Two people, two guarantors, sixty-four firms at once: the programme's changes under load."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import select, text

from app.core.db import Sessions, connect
from app.core.errors import DomainError
from app.core.money import Money
from app.lifecycle.deals import DealStatus
from app.lifecycle.programme import ChangeStatus
from app.models.ledger import LedgerTransfer
from app.models.organisations import Organisation
from app.models.programme import ProgrammeChange
from app.services import acceptance, funds, programme, programme_changes, sealing
from app.services.actor import SYSTEM, Actor, bind
from tests import postgres
from tests.make.deals import Table, make_table
from tests.make.funds import make_fund
from tests.make.market import GUARANTEE, LOAN, make_open_request, make_quote
from tests.make.parties import NOW, make_actor
from tests.make.programme import NO_CAPS, TODAY, Pair, decide, make_pair, propose
from tests.races.test_room import AUDIT, make_tables

CLIENTS = 64
AT_ONCE = 16


@pytest.fixture
async def audited(database: str) -> AsyncIterator[str]:
    """A fresh database that keeps what each commit left; ``database`` has made the template."""
    assert database
    name = f"audited_{uuid4().hex}"
    owner_url, app_url = postgres.clone(name)
    owner = await asyncpg.connect(owner_url.replace("+asyncpg", "", 1))
    await owner.execute(AUDIT)
    await owner.close()
    yield app_url
    postgres.drop(name)


async def accept(sessions: Sessions, table: Table, at_once: asyncio.Semaphore) -> str:
    """The status of the deal, or the code of the refusal."""
    try:
        async with at_once, sessions.begin() as session:
            await bind(session, table.firm)
            deal = await acceptance.accept_package(
                session,
                actor=table.firm,
                request_id=table.request_id,
                loan=(table.loan_id, 1),
                guarantee=(table.guarantee_id, 1),
                insurance=None,
                now=NOW,
            )
            return deal.status
    except DomainError as error:
        return error.error_code()


async def approve(sessions: Sessions, actor: Actor, change: ProgrammeChange) -> str:
    try:
        async with sessions.begin() as session:
            await bind(session, actor)
            done = await programme_changes.approve(
                session, actor=actor, change_id=change.id, now=NOW
            )
            return done.status
    except DomainError as error:
        return error.error_code()


async def make_transfer(pair: Pair, sessions: Sessions, amount: str) -> ProgrammeChange:
    async with sessions.begin() as session:
        await bind(session, pair.maker)
        return await propose(
            session,
            pair,
            "transfer",
            source="PINGLUO",
            target="RESERVE",
            amount=amount,
        )


async def test_of_two_approvals_at_once_one_wins(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=8) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            pair = await make_pair(session)
            office = pair.maker.organisation_id
            checkers = [pair.checker]
            for _ in range(3):
                one = await make_actor(session, await session.get_one(Organisation, office))
                checkers.append(one)
        change = await make_transfer(pair, sessions, "1000000.00")

        outcomes = await asyncio.gather(
            *(approve(sessions, checker, change) for checker in checkers)
        )

        assert sorted(outcomes) == ["already-decided"] * 3 + [ChangeStatus.IN_FORCE]
        async with sessions.begin() as session:
            postings = await session.scalars(
                select(LedgerTransfer.amount).where(LedgerTransfer.reference == change.id)
            )
            assert postings.all() == [Money.yuan(1_000_000).fen]


async def test_a_payment_proposed_by_many_at_once_is_paid_in_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=8) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            pair = await make_pair(session)
            fund, _, _ = await make_fund(session, capital=Money(0))
        facts: dict[str, Any] = {
            "fund_id": str(fund.id),
            "amount": "1500000.00",
            "reference": "FIN-1",
        }

        async def pay_in() -> str:
            try:
                async with sessions.begin() as session:
                    await bind(session, pair.maker)
                    change = await propose(session, pair, "fund_capital", **facts)
                return await approve(sessions, pair.checker, change)
            except DomainError as error:
                return error.error_code()

        outcomes = await asyncio.gather(*(pay_in() for _ in range(8)))

        assert sorted(outcomes) == ["capital-reference-used"] * 7 + [ChangeStatus.IN_FORCE]
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            state = (await funds.states_of(session, [fund.id]))[fund.id]
            assert state.paid_in == Money.yuan(1_500_000)


async def test_a_transfer_among_sixty_four_acceptances_takes_nothing_that_is_used(
    audited: str,
) -> None:
    """Eight times 4,000,000 leave PINGLUO's 36,000,000 while 64 firms ask for 4,000,000 each."""
    at_once = asyncio.Semaphore(AT_ONCE)
    async with connect(audited, pool_size=AT_ONCE + 4) as sessions:
        tables = await make_tables(sessions, CLIENTS, limit=Money.yuan(1_000_000_000))
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            pair = await make_pair(session)
        changes = [await make_transfer(pair, sessions, "4000000.00") for _ in range(8)]

        acceptances = [accept(sessions, table, at_once) for table in tables]
        approvals = [approve(sessions, pair.checker, change) for change in changes]
        outcomes = await asyncio.gather(*acceptances, *approvals)

        held = outcomes[:CLIENTS].count(DealStatus.APPROVING)
        cut = outcomes[CLIENTS:].count(ChangeStatus.IN_FORCE)
        assert held + cut == 9
        assert outcomes[CLIENTS:].count("allocation-below-use") == 8 - cut
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            (quota,) = await programme.get_quota(session, park_code="PINGLUO")
            assert (quota.available, quota.held) == (Money(0), Money.yuan(4_000_000 * held))
            figures = await programme.get_figures(session, on=TODAY)
            assert figures.capacity == Money.yuan(200_000_000)
            all_within = await session.scalar(text("SELECT bool_and(within) FROM audit"))
            assert all_within
            assert await sealing.verify(session) == []


@pytest.mark.parametrize("same_guarantor", [True, False])
async def test_a_cap_lets_one_of_two_acceptances_of_a_firm_through(
    fresh_database: str, *, same_guarantor: bool
) -> None:
    """Also when the two share no ledger account: another park, another guarantor."""
    at_once = asyncio.Semaphore(2)
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            first = await make_table(session)
            other = first if same_guarantor else await make_table(session, park_code="NINGDONG")
            request = await make_open_request(
                session, first.firm, park_code=other.request.park_code
            )
            second = Table(
                first.firm,
                other.bank,
                other.guarantor,
                other.insurer,
                request,
                await make_quote(session, other.bank, request, LOAN),
                await make_quote(session, other.guarantor, request, GUARANTEE),
                other.insurance,
            )
            await decide(
                session,
                await make_pair(session),
                "caps",
                **(NO_CAPS | {"per_firm": {"amount": "7999999.99"}}),
            )

        outcomes = await asyncio.gather(
            *(accept(sessions, table, at_once) for table in (first, second))
        )

        assert sorted(outcomes) == [DealStatus.APPROVING, "cap-exceeded"]
