"""Caps at acceptance: they refuse and name their rule, while lack of room queues."""

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.deals import DealStatus
from app.lifecycle.financing import RequestStatus
from app.lifecycle.parties import GuarantorType
from app.models.deals import Deal, QueueEntry
from app.models.financing import FinancingRequest
from app.models.organisations import Organisation
from app.schemas.packages import PackagesOut
from app.services import caps, packages, queue, rules
from app.services.caps import CapExceeded
from tests.make.deals import Table, accept, make_table
from tests.make.limits import make_limit
from tests.make.market import GUARANTEE, LOAN, make_open_request, make_quote
from tests.make.parties import NOW
from tests.make.programme import NO_CAPS, TODAY, decide, make_pair, set_terms

FOUR, FIVE = Money.yuan(4_000_000), Money.yuan(5_000_000)


async def set_caps(session: AsyncSession, **caps_: Any) -> None:
    """Caps in force from today on, by two people."""
    await decide(session, await make_pair(session), "caps", **(NO_CAPS | caps_))


async def make_second(session: AsyncSession, table: Table) -> Table:
    """Another request of the same firm, quoted on by the same institutions."""
    request = await make_open_request(session, table.firm)
    return Table(
        table.firm,
        table.bank,
        table.guarantor,
        table.insurer,
        request,
        await make_quote(session, table.bank, request, LOAN),
        await make_quote(session, table.guarantor, request, GUARANTEE),
        table.insurance,
    )


class TestRefusals:
    @pytest.mark.parametrize(
        ("rule", "cap", "asked", "limit"),
        [
            ("per_loan", {"amount": "4999999.99"}, FIVE, Money.yuan("4999999.99")),
            ("per_firm", {"amount": "3999999.99"}, FOUR, Money.yuan("3999999.99")),
            ("per_bank", {"pct_of_capacity": "1.5"}, FOUR, Money.yuan(3_000_000)),
            ("per_park", {"pct_of_capacity": "1"}, FOUR, Money.yuan(2_000_000)),
        ],
    )
    async def test_each_names_its_rule_and_its_figures(
        self, session: AsyncSession, rule: str, cap: dict[str, str], asked: Money, limit: Money
    ) -> None:
        await set_caps(session, **{rule: cap})
        table = await make_table(session)

        with pytest.raises(CapExceeded) as refusal:
            await accept(session, table)

        facts = refusal.value
        assert (facts.rule, facts.limit, facts.used, facts.asked) == (rule, limit, ZERO, asked)
        request = await session.get_one(FinancingRequest, table.request_id)
        assert request.status is RequestStatus.OPEN
        assert await session.scalar(select(func.count()).select_from(Deal)) == 0

    async def test_the_comparison_tells_which_cap_would_refuse(self, session: AsyncSession) -> None:
        table = await make_table(session)
        free = await packages.build(session, actor=table.firm, request_id=table.request_id, now=NOW)
        await set_caps(session, per_loan={"amount": "4999999.99"})

        capped = await packages.build(
            session, actor=table.firm, request_id=table.request_id, now=NOW
        )

        def refused_by(found: PackagesOut) -> set[str | None]:
            return {package.room.refused_by for package in found.packages if package.room}

        assert (refused_by(free), refused_by(capped)) == ({None}, {"per_loan"})

    async def test_a_firms_deals_count_together(self, session: AsyncSession) -> None:
        await set_caps(session, per_firm={"amount": "7999999.99"})
        first = await make_table(session)
        await accept(session, first)
        second = await make_second(session, first)

        with pytest.raises(CapExceeded) as refusal:
            await accept(session, second)

        assert (refusal.value.rule, refusal.value.used) == ("per_firm", FOUR)

    async def test_what_waits_counts_for_its_firm(self, session: AsyncSession) -> None:
        await set_caps(session, per_firm={"amount": "7999999.99"})
        first = await make_table(session, limit=Money(1))
        waiting = await accept(session, first)
        assert waiting.status is DealStatus.QUEUED

        with pytest.raises(CapExceeded) as refusal:
            await accept(session, await make_second(session, first))

        assert refusal.value.used == FOUR

    async def test_another_firm_is_not_touched(self, session: AsyncSession) -> None:
        await set_caps(session, per_firm={"amount": "4000000.00"})
        first = await make_table(session)
        await accept(session, first)

        other = await accept(session, await make_table(session, guarantor=first.guarantor))

        assert other.status is DealStatus.APPROVING

    async def test_the_caps_delivered_refuse_nothing_ordinary(self, session: AsyncSession) -> None:
        body = await rules.get(session, caps.CAPS, on=TODAY)

        assert caps.read_caps(body).per_loan.amount == Money.yuan(50_000_000)
        assert (await accept(session, await make_table(session))).status is DealStatus.APPROVING


