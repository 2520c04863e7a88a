"""展期: a later maturity of a live loan, with every consent it needs before it takes effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.identifiers.rights import Register
from app.lending.periods import MONTHS_PER_YEAR
from app.lending.reschedule import Position, after_extension
from app.lifecycle.deals import (
    EXTENSION,
    REGISTRATION,
    ExtensionEvent,
    ExtensionStatus,
    LoanStatus,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, DealRight, Registration
from app.models.loans import Extension, ExtensionConsent, Instalment, Loan
from app.models.rights import Right
from app.schemas.loans import ExtensionIn
from app.services import exposures, history, loans, outbox, schedules
from app.services.actor import SYSTEM, Actor, bind


class NotInOrder(Conflict):
    message = "Only a loan on which nothing is late or due can be extended, before its maturity."


class ExtensionOpen(Conflict):
    message = "Another extension of this loan is not decided yet."


class ConsentGiven(Conflict):
    message = "Your consent is recorded already."


@dataclass(eq=False)
class RightsEndTooSoon(Conflict):
    message = "These patents do not outlive the new maturity {maturity_on}: {numbers}."

    maturity_on: date
    numbers: list[str]


@dataclass(eq=False)
class RegistrationsMissing(Conflict):
    message = "The change of every registration must be recorded; these are missing: {missing}."

    missing: list[UUID]


@dataclass(frozen=True, slots=True)
class ExtensionDetail:
    extension: Extension
    consents: Sequence[ExtensionConsent]


async def request(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: ExtensionIn, now: datetime
) -> ExtensionDetail:
    """Ask bank, guarantor, insurer and pledgors for ``extra_months`` more; the firm agrees."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    today = business_date(now)
    lines = await schedules.list_lines(session, loan)
    position = _extended(loan, lines, extra_months=data.extra_months, on=today)
    maturity_on = position.due_days[-1]
    live = await session.scalar(
        select(Extension.id).where(
            Extension.loan_id == loan.id,
            Extension.status.in_([ExtensionStatus.REQUESTED, ExtensionStatus.AGREED]),
        )
    )
    if live is not None:
        raise ExtensionOpen
    await bind(session, SYSTEM)  # a third party's rights are its own
    pledgors = await _check_rights(session, deal, maturity_on)
    extension = Extension(
        id=new_id(),
        loan_id=loan.id,
        status=ExtensionStatus.REQUESTED,
        maturity_on=maturity_on,
        reason=data.reason,
        requested_at=now,
    )
    session.add(extension)
    await session.flush()
    parties = {deal.firm_id: "borrower", **dict.fromkeys(pledgors, "pledgor")}
    for party, role in (
        (deal.bank_id, "bank"),
        (deal.guarantor_id, "guarantor"),
        (deal.insurer_id, "insurer"),
    ):
        if party is not None:
            parties[party] = role
    session.add_all(
        ExtensionConsent(
            extension_id=extension.id,
            organisation_id=party,
            role=role,
            consented_at=now if party == actor.organisation_id else None,
        )
        for party, role in parties.items()
    )
    history.begin(session, extension, EXTENSION, actor=actor, now=now)
    outbox.announce_to(session, parties, "extension.requested", extension.id, now=now)
    await session.flush()
    return await _detail(session, extension)


def _extended(loan: Loan, lines: Sequence[Instalment], *, extra_months: int, on: date) -> Position:
    """The position over the longer term, or NotInOrder."""
    in_order = (
        loan.status is LoanStatus.PERFORMING
        and on < loan.maturity_on
        and not schedules.dues_on(loan, lines, on=on)
    )
    if not in_order:
        raise NotInOrder
    position = schedules.position_on(loan, lines, on=on)
    return after_extension(schedules.terms_of(loan), position, extra_months=extra_months)


async def _check_rights(session: AsyncSession, deal: Deal, maturity_on: date) -> set[UUID]:
    """Who pledged; RightsEndTooSoon for patents that end first (a mark can be renewed)."""
    rights = (
        await session.scalars(
            select(Right)
            .join(DealRight, DealRight.right_id == Right.id)
            .where(DealRight.deal_id == deal.id, DealRight.released_at.is_(None))
            .order_by(Right.number)
        )
    ).all()
    ending = [
        right.number
        for right in rights
        if right.register is Register.PATENTS
        and (
            right.ended_on is not None
            or right.expires_on is None
            # The last day of a patent's term is the eve of this one.
            or right.expires_on <= maturity_on
        )
    ]
    if ending:
        raise RightsEndTooSoon(maturity_on, ending)
    return {right.owner_id for right in rights}


