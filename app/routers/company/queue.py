"""A firm's deal that waits for room: its place, another package instead, and its promotion."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.deals import AcceptanceIn, AcceptedOut, DealOut
from app.schemas.queue import QueueOut
from app.services import acceptance, alternatives, queue
from app.services.acceptance import InstitutionSuspended, QuoteNotOffered
from app.services.caps import CapExceeded
from app.services.deals import DealNotReady
from app.services.packages import NotAdmissible
from app.services.quotes import StaleRevision

router = APIRouter(prefix="/company", tags=["company"], route_class=KeyedRoute)

READS = may(OrganisationKind.ENTERPRISE, scope="deals:read")
WRITES = may(OrganisationKind.ENTERPRISE, scope="deals:write")


@router.get(
    "/deals/{deal_id}/queue",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Place in the queue",
)
async def get_queue(deal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> QueueOut:
    """Position, what is short, since when; and what else the firm could do."""
    return await alternatives.get_queue(session, actor=actor, deal_id=deal_id, now=now)


@router.post(
    "/deals/{deal_id}/change-of-package",
    status_code=201,
    dependencies=[WRITES],
    responses=problems(
        NotFound,
        IllegalMove,
        DealNotReady,
        StaleRevision,
        QuoteNotOffered,
        InstitutionSuspended,
        NotAdmissible,
        CapExceeded,
    ),
    summary="Leave the queue for another package",
)
async def change_package(
    deal_id: UUID, chosen: AcceptanceIn, actor: CurrentActor, session: Session, now: Now
) -> AcceptedOut:
    """Another guarantor, a smaller or a larger loan: the deal that waits ends, and a new one is
    accepted at once or at the tail of the queue. If the new package is refused, nothing changed.
    """
    deal = await acceptance.change_package(
        session,
        actor=actor,
        deal_id=deal_id,
        loan=chosen.loan.as_choice(),
        guarantee=chosen.guarantee.as_choice() if chosen.guarantee else None,
        insurance=chosen.insurance.as_choice() if chosen.insurance else None,
        now=now,
    )
    place = await alternatives.find_queue(session, actor=actor, deal=deal, now=now)
    return AcceptedOut(**dict(DealOut.model_validate(deal)), queue=place)


@router.post(
    "/deals/{deal_id}/reconfirmation",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady),
    summary="Reconfirm a promoted deal",
)
async def reconfirm_deal(deal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Deal:
    """Within the set time, or the hold is voided and the deal leaves the queue."""
    return await queue.reconfirm(session, actor=actor, deal_id=deal_id, now=now)
