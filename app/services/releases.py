"""What schedules free of a park's quota, by month, as a version of its figures knew it."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.models.exposures import ParkFigures
from app.schemas.figures import ReleaseOut

MONTHS_AHEAD = 12

# One look-up a day: the last amount that was known by then.
_BY_DAY = text("""
    SELECT CAST(d.day AS date) AS day, r.amount
    FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS d (day)
    CROSS JOIN LATERAL (
        SELECT amount FROM park_releases
        WHERE park_code = :park_code AND due_on = CAST(d.day AS date) AND version <= :version
        ORDER BY version DESC LIMIT 1
    ) r
""")


async def list_months(session: AsyncSession, row: ParkFigures, *, on: date) -> Sequence[ReleaseOut]:
    """Twelve months from ``on``: what is left of its month first, that much of the last one.

    Thirteen calendar months with that; one without a release shows zero. Figures older than the
    record by day cannot tell the part of a month, and stop before it.
    """
    months = [_month(on, ahead) for ahead in range(MONTHS_AHEAD + 1)]
    whole = [
        ReleaseOut(month=f"{end:%Y-%m}", until=end, amount=_of_month(row, end)) for end in months
    ]
    last = months[-1]
    by_day = await _list_days(session, row, month=last)
    if Money.sum(list(by_day.values())) != whole[-1].amount:
        return whole[:-1]
    until = last.replace(day=min(on.day, last.day))
    amount = Money.sum([freed for day, freed in by_day.items() if day <= until])
    return [*whole[:-1], ReleaseOut(month=f"{last:%Y-%m}", until=until, amount=amount)]


def months_of_room(
    amounts: Sequence[Money], *, free: Money, releases: dict[str, Any]
) -> list[str | None]:
    """The month by whose end the schedules in force free room for each that waits, in order.

    None where they do not, or where the account has the room: then the wait is for another limit.
    """
    months: list[str | None] = []
    coming = iter(sorted(releases.items()))
    month: str | None = None
    for needed in amounts:
        free -= needed
        while free < ZERO:
            month, freed = next(coming, (None, None))
            if freed is None:
                break
            free += Money(freed)
        months.append(month)
    return months


async def _list_days(session: AsyncSession, row: ParkFigures, *, month: date) -> dict[date, Money]:
    days = await session.execute(
        _BY_DAY,
        {
            "first": month.replace(day=1),
            "last": month,
            "park_code": row.park_code,
            "version": row.version,
        },
    )
    return {day: Money(amount) for day, amount in days}


def _of_month(row: ParkFigures, day: date) -> Money:
    return Money(row.releases.get(f"{day:%Y-%m}", 0))


def _month(on: date, ahead: int) -> date:
    """The last day of the month so many after that of ``on``."""
    years, month = divmod(on.month - 1 + ahead, 12)
    year = on.year + years
    return date(year, month + 1, monthrange(year, month + 1)[1])
