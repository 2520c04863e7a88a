"""Leaving the queue for another package in one act; and what the alternatives cost."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.deals import DealStatus, QueueStatus
from app.lifecycle.financing import QuoteStatus, RequestStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, QueueEntry
from app.models.financing import Quote
from app.models.organisations import Organisation
from app.services import acceptance, alternatives
from app.services.acceptance import Choice
from app.services.deals import DealNotReady
from app.services.quotes import StaleRevision
from tests.make.deals import Table, accept, make_table
from tests.make.limits import make_limit
from tests.make.market import GUARANTEE, make_cooperation, make_institution, make_quote
from tests.make.parties import NOW


async def rival_guarantee(session: AsyncSession, table: Table, *, limit: Money) -> Quote:
    """A second guarantor's quote on the request, at twice the fee."""
    rival = await make_institution(session, OrganisationKind.GUARANTOR)
    await make_limit(session, await session.get_one(Organisation, rival.organisation_id), limit)
    await make_cooperation(session, table.bank, rival)
    return await make_quote(session, rival, table.request, GUARANTEE | {"fee_pct_per_year": "2"})


async def change(session: AsyncSession, table: Table, deal: Deal, guarantee: Choice | None) -> Deal:
    changed = await acceptance.change_package(
        session,
        actor=table.firm,
        deal_id=deal.id,
        loan=(table.loan_id, 1),
        guarantee=guarantee,
        insurance=None,
        now=NOW,
    )
    return await session.get_one(Deal, changed.id)


class TestChange:
    async def test_another_guarantor_with_room_takes_it_at_once(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session, limit=Money(1))
        rival = await rival_guarantee(session, table, limit=Money.yuan(9_000_000))
        waiting = await accept(session, table)

        taken = await change(session, table, waiting, (rival.id, 1))

        assert (waiting.status, waiting.failure) == (DealStatus.FAILED, "another package chosen")
        assert (taken.status, taken.guarantor_id) == (DealStatus.APPROVING, rival.institution_id)
        await session.refresh(table.guarantee)
        await session.refresh(table.request)
        assert table.guarantee.status is QuoteStatus.STANDING_BY
        assert table.request.status is RequestStatus.MATCHED

    async def test_without_room_it_joins_the_tail(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        waiting = await accept(session, table)
        behind = await accept(session, await make_table(session, guarantor=table.guarantor))

        again = await change(session, table, waiting, (table.guarantee_id, 1))

        entries = await session.execute(
            select(QueueEntry.deal_id, QueueEntry.status)
            .order_by(QueueEntry.arrival)
            .execution_options(populate_existing=True)
        )
        assert [tuple(row) for row in entries] == [
            (waiting.id, QueueStatus.LEFT),
            (behind.id, QueueStatus.WAITING),
            (again.id, QueueStatus.WAITING),
        ]

    async def test_a_refused_package_changes_nothing(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        rival = await rival_guarantee(session, table, limit=Money.yuan(9_000_000))
        waiting = await accept(session, table)

        with pytest.raises(StaleRevision):
            await change(session, table, waiting, (rival.id, 2))

        await session.refresh(waiting)
        await session.refresh(table.request)
        assert (waiting.status, waiting.failure) == (DealStatus.QUEUED, None)
        assert table.request.status is RequestStatus.MATCHED
        entry = (await session.scalars(select(QueueEntry))).one()
        assert entry.status is QueueStatus.WAITING

    async def test_a_deal_with_its_room_is_not_changed(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(DealNotReady):
            await change(session, table, deal, None)


class TestPrices:
    async def test_every_alternative_stands_beside_the_accepted_one(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session, limit=Money.yuan(1_000_000))
        rival = await rival_guarantee(session, table, limit=Money.yuan(9_000_000))
        deal = await accept(session, table)

        found = (
            await alternatives.get_queue(session, actor=table.firm, deal_id=deal.id, now=NOW)
        ).alternatives

        assert found.accepted is not None
        assert found.accepted.guarantee is not None
        assert found.accepted.guarantee.quote_id == table.guarantee_id
        assert found.smaller is not None
        assert found.smaller.amount == found.smaller_loan == Money.yuan(1_250_000)
        # Rate and fees are in per cent, so a smaller loan costs as much a year.
        assert found.smaller.before_subsidies_pct is not None
        difference = found.smaller.before_subsidies_pct - found.accepted.cost.before_subsidies_pct
        assert abs(difference) < 1 / 1000
        others = {
            (package.guarantee and package.guarantee.quote_id): package.dearer_by_pct
            for package in found.packages
            if package.insurance is None
        }
        assert others[rival.id] > 0 > others[None]
        assert table.guarantee_id not in others  # it has no room now

    async def test_the_rule_is_shown_with_the_place(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money(1))
        deal = await accept(session, table)

        place = await alternatives.get_queue(session, actor=table.firm, deal_id=deal.id, now=NOW)

        assert (place.rule.priority, place.passed) == (False, 0)
        assert "先到先得" in place.rule.text_zh
