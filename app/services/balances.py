"""What accounts of the ledger showed at a past instant: the last entry before it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money

_AT = text("""
    SELECT e.account_id, e.credits_posted - e.debits_posted AS posted, e.debits_pending
    FROM unnest(:ids) AS a (id), LATERAL (
        SELECT * FROM ledger_entries WHERE account_id = a.id AND at <= :at
        ORDER BY at DESC, version DESC LIMIT 1
    ) e
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))


@dataclass(frozen=True, slots=True)
class Balance:
    """Posted credits less debits, and the debits that are pending."""

    posted: Money
    held: Money


EMPTY = Balance(Money(0), Money(0))


async def balances_at(
    session: AsyncSession, account_ids: Collection[UUID], at: datetime
) -> dict[UUID, Balance]:
    """The balance of each account at the instant ``at``; EMPTY before its first entry."""
    rows = await session.execute(_AT, {"ids": list(account_ids), "at": at})
    found = {row.account_id: Balance(Money(row.posted), Money(row.debits_pending)) for row in rows}
    return {account_id: found.get(account_id, EMPTY) for account_id in account_ids}
