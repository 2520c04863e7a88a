"""Technology-transfer contracts: recorded by the supplier, confirmed by the buyer (measure 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.core.money import ZERO
from app.grants.award import decide
from app.grants.measure_files import find_version
from app.identifiers.enterprise_size import classify
from app.lifecycle.market import (
    ENQUIRY,
    LICENCES,
    LISTING,
    TRANSFER_CONTRACT,
    ContractEvent,
    ContractStatus,
    EnquiryEvent,
    EnquiryStatus,
    ListingEvent,
    ListingSide,
    ListingStatus,
    TransferForm,
)
from app.models.market import MarketEnquiry, MarketListing, TransferContract
from app.models.organisations import FirmProfile, Organisation
from app.models.rights import Licence
from app.schemas.market import BenefitIn, ContractGrantOut, ContractIn, GrantStepOut
from app.services import documents, enquiries, history, outbox, patents_offered
from app.services.actor import Actor, as_platform
from app.services.constraints import refusing

MEASURE = 4
REGION_PREFIX = "64"  # Ningxia, in the third and fourth place of a credit code

_KIND = {
    TransferForm.SALE: "transfer",
    TransferForm.LICENCE: "licence",
    TransferForm.OPEN_LICENCE: "licence",
    TransferForm.EQUITY: "equity",
}


class NotAccepted(Conflict):
    message = "The other side has not accepted the enquiry."


class ContractRuns(Conflict):
    message = "There is a contract of this enquiry already."


class ConsentUsed(Conflict):
    message = "The pledgee's consent was given to another contract."


class NotConfirmed(Conflict):
    message = "The buyer has not confirmed the contract."


@dataclass(eq=False)
class ListingGone(Conflict):
    message = "The offer of {number} is concluded with another, or was withdrawn."

    number: str


def visible_contracts(actor: Actor) -> Select[TransferContract]:
    """The contracts the actor is a side of; staff see all."""
    contracts = select(TransferContract)
    if actor.is_staff:
        return contracts
    org = actor.organisation_id
    return contracts.where(
        or_(TransferContract.supplier_id == org, TransferContract.buyer_id == org)
    )


async def propose(
    session: AsyncSession, *, actor: Actor, enquiry_id: UUID, data: ContractIn, now: datetime
) -> TransferContract:
    """The supplier records what was agreed; a pledged patent needs its pledgee's consent."""
    enquiry = await enquiries.lock(session, actor=actor, enquiry_id=enquiry_id)
    if enquiry.status is not EnquiryStatus.ACCEPTED:
        raise NotAccepted
    listing = await session.get_one(MarketListing, enquiry.listing_id)
    offered = listing.side is ListingSide.OFFER
    supplier_id = enquiry.owner_id if offered else enquiry.asker_id
    if supplier_id != actor.organisation_id:
        raise Forbidden
    today = business_date(now)
    _check_dates(data, today=today)
    patent = await patents_offered.find(
        session, actor=actor, number=data.patent_number, today=today
    )
    if offered and patent.number != listing.patent_number:
        raise FieldRefused("patent_number", say("is not the patent on offer"))
    # To an open licence the pledgee has consented once for all that take it.
    named = data.disposal_id or listing.disposal_id
    disposal_id = await patents_offered.check_consent(
        session, patent, form=data.form, disposal_id=named, amount=data.amount
    )
    if data.document_id is not None:
        document = await documents.get_document(session, actor=actor, document_id=data.document_id)
        other = enquiry.asker_id if offered else enquiry.owner_id
        await documents.share(session, document, organisation_ids=[other])
    row = TransferContract(
        id=new_id(),
        enquiry_id=enquiry.id,
        supplier_id=supplier_id,
        buyer_id=enquiry.asker_id if offered else enquiry.owner_id,
        right_id=patent.right_id,
        status=ContractStatus.PROPOSED,
        proposed_at=now,
        paid=ZERO,
        **data.model_dump() | {"patent_number": patent.number, "disposal_id": disposal_id},
    )
    refusals = {
        "uq_transfer_contracts_live": ContractRuns(),
        "uq_transfer_contracts_consent": ConsentUsed(),
    }
    async with refusing(session, refusals):
        session.add(row)
    history.begin(session, row, TRANSFER_CONTRACT, actor=actor, now=now)
    outbox.announce(session, "transfer.proposed", row.id, organisation_id=row.buyer_id, now=now)
    await session.flush()
    return row


