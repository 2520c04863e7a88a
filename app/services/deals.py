"""Deals as their parties see them; the lock that every change of one starts with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import CompoundSelect, Select, false, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, Forbidden, NotFound
from app.core.messages import either_of
from app.identifiers.rights import Register, RightKind
from app.lifecycle.deals import BEFORE_CASH, DEAL, DealStatus, DrawdownStatus
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.words import state_of
from app.models.deals import (
    Approval,
    Condition,
    Contract,
    Deal,
    DealRight,
    Drawdown,
    Milestone,
    QueueEntry,
    Registration,
)
from app.models.loans import Extension, Loan, Repayment
from app.models.organisations import Organisation
from app.models.records import StatusChange
from app.models.rights import Right
from app.services import history, old_loans, outbox
from app.services.actor import Actor

Child = TypeVar("Child", Approval, Contract, Registration, Drawdown)

CHILDREN_MAX = 200
"""More rows than any deal has of one kind; a bound for every list below a deal."""


class ReleaseOut(Conflict):
    message = "A release is out; the bank must report drawn or not drawn first."


@dataclass(eq=False)
class DealNotReady(Conflict):
    """The deal is not in the state that this act belongs to."""

    message = "The deal {status}; this belongs to a deal that {wanted}."

    status: DealStatus
    wanted: list[DealStatus]

    def words(self) -> Mapping[str, Any]:
        wanted = either_of(state_of(DEAL.name, status) for status in self.wanted)
        return {"status": state_of(DEAL.name, self.status), "wanted": wanted}


class NotPledgee(Forbidden):
    message = "Only the pledgee says what becomes of the pledge."


@dataclass(frozen=True, slots=True)
class PledgedRight:
    """A right of the pledge as its register knows it, and how long the deal holds it."""

    right_id: UUID
    register: Register
    kind: RightKind
    number: str
    title: str
    expires_on: date | None
    locked_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Details:
    """A deal and what hangs on it."""

    deal: Deal
    parties: Sequence[Organisation]
    rights: Sequence[PledgedRight]
    approvals: Sequence[Approval]
    conditions: Sequence[Condition]
    contracts: Sequence[Contract]
    registrations: Sequence[Registration]
    milestones: Sequence[Milestone]
    drawdowns: Sequence[Drawdown]


def visible_deals(actor: Actor) -> Select[Deal]:
    """The deals ``actor`` may see: a party its own. Every read of a deal starts here."""
    deals = select(Deal)
    match actor.kind:
        case OrganisationKind.ENTERPRISE:
            return deals.where(Deal.firm_id == actor.organisation_id)
        case OrganisationKind.BANK:
            return deals.where(Deal.bank_id == actor.organisation_id)
        case OrganisationKind.GUARANTOR:
            return deals.where(Deal.guarantor_id == actor.organisation_id)
        case OrganisationKind.INSURER:
            return deals.where(Deal.insurer_id == actor.organisation_id)
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return deals
        case OrganisationKind.PARK | OrganisationKind.AGENCY:
            return deals.where(false())


async def get_deal(session: AsyncSession, *, actor: Actor, deal_id: UUID) -> Deal:
    deal: Deal | None = await session.scalar(visible_deals(actor).where(Deal.id == deal_id))
    if deal is None:
        raise NotFound
    return deal


async def lock_deal(session: AsyncSession, *, actor: Actor, deal_id: UUID) -> Deal:
    """The deal under its lock, read afresh. Locks are taken in the order deal, request, room."""
    deal: Deal | None = await session.scalar(
        visible_deals(actor)
        .where(Deal.id == deal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if deal is None:
        raise NotFound
    return deal


def must_be_in(deal: Deal, *statuses: DealStatus) -> None:
    """Raise DealNotReady unless the deal is in one of ``statuses``."""
    if deal.status not in statuses:
        raise DealNotReady(deal.status, list(statuses))


def kinds_of(deal: Deal) -> dict[UUID, OrganisationKind]:
    """The parties of the deal, the firm first, and what each of them is."""
    parties = {
        OrganisationKind.ENTERPRISE: deal.firm_id,
        OrganisationKind.BANK: deal.bank_id,
        OrganisationKind.GUARANTOR: deal.guarantor_id,
        OrganisationKind.INSURER: deal.insurer_id,
    }
    return {party: kind for kind, party in parties.items() if party is not None}


def parties_of(deal: Deal) -> list[UUID]:
    """The firm and the institutions of the deal."""
    return list(kinds_of(deal))


async def list_deals(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    after: UUID | None = None,
    status: DealStatus | None = None,
) -> Sequence[Deal]:
    """The actor's deals, newest first."""
    statement = visible_deals(actor).order_by(Deal.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Deal.id < after)
    if status is not None:
        statement = statement.where(Deal.status == status)
    return (await session.scalars(statement)).all()


