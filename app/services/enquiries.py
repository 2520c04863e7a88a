"""Contact through the platform: an enquiry about a listing, messages, and the names last."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound
from app.lifecycle.market import ENQUIRY, EnquiryEvent, EnquiryStatus
from app.models.market import MarketEnquiry, MarketMessage
from app.models.organisations import Organisation
from app.schemas.market import EnquiryOut, MessageOut
from app.services import history, market, outbox
from app.services.actor import Actor, as_platform
from app.services.constraints import refusing

NAMED = (EnquiryStatus.ACCEPTED, EnquiryStatus.CONCLUDED)


class OwnListing(Forbidden):
    message = "The listing is your own."


class EnquiryRuns(Conflict):
    message = "You have an enquiry about this listing already."


class EnquiryOver(Conflict):
    message = "The enquiry is over; nothing can be written to it any more."


def visible_enquiries(actor: Actor) -> Select[MarketEnquiry]:
    """Those the actor made, and those about its listings; staff see all."""
    enquiries = select(MarketEnquiry)
    if actor.is_staff:
        return enquiries
    org = actor.organisation_id
    return enquiries.where(or_(MarketEnquiry.asker_id == org, MarketEnquiry.owner_id == org))


async def ask(
    session: AsyncSession, *, actor: Actor, listing_id: UUID, body: str, now: datetime
) -> EnquiryOut:
    """Ask about an open listing, without one's name."""
    actor.must_be(*market.TRADERS)
    listing = await market.get_open(session, listing_id=listing_id, today=business_date(now))
    if listing.owner_id == actor.organisation_id:
        raise OwnListing
    row = MarketEnquiry(
        id=new_id(),
        listing_id=listing.id,
        asker_id=actor.organisation_id,
        owner_id=listing.owner_id,
        status=EnquiryStatus.ASKED,
        asked_at=now,
    )
    async with refusing(session, {"uq_market_enquiries_live": EnquiryRuns()}):
        session.add(row)
    history.begin(session, row, ENQUIRY, actor=actor, now=now)
    await _write(session, actor, row, body, now=now)
    return await _out(session, actor, row)


async def write(
    session: AsyncSession, *, actor: Actor, enquiry_id: UUID, body: str, now: datetime
) -> EnquiryOut:
    """A further message, of either side."""
    row = await lock(session, actor=actor, enquiry_id=enquiry_id)
    if row.status not in {EnquiryStatus.ASKED, EnquiryStatus.ACCEPTED}:
        raise EnquiryOver
    await _write(session, actor, row, body, now=now)
    return await _out(session, actor, row)


async def decide(
    session: AsyncSession, *, actor: Actor, enquiry_id: UUID, accept: bool, now: datetime
) -> EnquiryOut:
    """The owner of the listing accepts, so that both learn the other's name, or declines."""
    row = await lock(session, actor=actor, enquiry_id=enquiry_id)
    if row.owner_id != actor.organisation_id:
        raise Forbidden
    event = EnquiryEvent.ACCEPT if accept else EnquiryEvent.DECLINE
    history.move(session, row, ENQUIRY, event, actor=actor, now=now)
    row.answered_at = now
    kind = "enquiry.accepted" if accept else "enquiry.declined"
    outbox.announce(session, kind, row.id, organisation_id=row.asker_id, now=now)
    await session.flush()
    return await _out(session, actor, row)


async def withdraw(
    session: AsyncSession, *, actor: Actor, enquiry_id: UUID, now: datetime
) -> EnquiryOut:
    """Whoever asked loses interest."""
    row = await lock(session, actor=actor, enquiry_id=enquiry_id)
    if row.asker_id != actor.organisation_id:
        raise Forbidden
    history.move(session, row, ENQUIRY, EnquiryEvent.WITHDRAW, actor=actor, now=now)
    outbox.announce(session, "enquiry.withdrawn", row.id, organisation_id=row.owner_id, now=now)
    await session.flush()
    return await _out(session, actor, row)


async def show(session: AsyncSession, *, actor: Actor, enquiry_id: UUID) -> EnquiryOut:
    row: MarketEnquiry | None = await session.scalar(
        visible_enquiries(actor).where(MarketEnquiry.id == enquiry_id)
    )
    if row is None:
        raise NotFound
    return await _out(session, actor, row)


async def list_enquiries(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[EnquiryOut]:
    """Newest first, with their messages."""
    rows = visible_enquiries(actor).order_by(MarketEnquiry.id.desc()).limit(limit)
    if after is not None:
        rows = rows.where(MarketEnquiry.id < after)
    return [await _out(session, actor, row) for row in await session.scalars(rows)]


async def lock(session: AsyncSession, *, actor: Actor, enquiry_id: UUID) -> MarketEnquiry:
    """The enquiry under its lock, for the two sides of it only."""
    row: MarketEnquiry | None = await session.scalar(
        visible_enquiries(actor)
        .where(MarketEnquiry.id == enquiry_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or actor.organisation_id not in {row.asker_id, row.owner_id}:
        raise NotFound
    return row


async def _write(
    session: AsyncSession, actor: Actor, row: MarketEnquiry, body: str, *, now: datetime
) -> None:
    count = await session.scalar(select(func.count()).where(MarketMessage.enquiry_id == row.id))
    session.add(
        MarketMessage(
            enquiry_id=row.id,
            number=(count or 0) + 1,
            sender_id=actor.organisation_id,
            body=body,
            at=now,
        )
    )
    other = row.owner_id if row.asker_id == actor.organisation_id else row.asker_id
    outbox.announce(session, "enquiry.message", row.id, organisation_id=other, now=now)
    await session.flush()


async def _out(session: AsyncSession, actor: Actor, row: MarketEnquiry) -> EnquiryOut:
    own = row.asker_id == actor.organisation_id
    name = None
    if row.status in NAMED:
        async with as_platform(session):  # the other side has agreed to be named
            name = await session.scalar(
                select(Organisation.name).where(
                    Organisation.id == (row.owner_id if own else row.asker_id)
                )
            )
    messages = await session.scalars(
        select(MarketMessage)
        .where(MarketMessage.enquiry_id == row.id)
        .order_by(MarketMessage.number)
    )
    return EnquiryOut(
        id=row.id,
        listing_id=row.listing_id,
        status=row.status,
        own=own,
        other_name=name,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        messages=[MessageOut.model_validate(message) for message in messages],
    )
