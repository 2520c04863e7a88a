"""Whether a package has room now, or its deal would have to queue."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.lifecycle.deals import DealStatus, PledgeeKind, QueueKind
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.deals import Deal, QueueEntry
from app.services import ledger, packages
from app.services.actor import Actor, bind
from app.services.ledger import AccountRole, Book
from tests.make.market import (
    GUARANTEE,
    LOAN,
    make_cooperation,
    make_firm,
    make_guarantor,
    make_institution,
    make_open_request,
    make_quote,
)


async def make_waiting_deal(session: AsyncSession, guarantor: Actor) -> list[str]:
    """A deal of another firm that waits for quota and guarantor; answers what it waits for."""
    request = await make_open_request(session)
    bank = await make_institution(session, OrganisationKind.BANK)
    loan = await make_quote(session, bank, request, LOAN)
    guarantee = await make_quote(session, guarantor, request, GUARANTEE)
    quota = await ledger.find_account(
        session, book=Book.QUOTA, owner="PINGLUO", role=AccountRole.AVAILABLE
    )
    limit = await ledger.find_account(
        session,
        book=Book.GUARANTOR,
        owner=str(guarantor.organisation_id),
        role=AccountRole.AVAILABLE,
    )
    assert quota is not None
    assert limit is not None
    deal = Deal(
        id=new_id(),
        request_id=request.id,
        firm_id=request.firm_id,
        bank_id=bank.organisation_id,
        guarantor_id=guarantor.organisation_id,
        loan_quote_id=loan.id,
        guarantee_quote_id=guarantee.id,
        park_code="PINGLUO",
        status=DealStatus.QUEUED,
        principal=request.amount,
        term_months=12,
        guarantee_share_pct=Decimal(80),
        insurance_share_pct=Decimal(0),
        liability=Money.yuan(4_000_000),
        in_programme=True,
        loan_terms=loan.terms,
        guarantee_terms=guarantee.terms,
        pledgee=PledgeeKind.BANK,
        held=Money(0),
        accepted_at=request.created_at,
    )
    session.add(deal)
    await session.flush()
    session.add(
        QueueEntry(
            kind=QueueKind.DEAL,
            deal_id=deal.id,
            quota_account_id=quota.id,
            limit_account_id=limit.id,
            amount=deal.liability,
            lacks=[str(quota.id), str(limit.id)],
            joined_at=deal.accepted_at,
        )
    )
    await session.flush()
    return ["quota", "guarantor_limit"]


class TestRoom:
    async def room_of(
        self,
        session: AsyncSession,
        now: datetime,
        *,
        guarantor: Actor,
        park_code: str = "PINGLUO",
    ) -> Any:
        firm = await make_firm(session)
        request = await make_open_request(session, firm, park_code=park_code)
        bank = await make_institution(session, OrganisationKind.BANK)
        await make_cooperation(session, bank, guarantor)
        await make_quote(session, bank, request, LOAN, required_cover_pct="80")
        await make_quote(session, guarantor, request, GUARANTEE)
        await bind(session, firm)
        (package,) = (
            await packages.build(session, actor=firm, request_id=request.id, now=now)
        ).packages
        return package.room

    async def test_a_programme_guarantor_uses_the_account_of_the_park(
        self, session: AsyncSession, now: datetime
    ) -> None:
        guarantor = await make_guarantor(session, limit=4_000_000)

        room = await self.room_of(session, now, guarantor=guarantor)

        assert (room.liability, room.park_code) == (Money.yuan(4_000_000), "PINGLUO")
        assert room.quota_available == Money.yuan(36_000_000)
        assert (room.has_room, room.waits_for) == (True, [])

    async def test_a_guarantor_at_its_limit_would_make_the_deal_queue(
        self, session: AsyncSession, now: datetime
    ) -> None:
        guarantor = await make_guarantor(session, limit=3_999_999)

        room = await self.room_of(session, now, guarantor=guarantor)

        assert (room.has_room, room.waits_for) == (False, ["guarantor_limit"])

    async def test_a_guarantor_that_signed_nothing_has_no_room(
        self, session: AsyncSession, now: datetime
    ) -> None:
        guarantor = await make_institution(session, OrganisationKind.GUARANTOR)

        room = await self.room_of(session, now, guarantor=guarantor)

        assert room.waits_for == ["guarantor_limit"]

    async def test_a_used_up_account_would_make_the_deal_queue(
        self, session: AsyncSession, now: datetime
    ) -> None:
        guarantor = await make_guarantor(session, limit=100_000_000)
        available = await ledger.find_account(
            session, book=Book.QUOTA, owner="PINGLUO", role=AccountRole.AVAILABLE
        )
        outstanding = await ledger.find_account(
            session, book=Book.QUOTA, owner="PINGLUO", role=AccountRole.OUTSTANDING
        )
        assert available is not None
        assert outstanding is not None
        used = Money.yuan(32_000_001)
        hold = ledger.hold("accept", available.id, outstanding.id, used, new_id())
        await ledger.apply(session, [hold])

        room = await self.room_of(session, now, guarantor=guarantor)

        assert room.waits_for == ["quota"]
        assert room.quota_available == Money.yuan(3_999_999)

    async def test_nobody_passes_a_deal_that_waits_for_the_same_account(
        self, session: AsyncSession, now: datetime
    ) -> None:
        guarantor = await make_guarantor(session, limit=100_000_000)
        waiting = await make_waiting_deal(session, guarantor)

        room = await self.room_of(session, now, guarantor=guarantor)

        assert room.waits_for == waiting
        assert room.quota_available == Money.yuan(36_000_000)

    async def test_a_commercial_guarantor_uses_no_quota(
        self, session: AsyncSession, now: datetime
    ) -> None:
        guarantor = await make_guarantor(session, limit=4_000_000, kind=GuarantorType.COMMERCIAL)

        room = await self.room_of(session, now, guarantor=guarantor)

        assert (room.park_code, room.quota_available, room.has_room) == (None, None, True)
