"""Recommendation lists: a park recommends firms, and lenders see it once the firm consents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, NotFound
from app.lifecycle.park_desk import (
    RECOMMENDATION,
    RecommendationEvent,
    RecommendationStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.models.park_desk import Recommendation
from app.schemas.park_desk import RecommendationIn
from app.services import history, outbox
from app.services.actor import Actor
from app.services.park_visits import check_members, park_of

_LIVE = (RecommendationStatus.PROPOSED, RecommendationStatus.CONSENTED)


class AlreadyRecommended(Conflict):
    message = "The park recommends one of these firms already."


def visible_recommendations(actor: Actor, park_code: str | None) -> Select[Recommendation]:
    """A park sees its own, a firm those of itself, the authority all."""
    rows = select(Recommendation)
    match actor.kind:
        case OrganisationKind.PARK:
            return rows.where(Recommendation.park_code == park_code)
        case OrganisationKind.ENTERPRISE:
            return rows.where(Recommendation.firm_id == actor.organisation_id)
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return rows
        case _:
            return rows.where(false())


async def recommend(
    session: AsyncSession, *, actor: Actor, data: RecommendationIn, now: datetime
) -> list[Recommendation]:
    """Put certified firms of the park on its list; each is asked for its consent."""
    park_code = await park_of(session, actor)
    firm_ids = sorted(set(data.firm_ids))
    await check_members(session, park_code, firm_ids)
    live = await session.scalar(
        select(Recommendation.id).where(
            Recommendation.park_code == park_code,
            Recommendation.firm_id.in_(firm_ids),
            Recommendation.status.in_(_LIVE),
        )
    )
    if live is not None:
        raise AlreadyRecommended
    rows = [
        Recommendation(
            id=new_id(),
            park_code=park_code,
            firm_id=firm_id,
            reason=data.reason,
            status=RecommendationStatus.PROPOSED,
            by_name=False,
            recommended_at=now,
        )
        for firm_id in firm_ids
    ]
    session.add_all(rows)
    for row in rows:
        history.begin(session, row, RECOMMENDATION, actor=actor, now=now)
        outbox.announce(
            session, "recommendation.proposed", row.id, organisation_id=row.firm_id, now=now
        )
    await session.flush()
    return rows


async def decide(
    session: AsyncSession,
    *,
    actor: Actor,
    recommendation_id: UUID,
    consents: bool,
    by_name: bool = False,
    now: datetime,
) -> Recommendation:
    """The firm consents to be shown as recommended, or refuses."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    row = await _lock(session, actor, None, recommendation_id)
    event = RecommendationEvent.CONSENT if consents else RecommendationEvent.REFUSE
    history.move(session, row, RECOMMENDATION, event, actor=actor, now=now)
    row.by_name, row.decided_at = by_name and consents, now
    outbox.announce(session, f"recommendation.{row.status}", row.id, now=now)
    await session.flush()
    return row


async def withdraw(
    session: AsyncSession, *, actor: Actor, recommendation_id: UUID, now: datetime
) -> Recommendation:
    """The park takes it back, or the firm its consent; lenders see it no more."""
    actor.must_be(OrganisationKind.ENTERPRISE, OrganisationKind.PARK)
    own = await park_of(session, actor) if actor.kind is OrganisationKind.PARK else None
    row = await _lock(session, actor, own, recommendation_id)
    event = RecommendationEvent.WITHDRAW
    history.move(session, row, RECOMMENDATION, event, actor=actor, now=now)
    row.ended_at = now
    await session.flush()
    return row


async def list_recommendations(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[Recommendation]:
    """Those that the actor may see, newest first."""
    own = await park_of(session, actor) if actor.kind is OrganisationKind.PARK else None
    rows = visible_recommendations(actor, own).order_by(Recommendation.id.desc()).limit(limit)
    if after is not None:
        rows = rows.where(Recommendation.id < after)
    return (await session.scalars(rows)).all()


async def _lock(
    session: AsyncSession, actor: Actor, park_code: str | None, recommendation_id: UUID
) -> Recommendation:
    row: Recommendation | None = await session.scalar(
        visible_recommendations(actor, park_code)
        .where(Recommendation.id == recommendation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row
