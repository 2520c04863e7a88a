"""Changes of the programme: one manager proposes, another decides, the guarantor signs its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, false, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, DomainError, Forbidden, NotFound, Unprocessable
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.programme import CHANGE, ChangeEvent, ChangeKind, ChangeStatus
from app.lifecycle.words import state_of
from app.models.programme import ProgrammeChange
from app.schemas.programme import ChangeIn, GuarantorTermsFacts
from app.services import change_effects, fund_effects, guarantors, history, outbox
from app.services.actor import SYSTEM, Actor, bind
from app.services.constraints import refusing

# Decisions come one after another: each tests what the one before it left.
_DECISION_LOCK = 0x7A68_7067

DUE_BATCH = 20

NOT_SIGNED = "the guarantor had not signed it by its day"


@dataclass(eq=False)
class Backdated(Unprocessable):
    """A change takes effect today at the earliest."""

    message = "{effective_on} is past; a change takes effect on {today} at the earliest."

    effective_on: date
    today: date


class SamePerson(Forbidden):
    message = "Whoever proposed a change does not decide on it: another manager must."


@dataclass(eq=False)
class AlreadyDecided(Conflict):
    message = "The change {status}; nobody can decide on it any more."

    status: ChangeStatus

    def words(self) -> Mapping[str, Any]:
        return {"status": state_of(CHANGE.name, self.status)}


def visible_changes(actor: Actor) -> Select[ProgrammeChange]:
    """The changes ``actor`` may see: the authority all, a guarantor those that reached it."""
    changes = select(ProgrammeChange)
    match actor.kind:
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return changes
        case OrganisationKind.GUARANTOR:
            sent = ProgrammeChange.status.in_(
                [
                    ChangeStatus.APPROVED,
                    ChangeStatus.SIGNED,
                    ChangeStatus.IN_FORCE,
                    ChangeStatus.FAILED,
                ]
            )
            refused = and_(
                ProgrammeChange.status == ChangeStatus.REFUSED,
                ProgrammeChange.answered_by.is_not(None),
            )
            return changes.where(
                ProgrammeChange.guarantor_id == actor.organisation_id, or_(sent, refused)
            )
        case _:
            return changes.where(false())


async def propose(
    session: AsyncSession, *, actor: Actor, form: ChangeIn, now: datetime
) -> ProgrammeChange:
    """Put a change before the other managers. What could not take effect now is refused at once."""
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    facts = form.facts
    if isinstance(facts, GuarantorTermsFacts):
        facts = await guarantors.complete(session, facts, on=form.effective_on)
    change = ProgrammeChange(
        id=new_id(),
        kind=ChangeKind(facts.kind),
        facts=facts.model_dump(mode="json"),
        effective_on=form.effective_on,
        reason=form.reason,
        status=ChangeStatus.PROPOSED,
        guarantor_id=facts.guarantor_id if isinstance(facts, GuarantorTermsFacts) else None,
        proposed_by=_person(actor),
        proposed_at=now,
    )
    _must_be_ahead(change, now)
    await change_effects.test(session, change)
    async with refusing(session, fund_effects.refusals(facts)):
        session.add(change)
    history.begin(session, change, CHANGE, actor=actor, now=now)
    outbox.announce(session, "programme.change_proposed", change.id, now=now)
    await session.flush()
    return change


async def list_changes(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    after: UUID | None = None,
    status: ChangeStatus | None = None,
    kind: ChangeKind | None = None,
) -> Sequence[ProgrammeChange]:
    """The changes the actor may see, newest first."""
    statement = visible_changes(actor).order_by(ProgrammeChange.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(ProgrammeChange.id < after)
    if status is not None:
        statement = statement.where(ProgrammeChange.status == status)
    if kind is not None:
        statement = statement.where(ProgrammeChange.kind == kind)
    return (await session.scalars(statement)).all()


async def get_change(session: AsyncSession, *, actor: Actor, change_id: UUID) -> ProgrammeChange:
    change: ProgrammeChange | None = await session.scalar(
        visible_changes(actor).where(ProgrammeChange.id == change_id)
    )
    if change is None:
        raise NotFound
    return change


async def approve(
    session: AsyncSession, *, actor: Actor, change_id: UUID, now: datetime
) -> ProgrammeChange:
    """Another manager agrees. Of today it takes effect here, unless a guarantor must sign first."""
    change = await _lock_undecided(session, actor, change_id)
    _must_be_ahead(change, now)
    change.decided_by, change.decided_at = _person(actor), now
    history.move(session, change, CHANGE, ChangeEvent.APPROVE, actor=actor, now=now)
    _announce(session, change, "approved", now)
    if change.guarantor_id is None and change.effective_on == business_date(now):
        await _take_effect(session, change, actor=actor, now=now)
    else:
        await change_effects.test(session, change)
    await session.flush()
    return change


async def refuse(
    session: AsyncSession, *, actor: Actor, change_id: UUID, note: str, now: datetime
) -> ProgrammeChange:
    """Another manager says no, and why."""
    change = await _lock_undecided(session, actor, change_id)
    change.decided_by, change.decided_at, change.note = _person(actor), now, note
    history.move(session, change, CHANGE, ChangeEvent.REFUSE, actor=actor, now=now)
    outbox.announce(session, "programme.change_refused", change.id, now=now)
    await session.flush()
    return change


async def withdraw(
    session: AsyncSession, *, actor: Actor, change_id: UUID, note: str, now: datetime
) -> ProgrammeChange:
    """Take a change back that is not in force yet; one that was signed binds both sides."""
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    change = await _lock(session, actor, change_id)
    if change.status not in {ChangeStatus.PROPOSED, ChangeStatus.APPROVED}:
        raise AlreadyDecided(change.status)
    change.note = note
    history.move(session, change, CHANGE, ChangeEvent.WITHDRAW, actor=actor, now=now)
    _announce(session, change, "withdrawn", now)
    await session.flush()
    return change


async def sign(
    session: AsyncSession, *, actor: Actor, change_id: UUID, now: datetime
) -> ProgrammeChange:
    """The guarantor signs what the authority approved; of today it takes effect here."""
    change = await _lock_unsigned(session, actor, change_id)
    _must_be_ahead(change, now)
    change.answered_by, change.answered_at = _person(actor), now
    history.move(session, change, CHANGE, ChangeEvent.SIGN, actor=actor, now=now)
    _announce(session, change, "signed", now)
    if change.effective_on == business_date(now):
        await _take_effect(session, change, actor=actor, now=now)
    await session.flush()
    return change


async def decline(
    session: AsyncSession, *, actor: Actor, change_id: UUID, note: str, now: datetime
) -> ProgrammeChange:
    """The guarantor does not sign, and says why."""
    change = await _lock_unsigned(session, actor, change_id)
    change.answered_by, change.answered_at, change.note = _person(actor), now, note
    history.move(session, change, CHANGE, ChangeEvent.REFUSE, actor=actor, now=now)
    _announce(session, change, "refused", now)
    await session.flush()
    return change


async def take_effect_due(session: AsyncSession, *, now: datetime) -> int:
    """Do what was decided for today, and fail what cannot be done; how many, a batch at most."""
    await bind(session, SYSTEM)
    await _serialise(session)
    today = business_date(now)
    signed = or_(
        ProgrammeChange.status == ChangeStatus.SIGNED, ProgrammeChange.guarantor_id.is_(None)
    )
    due = await session.scalars(
        select(ProgrammeChange)
        .where(
            ProgrammeChange.status.in_([ChangeStatus.APPROVED, ChangeStatus.SIGNED]),
            # A guarantor may sign until its day is over.
            or_(
                and_(signed, ProgrammeChange.effective_on <= today),
                ProgrammeChange.effective_on < today,
            ),
        )
        .order_by(ProgrammeChange.effective_on, ProgrammeChange.id)
        .limit(DUE_BATCH)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    changes = due.all()
    for change in changes:
        await _take_effect_or_fail(session, change, now=now)
    return len(changes)


async def _take_effect_or_fail(
    session: AsyncSession, change: ProgrammeChange, *, now: datetime
) -> None:
    unsigned = change.guarantor_id is not None and change.status is not ChangeStatus.SIGNED
    failure = NOT_SIGNED if unsigned else None
    if failure is None:
        try:
            async with session.begin_nested():
                await _take_effect(session, change, actor=SYSTEM, now=now)
        except DomainError as error:
            failure = str(error)
            await session.refresh(change)
    if failure is not None:
        change.failure = failure
        history.move(session, change, CHANGE, ChangeEvent.FAIL, actor=SYSTEM, now=now)
        _announce(session, change, "failed", now)
    await session.flush()


async def _take_effect(
    session: AsyncSession, change: ProgrammeChange, *, actor: Actor, now: datetime
) -> None:
    await change_effects.apply(session, change, now=now)
    change.in_force_at = now
    history.move(session, change, CHANGE, ChangeEvent.TAKE_EFFECT, actor=actor, now=now)
    _announce(session, change, "in_force", now)
    await session.flush()


async def _lock_undecided(session: AsyncSession, actor: Actor, change_id: UUID) -> ProgrammeChange:
    """The change under its lock, still proposed, and by somebody else than the actor."""
    actor.must_be(OrganisationKind.AUTHORITY, manager=True)
    change = await _lock(session, actor, change_id)
    if change.status is not ChangeStatus.PROPOSED:
        raise AlreadyDecided(change.status)
    if change.proposed_by == _person(actor):
        raise SamePerson
    return change


async def _lock_unsigned(session: AsyncSession, actor: Actor, change_id: UUID) -> ProgrammeChange:
    """The change under its lock, approved and waiting for the actor's signature."""
    actor.must_be(OrganisationKind.GUARANTOR, manager=True)
    change = await _lock(session, actor, change_id)
    if change.status is not ChangeStatus.APPROVED:
        raise AlreadyDecided(change.status)
    return change


async def _lock(session: AsyncSession, actor: Actor, change_id: UUID) -> ProgrammeChange:
    await _serialise(session)
    change: ProgrammeChange | None = await session.scalar(
        visible_changes(actor)
        .where(ProgrammeChange.id == change_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if change is None:
        raise NotFound
    return change


async def _serialise(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _DECISION_LOCK})


def _must_be_ahead(change: ProgrammeChange, now: datetime) -> None:
    """Raise Backdated for a day that is over: also when it passed before the decision."""
    today = business_date(now)
    if change.effective_on < today:
        raise Backdated(change.effective_on, today)


def _person(actor: Actor) -> UUID:
    """Changes are made by people; a program has no name to answer with."""
    if actor.user_id is None:
        raise Forbidden
    return actor.user_id


def _announce(session: AsyncSession, change: ProgrammeChange, what: str, now: datetime) -> None:
    outbox.announce(
        session,
        f"programme.change_{what}",
        change.id,
        organisation_id=change.guarantor_id,
        now=now,
    )
