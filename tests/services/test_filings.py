"""Loans filed with funds: reserved at filing, counted with the loan, free when it ends."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.messages import Language, speaking
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.funds import FilingStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.schemas.claims import WriteOffIn
from app.schemas.funds import FilingIn
from app.services import (
    approvals,
    drawdowns,
    failures,
    filings,
    funds,
    gate,
    repayments,
    write_offs,
)
from app.services.deals import DealNotReady, ReleaseOut
from app.services.filings import (
    FiledAlready,
    FundElsewhere,
    LeverageExceeded,
    NotCompensated,
    NotTheClaimant,
)
from app.services.funds import FundState
from tests.make.deals import accept, make_ready, make_table
from tests.make.funds import (
    LATE,
    Funded,
    acknowledge,
    make_defaulted,
    make_drawn_filed,
    make_filed,
    make_fund,
)
from tests.make.loans import receipt
from tests.make.market import make_institution
from tests.make.parties import NOW
from tests.make.renewals import TODAY, draw_all, loan_of
from tests.make.rights import make_document

FIVE = Money.yuan(5_000_000)


async def state(session: AsyncSession, funded: Funded) -> FundState:
    return funds.state_of(await funds.accounts_of(session, funded.fund.id))


def form(fund_id: Any, **changes: Any) -> FilingIn:
    return FilingIn(**({"fund_id": fund_id, "ip_share_pct": "100"} | changes))


class TestCounters:
    async def test_filing_reserves_drawdown_exposes_repayment_frees(
        self, session: AsyncSession
    ) -> None:
        funded = await make_filed(session, ip_share_pct=Decimal("33.33"))
        filed = await state(session, funded)
        assert (filed.base_reserved, filed.base_outstanding) == (Money.yuan(1_666_500), ZERO)
        assert filed.exposure_reserved == Money.yuan(899_910)  # 54 %

        await acknowledge(session, funded)
        await draw_all(session, funded.table, funded.deal)
        loan = await loan_of(session, funded.deal)
        drawn = await state(session, funded)
        assert (drawn.base_reserved, drawn.base_outstanding) == (ZERO, Money.yuan(1_666_500))

        data = receipt(Money.yuan(2_000_000), TODAY, choice=PrepaymentChoice.KEEP_TERM)
        await repayments.record(
            session, actor=funded.table.bank, loan_id=loan.id, data=data, now=NOW
        )
        left = await state(session, funded)
        assert left.base_outstanding == Money.yuan(999_900)
        assert left.exposure_outstanding == Money.yuan(539_946)

    async def test_a_failed_deal_is_filed_no_more(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        await failures.withdraw_deal(
            session, actor=funded.table.firm, deal_id=funded.deal.id, reason="不再需要", now=NOW
        )

        await session.refresh(funded.filing)
        assert funded.filing.status is FilingStatus.ENDED
        assert (await state(session, funded)).base == ZERO

    async def test_a_loan_written_off_is_exposed_no_more(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        document = await make_document(session, funded.table.bank.organisation_id)
        await write_offs.write_off(
            session,
            actor=funded.table.bank,
            loan_id=loan.id,
            data=WriteOffIn(ground="bankruptcy", document_id=document.id),
            now=LATE,
        )

        assert (await state(session, funded)).base == ZERO

    async def test_a_write_off_names_a_ground_of_the_list(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        document = await make_document(session, funded.table.bank.organisation_id)
        with pytest.raises(FieldRefused) as refused:
            await write_offs.write_off(
                session,
                actor=funded.table.bank,
                loan_id=loan.id,
                data=WriteOffIn(ground="mood", document_id=document.id),
                now=LATE,
            )

        assert "bankruptcy (bankruptcy or dissolution, the rest not" in str(refused.value)
        with speaking(Language.CHINESE):
            assert "enforcement（强制执行满两年仍未收回）" in str(refused.value)

    async def test_an_approval_for_less_reserves_less(self, session: AsyncSession) -> None:
        fund, _, _ = await make_fund(session)
        table = await make_table(session)
        deal = await accept(session, table)
        await filings.file(session, actor=table.bank, deal_id=deal.id, data=form(fund.id), now=NOW)
        await approvals.approve(
            session,
            actor=table.bank,
            deal_id=deal.id,
            principal=Money.yuan(3_000_000),
            reference=None,
            valid_days=90,
            now=NOW,
        )

        accounts = await funds.accounts_of(session, fund.id)
        assert funds.state_of(accounts).base_reserved == Money.yuan(3_000_000)


class TestAnswers:
    async def test_the_gate_waits_for_the_acknowledgement(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        missing = await gate.check(session, funded.deal, amount=FIVE, now=NOW)
        assert [(item.what, item.who) for item in missing] == [
            ("fund_filing", OrganisationKind.AGENCY)
        ]

        await acknowledge(session, funded)

        assert await gate.check(session, funded.deal, amount=FIVE, now=NOW) == []

    async def test_a_refused_filing_frees_the_room_and_the_deal_goes_on(
        self, session: AsyncSession
    ) -> None:
        funded = await make_filed(session)
        await filings.refuse(
            session, actor=funded.manager, filing_id=funded.filing.id, reason="不在名单", now=NOW
        )

        assert (await state(session, funded)).base == ZERO
        assert await gate.check(session, funded.deal, amount=FIVE, now=NOW) == []
        with pytest.raises(IllegalMove):
            await acknowledge(session, funded)

    async def test_only_its_manager_answers(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        stranger = await make_institution(session, OrganisationKind.AGENCY)
        with pytest.raises(NotFound):
            await filings.acknowledge(
                session, actor=stranger, filing_id=funded.filing.id, reference="X", now=NOW
            )

    async def test_the_claimant_takes_it_back(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        await filings.withdraw(session, actor=funded.claimant, filing_id=funded.filing.id, now=NOW)

        assert (await state(session, funded)).base == ZERO


class TestRefusals:
    async def test_leverage_stops_at_the_fen(self, session: AsyncSession) -> None:
        fits = await make_filed(session, capital=Money.yuan(500_000))
        assert (await state(session, fits)).leverage == Decimal(10)

        with pytest.raises(LeverageExceeded):
            await make_filed(session, capital=Money.yuan("499999.99"))

    async def test_a_fund_without_money_takes_nothing(self, session: AsyncSession) -> None:
        with pytest.raises(LeverageExceeded):
            await make_filed(session, capital=ZERO)

    async def test_one_scheme_at_most_stands_behind_a_loan(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        other, _, _ = await make_fund(session, scheme="guodan-2019")
        with pytest.raises(FiledAlready):
            await filings.file(
                session,
                actor=funded.table.guarantor,
                deal_id=funded.deal.id,
                data=form(other.id),
                now=NOW,
            )

    async def test_whoever_does_not_claim_does_not_file(self, session: AsyncSession) -> None:
        fund, _, _ = await make_fund(session)
        table = await make_table(session)
        deal = await accept(session, table)
        with pytest.raises(NotTheClaimant):
            await filings.file(
                session, actor=table.guarantor, deal_id=deal.id, data=form(fund.id), now=NOW
            )

    async def test_a_fund_of_another_park(self, session: AsyncSession) -> None:
        with pytest.raises(FundElsewhere):
            await make_filed(session, park_code="NINGDONG")

    async def test_a_loan_above_every_tier(self, session: AsyncSession) -> None:
        fund, _, _ = await make_fund(
            session, scheme="guangzhou-2025", capital=Money.yuan(100_000_000)
        )
        table = await make_table(
            session,
            limit=Money.yuan(90_000_000),
            loan={"amount": "30000000.01"},
            amount=Money.yuan("30000000.01"),
        )
        deal = await accept(session, table)
        with pytest.raises(NotCompensated):
            await filings.file(
                session, actor=table.bank, deal_id=deal.id, data=form(fund.id), now=NOW
            )

    async def test_a_fact_that_the_scheme_asks(self, session: AsyncSession) -> None:
        with pytest.raises(FieldRefused) as refusal:
            await make_filed(session, scheme="weihai")
        assert refusal.value.field == "facts.first_year"

    async def test_after_cash_it_is_too_late(self, session: AsyncSession) -> None:
        funded, _ = await make_drawn_filed(session)
        other, _, _ = await make_fund(session)
        with pytest.raises(DealNotReady):
            await filings.file(
                session,
                actor=funded.table.bank,
                deal_id=funded.deal.id,
                data=form(other.id),
                now=NOW,
            )

    async def test_nor_while_a_release_is_out(self, session: AsyncSession) -> None:
        fund, _, _ = await make_fund(session)
        table = await make_table(session)
        deal = await make_ready(session, table)
        await drawdowns.release(session, actor=table.bank, deal_id=deal.id, amount=FIVE, now=NOW)

        with pytest.raises(ReleaseOut):
            await filings.file(
                session, actor=table.bank, deal_id=deal.id, data=form(fund.id), now=NOW
            )

    async def test_nor_is_one_taken_back_or_taken_in_then(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        await acknowledge(session, funded)
        await drawdowns.release(
            session, actor=funded.table.bank, deal_id=funded.deal.id, amount=FIVE, now=NOW
        )
        with pytest.raises(ReleaseOut):
            await filings.withdraw(
                session, actor=funded.claimant, filing_id=funded.filing.id, now=NOW
            )

        funded.filing.status = FilingStatus.FILED  # of before filings had to come first
        await session.flush()
        with pytest.raises(ReleaseOut):
            await acknowledge(session, funded)
