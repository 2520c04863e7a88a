"""What filings stand for on their funds' accounts: follows the deal and the loan, fen by fen."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lifecycle.deals import DealStatus, DrawdownStatus, LoanStatus
from app.lifecycle.funds import FILING, LIVE_FILINGS, FilingEvent
from app.models.deals import Deal, Drawdown
from app.models.funds import FundFiling
from app.models.loans import Loan
from app.risk.recovery import Lost
from app.services import funds, history, ledger, losses, outbox, schedules
from app.services.actor import SYSTEM, as_platform
from app.services.funds import Stock
from app.services.ledger import Book

_OVER = (DealStatus.FAILED, DealStatus.REPAID, DealStatus.CLOSED)


async def follow(session: AsyncSession, deal_ids: Sequence[UUID], *, now: datetime) -> None:
    """Bring the live filings of these deals in line with what is lent, owed and compensated.

    To be called after a change of deal or loan, which holds their locks, and after its own
    postings: a fund's accounts come after quota and limits, everywhere.
    """
    await session.flush()
    async with as_platform(session):
        rows = await session.execute(
            select(FundFiling, Deal, Loan, _last_drawn())
            .join(Deal, Deal.id == FundFiling.deal_id)
            .outerjoin(Loan, Loan.deal_id == FundFiling.deal_id)
            .where(FundFiling.deal_id.in_(deal_ids), FundFiling.status.in_(LIVE_FILINGS))
            .order_by(FundFiling.fund_id, FundFiling.id)
            .with_for_update(of=FundFiling)
            .execution_options(populate_existing=True)
        )
        for filing, deal, loan, last in rows.all():
            over = last or (
                deal.available_until is not None and deal.available_until < business_date(now)
            )
            lost = await losses.lost(session, loan) if loan is not None else None
            await _move(session, filing, _stock_of(filing, deal, loan, lost, over=over))
            if _is_over(deal, loan):
                history.move(session, filing, FILING, FilingEvent.END, actor=SYSTEM, now=now)
                filing.ended_at = now
                outbox.announce(
                    session,
                    "fund.filing_ended",
                    filing.id,
                    organisation_id=filing.claimant_id,
                    now=now,
                )
        await session.flush()


async def clear(session: AsyncSession, filing: FundFiling) -> None:
    """Give back what a filing stands for; it was refused."""
    async with as_platform(session):
        await _move(session, filing, Stock(ZERO, ZERO))


async def _move(session: AsyncSession, filing: FundFiling, after: Stock) -> None:
    before = Stock(filing.reserved, filing.outstanding)
    if before == after:
        return
    await funds.lock_fund(session, filing.fund_id)
    accounts = await funds.accounts_of(session, filing.fund_id)
    share_pct = filing.fund_share_pct
    operations = [
        *funds.steps(
            accounts, Book.FUND_BASE,
            before=before, after=after, code="filing", reference=filing.id,
        ),
        *funds.steps(
            accounts, Book.FUND_EXPOSURE,
            before=_share_of(before, share_pct), after=_share_of(after, share_pct),
            code="filing", reference=filing.id,
        ),
    ]  # fmt: skip
    if operations:
        await ledger.apply(session, operations)
    filing.reserved, filing.outstanding = after.reserved, after.outstanding


def _share_of(stock: Stock, share_pct: Decimal) -> Stock:
    return Stock(
        schedules.share_of(stock.reserved, share_pct),
        schedules.share_of(stock.outstanding, share_pct),
    )


def _last_drawn() -> ColumnElement[bool]:
    return exists().where(
        Drawdown.deal_id == Deal.id, Drawdown.status == DrawdownStatus.DRAWN, Drawdown.last
    )


def _stock_of(
    filing: FundFiling, deal: Deal, loan: Loan | None, lost: Lost | None, *, over: bool
) -> Stock:
    """(reserved + outstanding principal) × IP share; what was settled or came back is out of it.

    ``over``: nothing more can be drawn.
    """
    if _is_over(deal, loan):
        return Stock(ZERO, ZERO)
    if loan is None or lost is None:
        return _share_of(Stock(deal.principal, ZERO), filing.ip_share_pct)
    undrawn = ZERO if over else max(ZERO, deal.principal - loan.drawn)
    owed = lost.still(max(ZERO, loan.outstanding - filing.compensated))
    return _share_of(Stock(undrawn, owed), filing.ip_share_pct)


def _is_over(deal: Deal, loan: Loan | None) -> bool:
    return deal.status in _OVER or (loan is not None and loan.status is LoanStatus.WRITTEN_OFF)


def exposure_of(filing: FundFiling) -> Money:
    """The fund's share of what the filing stands for, as its accounts count it."""
    stock = _share_of(Stock(filing.reserved, filing.outstanding), filing.fund_share_pct)
    return stock.reserved + stock.outstanding
