"""Portfolios: which rights of a firm stand together, and who sees them."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.identifiers.rights import RightKind
from app.lifecycle.financing import RequestStatus
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.portfolios import Portfolio
from app.models.rights import Right
from app.services import portfolios
from app.services.actor import SYSTEM, Actor, bind
from app.services.portfolios import PortfolioInUse
from tests.make.parties import make_actor, make_organisation
from tests.make.pledges import make_request, pledge_right
from tests.make.rights import make_portfolio, make_right


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    actor = await make_actor(session, firm)
    await bind(session, actor)
    return actor


@pytest.fixture
async def right(session: AsyncSession, firm: Organisation) -> Right:
    return await make_right(session, firm)


@pytest.fixture
async def portfolio(session: AsyncSession, firm: Organisation, right: Right) -> Portfolio:
    return await make_portfolio(session, firm, right)


class TestPortfolios:
    async def test_made_named_and_listed_newest_first(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        first = await portfolios.create_portfolio(session, actor=actor, name="一", now=now)
        second = await portfolios.create_portfolio(session, actor=actor, name="二", now=now)
        await session.flush()

        renamed = await portfolios.rename_portfolio(
            session, actor=actor, portfolio_id=first.id, name="三"
        )

        page = await portfolios.list_portfolios(session, actor=actor, limit=9)
        after = await portfolios.list_portfolios(session, actor=actor, limit=9, after=second.id)
        assert (page, after) == ([second, first], [first])
        assert renamed.name == "三"

    async def test_holds_own_rights_once(
        self,
        session: AsyncSession,
        actor: Actor,
        firm: Organisation,
        portfolio: Portfolio,
        right: Right,
    ) -> None:
        mark = await make_right(session, firm, RightKind.TRADEMARK)

        await portfolios.add_rights(
            session, actor=actor, portfolio_id=portfolio.id, right_ids=[mark.id, right.id]
        )

        held = await portfolios.list_portfolio_rights(session, portfolio)
        assert list(held) == [right, mark]

    async def test_refuses_a_right_of_another_firm(
        self, session: AsyncSession, actor: Actor, portfolio: Portfolio
    ) -> None:
        await bind(session, SYSTEM)
        other = await make_organisation(session, OrganisationKind.ENTERPRISE)
        foreign = await make_right(session, other)
        await bind(session, actor)

        with pytest.raises(FieldRefused, match=f"right_ids: {foreign.id} is no right of yours"):
            await portfolios.add_rights(
                session, actor=actor, portfolio_id=portfolio.id, right_ids=[foreign.id]
            )

    async def test_a_right_is_taken_out_once(
        self, session: AsyncSession, actor: Actor, portfolio: Portfolio, right: Right
    ) -> None:
        await portfolios.remove_right(
            session, actor=actor, portfolio_id=portfolio.id, right_id=right.id
        )

        assert await portfolios.list_portfolio_rights(session, portfolio) == []
        with pytest.raises(NotFound):
            await portfolios.remove_right(
                session, actor=actor, portfolio_id=portfolio.id, right_id=right.id
            )

    async def test_an_open_request_keeps_the_rights_in(
        self, session: AsyncSession, firm: Organisation, actor: Actor, right: Right
    ) -> None:
        request = await make_request(session, firm, right, RequestStatus.OPEN)

        with pytest.raises(PortfolioInUse, match="is open"):
            await portfolios.remove_right(
                session, actor=actor, portfolio_id=request.portfolio_id, right_id=right.id
            )

    async def test_they_are_the_firms_own(
        self, session: AsyncSession, firm: Organisation, right: Right, portfolio: Portfolio
    ) -> None:
        bank = await make_actor(session, await pledge_right(session, firm, right))
        await bind(session, bank)

        assert portfolio not in await portfolios.list_portfolios(session, actor=bank, limit=9)

    async def test_one_of_another_firm_is_not_there(
        self, session: AsyncSession, actor: Actor
    ) -> None:
        with pytest.raises(NotFound):
            await portfolios.get_portfolio(session, actor=actor, portfolio_id=new_id())
        with pytest.raises(NotFound):
            await portfolios.rename_portfolio(
                session, actor=actor, portfolio_id=new_id(), name="无"
            )