async def confirm(
    session: AsyncSession, *, actor: Actor, contract_id: UUID, now: datetime
) -> TransferContract:
    """The buyer agrees: the contract is concluded, if the pledgee's consent still stands."""
    row = await _lock(session, actor, contract_id, side="buyer")
    history.move(session, row, TRANSFER_CONTRACT, ContractEvent.CONFIRM, actor=actor, now=now)
    patent = patents_offered.Patent(row.patent_number, row.right_id, None)
    await patents_offered.check_consent(
        session, patent, form=row.form, disposal_id=row.disposal_id, amount=row.amount
    )
    row.answered_at = now
    enquiry = await enquiries.lock(session, actor=actor, enquiry_id=row.enquiry_id)
    history.move(session, enquiry, ENQUIRY, EnquiryEvent.CONCLUDE, actor=actor, now=now)
    async with as_platform(session):  # the listing and the right are the other side's
        await _end_listing(session, enquiry, row, actor=actor, now=now)
        if row.right_id is not None and row.form in LICENCES:
            session.add(await _licence(session, row))
            await session.flush()
    outbox.announce(session, "transfer.confirmed", row.id, organisation_id=row.supplier_id, now=now)
    await session.flush()
    return row


async def answer_no(
    session: AsyncSession,
    *,
    actor: Actor,
    contract_id: UUID,
    event: ContractEvent,
    reason: str | None,
    now: datetime,
) -> TransferContract:
    """The buyer refuses what was recorded, or the supplier takes it back."""
    side = "buyer" if event is ContractEvent.REFUSE else "supplier"
    row = await _lock(session, actor, contract_id, side=side)
    history.move(session, row, TRANSFER_CONTRACT, event, actor=actor, now=now)
    row.answered_at, row.note = now, reason
    outbox.announce_to(
        session, (row.supplier_id, row.buyer_id), "transfer.not_concluded", row.id, now=now
    )
    await session.flush()
    return row


async def record_number(
    session: AsyncSession, *, actor: Actor, contract_id: UUID, number: str, now: datetime
) -> TransferContract:
    """The number of the contract's recordal (备案), by the supplier."""
    row = await _lock(session, actor, contract_id, side="supplier")
    _must_be_confirmed(row)
    row.record_number = number
    history.note(session, TRANSFER_CONTRACT.name, row.id, "record", actor=actor, now=now)
    await session.flush()
    return row


async def record_benefit(
    session: AsyncSession, *, actor: Actor, contract_id: UUID, data: BenefitIn, now: datetime
) -> TransferContract:
    """What the buyer paid so far and what it brought, with the proof."""
    row = await _lock(session, actor, contract_id, side="buyer")
    _must_be_confirmed(row)
    if data.paid > row.amount:
        raise FieldRefused("paid", say("is more than the contract's amount"))
    document = await documents.get_document(session, actor=actor, document_id=data.document_id)
    await documents.share(session, document, organisation_ids=[row.supplier_id])
    row.paid, row.benefit, row.benefit_document_id = data.paid, data.benefit, document.id
    history.note(session, TRANSFER_CONTRACT.name, row.id, "benefit", actor=actor, now=now)
    await session.flush()
    return row


