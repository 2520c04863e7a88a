"""Quotes are sealed from rivals; the firm and the institution list their own."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.financing import FinancingRequest, Quote
from app.services import quotes
from app.services.actor import SYSTEM, Actor, bind
from tests.make.market import (
    GUARANTEE,
    LOAN,
    make_firm,
    make_institution,
    make_open_request,
    make_quote,
)


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await make_institution(session, OrganisationKind.BANK)


@pytest.fixture
async def request_(session: AsyncSession) -> FinancingRequest:
    return await make_open_request(session)


class TestSeal:
    async def test_a_rival_sees_nothing_and_the_firm_sees_all(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        firm = await make_firm(session)
        request = await make_open_request(session, firm)
        rival = await make_institution(session, OrganisationKind.BANK)
        quote = await make_quote(session, bank, request, LOAN)

        assert await quotes.list_quotes(session, actor=rival, limit=10) == []
        with pytest.raises(NotFound):
            await quotes.get_quote(session, actor=rival, quote_id=quote.id)
        with pytest.raises(NotFound):
            await quotes.withdraw_quote(session, actor=rival, quote_id=quote.id, now=now)
        shown = await quotes.list_for_firm(
            session, actor=firm, request_id=request.id, now=now, limit=10
        )
        assert [one.id for one in shown] == [quote.id]

    async def test_parks_and_agencies_see_none_and_the_authority_all(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)

        for kind in (OrganisationKind.PARK, OrganisationKind.AGENCY):
            outsider = await make_institution(session, kind)
            with pytest.raises(NotFound):
                await quotes.get_quote(session, actor=outsider, quote_id=quote.id)
        assert await quotes.get_quote(session, actor=SYSTEM, quote_id=quote.id) is quote

    async def test_row_level_security_seals_them_too(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest
    ) -> None:
        rival = await make_institution(session, OrganisationKind.BANK)
        await make_quote(session, bank, request_, LOAN)

        await bind(session, rival)

        assert (await session.scalars(select(Quote.id))).all() == []


class TestListForFirm:
    async def test_states_the_rate_on_the_loan_prime_rate_of_the_day(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        firm = await make_firm(session)
        request = await make_open_request(session, firm)
        rate = {"type": "lpr", "tenor": "5Y", "spread_bp": -35}
        await make_quote(session, bank, request, LOAN, rate=rate)
        guarantor = await make_institution(session, OrganisationKind.GUARANTOR)
        await make_quote(session, guarantor, request, GUARANTEE)

        loan, guarantee = await quotes.list_for_firm(
            session, actor=firm, request_id=request.id, now=now, limit=10
        )

        assert loan.rate_today is not None
        assert loan.rate_today.annual_rate_pct == Decimal("3.15")  # 3.50 % less 35 bp
        assert str(loan.rate_today.lpr_announced_on) == "2025-05-20"
        assert loan.rate_today.uncalibrated
        assert guarantee.rate_today is None

    async def test_pages_in_order_of_arrival(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        firm = await make_firm(session)
        request = await make_open_request(session, firm)
        first = await make_quote(session, bank, request, LOAN)
        rival = await make_institution(session, OrganisationKind.BANK)
        second = await make_quote(session, rival, request, LOAN)

        page = await quotes.list_for_firm(
            session, actor=firm, request_id=request.id, now=now, limit=1
        )
        rest = await quotes.list_for_firm(
            session, actor=firm, request_id=request.id, now=now, limit=1, after=page[0].id
        )

        assert [page[0].id, rest[0].id] == [first.id, second.id]

    async def test_another_firms_request_does_not_exist(
        self, session: AsyncSession, request_: FinancingRequest, now: datetime
    ) -> None:
        other = await make_firm(session)

        with pytest.raises(NotFound):
            await quotes.list_for_firm(
                session, actor=other, request_id=request_.id, now=now, limit=10
            )


class TestListQuotes:
    async def test_filters_and_pages_newest_first(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest
    ) -> None:
        other = await make_open_request(session)
        first = await make_quote(session, bank, request_, LOAN, reference="Q-1")
        second = await make_quote(session, bank, other, LOAN, reference="Q-2")

        async def listed(**filters: Any) -> list[Any]:
            found = await quotes.list_quotes(session, actor=bank, limit=10, **filters)
            return [quote.id for quote in found]

        assert await listed() == [second.id, first.id]
        assert await listed(after=second.id) == [first.id]
        assert await listed(request_id=other.id) == [second.id]
        assert await listed(reference="Q-1") == [first.id]
