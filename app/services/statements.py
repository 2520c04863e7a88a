"""A park's quota statement: accounts with totals, and every transfer of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI, business_date
from app.core.errors import FieldRefused, Unprocessable
from app.core.messages import say
from app.core.money import Money
from app.models.ledger import LedgerAccount
from app.services import park_views
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Balance, Book, balances_at

LINES_MAX = 100_000

INSTANT = timedelta(microseconds=1)
"""The step of the database's clock."""

ROLES = (AccountRole.AVAILABLE, AccountRole.OUTSTANDING, AccountRole.CALLED)

# What each entry changed: its counters less those before it.
_LINES = text("""
    SELECT e.account_id, e.at, t.id, t.kind, t.code, t.reference,
           e.credits_posted - e.previous_credits_posted
               - e.debits_posted + e.previous_debits_posted AS posted,
           e.debits_pending - e.previous_debits_pending AS held
    FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer_id
    WHERE e.account_id = ANY (:ids) AND e.at >= :start AND e.at <= :end
    ORDER BY e.at, e.account_id, e.version LIMIT :limit
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))


@dataclass(eq=False)
class PeriodTooLong(Unprocessable):
    message = "The period has more than {most} entries; ask for a shorter one."

    most: int


@dataclass(frozen=True, slots=True)
class AccountTotals:
    role: AccountRole
    opening: Balance
    closing: Balance
    posted: Money  # the sum of all lines
    held: Money


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    role: AccountRole
    transfer_id: UUID
    kind: str
    code: str
    reference: UUID
    posted: Money  # what the balance gained or lost
    held: Money


@dataclass(frozen=True, slots=True)
class Statement:
    park_code: str
    start: datetime
    end: datetime
    accounts: Sequence[AccountTotals]
    lines: Sequence[Line]


async def get_statement(
    session: AsyncSession,
    *,
    actor: Actor,
    park_code: str | None = None,
    first_day: date,
    last_day: date | None,
    now: datetime,
) -> Statement:
    """From the beginning of ``first_day`` to the end of ``last_day``, by default today, or now."""
    park = await park_views.find_park(session, actor=actor, park_code=park_code)
    today = business_date(now)
    last_day = last_day or max(first_day, today)
    if not first_day <= last_day:
        raise FieldRefused("to", say("must not be before the first day"))
    if last_day > today:
        reason = say(
            "must not be in the future; for the days up to today, {today}, leave it out",
            today=today,
        )
        raise FieldRefused("to", reason)
    start, end = period(first_day, last_day, now=now)
    await bind(session, SYSTEM)
    statement = await read_statement(session, park.code, start=start, end=end)
    await bind(session, actor)
    return statement


def period(first_day: date, last_day: date, *, now: datetime) -> tuple[datetime, datetime]:
    """The first instant of the first day and the last of the last day, at most now."""
    start = datetime.combine(first_day, time(0), SHANGHAI)
    end = datetime.combine(last_day + timedelta(days=1), time(0), SHANGHAI)
    return start, min(end - INSTANT, now)


async def accounts_of(session: AsyncSession, park_code: str) -> dict[UUID, AccountRole]:
    rows = await session.scalars(
        select(LedgerAccount).where(
            LedgerAccount.book == Book.QUOTA, LedgerAccount.owner == park_code
        )
    )
    return {row.id: AccountRole(row.role) for row in rows}


async def read_statement(
    session: AsyncSession, park_code: str, *, start: datetime, end: datetime
) -> Statement:
    """To be read as the platform. PeriodTooLong rather than a part of the truth."""
    roles = await accounts_of(session, park_code)
    opening = await balances_at(session, list(roles), start - INSTANT)
    closing = await balances_at(session, list(roles), end)
    found = await session.execute(
        _LINES, {"ids": list(roles), "start": start, "end": end, "limit": LINES_MAX + 1}
    )
    rows: Sequence[Any] = found.all()
    if len(rows) > LINES_MAX:
        raise PeriodTooLong(LINES_MAX)
    lines = [
        Line(
            at=row.at,
            role=roles[row.account_id],
            transfer_id=row.id,
            kind=row.kind,
            code=row.code,
            reference=row.reference,
            posted=Money(row.posted),
            held=Money(row.held),
        )
        for row in rows
    ]
    return Statement(
        park_code=park_code,
        start=start,
        end=end,
        accounts=[
            AccountTotals(
                role=role,
                opening=opening[account_id],
                closing=closing[account_id],
                posted=Money.sum([line.posted for line in lines if line.role is role]),
                held=Money.sum([line.held for line in lines if line.role is role]),
            )
            for account_id, role in sorted(roles.items(), key=lambda item: ROLES.index(item[1]))
        ],
        lines=lines,
    )
