"""When repayments that are scheduled will have freed enough room; nothing else is foreseen."""

from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.models.ledger import LedgerAccount
from app.services.ledger import Book

# The liability that each line still to fall due will free, as deal.md rounds it: before less after.
# What is overdue frees nothing until it is paid, and has no day; what is in default repays by no
# schedule, and what calls settled frees nothing at all.
_RELEASES: Final = """
WITH lines AS (
    SELECT i.due_on, l.guarantee_share_pct / 100 AS share,
           l.outstanding - l.settled_by_calls AS outstanding,
           i.principal - i.paid_principal AS part,
           sum(i.principal - i.paid_principal) OVER (PARTITION BY l.id ORDER BY i.number) AS paid
    FROM loans l
    JOIN deals d ON d.id = l.deal_id
    JOIN instalments i ON i.loan_id = l.id AND i.version = l.schedule_version
    WHERE l.status IN ('performing', 'overdue') AND l.outstanding > 0
      AND i.due_on > :today AND {condition}
)
SELECT due_on, CAST(sum(
    round(greatest(0, outstanding - paid + part) * share)
    - round(greatest(0, outstanding - paid) * share)) AS bigint)
FROM lines GROUP BY due_on ORDER BY due_on
"""
_OF_QUOTA = text(_RELEASES.format(condition="d.in_programme AND d.park_code = :owner"))
_OF_GUARANTOR = text(_RELEASES.format(condition="d.guarantor_id = CAST(:owner AS uuid)"))


async def list_releases(
    session: AsyncSession, account: LedgerAccount, *, today: date
) -> list[tuple[date, Money]]:
    """What the schedules in force free of one limit, by due day. To be read as the platform."""
    statement = _OF_QUOTA if account.book == Book.QUOTA else _OF_GUARANTOR
    rows = await session.execute(statement, {"owner": account.owner, "today": today})
    return [(due_on, Money(freed)) for due_on, freed in rows]


async def find_day(
    session: AsyncSession, account: LedgerAccount, *, amount: Money, today: date
) -> date | None:
    """The first day by which ``amount`` will have been freed, or None if no schedule brings it."""
    freed = ZERO
    for due_on, part in await list_releases(session, account, today=today):
        freed += part
        if freed >= amount:
            return due_on
    return None
