"""Visits in the park: who went when, to which firms, with what notes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, false, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.parties import MembershipStatus, OrganisationKind
from app.models.organisations import Organisation, ParkMembership
from app.models.park_desk import ParkVisit, ParkVisitFirm
from app.schemas.park_desk import VisitIn, VisitOut
from app.services.actor import Actor


async def park_of(session: AsyncSession, actor: Actor) -> str:
    """The park that the actor runs."""
    actor.must_be(OrganisationKind.PARK)
    code: str | None = await session.scalar(
        select(Organisation.park_code).where(Organisation.id == actor.organisation_id)
    )
    if code is None:
        raise NotFound
    return code


async def check_members(session: AsyncSession, park_code: str, firm_ids: Collection[UUID]) -> None:
    """Raise FieldRefused unless all are certified firms of the park."""
    members = await session.scalars(
        select(ParkMembership.firm_id).where(
            ParkMembership.park_code == park_code,
            ParkMembership.status == MembershipStatus.CERTIFIED,
            ParkMembership.firm_id.in_(firm_ids),
        )
    )
    if missing := sorted(set(firm_ids) - set(members)):
        raise FieldRefused(
            "firm_ids", say("{firm_id} is no certified firm of the park", firm_id=missing[0])
        )


def visible_visits(actor: Actor, park_code: str | None) -> Select[ParkVisit]:
    """A park sees its own visits, the authority all."""
    visits = select(ParkVisit)
    match actor.kind:
        case OrganisationKind.PARK:
            return visits.where(ParkVisit.park_code == park_code)
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return visits
        case _:
            return visits.where(false())


async def record_visit(
    session: AsyncSession, *, actor: Actor, data: VisitIn, now: datetime
) -> VisitOut:
    park_code = await park_of(session, actor)
    if data.visited_on > business_date(now):
        raise FieldRefused("visited_on", say("must not be in the future"))
    firm_ids = sorted(set(data.firm_ids))
    await check_members(session, park_code, firm_ids)
    visit = ParkVisit(
        id=new_id(),
        park_code=park_code,
        visited_on=data.visited_on,
        visitors=data.visitors,
        notes=data.notes,
        recorded_by=actor.organisation_id,
        recorded_at=now,
    )
    session.add(visit)
    await session.flush()
    await session.execute(
        insert(ParkVisitFirm), [{"visit_id": visit.id, "firm_id": firm} for firm in firm_ids]
    )
    return _out(visit, firm_ids)


async def list_visits(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> list[VisitOut]:
    """The visits that the actor may see, the latest recorded first."""
    own = await park_of(session, actor) if actor.kind is OrganisationKind.PARK else None
    statement = visible_visits(actor, own).order_by(ParkVisit.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(ParkVisit.id < after)
    visits: Sequence[ParkVisit] = (await session.scalars(statement)).all()
    firms: dict[UUID, list[UUID]] = {visit.id: [] for visit in visits}
    for row in await session.scalars(
        select(ParkVisitFirm)
        .where(ParkVisitFirm.visit_id.in_(firms))
        .order_by(ParkVisitFirm.firm_id)
    ):
        firms[row.visit_id].append(row.firm_id)
    return [_out(visit, firms[visit.id]) for visit in visits]


def _out(visit: ParkVisit, firm_ids: list[UUID]) -> VisitOut:
    return VisitOut(
        id=visit.id,
        park_code=visit.park_code,
        visited_on=visit.visited_on,
        visitors=visit.visitors,
        notes=visit.notes,
        firm_ids=firm_ids,
        recorded_at=visit.recorded_at,
    )
