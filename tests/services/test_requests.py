"""Financing requests: drafted, rewritten, listed, withdrawn, expired."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.financing import FinancingRequest
from app.models.rights import Right
from app.services import history, requests
from app.services.actor import SYSTEM, Actor, KindRefused, bind
from app.services.requests import NotADraft, ReferenceTaken
from tests.make.market import (
    LOAN,
    make_draft,
    make_firm,
    make_institution,
    make_open_request,
    make_portfolio,
    make_quote,
    make_right,
)


@pytest.fixture
async def firm(session: AsyncSession) -> Actor:
    return await make_firm(session)


async def draft_on(
    session: AsyncSession, firm: Actor, rights: list[Right], now: datetime, **changes: Any
) -> FinancingRequest:
    """A draft on a valued portfolio of ``rights``, as the firm."""
    portfolio = await make_portfolio(session, firm, rights)
    await bind(session, firm)
    return await requests.create_request(
        session, actor=firm, draft=make_draft(portfolio.id, **changes), now=now
    )


async def draft_of(
    session: AsyncSession, firm: Actor, now: datetime, **changes: Any
) -> FinancingRequest:
    await bind(session, SYSTEM)
    return await draft_on(session, firm, [await make_right(session, firm)], now, **changes)


class TestCreateRequest:
    async def test_is_a_draft_on_the_account_of_the_certifying_park(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        request = await draft_of(session, firm, now, reference="R-1")

        assert (request.status, request.park_code) == (RequestStatus.DRAFT, "PINGLUO")
        assert (request.amount, request.summary) == (Money.yuan(5_000_000), {})
        assert [change.event for change in await history.list_changes(session, [request.id])] == [
            "create"
        ]

    async def test_a_firm_outside_every_park_uses_the_regional_account(
        self, session: AsyncSession, now: datetime
    ) -> None:
        firm = await make_firm(session, park=None)

        assert (await draft_of(session, firm, now)).park_code == "REGION"

    async def test_a_reference_is_used_once_per_firm(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        await draft_of(session, firm, now, reference="R-1")
        other = await make_firm(session)

        assert await draft_of(session, other, now, reference="R-1")
        with pytest.raises(ReferenceTaken):
            await draft_of(session, firm, now, reference="R-1")

    async def test_only_a_portfolio_of_the_firms_will_do(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        other = await make_firm(session)
        portfolio = await make_portfolio(session, other, [await make_right(session, other)])

        with pytest.raises(FieldRefused, match="portfolio_id"):
            await requests.create_request(
                session, actor=firm, draft=make_draft(portfolio.id), now=now
            )

    async def test_is_for_firms(self, session: AsyncSession, now: datetime) -> None:
        bank = await make_institution(session, OrganisationKind.BANK)

        with pytest.raises(KindRefused):
            await requests.create_request(session, actor=bank, draft=make_draft(new_id()), now=now)


class TestEditRequest:
    async def test_rewrites_a_draft_as_a_whole(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        request = await draft_of(session, firm, now, reference="R-1")

        changed = make_draft(request.portfolio_id, amount=Money.yuan(1), term_months=6)
        await requests.edit_request(session, actor=firm, request_id=request.id, draft=changed)

        assert (request.amount, request.term_months) == (Money.yuan(1), 6)
        assert request.reference is None

    async def test_keeps_references_apart(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        await draft_of(session, firm, now, reference="R-1")
        second = await draft_of(session, firm, now, reference="R-2")
        second_id, portfolio_id = second.id, second.portfolio_id

        with pytest.raises(ReferenceTaken):
            await requests.edit_request(
                session,
                actor=firm,
                request_id=second_id,
                draft=make_draft(portfolio_id, reference="R-1"),
            )

    async def test_only_a_draft_and_only_ones_own(self, session: AsyncSession, firm: Actor) -> None:
        opened = await make_open_request(session, firm)
        other = await make_firm(session)

        with pytest.raises(NotADraft):
            await requests.edit_request(
                session, actor=firm, request_id=opened.id, draft=make_draft(opened.portfolio_id)
            )
        with pytest.raises(NotFound):
            await requests.edit_request(
                session, actor=other, request_id=opened.id, draft=make_draft(opened.portfolio_id)
            )


class TestListRequests:
    async def test_newest_first_by_page_or_by_reference(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        first = await draft_of(session, firm, now, reference="R-1")
        second = await draft_of(session, firm, now, reference="R-2")
        await draft_of(session, await make_firm(session), now)

        async def listed(**filters: Any) -> list[Any]:
            await bind(session, firm)
            found = await requests.list_requests(session, actor=firm, limit=10, **filters)
            return [request.id for request in found]

        assert await listed() == [second.id, first.id]
        assert await listed(after=second.id) == [first.id]
        assert await listed(reference="R-1") == [first.id]


class TestVisibleRequests:
    async def test_parks_and_agencies_see_none_and_the_authority_all(
        self, session: AsyncSession
    ) -> None:
        request = await make_open_request(session)

        for kind in (OrganisationKind.PARK, OrganisationKind.AGENCY):
            outsider = await make_institution(session, kind)
            with pytest.raises(NotFound):
                await requests.get_request(session, actor=outsider, request_id=request.id)
        assert await requests.get_request(session, actor=SYSTEM, request_id=request.id) is request


class TestWithdrawRequest:
    async def test_declines_the_quotes_on_it(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        request = await make_open_request(session, firm)
        bank = await make_institution(session, OrganisationKind.BANK)
        quote = await make_quote(session, bank, request, LOAN)
        await bind(session, firm)

        await requests.withdraw_request(session, actor=firm, request_id=request.id, now=now)

        assert (request.status, quote.status) == (RequestStatus.WITHDRAWN, QuoteStatus.DECLINED)

    async def test_a_matched_one_is_not_withdrawn(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        request = await make_open_request(session, firm, status=RequestStatus.MATCHED)

        with pytest.raises(IllegalMove):
            await requests.withdraw_request(session, actor=firm, request_id=request.id, now=now)


class TestExpireDue:
    async def test_expires_what_is_due_with_its_quotes(
        self, session: AsyncSession, now: datetime
    ) -> None:
        due = await make_open_request(session, expires_at=now + timedelta(days=1))
        later = await make_open_request(session, expires_at=now + timedelta(days=2))
        bank = await make_institution(session, OrganisationKind.BANK)
        quote = await make_quote(session, bank, due, LOAN)

        expired = await requests.expire_due(session, now=now + timedelta(days=1))

        assert expired == 1
        assert (due.status, later.status) == (RequestStatus.EXPIRED, RequestStatus.OPEN)
        assert quote.status is QuoteStatus.EXPIRED