async def decide(
    session: AsyncSession, *, actor: Actor, extension_id: UUID, consents: bool, now: datetime
) -> ExtensionDetail:
    """Record one party's consent; the last one makes it agreed, one refusal ends it."""
    actor.must_be(
        OrganisationKind.BANK,
        OrganisationKind.GUARANTOR,
        OrganisationKind.INSURER,
        OrganisationKind.ENTERPRISE,
    )
    extension = await _lock_extension(session, actor, extension_id)
    detail = await _detail(session, extension)
    own = next((c for c in detail.consents if c.organisation_id == actor.organisation_id), None)
    if own is None:
        raise NotFound
    event = ExtensionEvent.AGREE if consents else ExtensionEvent.REFUSE
    EXTENSION.after(extension.status, event)  # nobody decides on what is decided
    parties = [consent.organisation_id for consent in detail.consents]
    if not consents:
        history.move(session, extension, EXTENSION, ExtensionEvent.REFUSE, actor=actor, now=now)
        extension.decided_at = now
        outbox.announce_to(session, parties, "extension.refused", extension.id, now=now)
    elif own.consented_at is not None:
        raise ConsentGiven
    else:
        own.consented_at = now
        if all(consent.consented_at for consent in detail.consents):
            history.move(session, extension, EXTENSION, ExtensionEvent.AGREE, actor=actor, now=now)
            extension.decided_at = now
            outbox.announce_to(session, parties, "extension.agreed", extension.id, now=now)
    await session.flush()
    return detail


async def take_effect(
    session: AsyncSession,
    *,
    actor: Actor,
    extension_id: UUID,
    registration_ids: Sequence[UUID],
    now: datetime,
) -> ExtensionDetail:
    """The bank records that every register changed its entry; the longer schedule is in force.

    Liability stays as it is. The loan must still be in order on this day.
    """
    actor.must_be(OrganisationKind.BANK)
    extension = await _lock_extension(session, actor, extension_id)
    deal, loan = await loans.lock(session, actor=actor, loan_id=extension.loan_id)
    history.move(session, extension, EXTENSION, ExtensionEvent.TAKE_EFFECT, actor=actor, now=now)
    await _change_registrations(session, deal, registration_ids, actor=actor, now=now)
    lines = await schedules.list_lines(session, loan)
    extra = _months_between(loan.maturity_on, extension.maturity_on)
    position = _extended(loan, lines, extra_months=extra, on=business_date(now))
    await bind(session, SYSTEM)
    await _check_rights(session, deal, extension.maturity_on)
    loan.term_months += extra
    await schedules.write_version(session, loan, lines, position)
    detail = await _detail(session, extension)
    parties = [consent.organisation_id for consent in detail.consents]
    outbox.announce_to(session, parties, "extension.effective", extension.id, now=now)
    await exposures.refresh(session, loan, now=now)
    return detail


async def _change_registrations(
    session: AsyncSession, deal: Deal, ids: Sequence[UUID], *, actor: Actor, now: datetime
) -> None:
    registrations = (
        await session.scalars(
            select(Registration)
            .where(
                Registration.deal_id == deal.id,
                Registration.status == RegistrationStatus.REGISTERED,
            )
            .order_by(Registration.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()
    live = {registration.id for registration in registrations}
    if unknown := set(ids) - live:
        raise FieldRefused(
            "registration_ids", say("not registered for this deal: {unknown}", unknown=min(unknown))
        )
    if missing := sorted(live - set(ids)):
        raise RegistrationsMissing(missing)
    for registration in registrations:
        history.move(
            session, registration, REGISTRATION, RegistrationEvent.CHANGE, actor=actor, now=now
        )


def _months_between(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * MONTHS_PER_YEAR + later.month - earlier.month


async def _lock_extension(session: AsyncSession, actor: Actor, extension_id: UUID) -> Extension:
    """Lock the loan's extension. It is visible with its loan, or to whom it asks for consent."""
    own = select(ExtensionConsent.extension_id).where(
        ExtensionConsent.organisation_id == actor.organisation_id
    )
    mine = loans.visible_loans(actor).with_only_columns(Loan.id)
    extension: Extension | None = await session.scalar(
        select(Extension)
        .where(
            Extension.id == extension_id,
            or_(Extension.loan_id.in_(mine), Extension.id.in_(own)),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if extension is None:
        raise NotFound
    return extension


async def list_extensions(
    session: AsyncSession, *, actor: Actor, loan_id: UUID
) -> list[ExtensionDetail]:
    """The extensions of a visible loan, oldest first."""
    await loans.must_be_visible(session, actor=actor, loan_id=loan_id)
    found = await session.scalars(
        select(Extension).where(Extension.loan_id == loan_id).order_by(Extension.id).limit(100)
    )
    return [await _detail(session, extension) for extension in found.all()]


async def _detail(session: AsyncSession, extension: Extension) -> ExtensionDetail:
    consents = await session.scalars(
        select(ExtensionConsent)
        .where(ExtensionConsent.extension_id == extension.id)
        .order_by(ExtensionConsent.role, ExtensionConsent.organisation_id)
    )
    return ExtensionDetail(extension, consents.all())
