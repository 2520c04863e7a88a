"""What a bank or guarantor has at stake: its own live loans by park and by firm."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Numeric, Select, Subquery, cast, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import NotFound
from app.core.money import ZERO, Money
from app.lifecycle.deals import QueueStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import QueueEntry
from app.models.exposures import LoanExposure
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.schemas.figures import FirmExposureOut, LenderExposureOut, OwnLimitOut, ParkExposureOut
from app.services import guarantor_limits, guarantors
from app.services.actor import SYSTEM, Actor, bind
from app.services.figures import hhi, share_pct
from app.services.ledger import Book

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


async def get_exposure(session: AsyncSession, *, actor: Actor, now: datetime) -> LenderExposureOut:
    """Per park and per firm, the largest 200; a guarantor's own limit beside it."""
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    own = visible_exposures(actor).subquery()
    measure = own.c.liability if actor.kind is OrganisationKind.GUARANTOR else own.c.outstanding
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
    by_firm = (
        select(own.c.firm_id, *sums, func.sum(measure).label("measure"))
        .group_by(own.c.firm_id)
        .subquery()
    )
    amount = cast(by_firm.c.measure, Numeric)
    squares = await session.scalar(select(func.sum(amount * amount)))
    outstanding = Money.sum([park.outstanding for park in parks])
    liability = Money.sum([park.liability for park in parks])
    whole = liability if actor.kind is OrganisationKind.GUARANTOR else outstanding
    firms = await _list_firms(session, actor, by_firm, whole=whole)
    limit = None
    if actor.kind is OrganisationKind.GUARANTOR:
        limit = await _own_limit(session, actor.organisation_id, on=business_date(now))
    return LenderExposureOut(
        loans=sum(park.loans for park in parks),
        outstanding=outstanding,
        liability=liability,
        firms_hhi=hhi(squares or Decimal(0), whole),
        largest_firm_pct=firms[0].share_pct if firms else Decimal(0),
        own_limit=limit,
        parks=parks,
        firms=firms,
    )


async def _list_firms(
    session: AsyncSession, actor: Actor, by_firm: Subquery, *, whole: Money
) -> list[FirmExposureOut]:
    rows = (
        await session.execute(
            select(by_firm).order_by(by_firm.c.measure.desc(), by_firm.c.firm_id).limit(FIRMS_MAX)
        )
    ).all()
    names = await _names(session, actor, {row.firm_id for row in rows})
    return [
        FirmExposureOut(
            firm_id=row.firm_id,
            firm_name=names[row.firm_id],
            loans=row.loans,
            outstanding=row.outstanding,
            liability=row.liability,
            share_pct=share_pct(row.measure, whole),
        )
        for row in rows
    ]


async def get_limit(
    session: AsyncSession, *, actor: Actor, guarantor_id: UUID, now: datetime
) -> OwnLimitOut:
    """A guarantor's limit for itself or the authority; NotFound before it is verified."""
    await guarantors.must_see(session, actor, guarantor_id)
    limit = await _own_limit(session, guarantor_id, on=business_date(now))
    if limit is None:
        raise NotFound
    return limit


async def _own_limit(session: AsyncSession, guarantor_id: UUID, *, on: date) -> OwnLimitOut | None:
    """None before the guarantor is verified."""
    found = await guarantor_limits.list_limits(session, on=on, guarantor_id=guarantor_id)
    if not found:
        return None
    [limit] = found
    terms = limit.terms
    queued, deals = (
        await session.execute(
            select(func.sum(QueueEntry.amount), func.count())
            .join(LedgerAccount, LedgerAccount.id == QueueEntry.limit_account_id)
            .where(
                QueueEntry.status == QueueStatus.WAITING,
                LedgerAccount.book == Book.GUARANTOR,
                LedgerAccount.owner == str(guarantor_id),
            )
        )
    ).one()
    return OwnLimitOut(
        limit=limit.limit,
        held=limit.held,
        outstanding=limit.outstanding,
        called=limit.called,
        available=limit.available,
        queued=queued or ZERO,
        queued_deals=deals,
        signed_capacity=None if terms is None else terms.signed_capacity,
        capacity=None if terms is None else terms.capacity,
        utilisation_pct=limit.utilisation_pct,
        client_cap=None if terms is None else terms.client_cap,
        net_assets_max=limit.net_assets_max,
    )


async def _names(session: AsyncSession, actor: Actor, firm_ids: set[UUID]) -> dict[UUID, str]:
    """Its own debtors are no secret to a bank or a guarantor."""
    await bind(session, SYSTEM)
    rows = await session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(firm_ids))
    )
    await bind(session, actor)
    return {row.id: row.name for row in rows}
