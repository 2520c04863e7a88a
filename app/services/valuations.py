"""Model values of a portfolio, stored with all that is needed to redo them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.core.money import ZERO, Money
from app.identifiers.rights import Register, RightKind
from app.lending.pledgeability import PLEDGEABLE_JURISDICTION
from app.models.portfolios import Valuation, ValuationItem
from app.models.rights import Right
from app.schemas.portfolios import RightInputs, ValuationInputs
from app.services import documents, portfolios, rules, valuation_runs
from app.services.actor import Actor
from app.valuation import ENGINE
from app.valuation.checks import WHOLE_PCT
from app.valuation.rights import Parameters, RightValue, Subject, value_right
from app.valuation.runs import digest


class EmptyPortfolio(Conflict):
    message = "The portfolio holds no right."


@dataclass(frozen=True, slots=True)
class Valued:
    """A right with its parameters, what was put in, and what came out."""

    right: Right
    inputs: dict[str, Any]
    result: RightValue


async def value_portfolio(
    session: AsyncSession,
    *,
    actor: Actor,
    portfolio_id: UUID,
    inputs: ValuationInputs,
    now: datetime,
) -> Valuation:
    """Value each right by relief from royalty if revenue is given, else by replacement cost.

    The rates are those of the rules "valuation" and "pledge_rates" in force today. FieldRefused
    for inputs on a right that is not in the portfolio, or twice on one. A worker then works the
    same inputs out in full (valuation_runs).
    """
    portfolio = await portfolios.lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    held = await portfolios.list_portfolio_rights(session, portfolio)
    if not held:
        raise EmptyPortfolio
    stated = _by_right(inputs, {right.id for right in held})
    await _check_evidence(session, actor, inputs)
    on = business_date(now)
    rates = {
        "valuation": await rules.get(session, "valuation", on=on),
        "pledge_rates": await rules.get(session, "pledge_rates", on=on),
    }
    valued = [_value(right, stated.get(right.id), rates, on=on) for right in held]
    record = {
        "engine": ENGINE,
        "valued_on": on.isoformat(),
        "rules": rates,
        "rights": [item.inputs for item in valued],
    }
    valuation = Valuation(
        id=new_id(),
        portfolio_id=portfolio.id,
        valued_on=on,
        engine=ENGINE,
        inputs=record,
        inputs_sha256=digest(record),
        value=Money.sum([item.result.value for item in valued]),
        liquidation_value=Money.sum([item.result.liquidation_value for item in valued]),
        lendable=Money.sum([item.result.lendable for item in valued]),
        created_at=now,
    )
    session.add(valuation)
    await session.flush()
    await session.execute(insert(ValuationItem), [_row(valuation.id, item) for item in valued])
    await valuation_runs.begin(
        session,
        actor=actor,
        portfolio=portfolio,
        valuation=valuation,
        rights=held,
        inputs=inputs,
        now=now,
    )
    return valuation


async def _check_evidence(session: AsyncSession, actor: Actor, inputs: ValuationInputs) -> None:
    for position, item in enumerate(inputs.rights):
        for name, document_id in item.evidence.items():
            try:
                await documents.get_document(session, actor=actor, document_id=document_id)
            except NotFound:
                raise FieldRefused(
                    f"rights.{position}.evidence.{name}", say("is no document of yours")
                ) from None


def _by_right(inputs: ValuationInputs, held: set[UUID]) -> dict[UUID, RightInputs]:
    stated: dict[UUID, RightInputs] = {}
    for position, item in enumerate(inputs.rights):
        if item.right_id not in held:
            raise FieldRefused(f"rights.{position}.right_id", say("is not in the portfolio"))
        if item.right_id in stated:
            raise FieldRefused(f"rights.{position}.right_id", say("is named twice"))
        stated[item.right_id] = item
    return stated


def _value(
    right: Right, stated: RightInputs | None, rates: dict[str, dict[str, Any]], *, on: date
) -> Valued:
    stated = stated or RightInputs(right_id=right.id)
    subject = Subject(
        expires_on=right.expires_on,
        ended=right.ended_on is not None and right.ended_on <= on,
        made_on=right.filed_on if right.register is Register.PATENTS else right.completed_on,
        annual_revenue=_attributed(stated),
        materials=stated.materials,
        labour=stated.labour,
    )
    result = value_right(subject, _parameters(right.kind, stated, rates), on=on)
    if (
        right.jurisdiction != PLEDGEABLE_JURISDICTION
    ):  # worth something, but nothing that can be pledged here
        result = replace(result, lendable=ZERO)
    inputs = stated.model_dump(mode="json") | {
        "kind": right.kind.value,
        "jurisdiction": right.jurisdiction,
        "expires_on": _text(subject.expires_on),
        "ended": subject.ended,
        "made_on": _text(subject.made_on),
    }
    return Valued(right, inputs, result)


def _attributed(stated: RightInputs) -> Money | None:
    if stated.annual_revenue is None or stated.attribution_pct is None:
        return stated.annual_revenue
    return stated.annual_revenue.times(stated.attribution_pct / WHOLE_PCT)


def _parameters(
    kind: RightKind, stated: RightInputs, rates: dict[str, dict[str, Any]]
) -> Parameters:
    """The rules' for the kind, but for what is stated of the right."""
    names = ("royalty_rate_pct", "discount_rate_pct", "economic_life_years")
    given = {name: getattr(stated, name) for name in names}
    return replace(
        Parameters.of(kind, **rates), **{k: v for k, v in given.items() if v is not None}
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _row(valuation_id: UUID, item: Valued) -> dict[str, Any]:
    result = item.result
    return {
        "valuation_id": valuation_id,
        "right_id": item.right.id,
        "income_value": result.income_value,
        "cost_value": result.cost_value,
        "value": result.value,
        "liquidation_value": result.liquidation_value,
        "lendable": result.lendable,
        "life_years": result.life_years,
        "working": {
            "steps": [{"name": step.name, "amount": str(step.amount)} for step in result.steps]
        },
    }


async def get_valuation(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID, valuation_id: UUID
) -> Valuation:
    """A valuation of a portfolio the actor may see."""
    portfolio = await portfolios.get_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    valuation: Valuation | None = await session.scalar(
        select(Valuation).where(
            Valuation.id == valuation_id, Valuation.portfolio_id == portfolio.id
        )
    )
    if valuation is None:
        raise NotFound
    return valuation


async def find_latest(session: AsyncSession, *, portfolio_id: UUID) -> Valuation | None:
    """The newest valuation of a portfolio; the caller has checked that it may be told."""
    valuation: Valuation | None = await session.scalar(
        select(Valuation)
        .where(Valuation.portfolio_id == portfolio_id)
        .order_by(Valuation.id.desc())
        .limit(1)
    )
    return valuation


async def list_items(session: AsyncSession, valuation: Valuation) -> Sequence[ValuationItem]:
    """The items of a valuation the caller may see, by right."""
    items = await session.scalars(
        select(ValuationItem)
        .where(ValuationItem.valuation_id == valuation.id)
        .order_by(ValuationItem.right_id)
    )
    return items.all()


async def list_valuations(
    session: AsyncSession,
    *,
    actor: Actor,
    portfolio_id: UUID,
    limit: int,
    after: UUID | None = None,
) -> Sequence[Valuation]:
    """The valuations of one portfolio, newest first."""
    portfolio = await portfolios.get_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    statement = (
        select(Valuation)
        .where(Valuation.portfolio_id == portfolio.id)
        .order_by(Valuation.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Valuation.id < after)
    return (await session.scalars(statement)).all()
