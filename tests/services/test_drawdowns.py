"""The gate, the release and the bank's report."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lifecycle.deals import ContractKind, DealStatus, DrawdownStatus
from app.models.deals import DealRight, Drawdown
from app.models.organisations import Organisation
from app.models.rights import Right
from app.services import contracts, drawdowns, gate, queue, sealing
from app.services.drawdowns import GateClosed, ReportedOtherwise
from app.services.ledger import AccountRole, Book
from tests.make.deals import Table, accept, approve_all, make_ready, make_table
from tests.make.limits import get_account, make_limit
from tests.make.parties import NOW
from tests.make.rights import make_document

TODAY = business_date(NOW)


async def draw(
    session: AsyncSession, table: Table, deal_id: UUID, amount: Money, *, last: bool = False
) -> Drawdown:
    drawdown = await drawdowns.release(
        session, actor=table.bank, deal_id=deal_id, amount=amount, now=NOW
    )
    return await drawdowns.report_drawn(
        session,
        actor=table.bank,
        deal_id=deal_id,
        drawdown_id=drawdown.id,
        drawn_on=TODAY,
        reference=f"FK-{drawdown.id}",
        last=last,
        now=NOW,
    )


async def report(
    session: AsyncSession, table: Table, drawdown: Drawdown, **changes: Any
) -> Drawdown:
    told: dict[str, Any] = {"drawn_on": TODAY, "last": False, "now": NOW} | changes
    return await drawdowns.report_drawn(
        session, actor=table.bank, deal_id=drawdown.deal_id, drawdown_id=drawdown.id, **told
    )


class TestRelease:
    async def test_the_gate_says_what_is_missing_and_who_must_act(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await accept(session, table)

        with pytest.raises(GateClosed) as refused:
            await drawdowns.release(
                session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
            )

        missing = {(item.what, item.who) for item in refused.value.missing}
        assert missing == {
            ("approval", "bank"),
            ("approval", "guarantor"),
            ("contract", "bank"),
            ("contract", "guarantor"),
            ("registration", "bank"),
            ("guarantee_effective", "guarantor"),
            ("use_of_funds", "enterprise"),
        }

    async def test_it_names_the_sides_that_have_not_confirmed(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal)
        document = await make_document(session, table.bank.organisation_id, kind="contract")
        contract = await contracts.draft_contract(
            session,
            actor=table.bank,
            deal_id=deal.id,
            kind=ContractKind.LOAN,
            document_id=document.id,
            now=NOW,
        )
        await contracts.confirm_contract(
            session,
            actor=table.bank,
            deal_id=deal.id,
            kind=ContractKind.LOAN,
            version=contract.version,
            sha256=document.sha256.hex(),
            now=NOW,
        )

        missing = await gate.check(session, deal, amount=deal.principal, now=NOW)

        assert [(item.who, item.text) for item in missing if item.what == "contract"] == [
            ("enterprise", "loan contract not confirmed by the enterprise"),
            ("bank", "pledge contract not drafted"),
            ("guarantor", "guarantee contract not drafted"),
        ]

    async def test_it_names_who_has_not_reconfirmed(self, session: AsyncSession) -> None:
        table = await make_table(session, limit=Money.yuan(1_000_000))
        deal = await accept(session, table)
        queued = await gate.check(session, deal, amount=deal.principal, now=NOW)
        guarantor = await session.get_one(Organisation, table.guarantor.organisation_id)
        await make_limit(session, guarantor, Money.yuan(9_000_000))
        await queue.promote(session, now=NOW)
        await queue.reconfirm(session, actor=table.firm, deal_id=deal.id, now=NOW)

        missing = await gate.check(session, deal, amount=deal.principal, now=NOW)

        assert ("state", "the deal is queued") in [(item.what, item.text) for item in queued]
        assert [item.who for item in missing if item.what == "reconfirmation"] == [
            "bank",
            "guarantor",
        ]

    async def test_a_right_that_ended_meanwhile_closes_it(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        right = await session.scalar(select(Right).join(DealRight, DealRight.right_id == Right.id))
        assert right is not None
        # Alive when the request was opened, and over before the loan that is drawn today.
        right.expires_on = TODAY + timedelta(days=300)
        await session.flush()

        missing = await gate.check(session, deal, amount=deal.principal, now=NOW)

        assert [(item.what, item.text) for item in missing] == [
            ("right", f"right {right.id}: The patent ends before the loan does.")
        ]

    async def test_while_a_release_is_out_the_hold_cannot_expire(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        before = deal.hold_expires_at

        drawdown = await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )
        assert deal.hold_expires_at is None

        await drawdowns.report_not_drawn(
            session, actor=table.bank, deal_id=deal.id, drawdown_id=drawdown.id, now=NOW
        )
        assert deal.hold_expires_at == before
        assert drawdown.status is DrawdownStatus.NOT_DRAWN

    async def test_there_is_one_release_at_a_time(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        half = Money.yuan(2_000_000)
        await drawdowns.release(session, actor=table.bank, deal_id=deal.id, amount=half, now=NOW)

        with pytest.raises(GateClosed) as refused:
            await drawdowns.release(
                session, actor=table.bank, deal_id=deal.id, amount=half, now=NOW
            )

        assert [item.what for item in refused.value.missing] == ["report"]


class TestReport:
    async def test_the_share_of_the_tranche_moves_from_held_to_outstanding(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)

        drawdown = await draw(session, table, deal.id, Money.yuan(2_000_000))

        assert drawdown.liability == Money.yuan(1_600_000)
        assert deal.status is DealStatus.ACTIVE
        assert deal.held == Money.yuan(2_400_000)
        limit = await get_account(
            session, Book.GUARANTOR, str(deal.guarantor_id), AccountRole.AVAILABLE
        )
        assert (limit.debits_posted, limit.debits_pending) == (160_000_000, 240_000_000)
        quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
        assert (quota.debits_posted, quota.debits_pending) == (160_000_000, 240_000_000)
        floor = await get_account(session, Book.FLOOR, "PINGLUO", AccountRole.PROGRESS)
        assert floor.credits_posted == 200_000_000

    async def test_the_last_tranche_takes_what_the_rounding_left(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session, loan={"amount": "0.07"}, guarantee={"share_pct": "50"})
        deal = await make_ready(session, table)
        assert deal.liability == Money(4)

        posted = [(await draw(session, table, deal.id, Money(fen))).liability for fen in (1, 1, 5)]

        assert posted == [Money(1), Money(1), Money(2)]
        assert (deal.held, deal.hold_id, deal.quota_hold_id) == (ZERO, None, None)
        assert await sealing.verify(session) == []

    async def test_the_tranche_that_ends_the_principal_passes_whatever_was_rounded_up_before(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(
            session, guarantee={"share_pct": "50"}, loan={"amount": "4000000.04"}
        )
        deal = await make_ready(session, table)

        posted = [
            (await draw(session, table, deal.id, Money(100_000_001))).liability for _ in range(4)
        ]

        assert posted == [Money(50_000_001)] * 3 + [Money(49_999_999)]
        assert deal.held == ZERO

    async def test_after_the_last_tranche_nothing_more_is_released(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        await draw(session, table, deal.id, Money.yuan(1_000_000), last=True)

        with pytest.raises(GateClosed) as refused:
            await draw(session, table, deal.id, Money.yuan(1_000_000))

        assert "the last tranche has been drawn" in {item.text for item in refused.value.missing}

    async def test_the_undrawn_rest_is_freed_by_the_last_tranche(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)

        drawdown = await draw(session, table, deal.id, Money.yuan(1_000_000), last=True)

        assert drawdown.liability == Money.yuan(800_000)
        assert deal.held == ZERO
        quota = await get_account(session, Book.QUOTA, "PINGLUO", AccountRole.AVAILABLE)
        assert (quota.debits_posted, quota.debits_pending) == (80_000_000, 0)

    async def test_the_same_report_once_more_changes_nothing(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        drawdown = await draw(session, table, deal.id, Money.yuan(2_000_000))
        held = deal.held

        again = await report(session, table, drawdown, reference=drawdown.reference)

        assert again is drawdown
        assert deal.held == held
        assert await sealing.verify(session) == []

    @pytest.mark.parametrize(
        "other",
        [{"reference": "FK-other"}, {"drawn_on": TODAY - timedelta(days=1)}, {"last": True}],
    )
    async def test_another_report_of_the_same_tranche_is_refused(
        self, session: AsyncSession, other: dict[str, Any]
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        drawdown = await draw(session, table, deal.id, Money.yuan(2_000_000))

        with pytest.raises(ReportedOtherwise):
            await report(session, table, drawdown, **{"reference": drawdown.reference} | other)
        with pytest.raises(ReportedOtherwise):
            await drawdowns.report_not_drawn(
                session, actor=table.bank, deal_id=deal.id, drawdown_id=drawdown.id, now=NOW
            )

    async def test_not_drawn_may_be_reported_twice_but_not_be_drawn_then(
        self, session: AsyncSession
    ) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        drawdown = await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )

        for _ in range(2):
            reported = await drawdowns.report_not_drawn(
                session, actor=table.bank, deal_id=deal.id, drawdown_id=drawdown.id, now=NOW
            )

        assert reported.status is DrawdownStatus.NOT_DRAWN
        with pytest.raises(ReportedOtherwise):
            await report(session, table, drawdown, reference="FK-1")

    async def test_a_day_outside_the_release_is_refused(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        drawdown = await drawdowns.release(
            session, actor=table.bank, deal_id=deal.id, amount=deal.principal, now=NOW
        )

        with pytest.raises(FieldRefused, match="must not be in the future"):
            await drawdowns.report_drawn(
                session,
                actor=table.bank,
                deal_id=deal.id,
                drawdown_id=drawdown.id,
                drawn_on=drawdown.valid_until,
                reference="FK-1",
                last=True,
                now=NOW,
            )

    async def test_a_tranche_above_the_principal_is_refused(self, session: AsyncSession) -> None:
        table = await make_table(session)
        deal = await make_ready(session, table)
        above = deal.principal + Money(1)

        missing = await gate.check(session, deal, amount=above, now=NOW)

        assert [item.what for item in missing] == ["principal"]
        assert deal.guarantee_share_pct == Decimal(80)
