"""Values that a firm proposes to an institution, which agrees to them or not."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from app.core.errors import NotFound
from app.models.portfolios import StatedValue
from app.routers.access import lenders
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.portfolios import StatedValueOut
from app.services import stated_values
from app.services.stated_values import AlreadyAgreed

router = APIRouter(prefix="/lender/agreed-values", tags=["lender"], route_class=KeyedRoute)


@router.get(
    "",
    response_model=list[StatedValueOut],
    summary="Values proposed to you",
    dependencies=[lenders(scope="values:read")],
)
async def list_proposals(actor: CurrentActor, session: Session) -> Sequence[StatedValue]:
    """Newest first, at most 200; `agreed_at` is empty while you have not confirmed."""
    return await stated_values.list_proposals(session, actor=actor)


@router.post(
    "/{value_id}/confirmation",
    response_model=StatedValueOut,
    summary="Confirm an agreed value",
    dependencies=[lenders(scope="values:write")],
    responses=problems(NotFound, AlreadyAgreed),
)
async def confirm_agreed_value(
    value_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> StatedValue:
    """From then on it is a value both sides agreed."""
    return await stated_values.confirm_agreed_value(
        session, actor=actor, value_id=value_id, now=now
    )
