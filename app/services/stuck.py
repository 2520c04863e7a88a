"""Deals before cash: how many in each step, and who has been there for how long."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.deals import Deal
from app.models.exposures import DealStep
from app.schemas.figures import StepOut, StuckOut
from app.services import park_views
from app.services.actor import SYSTEM, Actor, bind


async def count_steps(
    session: AsyncSession, park_code: str, *, at: datetime | None = None
) -> list[StepOut]:
    """How many deals are in each step, since when the oldest. To be read as the platform."""
    rows = await session.execute(
        select(DealStep.step, func.count().label("deals"), func.min(DealStep.since).label("oldest"))
        .where(DealStep.park_code == park_code, _open(at))
        .group_by(DealStep.step)
    )
    steps = [StepOut(step=row.step, deals=row.deals, oldest_since=row.oldest) for row in rows]
    return sorted(steps, key=lambda step: step.oldest_since)


async def list_stuck(
    session: AsyncSession,
    *,
    actor: Actor,
    park_code: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[StuckOut]:
    """Deals before cash of a visible park, the longest in its step first."""
    park = await park_views.find_park(session, actor=actor, park_code=park_code)
    await bind(session, SYSTEM)  # a park is no party of the deals; it sees no more than this
    found = await read_stuck(session, park.code, after=after, limit=limit)
    await bind(session, actor)
    return found


async def read_stuck(
    session: AsyncSession,
    park_code: str,
    *,
    at: datetime | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[StuckOut]:
    """The same for whoever may see the park, now or at a past instant, by today's consents.

    To be read as the platform.
    """
    steps = (
        select(DealStep, Deal.firm_id)
        .join(Deal, Deal.id == DealStep.deal_id)
        .where(DealStep.park_code == park_code, _open(at))
        .order_by(DealStep.since, DealStep.deal_id)
        .limit(limit)
    )
    if after is not None:
        last = select(DealStep.since).where(DealStep.deal_id == after, _open(at))
        steps = steps.where(
            tuple_(DealStep.since, DealStep.deal_id) > tuple_(last.scalar_subquery(), after)
        )
    rows = (await session.execute(steps)).all()
    names = await park_views.names_of(session, {firm_id for _, firm_id in rows})
    return [
        StuckOut(
            deal_id=step.deal_id,
            step=step.step,
            since=step.since,
            firm_name=names.get(firm_id),
        )
        for step, firm_id in rows
    ]


def _open(at: datetime | None) -> ColumnElement[bool]:
    if at is None:
        return DealStep.until.is_(None)
    within = func.tstzrange(DealStep.since, DealStep.until)
    return and_(within.op("@>")(at))