class TestClientCap:
    async def test_the_guarantors_liability_for_one_firm_is_capped(
        self, session: AsyncSession
    ) -> None:
        first = await make_table(session)
        await set_terms(
            session,
            first.guarantor.organisation_id,
            Money.yuan(100_000_000),
            client_cap=Money.yuan(7_000_000),
        )
        await accept(session, first)

        with pytest.raises(CapExceeded) as refusal:
            await accept(session, await make_second(session, first))

        facts = refusal.value
        assert (facts.rule, facts.used, facts.asked) == ("client_cap", FOUR, FOUR)

    async def test_it_binds_a_commercial_guarantor_which_programme_caps_do_not(
        self, session: AsyncSession
    ) -> None:
        await set_caps(session, per_loan={"amount": "1.00"})
        table = await make_table(session, guarantor_type=GuarantorType.COMMERCIAL)
        await set_terms(session, table.guarantor.organisation_id, FIVE, client_cap=Money(1))

        with pytest.raises(CapExceeded, match="cap per client"):
            await accept(session, table)

        await set_terms(session, table.guarantor.organisation_id, FIVE, client_cap=FOUR)
        assert (await accept(session, table)).status is DealStatus.APPROVING

    async def test_called_liability_still_counts(self, session: AsyncSession) -> None:
        first = await make_table(session)
        deal = await accept(session, first)
        await session.execute(
            text("""
                INSERT INTO loans SELECT (jsonb_populate_record(NULL::loans, jsonb_build_object(
                    'id', gen_random_uuid(), 'deal_id', d.id, 'bank_id', d.bank_id,
                    'firm_id', d.firm_id, 'status', 'performing', 'drawn', d.principal,
                    'outstanding', 0, 'settled_by_calls', d.principal, 'called', d.liability,
                    'guarantee_share_pct', d.guarantee_share_pct, 'liability', 0,
                    'in_programme', true, 'annual_rate_pct', 4, 'penalty_multiple', 1.5,
                    'method', 'bullet', 'frequency', 'monthly', 'day_count', 'ACT/360',
                    'rounding', 'half_up', 'grace_months', 0, 'allocation_order', '[]'::jsonb,
                    'first_day', '2026-01-01', 'term_months', 12, 'maturity_on', '2027-01-01',
                    'schedule_version', 1, 'level', 0, 'accrues_from', '2026-01-01',
                    'carried_interest', 0, 'retake_waiting', false))).*
                FROM deals d WHERE d.id = :deal
            """),
            {"deal": deal.id},
        )
        deal.held = ZERO
        await session.flush()
        await set_terms(
            session,
            first.guarantor.organisation_id,
            Money.yuan(100_000_000),
            client_cap=Money.yuan(7_999_999),
        )

        with pytest.raises(CapExceeded) as refusal:
            await accept(session, await make_second(session, first))

        assert refusal.value.used == FOUR


class TestQueue:
    async def test_a_bank_that_reached_its_cap_meanwhile_loses_the_deal_that_waits(
        self, session: AsyncSession
    ) -> None:
        stuck = await make_table(session, limit=Money(1))
        waiting = await accept(session, stuck)
        await accept(session, await make_table(session, bank=stuck.bank))
        await set_caps(session, per_bank={"amount": "4000000.00"})
        guarantor = await session.get_one(Organisation, stuck.guarantor.organisation_id)

        assert await queue.promote(session, now=NOW) == 0
        assert waiting.failure is None  # without room it only waits
        await make_limit(session, guarantor, FOUR)
        assert await queue.promote(session, now=NOW) == 0

        assert "cap per bank" in str(waiting.failure)
        assert (
            await session.scalar(select(QueueEntry.status).where(QueueEntry.deal_id == waiting.id))
            == "left"
        )
