"""What becomes of a pledged right: a licence with its fee in escrow, or its sale after default.

By law the owner neither transfers nor licenses a pledged right without its pledgee's consent, and
the proceeds prepay the debt or are escrowed (提存; Civil Code art. 444, 445).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound, Unprocessable
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lifecycle.deals import (
    REGISTRATION,
    LoanStatus,
    PledgeeKind,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.funds import DISPOSAL, DisposalEvent, DisposalKind, DisposalStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Disposal, Recovery
from app.models.deals import Deal, DealRight, Registration
from app.models.loans import Loan
from app.schemas.claims import DisposalIn
from app.services import constraints, documents, history, outbox
from app.services.actor import Actor
from app.services.deals import NotPledgee, lock_deal, parties_of, visible_deals

PARTIES = (OrganisationKind.ENTERPRISE, OrganisationKind.BANK, OrganisationKind.GUARANTOR)
PLEDGEES = {
    PledgeeKind.BANK: {OrganisationKind.BANK},
    PledgeeKind.GUARANTOR: {OrganisationKind.GUARANTOR},
    PledgeeKind.JOINT: {OrganisationKind.BANK, OrganisationKind.GUARANTOR},
}
_LOST = (LoanStatus.DEFAULTED, LoanStatus.WRITTEN_OFF)


class NotLost(Conflict):
    message = "A pledged right is sold after default; before that it may be licensed."


class SoldAlready(Conflict):
    message = "The right is sold, or its sale is proposed; that one must be refused first."


class EscrowFirst(Conflict):
    message = "The pledgee asked for an escrow; settle after the money lies there."


class NotSettled(Conflict):
    message = "The disposal is not settled; nothing has come in from it yet."


@dataclass(eq=False)
class RecoveryAbovePrice(Unprocessable):
    message = "{amount} came in; of the disposal's price {left} is still to come."

    amount: Money
    left: Money


def visible_disposals(actor: Actor) -> Select[Disposal]:
    """The disposals of rights pledged in the deals that ``actor`` may see."""
    return select(Disposal).where(
        Disposal.deal_id.in_(visible_deals(actor).with_only_columns(Deal.id))
    )


async def propose(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, data: DisposalIn, now: datetime
) -> Disposal:
    """Propose what becomes of a right of this deal's pledge; its pledgee decides."""
    actor.must_be(*PARTIES)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    pledged = await session.scalar(
        select(DealRight.right_id).where(
            DealRight.deal_id == deal.id,
            DealRight.right_id == data.right_id,
            DealRight.released_at.is_(None),
        )
    )
    if pledged is None:
        raise FieldRefused("right_id", say("is not pledged for this deal"))
    if data.kind is not DisposalKind.LICENCE:
        status = await session.scalar(select(Loan.status).where(Loan.deal_id == deal.id))
        if status not in _LOST:
            raise NotLost
    if data.document_id is not None:
        document = await documents.get_document(session, actor=actor, document_id=data.document_id)
        if document.owner_id == actor.organisation_id:
            others = set(parties_of(deal)) - {actor.organisation_id}
            await documents.share(session, document, organisation_ids=others)
    disposal = Disposal(
        id=new_id(),
        deal_id=deal.id,
        status=DisposalStatus.PROPOSED,
        proposed_by=actor.organisation_id,
        proposed_at=now,
        **data.model_dump(),
    )
    async with constraints.refusing(session, {"uq_disposals_sold": SoldAlready()}):
        session.add(disposal)
    history.begin(session, disposal, DISPOSAL, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "disposal.proposed", disposal.id, now=now)
    await session.flush()
    return disposal


async def list_disposals(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, after: UUID | None = None, limit: int
) -> Sequence[Disposal]:
    """The disposals of a deal's rights, newest first; NotFound of a hidden deal."""
    deal = visible_deals(actor).where(Deal.id == deal_id).with_only_columns(Deal.id)
    if await session.scalar(deal) is None:
        raise NotFound
    rows = (
        visible_disposals(actor)
        .where(Disposal.deal_id == deal_id)
        .order_by(Disposal.id.desc())
        .limit(limit)
    )
    if after is not None:
        rows = rows.where(Disposal.id < after)
    return (await session.scalars(rows)).all()


async def consent(
    session: AsyncSession, *, actor: Actor, disposal_id: UUID, escrow: str | None, now: datetime
) -> Disposal:
    """The pledgee's consent (质权人同意); it may ask for the money to be escrowed first."""
    deal, disposal = await _lock(session, actor, disposal_id)
    _must_be_pledgee(actor, deal)
    history.move(session, disposal, DISPOSAL, DisposalEvent.CONSENT, actor=actor, now=now)
    disposal.answered_at, disposal.escrow = now, escrow
    outbox.announce_to(session, parties_of(deal), "disposal.consented", disposal.id, now=now)
    await session.flush()
    return disposal


