"""Exports, returns and call lists: totals as the ledger has them, names only with consent."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.money import ZERO, Money
from app.lending.reschedule import PrepaymentChoice
from app.models.organisations import Organisation
from app.services import (
    alerts,
    call_list,
    exports,
    figures,
    ledger,
    park_returns,
    park_views,
    return_sheets,
    statements,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book
from app.services.reference import PROGRAMME
from app.services.sheets import Sheet, to_csv, to_xlsx
from tests.make.deals import accept, approve_all, confirm_all, make_table
from tests.make.figures import clock, make_park
from tests.make.green import make_green
from tests.make.limits import get_account
from tests.make.loans import DRAWN_ON, PARK, Drawn, make_drawn, pay
from tests.make.parties import NOW
from tests.services.test_reversals import reverse

MAY_21 = date(2026, 5, 21)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


async def make_history(session: AsyncSession) -> None:
    """A drawdown, a repayment, one that is reversed, and a hold."""
    drawn = await make_drawn(session, amount=Money(500_000_001))
    await pay(session, drawn, "1000500.00", MAY_21, KEEP_TERM)
    await reverse(session, drawn, await pay(session, drawn, "1000000.01", MAY_21, KEEP_TERM))
    await bind(session, SYSTEM)
    await accept(session, await make_table(session))
    await bind(session, SYSTEM)


async def raise_floor(session: AsyncSession, drawn: Drawn) -> None:
    """What the drawdown through the gate posts beside the quota."""
    source, progress = [
        await ledger.find_account(session, book=Book.FLOOR, owner=owner, role=role)
        for owner, role in ((PROGRAMME, AccountRole.SOURCE), (PARK, AccountRole.PROGRESS))
    ]
    assert source is not None
    assert progress is not None
    step = ledger.transfer("drawdown", source.id, progress.id, drawn.loan.drawn, drawn.loan.id)
    await ledger.apply(session, [step])


def read(workbook: bytes) -> dict[str, list[list[Any]]]:
    book = load_workbook(io.BytesIO(workbook))
    return {page.title: [[cell.value for cell in row] for row in page] for page in book}


class TestSheets:
    def test_no_cell_of_a_csv_starts_a_formula(self) -> None:
        evil = '=HYPERLINK("http://x")'
        sheet = Sheet(
            "s", [("甲", "a")], [(evil,), ("+1",), ("@x",), (Money(-150),), (Decimal(-1),)]
        )

        rows = list(csv.reader(io.StringIO(to_csv(sheet).decode("utf-8-sig"))))

        assert [row[0] for row in rows] == ["甲 a", f"'{evil}", "'+1", "'@x", "-1.50", "-1"]

    def test_text_of_a_workbook_stays_text_and_money_sums(self) -> None:
        sheet = Sheet("s", [("甲", "a")], [("=1+1",), (Money(12_345_678_901_234_5),), (None,)])

        pages = read(to_xlsx([sheet]))

        assert pages["s"][0] == ["甲\na"]
        assert pages["s"][1] == ["=1+1"]
        assert Decimal(str(pages["s"][2][0])) == Decimal("1234567890123.45")
        book = load_workbook(io.BytesIO(to_xlsx([sheet])))
        assert book["s"]["A2"].data_type == "s"


class TestStatement:
    async def test_totals_agree_with_the_ledger_to_the_fen(self, session: AsyncSession) -> None:
        park = await make_park(session)
        await make_history(session)
        now = await clock(session)
        today = business_date(now)

        found = await statements.get_statement(
            session, actor=park, first_day=today, last_day=today, now=now
        )

        await bind(session, SYSTEM)
        for account in found.accounts:
            row = await get_account(session, Book.QUOTA, PARK, account.role)
            assert account.closing.posted == Money(row.credits_posted - row.debits_posted)
            assert account.closing.held == Money(row.debits_pending)
            assert account.opening.posted + account.posted == account.closing.posted
            assert account.opening.held + account.held == account.closing.held
        entries = await session.scalar(
            text(
                "SELECT count(*) FROM ledger_entries e JOIN ledger_accounts a"
                " ON a.id = e.account_id WHERE a.book = 'quota' AND a.owner = :park"
            ),
            {"park": PARK},
        )
        pages = read(to_xlsx(exports.statement_sheets(found)))
        assert len(pages["entries"]) == entries + 2  # the header and the total
        total = Money.yuan(str(pages["entries"][-1][6]))
        assert total == Money.sum([line.posted for line in found.lines])
        assert pages["accounts"][-1][3] == 36_000_000

    async def test_an_empty_period_opens_as_it_closes(self, session: AsyncSession) -> None:
        park = await make_park(session)
        now = await clock(session)
        day = business_date(now) - timedelta(days=400)

        found = await statements.get_statement(
            session, actor=park, first_day=day, last_day=day, now=now
        )

        assert found.lines == []
        assert {account.closing.posted for account in found.accounts} == {ZERO}

    async def test_a_period_backwards_or_to_come_is_refused(self, session: AsyncSession) -> None:
        park = await make_park(session)
        for first, last in (
            (DRAWN_ON, DRAWN_ON - timedelta(days=1)),
            (business_date(NOW) + timedelta(days=1), business_date(NOW) + timedelta(days=2)),
            (DRAWN_ON, date.max),
        ):
            with pytest.raises(FieldRefused):
                await statements.get_statement(
                    session, actor=park, first_day=first, last_day=last, now=NOW
                )

    async def test_a_part_of_the_truth_is_refused(
        self, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        park = await make_park(session)
        await make_history(session)
        monkeypatch.setattr(statements, "LINES_MAX", 3)
        now = await clock(session)
        today = business_date(now)

        with pytest.raises(statements.PeriodTooLong):
            await statements.get_statement(
                session, actor=park, first_day=today, last_day=today, now=now
            )


class TestReturn:
    async def test_flows_explain_opening_and_closing(self, session: AsyncSession) -> None:
        park = await make_park(session)
        await make_history(session)
        now = await clock(session)
        named = f"{business_date(now):%Y-%m}"

        found = await park_returns.get_return(session, actor=park, named=named, now=now)

        moves = found.moves
        closing = {account.role: account.closing for account in found.statement.accounts}
        opening = {account.role: account.opening for account in found.statement.accounts}
        assert moves.drawn == Money(400_000_001)
        assert moves.freed == Money(80_000_000) + moves.retaken
        assert moves.retaken == Money(80_000_001)
        assert moves.held == Money(400_000_001) + Money.yuan(4_000_000)
        outstanding = opening[AccountRole.OUTSTANDING].posted + moves.drawn + moves.retaken
        outstanding = outstanding - moves.freed - moves.called + moves.restored
        assert closing[AccountRole.OUTSTANDING].posted == outstanding
        held = opening[AccountRole.AVAILABLE].held + moves.held - moves.drawn - moves.given_back
        assert closing[AccountRole.AVAILABLE].held == held
        assert moves.allocated == Money.yuan(36_000_000)
        pages = read(to_xlsx(return_sheets.as_sheets(found)))
        told = {row[1]: row[2] for row in pages[named][1:]}
        assert told["From"] == f"{named}-01 00:00:00+08:00"
        assert told["Loans drawn"] == 1
        assert told["Closing held"] == 4_000_000
        assert told["Closing outstanding"] == float(outstanding.fen) / 100

    async def test_tells_floor_queue_funnel_and_alerts_of_the_period(
        self, session: AsyncSession
    ) -> None:
        park = await make_park(session)
        drawn = await make_drawn(
            session, amount=Money.yuan(38_000_000), limit=Money.yuan(100_000_000)
        )
        await raise_floor(session, drawn)
        await accept(session, await make_table(session, limit=Money(1)))  # waits for its limit
        now = await clock(session)
        await alerts.sweep(session, now=now)
        await bind(session, SYSTEM)
        named = f"{business_date(now):%Y-%m}"

        found = await park_returns.get_return(session, actor=park, named=named, now=now)

        pages = read(to_xlsx(return_sheets.as_sheets(found)))
        told = {row[1]: row[2] for row in pages[named][1:]}
        assert told["Closing utilisation, %"] == 84.44
        assert (told["Closing queued"], told["Closing deals queued"]) == (4_000_000, 1)
        assert told["Opening progress towards the floor"] == 0
        assert told["Progress towards the floor in the period"] == 38_000_000
        assert told["Closing progress towards the floor"] == 38_000_000
        assert told["Of the programme's target, %"] == 19
        assert [row[:3] for row in pages["alerts"][1:]] == [["utilisation_pct", 70, 84.44]]
        assert {row[0]: row[1] for row in pages["funnel"][1:]}["accepted"] == 2
        assert pages["green channel"][1:] == []

    async def test_tells_the_clocks_of_the_green_channel(self, session: AsyncSession) -> None:
        park = await make_park(session)
        await make_green(session)
        await bind(session, park)

        found = await park_returns.get_return(session, actor=park, named="2026-09", now=NOW)

        [line, *_] = read(to_xlsx(return_sheets.as_sheets(found)))["green channel"][1:]
        assert line[0] == "first_quote"

    @pytest.mark.parametrize("named", ["2026", "2026-13", "2026-Q5", "26-01", "2026-Q", "x"])
    async def test_other_words_are_refused(self, session: AsyncSession, named: str) -> None:
        park = await make_park(session)
        with pytest.raises(FieldRefused, match="quarter"):
            await park_returns.get_return(session, actor=park, named=named, now=NOW)

    def test_quarters_and_months_have_their_days(self) -> None:
        assert park_returns.days_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
        assert park_returns.days_of("2026-Q4") == (date(2026, 10, 1), date(2026, 12, 31))


class TestFiguresFile:
    async def test_tells_what_the_page_tells(self, session: AsyncSession) -> None:
        park = await make_park(session)
        await make_history(session)
        now = await clock(session)
        file = await figures.get_file(session, actor=park, now=now)

        data = to_csv(exports.figures_csv(file))

        found = file.figures
        told = {row[1]: row[2] for row in csv.reader(io.StringIO(data.decode("utf-8-sig")))}
        assert told["Outstanding"] == str(found.quota.outstanding)
        assert told["Held"] == "4000000.00"
        assert len(found.releases) == 13
        for release in found.releases:
            line = f"Freed in {release.month}, up to {release.until}"
            assert told[line] == str(release.amount)

    async def test_names_the_largest_the_queue_and_the_stuck(self, session: AsyncSession) -> None:
        park = await make_park(session)
        drawn = await make_drawn(session)
        short = await make_table(session, limit=Money(1))
        deal = await accept(session, short)
        for firm in (drawn.firm, short.firm):
            await bind(session, firm)
            await park_views.consent(session, actor=firm, now=NOW)
        await bind(session, SYSTEM)

        file = await figures.get_file(session, actor=park, now=await clock(session))

        pages = read(to_xlsx(exports.figures_sheets(file)))
        told = {row[1]: row[2] for row in pages["figures"][1:]}
        assert (told["Largest firm"], told["Largest bank"]) == ("示例enterprise", "示例bank")
        assert told["Liability for the largest firm"] == 4_000_000
        assert told["Deals queued"] == 1
        [waiting] = pages["queue"][1:]
        assert waiting[:4] == [1, "deal", "示例enterprise", 4_000_000]
        [stuck] = pages["stuck"][1:]
        assert (stuck[0], stuck[2:]) == ("queued", ["示例enterprise", str(deal.id)])
        data = to_csv(exports.figures_csv(file)).decode("utf-8-sig")
        lines = {row[1]: row[2] for row in csv.reader(io.StringIO(data))}
        assert lines["In the queue, place 1: 示例enterprise, since 2026-11-23"] == "4000000.00"
        assert f"Stuck in queued: 示例enterprise ({deal.id})" in lines


class TestCallList:
    async def list_calls(self, session: AsyncSession, park: Actor) -> list[Any]:
        calls = list(await call_list.list_calls(session, actor=park, now=NOW))
        await bind(session, SYSTEM)
        return calls

    async def test_names_each_reason(self, session: AsyncSession) -> None:
        park = await make_park(session)
        drawn = await make_drawn(session)  # of May, nothing paid since
        table = await make_table(session)
        deal = await approve_all(session, table, await accept(session, table), valid_days=3)
        await bind(session, SYSTEM)
        deal.hold_expires_at = NOW + timedelta(days=4)
        await session.flush()

        calls = await self.list_calls(session, park)

        told = {(call.reason, call.deal_id, call.detail) for call in calls}
        assert told == {
            ("overdue", drawn.deal.id, None),
            ("hold_expires", deal.id, None),
            ("approval_lapses", deal.id, "bank"),
            ("approval_lapses", deal.id, "guarantor"),
        }
        assert {call.firm_name for call in calls} == {None}
        assert {call.contact_email for call in calls} == {None}
        overdue = next(call for call in calls if call.reason == "overdue")
        assert overdue.day == date(2026, 6, 20)

    async def test_tells_the_contact_of_a_firm_that_consented(self, session: AsyncSession) -> None:
        park = await make_park(session)
        drawn = await make_drawn(session)
        await bind(session, drawn.firm)
        await park_views.consent(session, actor=drawn.firm, now=NOW)
        await bind(session, SYSTEM)

        [call] = await self.list_calls(session, park)

        firm = await session.get_one(Organisation, drawn.firm.organisation_id)
        assert (call.firm_name, call.contact_name) == (firm.name, "测试用户")
        assert call.contact_email.endswith("@example.test")
        pages = read(to_xlsx([call_list.as_sheet([call])]))
        assert pages["call list"][1][4] == firm.name

    async def test_an_unmet_condition_is_a_call(self, session: AsyncSession) -> None:
        park = await make_park(session)
        table = await make_table(session)
        deal = await accept(session, table)
        await approve_all(session, table, deal, conditions=["补充担保"])
        await confirm_all(session, table, deal)
        await bind(session, SYSTEM)

        calls = await self.list_calls(session, park)

        assert {call.reason for call in calls} == {"condition_unmet"}
        assert all("补充担保" not in (call.detail or "") for call in calls)
