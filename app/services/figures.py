"""A park's figures, now or at a past instant, from balances and running aggregates alone.

Nothing here goes through the loans, so the price is the same whatever their number. Recoveries
are summed: they are as few as the loans that were lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lifecycle.deals import QueueStatus
from app.models.claims import Recovery
from app.models.deals import Deal, QueueEntry
from app.models.exposures import ParkFigures
from app.models.ledger import LedgerAccount
from app.models.loans import Loan
from app.models.organisations import Organisation
from app.schemas.figures import (
    ConcentrationOut,
    DaysOut,
    DefaultedOut,
    FiguresOut,
    FloorShareOut,
    LendingOut,
    OverdueOut,
    SharesOut,
    StuckOut,
    WaitingOut,
)
from app.schemas.public import QuotaOut
from app.services import park_views, releases, rules, stuck
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import NOTHING, AccountRole, Balance, Book, balances_at
from app.services.reference import PROGRAMME

ALERT_RULE = "alerts"
"""The key of the dated rule."""

QUEUE_SHOWN = 100
STUCK_SHOWN = 1000
HHI_OF_ONE = 10_000

_TENTH, _HUNDREDTH, _WHOLE = Decimal("0.1"), Decimal("0.01"), Decimal(1)


@dataclass(frozen=True, slots=True)
class ParkAccounts:
    """The balances of a park's accounts at one instant."""

    quota: QuotaOut
    floor: Money
    available_id: UUID | None


@dataclass(frozen=True, slots=True)
class FiguresFile:
    """A park's figures and the deals before cash, the longest in its step first."""

    figures: FiguresOut
    stuck: Sequence[StuckOut]


async def get_figures(
    session: AsyncSession,
    *,
    actor: Actor,
    park_code: str | None = None,
    at: datetime | None = None,
    now: datetime,
) -> FiguresOut:
    """The figures of a visible park at ``at``, or live; before its first entry all are zero."""
    park = await park_views.find_park(session, actor=actor, park_code=park_code)
    if at is not None and at > now:
        raise FieldRefused("at", say("must not be in the future"))
    await bind(session, SYSTEM)  # aggregates, and names only of firms that consented
    figures = await read_figures(session, park.code, at=at, now=now)
    await bind(session, actor)
    return figures


async def get_file(
    session: AsyncSession,
    *,
    actor: Actor,
    park_code: str | None = None,
    at: datetime | None = None,
    now: datetime,
) -> FiguresFile:
    """The figures and who was stuck at that instant, as a file tells them."""
    found = await get_figures(session, actor=actor, park_code=park_code, at=at, now=now)
    await bind(session, SYSTEM)
    waiting = await stuck.read_stuck(session, found.park_code, at=at, limit=STUCK_SHOWN)
    await bind(session, actor)
    return FiguresFile(found, waiting)


async def read_figures(
    session: AsyncSession, park_code: str, *, at: datetime | None, now: datetime
) -> FiguresOut:
    """The same for whoever may see the park: to be read as the platform."""
    instant = at or now
    accounts = await read_accounts(session, park_code, at=at)
    row = await last_figures(session, park_code, at=at) or nothing(park_code)
    names = await _largest_names(session, row)
    quota = accounts.quota
    queue = await _list_waiting(session, accounts.available_id, at=at)
    months = releases.months_of_room(
        [entry.amount for entry in queue], free=quota.available, releases=row.releases
    )
    for entry, month in zip(queue, months, strict=True):
        entry.room_in = month
    return FiguresOut(
        park_code=park_code,
        at=instant,
        quota=quota,
        queued=Money.sum([entry.amount for entry in queue]),
        queued_deals=len(queue),
        utilisation_pct=utilisation(quota),
        floor=await _floor(session, accounts.floor, on=business_date(instant)),
        lending=LendingOut(
            loans=row.loans,
            live_loans=row.live_loans,
            drawn=row.drawn,
            outstanding=row.outstanding,
            recovered=await _recovered(session, park_code, at=instant),
            first_time_borrowers=row.first_time,
        ),
        days_to_cash=days_out(row.days_count, row.days_sum, row.days_median),
        overdue=OverdueOut(
            loans=row.overdue_loans,
            principal=row.overdue_principal,
            share_pct=share_pct(row.overdue_principal, row.outstanding),
        ),
        defaulted=DefaultedOut(loans=row.defaulted_loans, liability=row.defaulted_liability),
        small_micro=SharesOut(
            liability=row.small_micro_liability,
            share_pct=share_pct(row.small_micro_liability, row.liability),
        ),
        banks=ConcentrationOut(
            hhi=hhi(row.bank_squares, row.liability),
            largest_liability=row.largest_bank_liability,
            largest_share_pct=share_pct(row.largest_bank_liability, row.liability),
            largest_name=names.get(row.largest_bank),
        ),
        firms=ConcentrationOut(
            hhi=hhi(row.firm_squares, row.liability),
            largest_liability=row.largest_firm_liability,
            largest_share_pct=share_pct(row.largest_firm_liability, row.liability),
            largest_name=names.get(row.largest_firm),
        ),
        concentration_alerts_from_loans=await _loans_min(session, on=business_date(instant)),
        releases=await releases.list_months(session, row, on=business_date(instant)),
        queue=queue[:QUEUE_SHOWN],
        stuck=await stuck.count_steps(session, park_code, at=at),
    )


