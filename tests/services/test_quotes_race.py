"""Quotes that arrive at once, on real commits."""

import asyncio
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.db import Sessions, connect
from app.core.errors import DomainError
from app.lifecycle.financing import QuoteStatus
from app.lifecycle.parties import OrganisationKind
from app.models.financing import Quote
from app.services import quotes, requests
from app.services.actor import SYSTEM, Actor, bind
from tests.make.market import LOAN, make_firm, make_institution, make_offer, make_open_request

BANKS = 6


async def offer(sessions: Sessions, bank: Actor, request_id: UUID, now: datetime) -> str:
    """What came of it: "offered", or the code of the refusal."""
    try:
        async with sessions.begin() as session:
            await bind(session, bank)
            await quotes.offer_quote(
                session, actor=bank, request_id=request_id, offer=make_offer(LOAN), now=now
            )
    except DomainError as error:
        return error.error_code()
    return "offered"


async def test_one_bank_quoting_twice_at_once_has_one_quote(
    fresh_database: str, now: datetime
) -> None:
    async with connect(fresh_database) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            request_id = (await make_open_request(session)).id
            bank = await make_institution(session, OrganisationKind.BANK)

        outcomes = await asyncio.gather(*(offer(sessions, bank, request_id, now) for _ in range(4)))

    assert sorted(outcomes) == ["already-quoted"] * 3 + ["offered"]


async def test_a_withdrawn_request_keeps_no_live_quote_however_they_interleave(
    fresh_database: str, now: datetime
) -> None:
    async with connect(fresh_database, pool_size=BANKS + 1) as sessions:
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            firm = await make_firm(session)
            request_id = (await make_open_request(session, firm)).id
            banks = [await make_institution(session, OrganisationKind.BANK) for _ in range(BANKS)]

        async def withdraw() -> str:
            async with sessions.begin() as session:
                await bind(session, firm)
                await requests.withdraw_request(session, actor=firm, request_id=request_id, now=now)
            return "withdrawn"

        outcomes = await asyncio.gather(
            *(offer(sessions, bank, request_id, now) for bank in banks[:3]),
            withdraw(),
            *(offer(sessions, bank, request_id, now) for bank in banks[3:]),
        )
        async with sessions.begin() as session:
            await bind(session, SYSTEM)
            live = await session.scalar(
                select(func.count()).where(
                    Quote.request_id == request_id, Quote.status == QuoteStatus.OFFERED
                )
            )

    assert "withdrawn" in outcomes
    assert set(outcomes) <= {"withdrawn", "offered", "not-found", "request-not-open"}
    assert live == 0
