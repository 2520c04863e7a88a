"""What a bank or guarantor has at stake: its own live loans by park and by firm."""

from uuid import UUID

from sqlalchemy import Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import ZERO, Money
from app.lifecycle.parties import OrganisationKind
from app.models.exposures import LoanExposure
from app.models.organisations import Organisation
from app.schemas.figures import FirmExposureOut, LenderExposureOut, ParkExposureOut
from app.services.actor import SYSTEM, Actor, bind
from app.services.figures import share_pct

FIRMS_MAX = 200


def visible_exposures(actor: Actor) -> Select[LoanExposure]:
    """The live loans that the institution itself lent or guarantees."""
    live = select(LoanExposure).where(LoanExposure.live)
    match actor.kind:
        case OrganisationKind.BANK:
            return live.where(LoanExposure.bank_id == actor.organisation_id)
        case OrganisationKind.GUARANTOR:
            return live.where(LoanExposure.guarantor_id == actor.organisation_id)
        case _:
            return live.where(false())


async def get_exposure(session: AsyncSession, *, actor: Actor) -> LenderExposureOut:
    """Per park for both; per firm, the largest 200, for a guarantor."""
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    own = visible_exposures(actor).subquery()
    sums = (
        func.count().label("loans"),
        func.sum(own.c.outstanding).label("outstanding"),
        func.sum(own.c.liability).label("liability"),
    )
    parks = [
        ParkExposureOut(
            park_code=row.park_code,
            loans=row.loans,
            outstanding=row.outstanding,
            liability=row.liability,
        )
        for row in await session.execute(
            select(own.c.park_code, *sums).group_by(own.c.park_code).order_by(own.c.park_code)
        )
    ]
    liability = Money.sum([park.liability for park in parks])
    firms: list[FirmExposureOut] = []
    if actor.kind is OrganisationKind.GUARANTOR:
        largest = (
            select(own.c.firm_id, *sums)
            .group_by(own.c.firm_id)
            .order_by(func.sum(own.c.liability).desc(), own.c.firm_id)
            .limit(FIRMS_MAX)
        )
        rows = (await session.execute(largest)).all()
        names = await _names(session, actor, {row.firm_id for row in rows})
        firms = [
            FirmExposureOut(
                firm_id=row.firm_id,
                firm_name=names[row.firm_id],
                loans=row.loans,
                outstanding=row.outstanding,
                liability=row.liability,
                share_pct=share_pct(row.liability, liability),
            )
            for row in rows
        ]
    return LenderExposureOut(
        loans=sum(park.loans for park in parks),
        outstanding=Money.sum([park.outstanding for park in parks]) if parks else ZERO,
        liability=liability,
        parks=parks,
        firms=firms,
    )


async def _names(session: AsyncSession, actor: Actor, firm_ids: set[UUID]) -> dict[UUID, str]:
    """Its own debtors are no secret to a guarantor."""
    await bind(session, SYSTEM)
    rows = await session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(firm_ids))
    )
    await bind(session, actor)
    return {row.id: row.name for row in rows}
