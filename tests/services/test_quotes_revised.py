"""A quote is revised while it lives, and never from a stale copy."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.lifecycle.financing import QuoteStatus
from app.lifecycle.parties import OrganisationKind
from app.models.financing import FinancingRequest, QuoteRevision
from app.schemas.quotes import QuoteRevisionIn
from app.services import quotes
from app.services.actor import Actor
from app.services.quotes import QuoteNotLive, StaleRevision
from tests.make.market import (
    GUARANTEE,
    LOAN,
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


def revision_of(base: dict[str, Any], revision: int, **changes: Any) -> QuoteRevisionIn:
    return QuoteRevisionIn.model_validate(
        {"revision": revision, "valid_days": 60, "terms": base | changes}
    )


class TestReviseQuote:
    async def test_keeps_the_old_terms_and_stands_for_longer(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)

        revised = await quotes.revise_quote(
            session,
            actor=bank,
            quote_id=quote.id,
            revised=revision_of(LOAN, 1, amount="4000000.00"),
            now=now,
        )
        await session.flush()

        assert (revised.revision, revised.terms["amount"]) == (2, "4000000.00")
        assert revised.expires_at == now + timedelta(days=60)
        kept = await session.scalars(
            select(QuoteRevision)
            .where(QuoteRevision.quote_id == quote.id)
            .order_by(QuoteRevision.revision)
        )
        assert [one.terms["amount"] for one in kept] == ["5000000.00", "4000000.00"]

    async def test_a_stale_revision_is_refused(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)
        await quotes.revise_quote(
            session, actor=bank, quote_id=quote.id, revised=revision_of(LOAN, 1), now=now
        )
        await session.flush()

        with pytest.raises(StaleRevision) as stale:
            await quotes.revise_quote(
                session, actor=bank, quote_id=quote.id, revised=revision_of(LOAN, 1), now=now
            )

        assert (stale.value.given, stale.value.current) == (1, 2)

    async def test_an_expired_or_accepted_one_is_not_revised(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)

        with pytest.raises(QuoteNotLive, match="expired"):
            await quotes.revise_quote(
                session,
                actor=bank,
                quote_id=quote.id,
                revised=revision_of(LOAN, 1),
                now=now + timedelta(days=30),
            )
        quote.status = QuoteStatus.ACCEPTED
        await session.flush()
        with pytest.raises(QuoteNotLive, match="accepted"):
            await quotes.revise_quote(
                session, actor=bank, quote_id=quote.id, revised=revision_of(LOAN, 1), now=now
            )

    async def test_the_kind_stays(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)

        with pytest.raises(FieldRefused, match=r"terms\.kind"):
            await quotes.revise_quote(
                session, actor=bank, quote_id=quote.id, revised=revision_of(GUARANTEE, 1), now=now
            )

    async def test_terms_are_checked_again(
        self, session: AsyncSession, bank: Actor, request_: FinancingRequest, now: datetime
    ) -> None:
        quote = await make_quote(session, bank, request_, LOAN)

        with pytest.raises(FieldRefused, match=r"terms\.amount"):
            await quotes.revise_quote(
                session,
                actor=bank,
                quote_id=quote.id,
                revised=revision_of(LOAN, 1, amount="6000000.00"),
                now=now,
            )
