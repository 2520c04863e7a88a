"""Registration of the pledge (质押登记), one per register, and the milestones beside it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.identifiers.rights import Register
from app.lifecycle.deals import (
    REGISTRATION,
    DealStatus,
    PledgeeKind,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, DealRight, Milestone, Registration
from app.schemas.deals import FilingEvent, MilestoneKind
from app.services import history, milestones, old_loans, outbox
from app.services.actor import Actor
from app.services.constraints import refusing
from app.services.deals import NotPledgee, lock_deal, must_be_in
from app.services.discharges import release_rights

UNIQUE_NUMBER = "uq_registrations_register_number"

_WANTED = (DealStatus.PERFECTING, DealStatus.ACTIVE)

_RECORDED_WHILE: dict[FilingEvent, tuple[DealStatus, ...]] = {
    RegistrationEvent.SUBMIT: _WANTED,
    RegistrationEvent.ASK: _WANTED,
    RegistrationEvent.CHANGE: _WANTED,
    RegistrationEvent.REGISTER: (*_WANTED, DealStatus.FAILED),
    RegistrationEvent.REFUSE: (*_WANTED, DealStatus.FAILED),
    RegistrationEvent.WITHDRAW: (DealStatus.FAILED,),
}
"""A filing that a failed deal left behind still comes to its end, or is taken back."""

_MILESTONE_BY = {
    MilestoneKind.GUARANTEE_EFFECTIVE: OrganisationKind.GUARANTOR,
    MilestoneKind.COUNTER_GUARANTEE_DONE: OrganisationKind.GUARANTOR,
    MilestoneKind.POLICY_PAID: OrganisationKind.INSURER,
}


class NumberTaken(Conflict):
    message = "The register's number stands on another registration."


async def prepare(session: AsyncSession, deal: Deal, *, actor: Actor, now: datetime) -> None:
    """One registration for every register in which a right of the deal stands.

    A renewal's are changes of those that the old deal has.
    """
    held_by = old_loans.pledge_deal_id(deal)
    registers = await session.scalars(
        select(DealRight.register).where(DealRight.deal_id == held_by).distinct()
    )
    changed = {}
    if held_by != deal.id:
        for old in await session.scalars(
            select(Registration).where(
                Registration.deal_id == held_by,
                Registration.status == RegistrationStatus.REGISTERED,
            )
        ):
            changed[old.register] = old.id
    for register in sorted(registers):
        registration = Registration(
            id=new_id(),
            deal_id=deal.id,
            register=register,
            renews_id=changed.get(register),
            pledgee=deal.pledgee,
            status=RegistrationStatus.PREPARED,
        )
        session.add(registration)
        history.begin(session, registration, REGISTRATION, actor=actor, now=now)


async def record(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    register: Register,
    event: FilingEvent,
    number: str | None = None,
    on: date | None = None,
    remark: str | None = None,
    now: datetime,
) -> Registration:
    """The pledgee records what happened in the register; ``on`` is the register's date.

    A registration needs the register's number and date, a refusal or a correction the reason. A
    filing refused or withdrawn after the deal has failed frees the rights of that register; a
    registration is undone by discharge and cancellation (services/discharges).
    """
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    _must_be_pledgee(deal, actor)
    must_be_in(deal, *_RECORDED_WHILE[event])
    registration = await _find(session, deal, register)
    _require(event, number=number, on=on, remark=remark)
    _check_day(deal, on, today=business_date(now))
    history.move(session, registration, REGISTRATION, event, actor=actor, now=now)
    registration.remark = remark
    if event is RegistrationEvent.REGISTER:
        async with refusing(session, {UNIQUE_NUMBER: NumberTaken()}):
            registration.number, registration.registered_on = number, on
    if deal.status is DealStatus.FAILED and event is not RegistrationEvent.REGISTER:
        await release_rights(session, deal, register, now=now)
    outbox.announce(
        session, f"registration.{event}", registration.id, organisation_id=deal.firm_id, now=now
    )
    await session.flush()
    return registration


async def record_milestone(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    kind: MilestoneKind,
    reference: str | None,
    now: datetime,
) -> Milestone:
    """The guarantor or insurer records that its part is in force. Twice changes nothing."""
    actor.must_be(_MILESTONE_BY[kind])
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, DealStatus.PERFECTING)
    await milestones.record(session, deal, kind.value, actor=actor, now=now, reference=reference)
    outbox.announce(session, f"deal.{kind}", deal.id, organisation_id=deal.bank_id, now=now)
    return await session.get_one(Milestone, (deal.id, kind.value))


def _must_be_pledgee(deal: Deal, actor: Actor) -> None:
    banks = deal.pledgee in {PledgeeKind.BANK, PledgeeKind.JOINT}
    guarantors = deal.pledgee in {PledgeeKind.GUARANTOR, PledgeeKind.JOINT}
    is_bank = actor.kind is OrganisationKind.BANK
    if not (banks if is_bank else guarantors):
        raise NotPledgee


def _require(
    event: FilingEvent, *, number: str | None, on: date | None, remark: str | None
) -> None:
    if event is RegistrationEvent.REGISTER and number is None:
        raise FieldRefused("number", say("is given by the register"))
    if event is RegistrationEvent.REGISTER and on is None:
        raise FieldRefused("on", say("is the register's date"))
    reasoned = {RegistrationEvent.ASK, RegistrationEvent.REFUSE, RegistrationEvent.CHANGE}
    if event in reasoned and remark is None:
        raise FieldRefused("remark", say("says what the register asked, refused or changed"))


def _check_day(deal: Deal, on: date | None, *, today: date) -> None:
    """No register knew of the pledge before the deal was made."""
    earliest = business_date(deal.accepted_at)
    if on is not None and not earliest <= on <= today:
        raise FieldRefused(
            "on", say("must be from {earliest}, the day of the deal, to today", earliest=earliest)
        )


async def _find(session: AsyncSession, deal: Deal, register: Register) -> Registration:
    registration: Registration | None = await session.scalar(
        select(Registration)
        .where(Registration.deal_id == deal.id, Registration.register == register)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if registration is None:
        raise NotFound
    return registration