async def refuse(
    session: AsyncSession, *, actor: Actor, disposal_id: UUID, reason: str, now: datetime
) -> Disposal:
    """The pledgee does not consent, or takes back a consent that nothing was settled on."""
    deal, disposal = await _lock(session, actor, disposal_id)
    _must_be_pledgee(actor, deal)
    history.move(session, disposal, DISPOSAL, DisposalEvent.REFUSE, actor=actor, now=now)
    disposal.answered_at, disposal.note = now, reason
    outbox.announce_to(session, parties_of(deal), "disposal.refused", disposal.id, now=now)
    await session.flush()
    return disposal


async def record_escrow(
    session: AsyncSession, *, actor: Actor, disposal_id: UUID, now: datetime
) -> Disposal:
    """The pledgee has seen the price, or the licence fee, in escrow."""
    deal, disposal = await _lock(session, actor, disposal_id)
    _must_be_pledgee(actor, deal)
    history.move(session, disposal, DISPOSAL, DisposalEvent.ESCROW, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "disposal.escrowed", disposal.id, now=now)
    await session.flush()
    return disposal


async def settle(
    session: AsyncSession, *, actor: Actor, disposal_id: UUID, now: datetime
) -> Disposal:
    """It is done. The proceeds are then a prepayment or a recovery, recorded on the loan.

    The pledge of a right that is sold ends with its sale: the buyer has it unencumbered.
    """
    deal, disposal = await _lock(session, actor, disposal_id)
    _must_be_pledgee(actor, deal)
    if disposal.escrow is not None and disposal.status is DisposalStatus.CONSENTED:
        raise EscrowFirst
    history.move(session, disposal, DISPOSAL, DisposalEvent.SETTLE, actor=actor, now=now)
    disposal.settled_at = now
    if disposal.kind is not DisposalKind.LICENCE:
        await _end_pledge(session, deal, disposal.right_id, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "disposal.settled", disposal.id, now=now)
    await session.flush()
    return disposal


async def _end_pledge(
    session: AsyncSession, deal: Deal, right_id: UUID, *, actor: Actor, now: datetime
) -> None:
    """Free the right; a registration of no other right is then to be cancelled."""
    await session.flush()
    register = await session.scalar(
        update(DealRight)
        .where(
            DealRight.deal_id == deal.id,
            DealRight.right_id == right_id,
            DealRight.released_at.is_(None),
        )
        .values(released_at=now)
        .returning(DealRight.register)
    )
    others = exists().where(
        DealRight.deal_id == deal.id,
        DealRight.register == register,
        DealRight.released_at.is_(None),
    )
    registrations = await session.scalars(
        select(Registration)
        .where(
            Registration.deal_id == deal.id,
            Registration.register == register,
            Registration.status == RegistrationStatus.REGISTERED,
            ~others,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for registration in registrations:
        discharge = RegistrationEvent.DISCHARGE
        history.move(session, registration, REGISTRATION, discharge, actor=actor, now=now)


async def must_bring(
    session: AsyncSession, deal: Deal, disposal_id: UUID, *, amount: Money
) -> None:
    """A disposal of the deal's rights brings a recovery once settled, up to its price in sum.

    The caller holds the deal's lock.
    """
    disposal = await session.get(Disposal, disposal_id, populate_existing=True)
    if disposal is None or disposal.deal_id != deal.id:
        raise FieldRefused("disposal_id", say("is no disposal of this loan's rights"))
    if disposal.status is not DisposalStatus.SETTLED:
        raise NotSettled
    recorded = await session.scalar(
        select(func.sum(Recovery.amount)).where(Recovery.disposal_id == disposal.id)
    )
    left = disposal.price - (recorded or ZERO)
    if amount > left:
        raise RecoveryAbovePrice(amount, left)


async def _lock(session: AsyncSession, actor: Actor, disposal_id: UUID) -> tuple[Deal, Disposal]:
    actor.must_be(*PARTIES)
    deal_id = await session.scalar(
        visible_disposals(actor)
        .where(Disposal.id == disposal_id)
        .with_only_columns(Disposal.deal_id)
    )
    if deal_id is None:
        raise NotFound
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    disposal = await session.get_one(
        Disposal, disposal_id, with_for_update=True, populate_existing=True
    )
    return deal, disposal


def _must_be_pledgee(actor: Actor, deal: Deal) -> None:
    if actor.kind not in PLEDGEES[deal.pledgee]:
        raise NotPledgee
