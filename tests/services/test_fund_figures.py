"""A fund's page: every sum is the ledger's, to the fen, and a park is told no firm."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import NotFound
from app.core.money import ZERO, Money
from app.lifecycle.funds import ClaimKind, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.funds import FundFiling
from app.risk.scheme import FuseState
from app.schemas.claims import RecoveryIn
from app.schemas.fund_figures import FundFiguresOut
from app.services import (
    claim_decisions,
    claims,
    filings,
    fund_disclosure,
    fund_figures,
    fund_files,
    fuses,
    public_funds,
    recoveries,
)
from app.services.actor import SYSTEM, Actor, KindRefused, bind
from app.services.fund_files import FundFile
from app.services.funds import pay_in
from app.services.sheets import Sheet
from tests.make.figures import make_park
from tests.make.funds import (
    LATE,
    Funded,
    acknowledge,
    claim_of,
    claim_on,
    file_another,
    make_defaulted,
    make_drawn_filed,
    make_filed,
    settle,
)
from tests.make.market import make_institution
from tests.make.renewals import draw_all

FIVE = Money.yuan(5_000_000)


async def read(session: AsyncSession, funded: Funded, actor: Actor) -> FundFiguresOut:
    await bind(session, actor)
    found = await fund_figures.get_figures(session, actor=actor, fund_id=funded.fund.id, now=LATE)
    await bind(session, SYSTEM)
    return found


def told(amount: Money | None) -> Money:
    assert amount is not None
    return amount


async def lose(session: AsyncSession) -> Funded:
    """One loan compensated and partly recovered, a second one claimed, and three others filed."""
    funded, loan = await make_defaulted(session, capital=Money.yuan(50_000_000))
    claim = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan("3000000.01"))
    await settle(
        session,
        claim,
        payer=funded.manager,
        second=funded.colleague,
        claimant=funded.claimant,
    )
    for number, amount in enumerate(("700000.01", "90000.07")):
        done = await recoveries.record(
            session,
            actor=funded.table.bank,
            loan_id=loan.id,
            data=RecoveryIn(
                reference=f"REC-{number}", received_on=LATE.date(), amount=Money.yuan(amount)
            ),
            now=LATE,
        )
        await bind(session, SYSTEM)
        if not number:  # the second one's part is still on its way
            await recoveries.receive(
                session, actor=funded.manager, recovery_id=done.recovery.id, now=LATE
            )
    second = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan("1000000.00"))
    await claim_decisions.review(
        session, actor=funded.manager, claim_id=second.id, note="齐", now=LATE
    )
    await claim_decisions.approve(
        session, actor=funded.colleague, claim_id=second.id, amount=None, now=LATE
    )
    drawn = await file_another(session, funded, ip_share_pct="33.33")
    await acknowledge(session, drawn)
    await draw_all(session, drawn.table, drawn.deal)
    await file_another(session, funded, bank=funded.table.bank, ip_share_pct="0.01")
    refused = await file_another(session, funded, ip_share_pct="66.67")
    await filings.refuse(
        session, actor=funded.manager, filing_id=refused.filing.id, reason="不符", now=LATE
    )
    return funded


def last_line(sheet: Sheet) -> dict[str, object]:
    names = [english for _, english in sheet.columns]
    return dict(zip(names, sheet.rows[-1], strict=True))


class TestSums:
    async def test_banks_and_firms_come_to_the_ledger(self, session: AsyncSession) -> None:
        funded = await lose(session)

        found = await read(session, funded, funded.manager)

        fund, banks, firms = found.fund, found.banks, found.firms
        assert banks is not None
        assert firms is not None
        assert len(banks) == 3
        exposure = told(fund.exposure_reserved) + told(fund.exposure_outstanding)
        for lines in (banks, firms):
            assert Money.sum([line.base_reserved for line in lines]) == fund.base_reserved
            assert Money.sum([line.base_outstanding for line in lines]) == fund.base_outstanding
            assert Money.sum([line.exposure for line in lines]) == exposure
            assert sum(line.loans for line in lines) == found.loans == 3
        assert Money.sum([bank.compensated or ZERO for bank in banks]) == found.compensated
        assert Money.sum([bank.recovered or ZERO for bank in banks]) == found.recovered
        assert told(found.compensated) - found.recovered == told(fund.paid)
        assert told(found.recovered) > ZERO
        assert fund.balance == fund.paid_in - told(fund.paid)
        assert found.available == told(fund.balance) - told(fund.committed)
        assert found.claims is not None
        assert found.claims.amount == fund.committed == Money.yuan(540_000)
        assert fund.room == told(fund.balance).times(fund.leverage_max) - (
            told(fund.base_reserved) + told(fund.base_outstanding)
        )

    async def test_the_files_totals_are_the_ledgers(self, session: AsyncSession) -> None:
        funded = await lose(session)
        await bind(session, funded.manager)
        found: FundFile = await fund_files.get_file(
            session, actor=funded.manager, fund_id=funded.fund.id, now=LATE
        )
        fund = found.figures.fund

        filed = last_line(fund_files.filings_sheet(found))
        assert filed["IP principal not drawn"] == fund.base_reserved
        assert filed["IP principal owed"] == fund.base_outstanding
        assert filed["Fund's exposure"] == told(fund.exposure_reserved) + told(
            fund.exposure_outstanding
        )
        claimed = last_line(fund_files.claims_sheet(found))
        assert claimed["Approved and not paid yet"] == fund.committed
        assert claimed["Paid"] == found.figures.compensated
        returned = last_line(fund_files.returns_sheet(found))
        assert returned["Back in the fund"] == found.figures.recovered
        assert returned["The fund's part"] != returned["Back in the fund"]
        assert [sheet.name for sheet in fund_files.all_of(found)] == [
            "figures", "banks", "fuses", "filings", "claims", "recoveries",
        ]  # fmt: skip

    async def test_dead_claims_are_not_in_the_totals(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        asked = claim_of(ClaimKind.FUND, Money.yuan(1_000_000))
        firm, manager, colleague = funded.claimant, funded.manager, funded.colleague
        claim = await claims.submit(session, actor=firm, loan_id=loan.id, data=asked, now=LATE)
        await claim_decisions.refuse(
            session, actor=manager, claim_id=claim.id, reason="不符", now=LATE
        )

        async def read_sheet() -> Sheet:
            await bind(session, manager)
            found = await fund_files.get_file(
                session, actor=manager, fund_id=funded.fund.id, now=LATE
            )
            await bind(session, SYSTEM)
            return fund_files.claims_sheet(found)

        refused = await read_sheet()
        assert (last_line(refused)["Asked"], last_line(refused)["Principal that it settles"]) == (
            ZERO,
            ZERO,
        )
        assert refused.rows[0][-1] == "不符"

        await claims.appeal(session, actor=firm, claim_id=claim.id, reason="补正", now=LATE)
        await claim_decisions.review(session, actor=manager, claim_id=claim.id, note="齐", now=LATE)
        await claim_decisions.approve(
            session, actor=colleague, claim_id=claim.id, amount=None, now=LATE
        )

        approved = await read_sheet()
        assert last_line(approved)["Asked"] == claim.amount
        assert approved.rows[0][-1] is None


class TestClaimsInFlight:
    async def test_the_clock_runs_until_the_manager_answers(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND, FIVE)
        claim.due_on = LATE.date() - timedelta(days=3)
        await session.flush()

        found = await read(session, funded, funded.manager)

        assert found.claims is not None
        assert found.claims_in_flight is not None
        [told] = found.claims_in_flight
        assert (told.status, told.days_left) == (ClaimStatus.SUBMITTED, -3)
        assert (found.claims.claims, found.claims.late) == (1, 1)
        assert found.claims.next_due_on == claim.due_on

        await claim_decisions.review(
            session, actor=funded.manager, claim_id=claim.id, note="齐", now=LATE
        )
        await claim_decisions.approve(
            session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
        )
        answered = await read(session, funded, funded.manager)
        assert answered.claims_in_flight is not None
        assert answered.claims_in_flight[0].days_left is None
        assert answered.claims is not None
        assert answered.claims.late == 0


class TestFuses:
    async def test_a_blown_fuse_is_of_its_bank_with_its_ratio(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, scheme="guangzhou-2025")
        clear = await file_another(session, funded)
        await acknowledge(session, clear)
        await draw_all(session, clear.table, clear.deal)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan(1_000_000))
        await settle(
            session, claim, payer=funded.manager, second=funded.colleague, claimant=funded.claimant
        )

        found = await read(session, funded, funded.manager)

        by_bank = {fuse.bank_id: fuse for fuse in found.fuses}
        blown = by_bank[funded.table.bank.organisation_id]
        assert (blown.ratio_pct, blown.threshold_pct, blown.state) == (
            Decimal(20), Decimal(3), FuseState.BLOWN,
        )  # fmt: skip
        assert (blown.lost, blown.lent) == (Money.yuan(1_000_000), FIVE)
        other = by_bank[clear.table.bank.organisation_id]
        assert (other.ratio_pct, other.state) == (Decimal(0), FuseState.CLEAR)
        assert [one.bank_id for one in found.suspensions] == [funded.table.bank.organisation_id]

    async def test_a_loan_filed_twice_counts_once(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        bank = funded.table.bank.organisation_id
        await filings.refuse(
            session, actor=funded.manager, filing_id=funded.filing.id, reason="缺件", now=LATE
        )
        first = funded.filing
        funded.filing = FundFiling(
            **{
                column.key: getattr(first, column.key)
                for column in FundFiling.__table__.columns
                if column.key not in {"id", "status", "refusal", "answered_at"}
            },
            id=new_id(),
        )
        session.add(funded.filing)
        await session.flush()
        await acknowledge(session, funded)
        await draw_all(session, funded.table, funded.deal)

        ratio = await fuses.ratio_of(session, funded.fund.id, bank_id=bank, year=2026)

        assert ratio.lent == FIVE


class TestReaders:
    async def test_others_than_the_funds_own_read_nothing(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        stranger = await make_institution(session, OrganisationKind.AGENCY)
        with pytest.raises(NotFound):
            await read(session, funded, stranger)
        await bind(session, SYSTEM)
        with pytest.raises(KindRefused):
            await read(session, funded, funded.table.bank)

    async def test_a_park_is_told_no_firm_and_no_bank_of_few(self, session: AsyncSession) -> None:
        funded, _ = await make_drawn_filed(session, park_code="PINGLUO")
        park = await make_park(session)

        found = await read(session, funded, park)

        assert (found.fund.base_outstanding, found.fund.leverage, found.fund.room) == (None,) * 3
        assert (found.room_to_warn, found.fuses) == (None, [])
        told = (found.firms, found.banks, found.loans, found.firms_behind, found.largest_firm_pct)
        assert told == (None,) * 5
        assert (found.claims, found.claims_in_flight) == (None, None)
        await bind(session, park)
        file = await fund_files.get_file(session, actor=park, fund_id=funded.fund.id, now=LATE)
        assert (file.filings, file.claims) == ((), ())

    async def test_a_park_is_told_banks_behind_which_enough_firms_stand(
        self, session: AsyncSession
    ) -> None:
        funded = await make_filed(session, park_code="PINGLUO")
        bank = funded.table.bank
        for _ in range(4):
            await file_another(session, funded, bank=bank)
        park = await make_park(session)

        found = await read(session, funded, park)

        assert found.banks is not None
        assert [(one.bank_id, one.loans, one.compensated) for one in found.banks] == [
            (bank.organisation_id, 5, None)
        ]
        assert found.firms is None
        assert found.fund.base_reserved == Money.yuan(25_000_000)

        await file_another(session, funded)  # alone with its bank: no line is told any more
        assert (await read(session, funded, park)).banks is None


class TestPublic:
    async def test_everybody_is_told_money_but_no_loans_of_few(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        await pay_in(session, funded.fund.id, amount=Money.yuan(1), reference=new_id())

        found = await public_funds.list_funds(session, on=date(2027, 1, 2))

        [told] = [one for one in found if one.name == funded.fund.name]
        assert (told.paid_in, told.balance) == (Money.yuan(10_000_001),) * 2
        assert (told.quarter, told.loans, told.leverage) == ("2026Q4", None, None)

    async def test_what_one_claim_cost_is_told_to_nobody_outside(
        self, session: AsyncSession
    ) -> None:
        funded = await lose(session)
        park = await make_park(session)

        found = await public_funds.list_funds(session, on=date(2027, 7, 2))
        [outside] = await fund_disclosure.tell(
            session, actor=park, rows=[funded.fund], on=LATE.date()
        )
        [inside] = await fund_disclosure.tell(
            session, actor=funded.manager, rows=[funded.fund], on=LATE.date()
        )
        page = await read(session, funded, park)

        assert [one.balance for one in found if one.name == funded.fund.name] == [None]
        assert (outside.balance, outside.paid, outside.committed) == (None,) * 3
        assert (page.compensated, page.recovered, page.available) == (None,) * 3
        assert inside.paid

    async def test_five_firms_are_told_once_the_quarter_is_over(
        self, session: AsyncSession
    ) -> None:
        funded = await make_filed(session)
        for _ in range(4):
            await file_another(session, funded)

        [told] = await public_funds.list_funds(session, on=date(2027, 1, 2))
        [before] = await public_funds.list_funds(session, on=date(2026, 12, 31))

        assert told.loans == 5
        assert (before.quarter, before.loans) == ("2026Q3", None)

    async def test_one_firm_above_all_hides_them(self, session: AsyncSession) -> None:
        funded = await make_filed(session)
        for _ in range(4):
            await file_another(session, funded)
        await session.execute(
            update(FundFiling)
            .where(FundFiling.id == funded.filing.id)
            .values(loan_amount=Money.yuan(500_000_000))
        )

        [told] = await public_funds.list_funds(session, on=date(2027, 1, 2))

        assert told.loans is None
