"""Compensation funds for everybody: their capital as it is, the rest only in whole quarters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SHANGHAI
from app.core.money import Money
from app.lifecycle.funds import FilingStatus
from app.models.funds import Fund, FundFiling
from app.risk.scheme_files import find_scheme
from app.schemas.fund_figures import PublicFundOut
from app.services import disclosure, fund_disclosure, funds, ledger, public_programme
from app.services.actor import as_platform
from app.services.fund_disclosure import Moved
from app.services.funds import FundState
from app.services.ledger import AccountRole, Book

FUNDS_MAX = 200


async def list_funds(session: AsyncSession, *, on: date) -> list[PublicFundOut]:
    """Every fund, the first opened first. No firm and no bank.

    Loans, leverage and what claims cost are those at the end of the last whole quarter, so that no
    difference of two answers tells a filing; and they need enough firms, none of them too large.
    """
    first, after = public_programme.last_quarter(on)
    end = datetime.combine(after, time(0), SHANGHAI)
    limits = await disclosure.limits_on(session, on=after - timedelta(days=1))
    async with as_platform(session):
        rows = (await session.scalars(select(Fund).order_by(Fund.id).limit(FUNDS_MAX))).all()
        states = await funds.states_of(session, [fund.id for fund in rows])
        filed = await _filed_at(session, end)
        moved = await fund_disclosure.moved_of(session, [fund.id for fund in rows], before=end)
        told = []
        for fund in rows:
            loans, amounts = filed.get(fund.id, (Counter(), Counter()))
            may_tell = disclosure.may_tell(limits, loans, amounts)
            told.append(
                await _tell(
                    session,
                    fund,
                    states[fund.id],
                    balance=_balance(states[fund.id], moved[fund.id], limits),
                    quarter=public_programme.name_of(first),
                    loans=loans.total() if may_tell else None,
                    at=end,
                )
            )
    return told


async def _filed_at(
    session: AsyncSession, end: datetime
) -> Mapping[UUID, tuple[Counter[UUID], Counter[UUID]]]:
    """By fund: how many loans of each firm stood filed then, and the amounts lent on them."""
    rows = await session.execute(
        select(
            FundFiling.fund_id,
            FundFiling.firm_id,
            func.count(),
            func.sum(FundFiling.loan_amount),
        )
        .where(
            FundFiling.filed_at < end,
            FundFiling.status != FilingStatus.REFUSED,
            or_(FundFiling.ended_at.is_(None), FundFiling.ended_at >= end),
        )
        .group_by(FundFiling.fund_id, FundFiling.firm_id)
    )
    found: dict[UUID, tuple[Counter[UUID], Counter[UUID]]] = {}
    for fund_id, firm_id, count, amount in rows:
        loans, amounts = found.setdefault(fund_id, (Counter(), Counter()))
        loans[firm_id], amounts[firm_id] = count, amount.fen
    return found


def _balance(state: FundState, moved: Moved, limits: Mapping[str, Any]) -> Money | None:
    return state.paid_in - moved.net if moved.may_tell(limits) else None


async def _tell(
    session: AsyncSession,
    fund: Fund,
    state: FundState,
    *,
    balance: Money | None,
    quarter: str,
    loans: int | None,
    at: datetime,
) -> PublicFundOut:
    scheme = find_scheme(fund.scheme)
    return PublicFundOut(
        name=fund.name,
        scheme=scheme.id,
        scheme_name=scheme.text,
        scheme_invented=scheme.invented,
        park_code=fund.park_code,
        paid_in=state.paid_in,
        balance=balance,
        quarter=quarter,
        leverage=await _leverage_at(session, fund.id, at=at) if loans is not None else None,
        loans=loans,
    )


_LEVERAGE: Sequence[tuple[Book, AccountRole]] = (
    (Book.FUND, AccountRole.AVAILABLE),
    (Book.FUND_BASE, AccountRole.RESERVED),
    (Book.FUND_BASE, AccountRole.OUTSTANDING),
)


async def _leverage_at(session: AsyncSession, fund_id: UUID, *, at: datetime) -> Decimal | None:
    """Filed IP principal over the fund's money, as the ledger had both at the instant ``at``."""
    accounts = await funds.accounts_of(session, fund_id)
    ids = [accounts[key].id for key in _LEVERAGE]
    balances = await ledger.balances_at(session, ids, at)
    money, reserved, outstanding = (balances[account_id].posted for account_id in ids)
    return funds.leverage_of(reserved + outstanding, money)