async def _recovered(session: AsyncSession, park_code: str, *, at: datetime) -> Money:
    total: Money | None = await session.scalar(
        select(func.sum(Recovery.principal))
        .join(Loan, Loan.id == Recovery.loan_id)
        .join(Deal, Deal.id == Loan.deal_id)
        .where(Deal.park_code == park_code, Recovery.recorded_at <= at)
    )
    return total or ZERO


async def read_accounts(
    session: AsyncSession, park_code: str, *, at: datetime | None
) -> ParkAccounts:
    """The five counters and the floor's progress; one statement, so they add up."""
    rows = (
        await session.scalars(
            select(LedgerAccount)
            .where(
                LedgerAccount.owner == park_code,
                LedgerAccount.book.in_([Book.QUOTA, Book.FLOOR]),
            )
            .execution_options(populate_existing=True)
        )
    ).all()
    if at is None:
        by_id = {row.id: _balance(row) for row in rows}
    else:
        by_id = await balances_at(session, [row.id for row in rows], at)
    by_role = {AccountRole(row.role): by_id[row.id] for row in rows}
    available = by_role.get(AccountRole.AVAILABLE, NOTHING)
    outstanding = by_role.get(AccountRole.OUTSTANDING, NOTHING).posted
    called = by_role.get(AccountRole.CALLED, NOTHING).posted
    return ParkAccounts(
        quota=QuotaOut(
            park_code=park_code,
            allocated=available.posted + outstanding + called,
            held=available.held,
            outstanding=outstanding,
            called=called,
            available=available.posted - available.held,
        ),
        floor=by_role.get(AccountRole.PROGRESS, NOTHING).posted,
        available_id=next((row.id for row in rows if row.role == AccountRole.AVAILABLE), None),
    )


def _balance(row: LedgerAccount) -> Balance:
    return Balance(
        Money(row.debits_posted),
        Money(row.debits_pending),
        Money(row.credits_posted),
        Money(row.credits_pending),
    )


async def last_figures(
    session: AsyncSession, park_code: str, *, at: datetime | None
) -> ParkFigures | None:
    """The running aggregates that were in force at ``at``, or are now."""
    rows = select(ParkFigures).where(ParkFigures.park_code == park_code)
    if at is not None:
        rows = rows.where(ParkFigures.at <= at)
    row: ParkFigures | None = await session.scalar(rows.order_by(ParkFigures.at.desc()).limit(1))
    return row


def nothing(park_code: str) -> ParkFigures:
    """The aggregates of a park without a loan."""
    money = (
        *("liability", "outstanding", "drawn", "overdue_principal", "small_micro_liability"),
        "defaulted_liability",
    )
    counts = (
        *("loans", "live_loans", "first_time", "days_sum", "days_count", "overdue_loans"),
        "defaulted_loans",
    )
    values: dict[str, Any] = dict.fromkeys(money, ZERO) | dict.fromkeys(counts, 0)
    return ParkFigures(
        park_code=park_code,
        version=0,
        days_median=Decimal(0),
        bank_squares=Decimal(0),
        firm_squares=Decimal(0),
        largest_bank_liability=ZERO,
        largest_firm_liability=ZERO,
        releases={},
        **values,
    )


