"""Signals where cover of a loan fell, and the pledgee's decisions on them."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.valuation_runs import CoverDecisionIn, CoverDecisionOut, CoverSignalOut
from app.services import cover_signals
from app.services.cover_signals import AlreadyDecided, Signalled
from app.services.deals import NotPledgee

router = APIRouter(prefix="/cover-signals", tags=["valuations"], route_class=KeyedRoute)

READS = may(
    OrganisationKind.ENTERPRISE,
    OrganisationKind.BANK,
    OrganisationKind.GUARANTOR,
    OrganisationKind.AUTHORITY,
    scope="values:read",
)
DECIDES = may(OrganisationKind.BANK, OrganisationKind.GUARANTOR, scope="values:write")


def _shape(found: Signalled) -> CoverSignalOut:
    names = CoverSignalOut.model_fields.keys() - {"decisions"}
    return CoverSignalOut(
        **{name: getattr(found.signal, name) for name in names},
        decisions=[CoverDecisionOut.model_validate(one) for one in found.decisions],
    )


@router.get("", summary="Signals where cover fell", dependencies=[READS])
async def list_signals(
    actor: CurrentActor,
    session: Session,
    loan_id: UUID | None = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[CoverSignalOut]:
    """Newest first, of your own deals: a revaluation raises one where a level is crossed."""
    found = await cover_signals.list_signals(
        session, actor=actor, loan_id=loan_id, limit=limit, after=after
    )
    items = [_shape(one) for one in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/{signal_id}",
    summary="A signal with its decisions",
    dependencies=[READS],
    responses=problems(NotFound),
)
async def get_signal(signal_id: UUID, actor: CurrentActor, session: Session) -> CoverSignalOut:
    """The run that raised it has every figure."""
    return _shape(await cover_signals.get_signal(session, actor=actor, signal_id=signal_id))


@router.post(
    "/{signal_id}/decision",
    status_code=201,
    summary="Decide on a signal",
    dependencies=[DECIDES],
    responses=problems(NotFound, NotPledgee, AlreadyDecided),
)
async def decide(
    signal_id: UUID, data: CoverDecisionIn, actor: CurrentActor, session: Session, now: Now
) -> CoverSignalOut:
    """The pledgee's own, under the contract: top up, swap, prepay or nothing; joint ones each."""
    return _shape(
        await cover_signals.decide(session, actor=actor, signal_id=signal_id, data=data, now=now)
    )
