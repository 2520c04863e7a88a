"""From the visit to the money, per park and period: counted from facts, each firm once a stage."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import FieldRefused
from app.core.messages import say
from app.lifecycle.deals import DrawdownStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, Drawdown
from app.models.financing import FinancingRequest, Quote
from app.models.organisations import Park
from app.models.park_desk import ParkVisit, ParkVisitFirm, Recommendation
from app.schemas.park_desk import FunnelOut, Stage, StageOut
from app.services.actor import Actor, as_platform
from app.services.park_visits import park_of

PERIOD = timedelta(days=365)


async def show_park(
    session: AsyncSession, *, actor: Actor, since: date | None, until: date | None, now: datetime
) -> FunnelOut:
    """The funnel of the actor's own park: numbers, no names."""
    park_code = await park_of(session, actor)
    return (await read(session, [park_code], since=since, until=until, now=now))[0]


async def show_all(
    session: AsyncSession, *, actor: Actor, since: date | None, until: date | None, now: datetime
) -> list[FunnelOut]:
    """The funnel of every park."""
    actor.must_be(OrganisationKind.AUTHORITY)
    parks = (await session.scalars(select(Park.code).order_by(Park.code))).all()
    return await read(session, list(parks), since=since, until=until, now=now)


async def read(
    session: AsyncSession,
    parks: list[str],
    *,
    since: date | None,
    until: date | None,
    now: datetime,
) -> list[FunnelOut]:
    """The funnel of each park, for whoever may see it."""
    until = until or business_date(now)
    since = since or until - PERIOD
    if since > until:
        raise FieldRefused("since", say("must not be after {until}", until=until))
    facts = _facts().subquery()
    first_visit = (
        select(
            ParkVisit.park_code,
            ParkVisitFirm.firm_id,
            func.min(ParkVisit.visited_on).label("visited_on"),
        )
        .join(ParkVisitFirm, ParkVisitFirm.visit_id == ParkVisit.id)
        .group_by(ParkVisit.park_code, ParkVisitFirm.firm_id)
        .subquery()
    )
    firms = func.count(facts.c.firm_id.distinct())
    statement = (
        select(
            facts.c.park_code,
            facts.c.stage,
            firms,
            firms.filter(first_visit.c.visited_on <= facts.c.on),
        )
        .outerjoin(
            first_visit,
            (first_visit.c.park_code == facts.c.park_code)
            & (first_visit.c.firm_id == facts.c.firm_id),
        )
        .where(facts.c.on.between(since, until), facts.c.park_code.in_(parks))
        .group_by(facts.c.park_code, facts.c.stage)
    )
    async with as_platform(session):  # others' requests and deals, of which numbers are told
        counted = {
            (park, Stage(stage)): (count, visited)
            for park, stage, count, visited in await session.execute(statement)
        }
    return [
        FunnelOut(
            park_code=park,
            since=since,
            until=until,
            stages=[
                StageOut(stage=stage, firms=found[0], visited_before=found[1])
                for stage in Stage
                for found in [counted.get((park, stage), (0, 0))]
            ],
        )
        for park in parks
    ]


def _facts() -> Any:
    """Every fact that brings a firm to a stage: stage, park, firm and day."""

    def day(at: Any) -> Any:
        return cast(func.timezone("Asia/Shanghai", at), Date).label("on")

    def stage(name: Stage) -> Any:
        return literal(name.value).label("stage")

    request, deal = FinancingRequest, Deal
    return union_all(
        select(
            stage(Stage.VISITED),
            ParkVisit.park_code,
            ParkVisitFirm.firm_id,
            ParkVisit.visited_on.label("on"),
        ).join(ParkVisitFirm, ParkVisitFirm.visit_id == ParkVisit.id),
        select(
            stage(Stage.RECOMMENDED),
            Recommendation.park_code,
            Recommendation.firm_id,
            day(Recommendation.recommended_at),
        ),
        select(
            stage(Stage.REQUESTED), request.park_code, request.firm_id, day(request.opened_at)
        ).where(request.opened_at.is_not(None)),
        select(stage(Stage.QUOTED), request.park_code, request.firm_id, day(Quote.offered_at)).join(
            Quote, Quote.request_id == request.id
        ),
        select(stage(Stage.ACCEPTED), deal.park_code, deal.firm_id, day(deal.accepted_at)),
        select(stage(Stage.DRAWN), deal.park_code, deal.firm_id, Drawdown.drawn_on.label("on"))
        .join(Drawdown, Drawdown.deal_id == deal.id)
        .where(Drawdown.status == DrawdownStatus.DRAWN),
    )
