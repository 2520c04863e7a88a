"""Portfolios: which rights of a firm stand together, of every kind mixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.financing import REQUEST, RequestStatus
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.words import state_of
from app.models.financing import FinancingRequest
from app.models.portfolios import Portfolio, PortfolioRight
from app.models.rights import Right
from app.schemas.portfolios import RIGHTS_MAX
from app.services import rights
from app.services.actor import Actor

_IN_USE = (RequestStatus.OPEN, RequestStatus.MATCHED)


@dataclass(eq=False)
class PortfolioInUse(Conflict):
    message = "A request on this portfolio {status}; its rights stay until that ends."

    status: RequestStatus

    def words(self) -> Mapping[str, Any]:
        return {"status": state_of(REQUEST.name, self.status)}


def visible_portfolios(actor: Actor) -> Select[Portfolio]:
    """A firm's own portfolios. Others see the rights of a deal or a request, not portfolios."""
    return select(Portfolio).where(Portfolio.firm_id == actor.organisation_id)


async def create_portfolio(
    session: AsyncSession, *, actor: Actor, name: str, now: datetime
) -> Portfolio:
    actor.must_be(OrganisationKind.ENTERPRISE)
    portfolio = Portfolio(id=new_id(), firm_id=actor.organisation_id, name=name, created_at=now)
    session.add(portfolio)
    return portfolio


async def rename_portfolio(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID, name: str
) -> Portfolio:
    portfolio = await lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    portfolio.name = name
    return portfolio


async def list_portfolios(
    session: AsyncSession, *, actor: Actor, limit: int, after: UUID | None = None
) -> Sequence[Portfolio]:
    """Newest first."""
    statement = visible_portfolios(actor).order_by(Portfolio.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(Portfolio.id < after)
    return (await session.scalars(statement)).all()


async def get_portfolio(session: AsyncSession, *, actor: Actor, portfolio_id: UUID) -> Portfolio:
    portfolio: Portfolio | None = await session.scalar(
        visible_portfolios(actor).where(Portfolio.id == portfolio_id)
    )
    if portfolio is None:
        raise NotFound
    return portfolio


async def lock_portfolio(session: AsyncSession, *, actor: Actor, portfolio_id: UUID) -> Portfolio:
    """The firm's own portfolio, locked until the transaction ends."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    portfolio: Portfolio | None = await session.scalar(
        visible_portfolios(actor)
        .where(Portfolio.id == portfolio_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if portfolio is None:
        raise NotFound
    return portfolio


async def list_portfolio_rights(session: AsyncSession, portfolio: Portfolio) -> Sequence[Right]:
    """The rights of a portfolio the caller may see, oldest first; at most ``RIGHTS_MAX``."""
    found = await session.scalars(
        select(Right)
        .join(PortfolioRight, PortfolioRight.right_id == Right.id)
        .where(PortfolioRight.portfolio_id == portfolio.id)
        .order_by(Right.id)
        .limit(RIGHTS_MAX)
    )
    return found.all()


async def add_rights(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID, right_ids: Sequence[UUID]
) -> Portfolio:
    """Put the firm's own rights in; one that is in already stays."""
    portfolio = await lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    wanted = set(right_ids)
    own = set(
        await session.scalars(
            rights.visible_rights(actor).with_only_columns(Right.id).where(Right.id.in_(wanted))
        )
    )
    if unknown := wanted - own:
        raise FieldRefused("right_ids", say("{unknown} is no right of yours", unknown=min(unknown)))
    rows = [{"portfolio_id": portfolio.id, "right_id": right_id} for right_id in sorted(own)]
    await session.execute(insert(PortfolioRight).values(rows).on_conflict_do_nothing())
    count = await session.scalar(
        select(func.count())
        .select_from(PortfolioRight)
        .where(PortfolioRight.portfolio_id == portfolio.id)
    )
    if (count or 0) > RIGHTS_MAX:
        raise FieldRefused(
            "right_ids", say("would make more than {highest} rights", highest=RIGHTS_MAX)
        )
    return portfolio


async def remove_right(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID, right_id: UUID
) -> Portfolio:
    """Take a right out; PortfolioInUse while a request on the portfolio is open or matched."""
    portfolio = await lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    status = await session.scalar(
        select(FinancingRequest.status)
        .where(FinancingRequest.portfolio_id == portfolio.id, FinancingRequest.status.in_(_IN_USE))
        .limit(1)
    )
    if status is not None:
        raise PortfolioInUse(status)
    taken = await session.scalar(
        delete(PortfolioRight)
        .where(PortfolioRight.portfolio_id == portfolio.id, PortfolioRight.right_id == right_id)
        .returning(PortfolioRight.right_id)
    )
    if taken is None:
        raise NotFound
    return portfolio
