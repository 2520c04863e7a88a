"""What anyone may read: health, parks and the quota figures of every account."""

from collections.abc import Sequence
from datetime import date

from fastapi import APIRouter

from app.models.organisations import Park
from app.routers.access import public
from app.routers.deps import Limit, Session
from app.schemas.public import Health, LedgerRootOut, LedgerRootsOut, ParkOut, ProgrammeOut
from app.services import programme, sealing

health = APIRouter(tags=["public"], dependencies=[public()])
router = APIRouter(prefix="/public", tags=["public"], dependencies=[public()])


@health.get("/health", summary="Is the service up")
async def get_health(session: Session) -> Health:
    """Answers 200 while the service reaches its database."""
    await programme.ping(session)
    return Health(status="ok")


@router.get("/parks", response_model=list[ParkOut], summary="Parks")
async def list_parks(session: Session) -> Sequence[Park]:
    """The parks of the programme and the regional account for firms outside every park."""
    return await programme.list_parks(session)


@router.get("/programme", summary="Capacity, floor progress and quota of every account")
async def get_programme(session: Session) -> ProgrammeOut:
    """Allocated, held, outstanding, called and available: exact, per account, live."""
    return await programme.get_figures(session)


@router.get("/ledger/roots", summary="Daily roots of the ledger's hash chain")
async def list_ledger_roots(
    session: Session, limit: Limit = 50, before: date | None = None
) -> LedgerRootsOut:
    """One hash per business day over the whole history of the ledger up to its end.

    Whoever keeps one can later prove that no transfer, entry or account up to that day was
    rewritten: `zhirong verify --journal FILE --root HASH`, or the stand-alone script that
    docs/ledger.md describes.
    """
    roots = await sealing.list_roots(session, limit=limit, before=before)
    return LedgerRootsOut(
        items=[LedgerRootOut.model_validate(root) for root in roots],
        next=roots[-1].business_on if len(roots) == limit else None,
    )
