"""The supply-and-demand board and open-licence market (measure 4)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.market import ListingSide, TransferForm
from app.models.market import MarketListing
from app.routers.access import may, public, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.market import EnquiryIn, EnquiryOut, ListingIn, ListingOut, MatchOut
from app.schemas.market import PublicListingOut as Listed
from app.services import enquiries, market
from app.services.disposals import EscrowFirst
from app.services.enquiries import EnquiryOver, EnquiryRuns, OwnListing
from app.services.market import TRADERS, AlreadyListed
from app.services.patents_offered import PledgeeConsentNeeded

board = APIRouter(prefix="/public/market", tags=["public"], dependencies=[public()])
router = APIRouter(prefix="/market", tags=["market"], route_class=KeyedRoute)

READS = signed_in(scope="organisation:read")
ACTS = may(*TRADERS)


@board.get("/listings", responses=problems(FieldRefused), summary="Offers and demands")
async def search_listings(
    *,
    session: Session,
    today: Today,
    side: ListingSide | None = None,
    form: TransferForm | None = None,
    ipc: Annotated[
        str | None, Query(max_length=40, description="An IPC subclass or group, such as H02S.")
    ] = None,
    q: Annotated[
        str | None, Query(max_length=100, description="Words, in Chinese; best match first.")
    ] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[Listed]:
    """What is open; `form=open_licence` is the open-licence market. Of who asks, no name.

    With `q` there is one page.
    """
    rows = await market.search(
        session, today=today, side=side, form=form, ipc=ipc, query=q, limit=limit, after=after
    )
    return Page(
        items=[Listed.model_validate(row) for row in rows],
        next=rows[-1].id if q is None and len(rows) == limit else None,
    )


@board.get(
    "/listings/{listing_id}",
    response_model=Listed,
    responses=problems(NotFound),
    summary="One offer or demand",
)
async def get_listing(listing_id: UUID, session: Session, today: Today) -> MarketListing:
    """While it is open."""
    return await market.get_open(session, listing_id=listing_id, today=today)


@router.get("/listings", dependencies=[READS], summary="Your listings")
async def list_own(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[ListingOut]:
    """Whatever became of them, newest first. The authority sees everybody's."""
    rows = await market.list_own(session, actor=actor, limit=limit, after=after)
    return Page(
        items=[ListingOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/listings",
    status_code=201,
    response_model=ListingOut,
    dependencies=[ACTS],
    responses=problems(FieldRefused, AlreadyListed, PledgeeConsentNeeded, EscrowFirst),
    summary="Offer a patent, or ask for technology",
)
async def list_it(
    given: ListingIn, actor: CurrentActor, session: Session, now: Now
) -> MarketListing:
    """Open to all at once. An open licence of a pledged patent needs its pledgee's consent now,
    everything else when the contract is made.
    """
    return await market.list_it(session, actor=actor, data=given, now=now)


@router.post(
    "/listings/{listing_id}/withdrawal",
    response_model=ListingOut,
    dependencies=[ACTS],
    responses=problems(NotFound, IllegalMove),
    summary="Take a listing off the board",
)
async def withdraw_listing(
    listing_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> MarketListing:
    """Enquiries that run go on."""
    return await market.withdraw(session, actor=actor, listing_id=listing_id, now=now)


@router.get(
    "/listings/{listing_id}/matches",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="What fits a listing",
)
async def match(
    listing_id: UUID, actor: CurrentActor, session: Session, now: Now, limit: Limit = 20
) -> list[MatchOut]:
    """Of the other side, by common IPC subclasses and common words; the best first."""
    found = await market.match(session, actor=actor, listing_id=listing_id, limit=limit, now=now)
    return [MatchOut(points=points, listing=Listed.model_validate(row)) for points, row in found]


@router.post(
    "/listings/{listing_id}/enquiries",
    status_code=201,
    dependencies=[ACTS],
    responses=problems(NotFound, OwnListing, EnquiryRuns),
    summary="Ask about a listing",
)
async def ask(
    listing_id: UUID, given: EnquiryIn, actor: CurrentActor, session: Session, now: Now
) -> EnquiryOut:
    """Through the platform: neither side learns the other's name before the owner accepts."""
    return await enquiries.ask(
        session, actor=actor, listing_id=listing_id, body=given.body, now=now
    )


@router.get("/enquiries", dependencies=[READS], summary="Your enquiries, made and received")
async def list_enquiries(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[EnquiryOut]:
    """Newest first, with their messages."""
    items = await enquiries.list_enquiries(session, actor=actor, limit=limit, after=after)
    return Page(items=list(items), next=items[-1].id if len(items) == limit else None)


@router.get(
    "/enquiries/{enquiry_id}",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One enquiry",
)
async def show_enquiry(enquiry_id: UUID, actor: CurrentActor, session: Session) -> EnquiryOut:
    """With its messages."""
    return await enquiries.show(session, actor=actor, enquiry_id=enquiry_id)


@router.post(
    "/enquiries/{enquiry_id}/messages",
    status_code=201,
    dependencies=[ACTS],
    responses=problems(NotFound, EnquiryOver),
    summary="Write to the other side",
)
async def write(
    enquiry_id: UUID, given: EnquiryIn, actor: CurrentActor, session: Session, now: Now
) -> EnquiryOut:
    """Either side, while the enquiry runs."""
    return await enquiries.write(
        session, actor=actor, enquiry_id=enquiry_id, body=given.body, now=now
    )


@router.post(
    "/enquiries/{enquiry_id}/acceptance",
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, IllegalMove),
    summary="Accept an enquiry",
)
async def accept(enquiry_id: UUID, actor: CurrentActor, session: Session, now: Now) -> EnquiryOut:
    """Both sides then see each other's name."""
    return await enquiries.decide(session, actor=actor, enquiry_id=enquiry_id, accept=True, now=now)


@router.post(
    "/enquiries/{enquiry_id}/refusal",
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, IllegalMove),
    summary="Decline an enquiry",
)
async def decline(enquiry_id: UUID, actor: CurrentActor, session: Session, now: Now) -> EnquiryOut:
    """No name is told."""
    return await enquiries.decide(
        session, actor=actor, enquiry_id=enquiry_id, accept=False, now=now
    )


@router.post(
    "/enquiries/{enquiry_id}/withdrawal",
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, IllegalMove),
    summary="Withdraw an enquiry",
)
async def withdraw_enquiry(
    enquiry_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> EnquiryOut:
    """By whoever asked."""
    return await enquiries.withdraw(session, actor=actor, enquiry_id=enquiry_id, now=now)
