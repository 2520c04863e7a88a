"""A park's monthly or quarterly return: what the ledger and the loans did in the period."""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ARRAY, Uuid, bindparam, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.models.alerts import Alert
from app.models.exposures import ParkFigures
from app.schemas.figures import FiguresOut
from app.schemas.green_channel import GreenChannelsOut
from app.schemas.park_desk import FunnelOut
from app.services import funnel, green_channel, park_views
from app.services.actor import SYSTEM, Actor, bind
from app.services.figures import last_figures, nothing, read_accounts, read_figures
from app.services.ledger import AccountRole
from app.services.statements import INSTANT, Statement, accounts_of, period, read_statement

MONTHS_PER_QUARTER = 3

_PERIOD = re.compile(r"(?P<year>20\d\d)-(?:(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4]))")

# Sums of the transfers by what they are and between which of the park's accounts.
_MOVES = text("""
    SELECT t.kind, t.debit_account_id AS debit, t.credit_account_id AS credit,
           sum(t.amount) AS amount, coalesce(sum(h.amount), 0) AS held
    FROM ledger_transfers t LEFT JOIN ledger_transfers h ON h.id = t.hold_id
    WHERE t.at >= :start AND t.at <= :end AND EXISTS (
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
    floor_before: Money
    closing: FiguresOut
    green: GreenChannelsOut
    funnel: FunnelOut
    alerts: Sequence[Alert]


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
    until = min(last_day, business_date(now))
    await bind(session, SYSTEM)
    [stages] = await funnel.read(session, [park.code], since=first_day, until=until, now=now)
    found = Return(
        park_code=park.code,
        name=named,
        statement=await read_statement(session, park.code, start=start, end=end),
        moves=await _moves(session, park.code, start=start, end=end),
        before=await last_figures(session, park.code, at=start - INSTANT) or nothing(park.code),
        after=await last_figures(session, park.code, at=end) or nothing(park.code),
        floor_before=(await read_accounts(session, park.code, at=start - INSTANT)).floor,
        closing=await read_figures(session, park.code, at=end, now=now),
        green=await green_channel.read(
            session, park_code=park.code, since=first_day, until=until, now=now
        ),
        funnel=stages,
        alerts=await _alerts(session, park.code, start=start, end=end),
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


async def _alerts(
    session: AsyncSession, park_code: str, *, start: datetime, end: datetime
) -> Sequence[Alert]:
    """Those that stood at some time of the period, in the order in which they were raised."""
    rows = await session.scalars(
        select(Alert)
        .where(
            Alert.subject == park_code,
            Alert.raised_at <= end,
            or_(Alert.cleared_at.is_(None), Alert.cleared_at > start),
        )
        .order_by(Alert.id)
    )
    return rows.all()


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