async def list_contracts(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[TransferContract]:
    rows = visible_contracts(actor).order_by(TransferContract.id.desc()).limit(limit)
    if after is not None:
        rows = rows.where(TransferContract.id < after)
    return (await session.scalars(rows)).all()


async def get_contract(
    session: AsyncSession, *, actor: Actor, contract_id: UUID
) -> TransferContract:
    row: TransferContract | None = await session.scalar(
        visible_contracts(actor).where(TransferContract.id == contract_id)
    )
    if row is None:
        raise NotFound
    return row


async def facts_of(
    session: AsyncSession, row: TransferContract
) -> tuple[dict[str, Any], list[str]]:
    """The contract as facts of measure 4, and the names of those that nobody has entered."""
    async with as_platform(session):  # of the buyer only its size is told, as the measure asks
        buyer = await session.get_one(Organisation, row.buyer_id)
        profile = await session.get(FirmProfile, row.buyer_id)
    facts: dict[str, Any] = {
        "deal_amount": str(row.amount),
        "buyer_in_region": buyer.uscc[2:4] == REGION_PREFIX,
        "kind": _KIND[row.form],
        "benefit_shown": row.benefit is not None,
    }
    try:
        if profile is None:
            return facts, ["buyer_size"]
        sized = classify(
            profile.industry,
            employees=profile.employees,
            revenue=profile.revenue,
            assets=profile.assets,
        )
    except FieldRefused:  # the figure that its industry counts is not entered
        return facts, ["buyer_size"]
    return facts | {"buyer_size": sized.size.value}, []


async def show_grant(session: AsyncSession, *, actor: Actor, contract_id: UUID) -> ContractGrantOut:
    """What measure 4 gives for the contract by the rules of the day it was signed."""
    row = await get_contract(session, actor=actor, contract_id=contract_id)
    _must_be_confirmed(row)
    facts, missing = await facts_of(session, row)
    if missing:
        return ContractGrantOut(facts=facts, missing=missing, award=None, trace=[])
    award = decide(find_version(MEASURE, row.signed_on), facts)
    steps = [GrantStepOut(rule=s.rule, text=str(s.text), holds=s.holds) for s in award.trace]
    return ContractGrantOut(facts=facts, missing=[], award=award.award, trace=steps)


def _check_dates(data: ContractIn, *, today: date) -> None:
    if data.signed_on > today:
        raise FieldRefused("signed_on", say("lies in the future"))
    if data.ends_on is not None and data.ends_on < data.signed_on:
        raise FieldRefused("ends_on", say("is before signed_on"))


async def _end_listing(
    session: AsyncSession,
    enquiry: MarketEnquiry,
    row: TransferContract,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """A sale ends the offer, and so does an exclusive licence; a plain licence does not."""
    listing = await session.get_one(
        MarketListing, enquiry.listing_id, with_for_update=True, populate_existing=True
    )
    final = row.exclusive or row.form not in LICENCES or listing.side is ListingSide.DEMAND
    if not final:
        return
    if listing.status is not ListingStatus.OPEN:
        raise ListingGone(row.patent_number)
    history.move(session, listing, LISTING, ListingEvent.CONCLUDE, actor=actor, now=now)
    listing.ended_at = now
    await session.flush()


async def _licence(session: AsyncSession, row: TransferContract) -> Licence:
    buyer = await session.get_one(Organisation, row.buyer_id)
    return Licence(
        id=new_id(),
        right_id=row.right_id,
        licensee=buyer.name,
        exclusive=row.exclusive,
        recordal_number=None,
        starts_on=row.signed_on,
        ends_on=row.ends_on,
    )


def _must_be_confirmed(row: TransferContract) -> None:
    if row.status is not ContractStatus.CONFIRMED:
        raise NotConfirmed


async def _lock(
    session: AsyncSession, actor: Actor, contract_id: UUID, *, side: str
) -> TransferContract:
    row: TransferContract | None = await session.scalar(
        visible_contracts(actor)
        .where(TransferContract.id == contract_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    if getattr(row, f"{side}_id") != actor.organisation_id:
        raise Forbidden
    return row
