"""The supply-and-demand board: patents on offer, technology asked for, and what fits together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.grams import grams_of, grams_of_query
from app.core.messages import say
from app.identifiers.identifier import IdentifierKind, identify
from app.lifecycle.market import (
    LISTING,
    ListingEvent,
    ListingSide,
    ListingStatus,
    TransferForm,
)
from app.lifecycle.parties import OrganisationKind
from app.models.market import MarketEnquiry, MarketListing
from app.models.organisations import Organisation
from app.schemas.market import ListingIn
from app.services import history, outbox, patents_offered, rules
from app.services.actor import Actor
from app.services.constraints import refusing
from app.services.searching import holds, matches, score_of

TRADERS = (OrganisationKind.ENTERPRISE, OrganisationKind.AGENCY)
"""Firms, universities and those who act for them."""

RULE = "market_matching"
SUBCLASS = 4  # characters of an IPC symbol


@dataclass(eq=False)
class AlreadyListed(Conflict):
    message = "The patent {number} is on offer in this form already."

    number: str


def visible_listings(actor: Actor) -> Select[MarketListing]:
    """What is open, what is the actor's own, and what it enquired about."""
    listings = select(MarketListing)
    if actor.is_staff:
        return listings
    asked = select(MarketEnquiry.listing_id).where(MarketEnquiry.asker_id == actor.organisation_id)
    return listings.where(
        or_(
            MarketListing.status == ListingStatus.OPEN,
            MarketListing.owner_id == actor.organisation_id,
            MarketListing.id.in_(asked),
        )
    )


async def list_it(
    session: AsyncSession, *, actor: Actor, data: ListingIn, now: datetime
) -> MarketListing:
    """Put an offer or a demand on the board; FieldRefused for what its kind does not allow."""
    actor.must_be(*TRADERS)
    today = business_date(now)
    if data.valid_until < today:
        raise FieldRefused("valid_until", say("must not be in the past"))
    ipc = [_read_ipc(symbol) for symbol in data.ipc]
    values = data.model_dump() | {"ipc": ipc}
    if data.side is ListingSide.OFFER:
        values |= await _offer(session, actor, data, today=today)
    elif data.patent_number is not None or data.disposal_id is not None:
        raise FieldRefused("patent_number", say("belongs to an offer"))
    row = MarketListing(
        id=new_id(),
        owner_id=actor.organisation_id,
        subclasses=sorted({symbol[:SUBCLASS] for symbol in ipc}),
        status=ListingStatus.OPEN,
        grams=grams_of(data.title, data.summary, data.terms),
        listed_at=now,
        **values,
    )
    taken = AlreadyListed(row.patent_number or "")
    async with refusing(session, {"uq_market_listings_offer": taken}):
        session.add(row)
    history.begin(session, row, LISTING, actor=actor, now=now)
    outbox.announce(session, "listing.opened", row.id, now=now)
    await session.flush()
    return row


async def _offer(
    session: AsyncSession, actor: Actor, data: ListingIn, *, today: date
) -> dict[str, Any]:
    """What an offer has besides: a patent that is its owner's to offer."""
    if data.patent_number is None:
        raise FieldRefused("patent_number", say("is missing"))
    if data.form is TransferForm.OPEN_LICENCE and (data.price is None or not data.terms):
        raise FieldRefused("price", say("an open licence states its price and its terms"))
    patent = await patents_offered.find(
        session, actor=actor, number=data.patent_number, today=today
    )
    disposal_id = None
    if data.form is TransferForm.OPEN_LICENCE:  # its declaration binds towards everybody
        disposal_id = await patents_offered.check_consent(
            session, patent, form=data.form, disposal_id=data.disposal_id, amount=data.price
        )
    elif data.disposal_id is not None:
        raise FieldRefused("disposal_id", say("is asked for when the contract is made"))
    holder = await session.get_one(Organisation, actor.organisation_id)
    return {
        "patent_number": patent.number,
        "right_id": patent.right_id,
        "holder_name": patent.holder_name or holder.name,
        "disposal_id": disposal_id,
    }


