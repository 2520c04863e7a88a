"""The model values of a portfolio's rights."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.money import ZERO, Money
from app.identifiers.rights import RightKind
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.portfolios import Portfolio, Valuation
from app.models.rights import Right
from app.schemas.portfolios import RightInputs, ValuationInputs
from app.services import portfolios, valuations
from app.services.actor import Actor, bind
from app.services.valuations import EmptyPortfolio
from app.valuation.runs import canonical
from tests.make.parties import make_actor, make_organisation
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


Valuer = Callable[..., Awaitable[Valuation]]


@pytest.fixture
def value(session: AsyncSession, actor: Actor, portfolio: Portfolio, now: datetime) -> Valuer:
    async def value(*inputs: RightInputs) -> Valuation:
        return await valuations.value_portfolio(
            session,
            actor=actor,
            portfolio_id=portfolio.id,
            inputs=ValuationInputs(rights=list(inputs)),
            now=now,
        )

    return value


class TestValuePortfolio:
    async def test_income_counts_by_the_rates_in_force(
        self, session: AsyncSession, right: Right, value: Valuer
    ) -> None:
        valuation = await value(
            RightInputs(right_id=right.id, annual_revenue=Money.yuan(10_000_000))
        )

        [item] = await valuations.list_items(session, valuation)
        # 3 % royalty less 25 % tax is 225,000 a year for ten years at 13.5 %
        assert item.income_value == item.value == valuation.value == Money.yuan("1196891.41")
        assert valuation.liquidation_value == Money.yuan("598445.71")
        assert valuation.lendable == Money.yuan("359067.42")
        assert item.life_years == 10
        assert len(item.working["steps"]) == 20

    async def test_inputs_engine_and_hash_let_anyone_redo_it(
        self, right: Right, value: Valuer
    ) -> None:
        inputs = RightInputs(right_id=right.id, materials=Money.yuan(100_000))

        one, other = await value(inputs), await value(inputs)

        assert one.inputs_sha256 == other.inputs_sha256
        assert one.inputs_sha256 == hashlib.sha256(canonical(one.inputs)).digest()
        assert one.inputs["rights"][0]["materials"] == "100000.00"
        assert one.engine == one.inputs["engine"] == "zhirong-value-1"

    async def test_a_right_without_inputs_is_worth_nothing(
        self,
        *,
        session: AsyncSession,
        firm: Organisation,
        actor: Actor,
        portfolio: Portfolio,
        right: Right,
        value: Valuer,
    ) -> None:
        mark = await make_right(session, firm, RightKind.TRADEMARK)
        await portfolios.add_rights(
            session, actor=actor, portfolio_id=portfolio.id, right_ids=[mark.id]
        )

        valuation = await value(RightInputs(right_id=right.id, labour=Money.yuan(100_000)))

        items = await valuations.list_items(session, valuation)
        assert [item.value for item in items] == [valuation.value, ZERO]
        assert valuation.value > ZERO

    async def test_a_foreign_right_has_a_value_and_carries_nothing(
        self, right: Right, value: Valuer
    ) -> None:
        right.jurisdiction = "EP"

        valuation = await value(RightInputs(right_id=right.id, annual_revenue=Money.yuan(1_000)))

        assert valuation.value > ZERO
        assert valuation.lendable == ZERO

    async def test_an_ended_right_is_worth_nothing(self, right: Right, value: Valuer) -> None:
        right.ended_on = date(2026, 11, 23)

        valuation = await value(RightInputs(right_id=right.id, annual_revenue=Money.yuan(1_000)))

        assert valuation.value == ZERO

    async def test_refuses_inputs_for_a_right_outside_or_named_twice(
        self, right: Right, value: Valuer
    ) -> None:
        with pytest.raises(FieldRefused, match=r"rights.0.right_id: is not in the portfolio"):
            await value(RightInputs(right_id=new_id()))
        with pytest.raises(FieldRefused, match=r"rights.1.right_id: is named twice"):
            await value(RightInputs(right_id=right.id), RightInputs(right_id=right.id))

    async def test_an_empty_portfolio_has_no_value(
        self, session: AsyncSession, actor: Actor, portfolio: Portfolio, right: Right, value: Valuer
    ) -> None:
        await portfolios.remove_right(
            session, actor=actor, portfolio_id=portfolio.id, right_id=right.id
        )

        with pytest.raises(EmptyPortfolio):
            await value(RightInputs(right_id=right.id))

    async def test_valuations_are_listed_and_found(
        self,
        session: AsyncSession,
        actor: Actor,
        portfolio: Portfolio,
        right: Right,
        value: Valuer,
    ) -> None:
        first, second = [await value(RightInputs(right_id=right.id)) for _ in range(2)]
        where: dict[str, Any] = {"actor": actor, "portfolio_id": portfolio.id}

        page = await valuations.list_valuations(session, limit=9, **where)
        after = await valuations.list_valuations(session, limit=9, after=second.id, **where)
        found = await valuations.get_valuation(session, valuation_id=first.id, **where)

        assert (page, after, found) == ([second, first], [first], first)
        with pytest.raises(NotFound):
            await valuations.get_valuation(session, valuation_id=new_id(), **where)