async def _largest_names(session: AsyncSession, row: ParkFigures) -> dict[UUID | None, str | None]:
    """The bank's name, and the firm's if it consented."""
    named: dict[UUID | None, str | None] = {}
    if row.largest_bank is not None:
        name = await session.scalar(
            select(Organisation.name).where(Organisation.id == row.largest_bank)
        )
        named[row.largest_bank] = name
    if row.largest_firm is not None:
        names = await park_views.names_of(session, [row.largest_firm])
        named[row.largest_firm] = names.get(row.largest_firm)
    return named


async def _list_waiting(
    session: AsyncSession, account_id: UUID | None, *, at: datetime | None
) -> list[WaitingOut]:
    """Who waits (or waited) for the quota account, in order of arrival."""
    waiting = (
        select(QueueEntry, Deal.firm_id)
        .join(Deal, Deal.id == QueueEntry.deal_id)
        .where(QueueEntry.quota_account_id == account_id)
        .order_by(QueueEntry.arrival)
    )
    if at is None:
        waiting = waiting.where(QueueEntry.status == QueueStatus.WAITING)
    else:
        waiting = waiting.where(
            QueueEntry.joined_at <= at, or_(QueueEntry.left_at.is_(None), QueueEntry.left_at > at)
        )
    rows = (await session.execute(waiting)).all()
    names = await park_views.names_of(session, {firm_id for _, firm_id in rows[:QUEUE_SHOWN]})
    return [
        WaitingOut(
            position=1 + sum(1 for earlier, _ in rows[:place] if _meets(earlier, entry)),
            kind=entry.kind,
            amount=entry.amount,
            since=entry.joined_at,
            firm_name=names.get(firm_id),
        )
        for place, (entry, firm_id) in enumerate(rows)
    ]


def _meets(earlier: QueueEntry, entry: QueueEntry) -> bool:
    """Whether both wait for something in common; otherwise the later one may pass."""
    return not set(earlier.lacks).isdisjoint(entry.lacks)


async def _floor(session: AsyncSession, cumulative: Money, *, on: date) -> FloorShareOut:
    rule = await rules.find_version(session, PROGRAMME, on=on)
    target = Money.yuan(rule.body["floor"]) if rule else ZERO
    return FloorShareOut(
        cumulative=cumulative, target_pct=share_pct(cumulative, target) if target else None
    )


async def _loans_min(session: AsyncSession, *, on: date) -> int | None:
    """How many live loans concentration needs before it raises alerts; None without a rule."""
    rule = await rules.find_version(session, ALERT_RULE, on=on)
    return None if rule is None else int(rule.body["loans_min"])


def utilisation(quota: QuotaOut) -> Decimal:
    """What is held, outstanding or called, as a share of what is allocated."""
    return share_pct(quota.allocated - quota.available, quota.allocated)


def share_pct(part: Money, whole: Money) -> Decimal:
    """0 of nothing, rounded half up to two places."""
    if not whole:
        return Decimal(0).quantize(_HUNDREDTH)
    return (Decimal(100) * part.fen / whole.fen).quantize(_HUNDREDTH, ROUND_HALF_UP)


def hhi(squares: Decimal, whole: Money) -> Decimal:
    """Herfindahl-Hirschman index: the sum of the squared shares, 10,000 for one alone."""
    if not whole:
        return Decimal(0)
    return (HHI_OF_ONE * squares / Decimal(whole.fen) ** 2).quantize(_WHOLE, ROUND_HALF_UP)


def days_out(count: int, total: int, median: Decimal) -> DaysOut:
    """Mean and median to a tenth of a day; none without a loan."""
    if not count:
        return DaysOut(loans=0, mean=None, median=None)
    mean = (Decimal(total) / count).quantize(_TENTH, ROUND_HALF_UP)
    return DaysOut(loans=count, mean=mean, median=median.quantize(_TENTH, ROUND_HALF_UP))
