"""What lenders see of requests: a list without names, and the firm once it consents."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.financing import RequestStatus
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.organisations import Organisation
from app.schemas.requests import OpenRequestPage
from app.services import open_requests
from app.services.actor import SYSTEM, Actor, KindRefused, bind
from tests.make.market import (
    LOAN,
    make_firm,
    make_institution,
    make_open_request,
    make_quote,
)


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await make_institution(session, OrganisationKind.BANK)


class TestListOpenRequests:
    async def listed(self, session: AsyncSession, bank: Actor, **filters: Any) -> OpenRequestPage:
        filters.setdefault("limit", 10)
        await bind(session, bank)
        page = await open_requests.list_open_requests(session, actor=bank, **filters)
        await bind(session, SYSTEM)
        return page

    async def test_pages_newest_first_and_ties_by_id(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        older = await make_open_request(session, opened_at=now - timedelta(hours=1))
        first = await make_open_request(session)
        second = await make_open_request(session)
        await make_open_request(session, status=RequestStatus.MATCHED)

        seen: list[UUID] = []
        cursor: dict[str, Any] = {}
        while True:
            page = await self.listed(session, bank, limit=1, **cursor)
            seen += [item.id for item in page.items]
            if page.next is None:
                break
            cursor = dict(page.next)

        assert seen == [second.id, first.id, older.id]

    async def test_filters_by_park(self, session: AsyncSession, bank: Actor) -> None:
        await make_open_request(session)
        there = await make_open_request(session, park_code="NINGDONG")

        page = await self.listed(session, bank, park="NINGDONG")

        assert [item.id for item in page.items] == [there.id]
        assert page.next is None

    async def test_shows_no_name_no_number_and_none_of_the_firms_words(
        self, session: AsyncSession, bank: Actor
    ) -> None:
        request = await make_open_request(session, purpose_text="示例企业采购原材料")
        firm = await session.get_one(Organisation, request.firm_id)

        shown = (await self.listed(session, bank)).model_dump_json()

        assert str(request.id) in shown
        for secret in (str(firm.id), firm.name, firm.uscc, request.purpose_text):
            assert secret not in shown

    async def test_half_a_cursor_is_refused(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match="after_id"):
            await self.listed(session, bank, after_opened_at=now)

    async def test_is_for_lenders(self, session: AsyncSession) -> None:
        firm = await make_firm(session)

        with pytest.raises(KindRefused):
            await self.listed(session, firm)

    @pytest.mark.parametrize(
        ("park", "index"),
        [
            (None, "ix_financing_requests_open "),
            # Of one row either index costs the same; the benchmark of the list tells them apart.
            ("PINGLUO", "ix_financing_requests_open"),
        ],
    )
    async def test_walks_the_partial_index_and_never_sorts(
        self, session: AsyncSession, bank: Actor, now: datetime, park: str | None, index: str
    ) -> None:
        await make_open_request(session)
        await bind(session, bank)
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        statement = open_requests.open_page(limit=51, park=park, after=(now, UUID(int=0)))
        sql = statement.compile(
            dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True}
        )

        lines = await session.scalars(text(f"EXPLAIN {sql}"))

        plan = "\n".join(lines)
        assert f"Index Scan using {index}" in plan
        assert "Sort" not in plan
        assert "Index Cond" in plan


class TestGetForLender:
    async def test_is_anonymous_until_the_firm_consents_to_this_institution(
        self, session: AsyncSession, bank: Actor, now: datetime
    ) -> None:
        firm = await make_firm(session)
        request = await make_open_request(session, firm)
        rival = await make_institution(session, OrganisationKind.BANK)

        async def seen_by(actor: Actor) -> Any:
            await bind(session, actor)
            return await open_requests.get_for_lender(session, actor=actor, request_id=request.id)

        assert (await seen_by(bank)).firm is None
        await bind(session, firm)
        for _ in range(2):  # twice is once
            await open_requests.give_identity_consent(
                session,
                actor=firm,
                request_id=request.id,
                institution_id=bank.organisation_id,
                now=now,
            )
        shown = (await seen_by(bank)).firm
        organisation = await session.get_one(Organisation, firm.organisation_id)
        assert (shown.name, shown.uscc) == (organisation.name, organisation.uscc)
        assert shown.purpose_text == "采购原材料"
        assert shown.profile.employees == 80
        (right,) = shown.rights
        assert right.number.endswith(".X")
        assert right.model_dump(mode="json", by_alias=True)["register"] == "patents"
        assert (await seen_by(rival)).firm is None

    async def test_a_matched_request_is_seen_by_those_who_quoted(
        self, session: AsyncSession, bank: Actor
    ) -> None:
        request = await make_open_request(session)
        await make_quote(session, bank, request, LOAN)
        rival = await make_institution(session, OrganisationKind.BANK)
        request.status = RequestStatus.MATCHED
        await session.flush()
        await bind(session, bank)

        shown = await open_requests.get_for_lender(session, actor=bank, request_id=request.id)

        assert shown.status is RequestStatus.MATCHED
        with pytest.raises(NotFound):
            await open_requests.get_for_lender(session, actor=rival, request_id=request.id)


class TestGiveIdentityConsent:
    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            (OrganisationKind.BANK, OrganisationStatus.PENDING),
            (OrganisationKind.PARK, OrganisationStatus.VERIFIED),
        ],
    )
    async def test_only_to_a_verified_lender(
        self,
        session: AsyncSession,
        now: datetime,
        kind: OrganisationKind,
        status: OrganisationStatus,
    ) -> None:
        firm = await make_firm(session)
        request = await make_open_request(session, firm)
        stranger = await make_institution(session, kind, status=status)

        with pytest.raises(FieldRefused, match="institution_id"):
            await open_requests.give_identity_consent(
                session,
                actor=firm,
                request_id=request.id,
                institution_id=stranger.organisation_id,
                now=now,
            )