async def get_details(session: AsyncSession, *, actor: Actor, deal_id: UUID) -> Details:
    """The deal with all that hangs on it, oldest first."""
    deal = await get_deal(session, actor=actor, deal_id=deal_id)
    return await load_details(session, deal)


async def load_details(session: AsyncSession, deal: Deal) -> Details:
    approvals = await _children(session, Approval, deal)
    conditions = await session.scalars(
        select(Condition)
        .where(Condition.approval_id.in_([approval.id for approval in approvals]))
        .order_by(Condition.id)
        .limit(CHILDREN_MAX)
    )
    rights = await session.execute(
        select(
            DealRight.right_id,
            DealRight.register,
            Right.kind,
            Right.number,
            Right.title,
            Right.expires_on,
            DealRight.locked_at,
            DealRight.released_at,
        )
        .join(Right, Right.id == DealRight.right_id)
        .where(DealRight.deal_id == old_loans.pledge_deal_id(deal))
        .order_by(DealRight.right_id)
    )
    parties = await session.scalars(
        select(Organisation)
        .where(Organisation.id.in_(parties_of(deal)))
        .order_by(Organisation.kind, Organisation.id)
    )
    milestones = await session.scalars(
        select(Milestone).where(Milestone.deal_id == deal.id).order_by(Milestone.recorded_at)
    )
    return Details(
        deal=deal,
        parties=parties.all(),
        rights=[PledgedRight(*row) for row in rights],
        approvals=approvals,
        conditions=conditions.all(),
        contracts=await _children(session, Contract, deal),
        registrations=await _children(session, Registration, deal),
        milestones=milestones.all(),
        drawdowns=await _children(session, Drawdown, deal),
    )


async def list_history(
    session: AsyncSession, *, actor: Actor, deal_id: UUID
) -> Sequence[StatusChange]:
    """Who moved the deal and what hangs on it, when, from which state to which; oldest first."""
    await get_deal(session, actor=actor, deal_id=deal_id)
    return await history.list_changes(session, _subjects_of(deal_id))


def _subjects_of(deal_id: UUID) -> CompoundSelect[tuple[UUID]]:
    """The ids of the deal and of everything on which its history has a row."""
    approvals = select(Approval.id).where(Approval.deal_id == deal_id)
    loans = select(Loan.id).where(Loan.deal_id == deal_id)
    return union_all(
        select(Deal.id).where(Deal.id == deal_id),
        approvals,
        select(Condition.id).where(Condition.approval_id.in_(approvals)),
        loans,
        *(select(child.id).where(child.loan_id.in_(loans)) for child in (Repayment, Extension)),
        *(
            select(child.id).where(child.deal_id == deal_id)
            for child in (Contract, Registration, Drawdown, QueueEntry)
        ),
    )


async def state_use_of_funds(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, use: str, now: datetime
) -> Deal:
    """The firm says what the money of this loan is for; the gate asks for it."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, *BEFORE_CASH)
    deal.use_of_funds = use
    outbox.announce(session, "deal.use_of_funds", deal.id, organisation_id=deal.bank_id, now=now)
    return deal


async def _children(session: AsyncSession, model: type[Child], deal: Deal) -> Sequence[Child]:
    rows = await session.scalars(
        select(model).where(model.deal_id == deal.id).order_by(model.id).limit(CHILDREN_MAX)
    )
    return rows.all()


async def has_release(session: AsyncSession, deal_id: UUID) -> bool:
    """Whether the bank still owes a report on a release; the hold cannot expire meanwhile."""
    found = await session.scalar(
        select(Drawdown.id).where(
            Drawdown.deal_id == deal_id, Drawdown.status == DrawdownStatus.RELEASED
        )
    )
    return found is not None
