"""A park's monthly or quarterly return: what the ledger and the loans did in the period."""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.models.exposures import ParkFigures
from app.services import park_views
from app.services.actor import SYSTEM, Actor, bind
from app.services.figures import days_out, hhi, last_figures, nothing, share_pct
from app.services.ledger import AccountRole
from app.services.sheets import Cell, Sheet
from app.services.statements import Statement, accounts_of, period, read_statement

MONTHS_PER_QUARTER = 3

_PERIOD = re.compile(r"(?P<year>20\d\d)-(?:(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4]))")

# Sums of the transfers by what they are and between which of the park's accounts.
_MOVES = text("""
    SELECT t.kind, t.debit_account_id AS debit, t.credit_account_id AS credit,
           sum(t.amount) AS amount, coalesce(sum(h.amount), 0) AS held
    FROM ledger_transfers t LEFT JOIN ledger_transfers h ON h.id = t.hold_id
    WHERE t.at > :start AND t.at <= :end AND EXISTS (
        SELECT FROM ledger_entries e
        WHERE e.account_id = ANY (:ids) AND e.at = t.at AND e.transfer_id = t.id)
    GROUP BY 1, 2, 3
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))


@dataclass(frozen=True, slots=True)
class Moves:
    """A quota account's flows: outstanding grows by drawn + retaken − freed − called."""

    allocated: Money  # from the reserve
    withdrawn: Money  # to the reserve
    held: Money
    given_back: Money  # of holds: voided, expired, or what was not drawn of them
    drawn: Money
    retaken: Money  # of reversed repayments
    freed: Money
    called: Money
    restored: Money  # called quota that returned by decision


@dataclass(frozen=True, slots=True)
class Return:
    park_code: str
    name: str
    statement: Statement
    moves: Moves
    before: ParkFigures
    after: ParkFigures


async def get_return(
    session: AsyncSession,
    *,
    actor: Actor,
    park_code: str | None = None,
    named: str,
    now: datetime,
) -> Return:
    """``named`` is 2026-11 or 2026-Q4; a period that still runs is returned up to now."""
    park = await park_views.find_park(session, actor=actor, park_code=park_code)
    first_day, last_day = days_of(named)
    if first_day > business_date(now):
        raise FieldRefused("period", say("must not be in the future"))
    start, end = period(first_day, last_day, now=now)
    await bind(session, SYSTEM)
    found = Return(
        park_code=park.code,
        name=named,
        statement=await read_statement(session, park.code, start=start, end=end),
        moves=await _moves(session, park.code, start=start, end=end),
        before=await last_figures(session, park.code, at=start) or nothing(park.code),
        after=await last_figures(session, park.code, at=end) or nothing(park.code),
    )
    await bind(session, actor)
    return found


def days_of(named: str) -> tuple[date, date]:
    """First and last day of 2026-11 or of 2026-Q4; FieldRefused for another word."""
    match = _PERIOD.fullmatch(named)
    if match is None:
        raise FieldRefused("period", say("must be a month 2026-11 or a quarter 2026-Q4"))
    year = int(match["year"])
    if match["month"]:
        first = last = int(match["month"])
    else:
        last = int(match["quarter"]) * MONTHS_PER_QUARTER
        first = last - MONTHS_PER_QUARTER + 1
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


async def _moves(session: AsyncSession, park_code: str, *, start: datetime, end: datetime) -> Moves:
    roles = await accounts_of(session, park_code)
    sums = dict.fromkeys(Moves.__dataclass_fields__, ZERO)
    rows = await session.execute(_MOVES, {"ids": list(roles), "start": start, "end": end})
    for row in rows:
        amount, held = Money(int(row.amount)), Money(int(row.held))
        match row.kind, roles.get(row.debit), roles.get(row.credit):
            case "hold", _, _:
                sums["held"] += amount
            case "post", _, _:
                sums["drawn"] += amount
                sums["given_back"] += held - amount
            case (("void" | "expire"), _, _):
                sums["given_back"] += held
            case _, None, AccountRole.AVAILABLE:
                sums["allocated"] += amount
            case _, AccountRole.AVAILABLE, None:
                sums["withdrawn"] += amount
            case _, AccountRole.AVAILABLE, AccountRole.OUTSTANDING:
                sums["retaken"] += amount
            case _, AccountRole.OUTSTANDING, AccountRole.AVAILABLE:
                sums["freed"] += amount
            case _, AccountRole.OUTSTANDING, AccountRole.CALLED:
                sums["called"] += amount
            case _, AccountRole.CALLED, _:
                sums["restored"] += amount
            case _:
                raise AssertionError(row)
    return Moves(**sums)


def as_sheet(found: Return) -> Sheet:
    """The return as one table of figures."""
    columns = [("指标", "in Chinese"), ("指标（英文）", "Figure"), ("数值", "Value")]
    return Sheet(found.name, columns, _rows(found))


def _rows(found: Return) -> Sequence[Sequence[Cell]]:
    by_role = {account.role: account for account in found.statement.accounts}
    moves, before, after = found.moves, found.before, found.after
    days = days_out(
        after.days_count - before.days_count, after.days_sum - before.days_sum, Decimal(0)
    )
    rows: list[tuple[str, str, Cell]] = [
        ("园区", "Park", found.park_code),
        ("期间起", "From", found.statement.start),
        ("期间止", "To", found.statement.end),
    ]
    for zh, en in (("期初", "Opening"), ("期末", "Closing")):
        balances = {
            role: account.opening if en == "Opening" else account.closing
            for role, account in by_role.items()
        }
        available = balances[AccountRole.AVAILABLE]
        outstanding = balances[AccountRole.OUTSTANDING].posted
        called = balances[AccountRole.CALLED].posted
        rows += [
            (f"{zh}额度", f"{en} allocated", available.posted + outstanding + called),
            (f"{zh}预占", f"{en} held", available.held),
            (f"{zh}在保", f"{en} outstanding", outstanding),
            (f"{zh}代偿", f"{en} called", called),
            (f"{zh}可用", f"{en} available", available.posted - available.held),
        ]
    rows += [
        ("本期调入", "Allocated", moves.allocated),
        ("本期调出", "Withdrawn", moves.withdrawn),
        ("本期预占", "Held", moves.held),
        ("本期退回预占", "Holds given back", moves.given_back),
        ("本期放款", "Drawn", moves.drawn),
        ("本期冲正收回", "Retaken", moves.retaken),
        ("本期释放", "Freed", moves.freed),
        ("本期代偿", "Called", moves.called),
        ("本期恢复", "Restored", moves.restored),
        ("本期放款笔数", "Loans drawn", after.loans - before.loans),
        ("本期放款本金", "Principal drawn", after.drawn - before.drawn),
        ("本期首贷户", "First-time borrowers", after.first_time - before.first_time),
        ("平均放款天数", "Days from request to cash, mean", days.mean),
        ("期末贷款笔数", "Loans at the end", after.live_loans),
        ("期末贷款余额", "Principal at the end", after.outstanding),
        ("期末逾期笔数", "Loans overdue", after.overdue_loans),
        ("期末逾期本金", "Principal overdue", after.overdue_principal),
        ("期末逾期率（%）", "Overdue, %", share_pct(after.overdue_principal, after.outstanding)),
        (
            "期末小微占比（%）",
            "Small and micro firms, %",
            share_pct(after.small_micro_liability, after.liability),
        ),
        ("期末银行集中度（HHI）", "HHI of banks", hhi(after.bank_squares, after.liability)),
        ("期末企业集中度（HHI）", "HHI of firms", hhi(after.firm_squares, after.liability)),
        (
            "期末最大企业占比（%）",
            "Largest firm, %",
            share_pct(after.largest_firm_liability, after.liability),
        ),
    ]
    return rows
