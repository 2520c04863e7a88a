"""A draft is submitted: judged by every rule, and opened."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.core.money import Money
from app.identifiers.rights import RightKind
from app.lifecycle.financing import RequestStatus
from app.lifecycle.machine import IllegalMove
from app.models.financing import FinancingRequest, RequestRight
from app.models.organisations import FirmProfile
from app.models.records import OutboxEvent
from app.models.rights import Right
from app.services import requests
from app.services.actor import SYSTEM, Actor, bind
from app.services.requests import NotEligible
from tests.make.market import (
    make_draft,
    make_firm,
    make_portfolio,
    make_right,
    make_valuation,
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


class TestSubmitRequest:
    async def test_opens_with_a_summary_that_names_nobody(
        self, session: AsyncSession, now: datetime
    ) -> None:
        firm = await make_firm(session, field="clean_energy")
        patent = await make_right(session, firm, expires_on=date(2038, 3, 1))
        model = await make_right(
            session, firm, kind=RightKind.UTILITY_MODEL, expires_on=date(2028, 3, 1)
        )
        request = await draft_on(session, firm, [patent, model], now)

        await requests.submit_request(session, actor=firm, request_id=request.id, now=now)
        await session.flush()

        assert request.status is RequestStatus.OPEN
        assert (request.opened_at, request.expires_at) == (now, now + timedelta(days=90))
        assert (request.industry, request.size, request.key_industry) == ("industry", "small", True)
        assert request.summary == {
            "counts": {"invention": 1, "utility_model": 1},
            "total_value": "48000000.00",
            "lendable": "12000000.00",
            "shortest_life_months": 15,
            "key_park": True,
            "field": "clean_energy",
        }
        assert {verdict["outcome"] for verdict in request.eligibility} == {"passed"}
        kept = await session.scalars(
            select(RequestRight).where(RequestRight.request_id == request.id)
        )
        assert {row.right_id for row in kept} == {patent.id, model.id}
        await bind(session, SYSTEM)
        events = await session.scalars(
            select(OutboxEvent.kind).where(OutboxEvent.subject_id == request.id)
        )
        assert set(events) == {"green_channel.entered", "request.opened"}

    async def test_a_patent_that_ends_before_the_loan_is_left_out(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        sound = await make_right(session, firm)
        short = await make_right(session, firm, expires_on=date(2027, 6, 1))
        request = await draft_on(session, firm, [sound, short], now)

        await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

        kept = await session.scalars(
            select(RequestRight.right_id).where(RequestRight.request_id == request.id)
        )
        assert kept.all() == [sound.id]
        assert request.summary["counts"] == {"invention": 1}
        (left_out,) = (v for v in request.eligibility if v["outcome"] == "left_out")
        assert left_out["rule"] == "right.term_too_short"

    async def test_says_everything_wrong_at_once_and_stays_a_draft(
        self, session: AsyncSession, now: datetime
    ) -> None:
        firm = await make_firm(
            session,
            employees=2000,
            revenue=Money.yuan(500_000_000),
            registered_on=date(2026, 5, 1),
            credit_authorised_on=None,
            dishonest=True,
            abnormal=True,
        )
        frozen = await make_right(session, firm, preserved=True)
        request = await draft_on(session, firm, [frozen], now, purpose="securities")

        with pytest.raises(NotEligible) as refused:
            await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

        assert [reason["rule"] for reason in refused.value.reasons] == [
            "size",
            "registration_age",
            "credit_authorisation",
            "dishonest",
            "abnormal",
            "purpose",
            "right.preserved",
            "rights",
            "lendable",
        ]
        assert request.status is RequestStatus.DRAFT
        assert refused.value.facts()["count"] == 9
        assert str(refused.value) == "The request is not eligible for 9 reasons."

    async def test_a_warning_stands_in_the_way_until_consent_is_recorded(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        contested = await make_right(session, firm, invalidation_pending=True)
        request = await draft_on(session, firm, [contested], now)

        with pytest.raises(NotEligible) as refused:
            await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

        first = refused.value.reasons[0]
        assert first["rule"] == "right.invalidation_pending"
        assert first["field"] == f"rights.{contested.id}"
        assert "no consent is recorded" in first["reason_en"]

    async def test_a_firm_that_cannot_be_sized_is_told_which_figure_is_missing(
        self, session: AsyncSession, now: datetime
    ) -> None:
        firm = await make_firm(session, employees=None)
        request = await draft_of(session, firm, now)

        with pytest.raises(NotEligible) as refused:
            await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

        (reason,) = refused.value.reasons
        assert (reason["rule"], reason["field"]) == ("size", "profile.employees")

    async def test_without_profile_and_valuation_it_says_so(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        await session.delete(await session.get_one(FirmProfile, firm.organisation_id))
        right = await make_right(session, firm)
        portfolio = await make_portfolio(session, firm, [right], valued=False)
        request = await requests.create_request(
            session, actor=firm, draft=make_draft(portfolio.id), now=now
        )

        with pytest.raises(NotEligible) as refused:
            await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

        assert [reason["rule"] for reason in refused.value.reasons] == ["profile", "valuation"]

    async def test_the_latest_valuation_counts(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        right = await make_right(session, firm)
        portfolio = await make_portfolio(session, firm, [right])
        latest = await make_valuation(session, portfolio, [right], lendable=Money.yuan(4_999_999))
        request = await requests.create_request(
            session, actor=firm, draft=make_draft(portfolio.id), now=now
        )

        with pytest.raises(NotEligible, match="one reason"):
            await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

        smaller = make_draft(portfolio.id, amount=Money.yuan(4_999_999))
        await requests.edit_request(session, actor=firm, request_id=request.id, draft=smaller)
        await requests.submit_request(session, actor=firm, request_id=request.id, now=now)
        assert request.valuation_id == latest.id

    async def test_happens_once(self, session: AsyncSession, firm: Actor, now: datetime) -> None:
        request = await draft_of(session, firm, now)
        await requests.submit_request(session, actor=firm, request_id=request.id, now=now)
        await session.flush()

        with pytest.raises(IllegalMove):
            await requests.submit_request(session, actor=firm, request_id=request.id, now=now)

    async def test_is_for_the_firm_whose_draft_it_is(
        self, session: AsyncSession, firm: Actor, now: datetime
    ) -> None:
        request = await draft_of(session, firm, now)
        other = await make_firm(session)

        with pytest.raises(NotFound):
            await requests.submit_request(session, actor=other, request_id=request.id, now=now)