async def withdraw(
    session: AsyncSession, *, actor: Actor, listing_id: UUID, now: datetime
) -> MarketListing:
    """Take the listing off the board; enquiries that run go on."""
    row: MarketListing | None = await session.scalar(
        select(MarketListing)
        .where(MarketListing.id == listing_id, MarketListing.owner_id == actor.organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    history.move(session, row, LISTING, ListingEvent.WITHDRAW, actor=actor, now=now)
    row.ended_at = now
    await session.flush()
    return row


async def list_own(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[MarketListing]:
    """The actor's own listings, whatever became of them; the authority's are everybody's."""
    rows = select(MarketListing).order_by(MarketListing.id.desc()).limit(limit)
    if not actor.is_staff:
        rows = rows.where(MarketListing.owner_id == actor.organisation_id)
    if after is not None:
        rows = rows.where(MarketListing.id < after)
    return (await session.scalars(rows)).all()


async def search(
    session: AsyncSession,
    *,
    today: date,
    side: ListingSide | None,
    form: TransferForm | None,
    ipc: str | None,
    query: str | None,
    limit: int,
    after: UUID | None = None,
) -> Sequence[MarketListing]:
    """What is open: the best matches of a query first, else the newest."""
    rows = _open(today).limit(limit)
    if side is not None:
        rows = rows.where(MarketListing.side == side)
    if form is not None:
        rows = rows.where(MarketListing.form == form)
    if ipc is not None:
        rows = rows.where(holds(MarketListing.subclasses, _read_ipc(ipc)[:SUBCLASS]))
    if query is None:
        rows = rows.order_by(MarketListing.id.desc())
        if after is not None:
            rows = rows.where(MarketListing.id < after)
    else:
        if not grams_of_query(query):
            raise FieldRefused("q", say("holds nothing to search for"))
        found, order = matches(MarketListing.grams, query)
        rows = rows.where(found).order_by(order, MarketListing.id.desc())
    return (await session.scalars(rows)).all()


async def get_open(session: AsyncSession, *, listing_id: UUID, today: date) -> MarketListing:
    """An open listing, for anybody."""
    row: MarketListing | None = await session.scalar(
        _open(today).where(MarketListing.id == listing_id)
    )
    if row is None:
        raise NotFound
    return row


async def match(
    session: AsyncSession, *, actor: Actor, listing_id: UUID, limit: int, now: datetime
) -> list[tuple[int, MarketListing]]:
    """What of the other side fits the listing, by common IPC subclasses and common words."""
    listing: MarketListing | None = await session.scalar(
        visible_listings(actor).where(MarketListing.id == listing_id)
    )
    if listing is None:
        raise NotFound
    today = business_date(now)
    rule = await rules.get(session, RULE, on=today)
    words = score_of(MarketListing.grams, grams_of_query(f"{listing.title} {listing.summary}"))
    classes = score_of(MarketListing.subclasses, listing.subclasses)
    points = words * rule["text_points"] + classes * rule["ipc_points"]
    rows = await session.execute(
        _open(today)
        .add_columns(points.label("points"))
        .where(
            MarketListing.side != listing.side,
            MarketListing.owner_id != listing.owner_id,
            points >= rule["points_min"],
        )
        .order_by(points.desc(), MarketListing.id.desc())
        .limit(limit)
    )
    return [(found, row) for row, found in rows]


def _open(today: date) -> Select[MarketListing]:
    return select(MarketListing).where(
        MarketListing.status == ListingStatus.OPEN, MarketListing.valid_until >= today
    )


def _read_ipc(symbol: str) -> str:
    answer = identify(IdentifierKind.IPC, symbol)
    if answer.normalised is None:
        raise FieldRefused("ipc", answer.reason or say("is no IPC symbol"))
    return answer.normalised
