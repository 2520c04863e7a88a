"""A firm's portfolios, their model valuations, and the values that others stated."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.portfolios import Portfolio, StatedValue, Valuation
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.portfolios import (
    AgreedValueIn,
    AppraisalIn,
    PortfolioDetailOut,
    PortfolioIn,
    PortfolioOut,
    PortfolioRightsIn,
    StatedValueOut,
    ValuationDetailOut,
    ValuationInputs,
    ValuationItemOut,
    ValuationOut,
)
from app.schemas.rights import RightOut
from app.services import portfolios, stated_values, valuation_runs, valuations
from app.services.portfolios import PortfolioInUse
from app.services.valuations import EmptyPortfolio

_READ = may(OrganisationKind.ENTERPRISE, scope="portfolios:read")
_WRITE = may(OrganisationKind.ENTERPRISE, scope="portfolios:write")

router = APIRouter(prefix="/company/portfolios", tags=["portfolios"], route_class=KeyedRoute)


@router.post(
    "",
    status_code=201,
    response_model=PortfolioOut,
    summary="Make a portfolio",
    dependencies=[_WRITE],
)
async def create_portfolio(
    stated: PortfolioIn, actor: CurrentActor, session: Session, now: Now
) -> Portfolio:
    """Empty at first; it may mix patents, marks and copyrights."""
    return await portfolios.create_portfolio(session, actor=actor, name=stated.name, now=now)


@router.get("", summary="Your portfolios", dependencies=[_READ])
async def list_portfolios(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[PortfolioOut]:
    """Newest first."""
    found = await portfolios.list_portfolios(session, actor=actor, limit=limit, after=after)
    items = [PortfolioOut.model_validate(portfolio) for portfolio in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/{portfolio_id}",
    summary="A portfolio with its rights",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def get_portfolio(
    portfolio_id: UUID, actor: CurrentActor, session: Session
) -> PortfolioDetailOut:
    """The rights in the order in which they were stated."""
    portfolio = await portfolios.get_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    return await _detail(session, portfolio)


async def _detail(session: Session, portfolio: Portfolio) -> PortfolioDetailOut:
    rights = await portfolios.list_portfolio_rights(session, portfolio)
    head = PortfolioOut.model_validate(portfolio)
    items = [RightOut.model_validate(right) for right in rights]
    return PortfolioDetailOut(**head.model_dump(), rights=items)


@router.put(
    "/{portfolio_id}",
    response_model=PortfolioOut,
    summary="Rename a portfolio",
    dependencies=[_WRITE],
    responses=problems(NotFound),
)
async def rename_portfolio(
    portfolio_id: UUID, stated: PortfolioIn, actor: CurrentActor, session: Session
) -> Portfolio:
    """Only the name changes."""
    return await portfolios.rename_portfolio(
        session, actor=actor, portfolio_id=portfolio_id, name=stated.name
    )


@router.post(
    "/{portfolio_id}/rights",
    summary="Put rights in",
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused),
)
async def add_rights(
    portfolio_id: UUID, stated: PortfolioRightsIn, actor: CurrentActor, session: Session
) -> PortfolioDetailOut:
    """Your own rights only; one that is in already stays in."""
    portfolio = await portfolios.add_rights(
        session, actor=actor, portfolio_id=portfolio_id, right_ids=stated.right_ids
    )
    return await _detail(session, portfolio)


@router.delete(
    "/{portfolio_id}/rights/{right_id}",
    status_code=204,
    summary="Take a right out",
    dependencies=[_WRITE],
    responses=problems(NotFound, PortfolioInUse),
)
async def remove_right(
    portfolio_id: UUID, right_id: UUID, actor: CurrentActor, session: Session
) -> None:
    """Not while a request on the portfolio is open or matched."""
    await portfolios.remove_right(
        session, actor=actor, portfolio_id=portfolio_id, right_id=right_id
    )


@router.post(
    "/{portfolio_id}/valuations",
    status_code=201,
    summary="Value a portfolio",
    dependencies=[_WRITE],
    responses=problems(NotFound, EmptyPortfolio, FieldRefused),
)
async def value_portfolio(
    portfolio_id: UUID, inputs: ValuationInputs, actor: CurrentActor, session: Session, now: Now
) -> ValuationDetailOut:
    """A model value of today: income if revenue is given, else cost; inputs and hash are kept.

    A worker works the same inputs out in full at once: see the valuation run `run_id`.
    """
    valuation = await valuations.value_portfolio(
        session, actor=actor, portfolio_id=portfolio_id, inputs=inputs, now=now
    )
    return await _valued(session, valuation)


async def _valued(session: Session, valuation: Valuation) -> ValuationDetailOut:
    items = await valuations.list_items(session, valuation)
    detail = {name: getattr(valuation, name) for name in ValuationOut.model_fields}
    run_id = await valuation_runs.find_first(session, valuation_id=valuation.id)
    return ValuationDetailOut(
        **detail, run_id=run_id, items=[ValuationItemOut.model_validate(item) for item in items]
    )


@router.get(
    "/{portfolio_id}/valuations",
    summary="Valuations of a portfolio",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def list_valuations(
    portfolio_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 20,
    after: UUID | None = None,
) -> Page[ValuationOut]:
    """Newest first."""
    found = await valuations.list_valuations(
        session, actor=actor, portfolio_id=portfolio_id, limit=limit, after=after
    )
    items = [ValuationOut.model_validate(valuation) for valuation in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/{portfolio_id}/valuations/{valuation_id}",
    summary="A valuation right by right",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def get_valuation(
    portfolio_id: UUID, valuation_id: UUID, actor: CurrentActor, session: Session
) -> ValuationDetailOut:
    """With the working of each right's value."""
    valuation = await valuations.get_valuation(
        session, actor=actor, portfolio_id=portfolio_id, valuation_id=valuation_id
    )
    return await _valued(session, valuation)


@router.get(
    "/{portfolio_id}/stated-values",
    response_model=list[StatedValueOut],
    summary="Appraisals and agreed values",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def list_stated_values(
    portfolio_id: UUID, actor: CurrentActor, session: Session
) -> Sequence[StatedValue]:
    """Kept as what they are, beside the model's values; newest first, at most 200."""
    return await stated_values.list_stated_values(session, actor=actor, portfolio_id=portfolio_id)


@router.post(
    "/{portfolio_id}/appraisals",
    status_code=201,
    response_model=StatedValueOut,
    summary="Record an appraisal",
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused),
)
async def record_appraisal(
    portfolio_id: UUID, stated: AppraisalIn, actor: CurrentActor, session: Session, now: Now
) -> StatedValue:
    """An external report: upload it first, then name its document here."""
    return await stated_values.record_appraisal(
        session, actor=actor, portfolio_id=portfolio_id, stated=stated, now=now
    )


@router.post(
    "/{portfolio_id}/agreed-values",
    status_code=201,
    response_model=StatedValueOut,
    summary="Propose an agreed value",
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused),
)
async def propose_agreed_value(
    portfolio_id: UUID, stated: AgreedValueIn, actor: CurrentActor, session: Session, now: Now
) -> StatedValue:
    """To a bank, insurer or guarantor; agreed once it confirms."""
    return await stated_values.propose_agreed_value(
        session, actor=actor, portfolio_id=portfolio_id, stated=stated, now=now
    )
