"""Accepting a package: all of it at once, or nothing."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.core.money import ZERO, Money
from app.lifecycle.deals import ApprovalStatus, DealStatus
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import GuarantorType, OrganisationStatus
from app.models.deals import Approval, DealRight, QueueEntry
from app.models.financing import FinancingRequest, IdentityConsent, Quote, RequestRight
from app.models.organisations import Organisation
from app.services import acceptance, history
from app.services.acceptance import (
    InstitutionSuspended,
    QuoteNotOffered,
    RightAlreadyPledged,
)
from app.services.actor import KindRefused
from app.services.ledger import AccountRole, Book
from app.services.packages import NotAdmissible
from app.services.quotes import StaleRevision
from tests.make.deals import accept, make_table
from tests.make.limits import get_account
from tests.make.market import LOAN, make_institution, make_quote
from tests.make.parties import NOW


async def test_a_package_is_taken_whole(session: AsyncSession) -> None:
    table = await make_table(session)
    rival_bank = await make_institution(session, table.bank.kind)
    rival = await make_quote(session, rival_bank, table.request, LOAN)

    deal = await accept(session, table)

    assert deal.status is DealStatus.APPROVING
    assert (deal.principal, deal.liability, deal.held) == (
        Money.yuan(5_000_000),
        Money.yuan(4_000_000),
        Money.yuan(4_000_000),
    )
    request = await session.get_one(FinancingRequest, table.request.id)
    assert request.status is RequestStatus.MATCHED
    statuses = {
        quote.id: quote.status
        for quote in await session.scalars(
            select(Quote)
            .where(Quote.request_id == request.id)
            .execution_options(populate_existing=True)
        )
    }
    assert statuses == {
        table.loan.id: QuoteStatus.ACCEPTED,
        table.guarantee.id: QuoteStatus.ACCEPTED,
        table.insurance.id: QuoteStatus.STANDING_BY,
        rival.id: QuoteStatus.STANDING_BY,
    }
    locked = await session.scalars(select(DealRight.right_id).where(DealRight.deal_id == deal.id))
    assert len(locked.all()) == 1
    asked = await session.scalars(select(Approval).where(Approval.deal_id == deal.id))
    assert {(row.institution_id, row.status) for row in asked} == {
        (table.bank.organisation_id, ApprovalStatus.PENDING),
        (table.guarantor.organisation_id, ApprovalStatus.PENDING),
    }
    known = await session.scalars(
        select(IdentityConsent.institution_id).where(IdentityConsent.request_id == request.id)
    )
    assert set(known) == {table.bank.organisation_id, table.guarantor.organisation_id}
    moves = await history.list_changes(session, [table.loan.id])
    assert [(m.source, m.event, m.target, m.user_id) for m in moves][-1] == (
        "offered",
        "accept",
        "accepted",
        table.firm.user_id,
    )


async def test_the_hold_stands_on_the_quota_and_on_the_guarantors_limit(
    session: AsyncSession,
) -> None:
    table = await make_table(session)

    deal = await accept(session, table)

    quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
    limit = await get_account(
        session, Book.GUARANTOR, str(table.guarantor.organisation_id), AccountRole.AVAILABLE
    )
    assert quota.debits_pending == limit.debits_pending == deal.liability.fen
    assert deal.hold_id is not None
    assert deal.quota_hold_id is not None
    assert deal.hold_expires_at is not None


async def test_a_commercial_guarantor_uses_no_quota(session: AsyncSession) -> None:
    table = await make_table(session, guarantor_type=GuarantorType.COMMERCIAL)

    deal = await accept(session, table)

    quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
    assert quota.debits_pending == 0
    assert not deal.in_programme
    assert (deal.hold_id is not None, deal.quota_hold_id) == (True, None)


async def test_a_package_without_a_guarantor_takes_no_room(session: AsyncSession) -> None:
    table = await make_table(session)

    deal = await accept(session, table, guaranteed=False, insured=True)

    assert (deal.liability, deal.held, deal.hold_id) == (ZERO, ZERO, None)
    assert deal.status is DealStatus.APPROVING
    assert deal.insurer_id == table.insurer.organisation_id


async def test_a_suspended_institutions_quote_is_not_taken(session: AsyncSession) -> None:
    table = await make_table(session)
    guarantor = await session.get_one(Organisation, table.guarantor.organisation_id)
    guarantor.status = OrganisationStatus.SUSPENDED
    await session.flush()

    with pytest.raises(InstitutionSuspended):
        await accept(session, table)


async def test_without_room_the_deal_queues_with_its_rights_locked(session: AsyncSession) -> None:
    table = await make_table(session, limit=Money.yuan(3_999_999))

    deal = await accept(session, table)

    assert (deal.status, deal.held, deal.hold_id) == (DealStatus.QUEUED, ZERO, None)
    entry = (await session.scalars(select(QueueEntry).where(QueueEntry.deal_id == deal.id))).one()
    limit = await get_account(
        session, Book.GUARANTOR, str(deal.guarantor_id), AccountRole.AVAILABLE
    )
    assert entry.lacks == [str(limit.id)]
    assert entry.amount == Money.yuan(4_000_000)
    assert await session.get(DealRight, (deal.id, (await _right(session, deal.id)))) is not None
    quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
    assert quota.debits_pending == 0


async def test_a_newcomer_does_not_pass_one_who_waits_for_the_same(session: AsyncSession) -> None:
    first = await make_table(session, limit=Money.yuan(3_999_999))
    await accept(session, first)
    small = await make_table(session, guarantor=first.guarantor, loan={"amount": "1000.00"})

    deal = await accept(session, small)

    assert deal.status is DealStatus.QUEUED


async def test_one_who_waits_for_something_else_is_passed(session: AsyncSession) -> None:
    await accept(session, await make_table(session, limit=Money.yuan(1)))

    deal = await accept(session, await make_table(session))

    assert deal.status is DealStatus.APPROVING


async def test_a_stale_revision_is_refused_by_name(session: AsyncSession) -> None:
    table = await make_table(session)

    with pytest.raises(StaleRevision) as refused:
        await acceptance.accept_package(
            session,
            actor=table.firm,
            request_id=table.request.id,
            loan=(table.loan.id, 2),
            guarantee=None,
            insurance=None,
            now=NOW,
        )

    assert refused.value.quote_id == table.loan.id


async def test_an_expired_quote_is_refused(session: AsyncSession) -> None:
    table = await make_table(session)

    with pytest.raises(QuoteNotOffered, match="has expired"):
        await acceptance.accept_package(
            session,
            actor=table.firm,
            request_id=table.request.id,
            loan=(table.loan.id, 1),
            guarantee=None,
            insurance=None,
            now=NOW + timedelta(days=31),
        )


async def test_an_inadmissible_combination_is_refused(session: AsyncSession) -> None:
    table = await make_table(session, loan={"required_cover_pct": "90"})

    with pytest.raises(NotAdmissible):
        await accept(session, table)


async def test_a_request_is_matched_once(session: AsyncSession) -> None:
    table = await make_table(session)
    await accept(session, table)

    with pytest.raises(IllegalMove):
        await accept(session, table)


async def test_a_right_pledged_already_is_named(session: AsyncSession) -> None:
    first, second = await make_table(session), await make_table(session)
    deal = await accept(session, first)
    right_id = await _right(session, deal.id)
    session.add(
        RequestRight(
            request_id=second.request.id, right_id=right_id, value=Money(1), lendable=Money(1)
        )
    )
    await session.flush()

    with pytest.raises(RightAlreadyPledged) as refused:
        await accept(session, second)

    assert refused.value.right_ids == [right_id]


async def test_only_the_firm_itself_accepts(session: AsyncSession) -> None:
    table, other = await make_table(session), await make_table(session)

    with pytest.raises(KindRefused):
        await acceptance.accept_package(
            session,
            actor=table.bank,
            request_id=table.request.id,
            loan=(table.loan.id, 1),
            guarantee=None,
            insurance=None,
            now=NOW,
        )
    table.firm = other.firm
    with pytest.raises(NotFound):
        await accept(session, table)


async def _right(session: AsyncSession, deal_id: UUID) -> UUID:
    rights = select(DealRight.right_id).where(DealRight.deal_id == deal_id)
    return (await session.scalars(rights)).one()
