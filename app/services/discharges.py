"""Releases the pledge: discharge by the pledgee, cancellation per register, then free rights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.identifiers.rights import Register
from app.lifecycle.deals import (
    DEAL,
    REGISTRATION,
    DealEvent,
    DealStatus,
    LoanStatus,
    PledgeeKind,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.financing import REQUEST, RequestEvent
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, DealRight, Milestone, Registration
from app.models.financing import FinancingRequest
from app.models.loans import Loan
from app.services import history, milestones, outbox
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import NotPledgee, lock_deal, parties_of, visible_deals
from app.services.reversals import DISCHARGES

_BANK, _GUARANTOR = DISCHARGES
_PLEDGEES = {
    PledgeeKind.BANK: frozenset({_BANK}),
    PledgeeKind.GUARANTOR: frozenset({_GUARANTOR}),
    PledgeeKind.JOINT: frozenset({_BANK, _GUARANTOR}),
}


class NotRepaid(Conflict):
    message = "The pledge is discharged once the loan is repaid or written off."


@dataclass(frozen=True, slots=True)
class Discharge:
    """Where the release stands; ``awaiting`` are the institutions that must still discharge."""

    deal: Deal
    registrations: Sequence[Registration]
    awaiting: frozenset[str]


async def discharge(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime
) -> Discharge:
    """Record the pledgee's discharge (解除质押); joint pledgees both give theirs.

    Registrations whose pledgees have all discharged go to cancellation. After a call the
    guarantor's discharge is needed too, whoever holds the pledge.
    """
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    if not await _may_go(session, deal):
        raise NotRepaid
    registrations = await _lock_registrations(session, deal)
    called = await session.scalar(select(Loan.settled_by_calls).where(Loan.deal_id == deal.id))
    extra = frozenset({_GUARANTOR}) if called else frozenset()
    needed = {
        registration.id: _PLEDGEES[registration.pledgee] | extra for registration in registrations
    }
    everyone = frozenset().union(*needed.values()) or _PLEDGEES[deal.pledgee] | extra
    own = _own_milestone(actor)
    if own not in everyone:
        raise NotPledgee
    given = await _record(session, deal, own, actor=actor, now=now)
    for registration in registrations:
        if (
            registration.status is RegistrationStatus.REGISTERED
            and needed[registration.id] <= given
        ):
            history.move(
                session,
                registration,
                REGISTRATION,
                RegistrationEvent.DISCHARGE,
                actor=actor,
                now=now,
            )
    awaiting = everyone - given
    if not awaiting:
        outbox.announce_to(session, parties_of(deal), "pledge.discharged", deal.id, now=now)
        await _close_if_free(session, deal, registrations, actor=actor, now=now)
    await session.flush()
    return Discharge(deal, registrations, frozenset(_institution(kind) for kind in awaiting))


async def _may_go(session: AsyncSession, deal: Deal) -> bool:
    """Whether nothing is awaited of the pledge any more: repaid, or given up by the bank."""
    status = await session.scalar(select(Loan.status).where(Loan.deal_id == deal.id))
    return deal.status is DealStatus.REPAID or status is LoanStatus.WRITTEN_OFF


async def _lock_registrations(session: AsyncSession, deal: Deal) -> Sequence[Registration]:
    registrations = await session.scalars(
        select(Registration)
        .where(Registration.deal_id == deal.id)
        .order_by(Registration.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return registrations.all()


def _own_milestone(actor: Actor) -> str:
    return _BANK if actor.kind is OrganisationKind.BANK else _GUARANTOR


def _institution(milestone: str) -> str:
    return milestone.removeprefix("discharge_")


async def _record(
    session: AsyncSession, deal: Deal, kind: str, *, actor: Actor, now: datetime
) -> frozenset[str]:
    """Note the discharge once; answer all that were given."""
    await milestones.record(session, deal, kind, actor=actor, now=now)
    kinds = await session.scalars(
        select(Milestone.kind).where(Milestone.deal_id == deal.id, Milestone.kind.in_(DISCHARGES))
    )
    return frozenset(kinds.all())


async def record_cancellation(
    session: AsyncSession,
    *,
    actor: Actor,
    registration_id: UUID,
    cancelled_on: date,
    now: datetime,
) -> Registration:
    """The register cancelled the pledge: its rights are free, and the last one closes the deal.

    Also for a failed deal, whose rights stay locked until its registrations are cancelled; no
    discharge is awaited there, since nothing was lent.
    """
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    deal_id = await session.scalar(
        select(Registration.deal_id).where(
            Registration.id == registration_id,
            Registration.deal_id.in_(visible_deals(actor).with_only_columns(Deal.id)),
        )
    )
    if deal_id is None:
        raise NotFound
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    registrations = await _lock_registrations(session, deal)
    registration = next(row for row in registrations if row.id == registration_id)
    if _own_milestone(actor) not in _PLEDGEES[registration.pledgee]:
        raise NotPledgee
    earliest = registration.registered_on or business_date(deal.accepted_at)
    if not earliest <= cancelled_on <= business_date(now):
        raise FieldRefused(
            "cancelled_on", say("must be from {earliest} to today", earliest=earliest)
        )
    await _cancel(session, deal, registration, actor=actor, now=now)
    registration.cancelled_on = cancelled_on
    outbox.announce_to(session, parties_of(deal), "pledge.cancelled", registration.id, now=now)
    await release_rights(session, deal, registration.register, now=now)
    await _close_if_free(session, deal, registrations, actor=actor, now=now)
    await session.flush()
    return registration


async def _cancel(
    session: AsyncSession, deal: Deal, registration: Registration, *, actor: Actor, now: datetime
) -> None:
    """Cancel what was discharged or sold; outside a failed deal nothing else may be."""
    events = [RegistrationEvent.CANCEL]
    if deal.status is DealStatus.FAILED:
        if registration.status is RegistrationStatus.REGISTERED:
            events.insert(0, RegistrationEvent.DISCHARGE)
    elif registration.status is not RegistrationStatus.CANCELLING and not await _may_go(
        session, deal
    ):
        raise NotRepaid
    for event in events:
        history.move(session, registration, REGISTRATION, event, actor=actor, now=now)


async def release_rights(
    session: AsyncSession, deal: Deal, register: Register | None = None, *, now: datetime
) -> None:
    """Free the rights of the deal, or those of one register of its."""
    statement = update(DealRight).where(
        DealRight.deal_id == deal.id, DealRight.released_at.is_(None)
    )
    if register is not None:
        statement = statement.where(DealRight.register == register)
    await session.execute(statement.values(released_at=now))


async def _close_if_free(
    session: AsyncSession,
    deal: Deal,
    registrations: Sequence[Registration],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Once no registration is left all rights are free; a repaid deal and its request are closed.

    A loan written off keeps its deal open, for what still comes in on it.
    Acts as the platform from there on, since the request is the firm's.
    """
    done = all(row.status is RegistrationStatus.CANCELLED for row in registrations)
    if done and await _may_go(session, deal):
        await release_rights(session, deal, now=now)
    if done and deal.status is DealStatus.REPAID:
        history.move(session, deal, DEAL, DealEvent.CLOSE, actor=actor, now=now)
        outbox.announce_to(session, parties_of(deal), "deal.closed", deal.id, now=now)
        await session.flush()
        await bind(session, SYSTEM)
        request = await session.get_one(
            FinancingRequest, deal.request_id, with_for_update=True, populate_existing=True
        )
        history.move(session, request, REQUEST, RequestEvent.CLOSE, actor=actor, now=now)
