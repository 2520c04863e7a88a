"""Values that others stated: external appraisals, and values that both sides agreed."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.parties import LENDERS
from app.models.organisations import Organisation
from app.models.portfolios import Portfolio, StatedValue
from app.schemas.portfolios import AgreedValueIn, AppraisalIn
from app.services import documents, outbox, portfolios
from app.services.actor import SYSTEM, Actor, bind


class AlreadyAgreed(Conflict):
    message = "This value is agreed already."


async def record_appraisal(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID, stated: AppraisalIn, now: datetime
) -> StatedValue:
    """Keep an external report's value beside the model's, as what it is."""
    portfolio = await portfolios.lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    await _check(session, actor, stated, today=business_date(now))
    value = StatedValue(
        id=new_id(),
        portfolio_id=portfolio.id,
        kind="appraisal",
        recorded_at=now,
        **dict(stated),
    )
    session.add(value)
    return value


async def propose_agreed_value(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID, stated: AgreedValueIn, now: datetime
) -> StatedValue:
    """Propose a value to a lender; it counts once that lender confirms it."""
    portfolio = await portfolios.lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    await _check(session, actor, stated, today=business_date(now))
    other = await session.get(Organisation, stated.agreed_with)
    if other is None or other.kind not in LENDERS:
        raise FieldRefused("agreed_with", say("is no bank, insurer or guarantor"))
    value = StatedValue(
        id=new_id(),
        portfolio_id=portfolio.id,
        kind="agreed",
        signers=[],
        recorded_at=now,
        **dict(stated),
    )
    session.add(value)
    outbox.announce(session, "value.proposed", value.id, organisation_id=other.id, now=now)
    return value


async def _check(
    session: AsyncSession, actor: Actor, stated: AppraisalIn | AgreedValueIn, *, today: date
) -> None:
    if stated.valued_on > today:
        raise FieldRefused("valued_on", say("is in the future"))
    if stated.expires_on is not None and stated.expires_on < stated.valued_on:
        raise FieldRefused(
            "expires_on", say("is before valued_on, {valued_on}", valued_on=stated.valued_on)
        )
    if stated.document_id is not None:
        try:
            await documents.get_document(session, actor=actor, document_id=stated.document_id)
        except NotFound:
            raise FieldRefused("document_id", say("is no document of yours")) from None


async def confirm_agreed_value(
    session: AsyncSession, *, actor: Actor, value_id: UUID, now: datetime
) -> StatedValue:
    """The other side's yes; AlreadyAgreed the second time."""
    actor.must_be(*LENDERS)
    value: StatedValue | None = await session.scalar(
        select(StatedValue)
        .where(StatedValue.id == value_id, StatedValue.agreed_with == actor.organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if value is None:
        raise NotFound
    if value.agreed_at is not None:
        raise AlreadyAgreed
    value.agreed_at = now
    await session.flush()
    await bind(session, SYSTEM)  # whose portfolio it is, the other side need not see
    firm_id = await session.scalar(
        select(Portfolio.firm_id).where(Portfolio.id == value.portfolio_id)
    )
    outbox.announce(session, "value.agreed", value.id, organisation_id=firm_id, now=now)
    return value


async def list_stated_values(
    session: AsyncSession, *, actor: Actor, portfolio_id: UUID
) -> Sequence[StatedValue]:
    """Appraisals and agreed values of one portfolio, newest first, at most 200."""
    portfolio = await portfolios.get_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    values = await session.scalars(
        select(StatedValue)
        .where(StatedValue.portfolio_id == portfolio.id)
        .order_by(StatedValue.id.desc())
        .limit(200)
    )
    return values.all()


async def list_proposals(session: AsyncSession, *, actor: Actor) -> Sequence[StatedValue]:
    """Values that firms proposed to the actor's institution, newest first, at most 200."""
    actor.must_be(*LENDERS)
    values = await session.scalars(
        select(StatedValue)
        .where(StatedValue.agreed_with == actor.organisation_id)
        .order_by(StatedValue.id.desc())
        .limit(200)
    )
    return values.all()
