"""Orders for external appraisals: by a firm on its portfolio, by a bank on a request it may see.

A bank's order is for itself and the firm, as its quote is. What the firm ordered is, once there is
a report, also for the lenders that may see every right of it: those it told who it is, and those
of its deals.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.appraisals import APPRAISAL, REPORTED, AppraisalEvent, AppraisalStatus
from app.lifecycle.parties import OrganisationKind
from app.models.appraisals import AppraisalOrder, AppraisalOrderRight
from app.models.financing import RequestRight
from app.models.rights import Right
from app.schemas.appraisals import AppraisalOrderIn
from app.schemas.portfolios import RIGHTS_MAX
from app.services import accreditations, history, outbox, portfolios, requests, rights
from app.services.actor import SYSTEM, Actor, bind

DUE_BATCH = 200

_DUE = {
    AppraisalStatus.OFFERED: AppraisalEvent.LAPSE,
    AppraisalStatus.AGREED: AppraisalEvent.FALL_OVERDUE,
}


class NothingToAppraise(Conflict):
    message = "There is no right that you may see to order an appraisal of."


class NotTheOrderer(Conflict):
    message = "Only whoever ordered the appraisal may do this."


def visible_orders(actor: Actor) -> Select[AppraisalOrder]:
    """The orders of a party; a lender's also those of firms whose rights in it it may all see."""
    orders = select(AppraisalOrder)
    own = actor.organisation_id
    match actor.kind:
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return orders
        case OrganisationKind.BANK | OrganisationKind.INSURER | OrganisationKind.GUARANTOR:
            scope = exists().where(AppraisalOrderRight.order_id == AppraisalOrder.id)
            shown = rights.visible_rights(actor).with_only_columns(Right.id)
            hidden = scope.where(AppraisalOrderRight.right_id.not_in(shown))
            firms = (
                AppraisalOrder.orderer_id == AppraisalOrder.firm_id,
                AppraisalOrder.status.in_(REPORTED),
                scope,
                ~hidden,
            )
            return orders.where(or_(AppraisalOrder.orderer_id == own, and_(*firms)))
        case _:
            return orders.where(
                or_(
                    AppraisalOrder.firm_id == own,
                    AppraisalOrder.orderer_id == own,
                    AppraisalOrder.appraiser_id == own,
                )
            )


async def get_order(session: AsyncSession, *, actor: Actor, order_id: UUID) -> AppraisalOrder:
    order: AppraisalOrder | None = await session.scalar(
        visible_orders(actor).where(AppraisalOrder.id == order_id)
    )
    if order is None:
        raise NotFound
    return order


async def list_orders(
    session: AsyncSession,
    *,
    actor: Actor,
    limit: int,
    after: UUID | None = None,
    portfolio_id: UUID | None = None,
    request_id: UUID | None = None,
    status: AppraisalStatus | None = None,
) -> Sequence[AppraisalOrder]:
    """Newest first; those of a request are the ones on its portfolio."""
    statement = visible_orders(actor).order_by(AppraisalOrder.id.desc()).limit(limit)
    if request_id is not None:
        request = await requests.get_request(session, actor=actor, request_id=request_id)
        statement = statement.where(AppraisalOrder.portfolio_id == request.portfolio_id)
    if portfolio_id is not None:
        statement = statement.where(AppraisalOrder.portfolio_id == portfolio_id)
    if status is not None:
        statement = statement.where(AppraisalOrder.status == status)
    if after is not None:
        statement = statement.where(AppraisalOrder.id < after)
    return (await session.scalars(statement)).all()


async def list_scope(session: AsyncSession, order: AppraisalOrder) -> Sequence[AppraisalOrderRight]:
    """The rights of an order the caller may see."""
    found = await session.scalars(
        select(AppraisalOrderRight)
        .where(AppraisalOrderRight.order_id == order.id)
        .order_by(AppraisalOrderRight.right_id)
    )
    return found.all()


async def order_for_firm(
    session: AsyncSession,
    *,
    actor: Actor,
    portfolio_id: UUID,
    stated: AppraisalOrderIn,
    now: datetime,
) -> AppraisalOrder:
    """A firm orders a report on rights of its own portfolio."""
    portfolio = await portfolios.lock_portfolio(session, actor=actor, portfolio_id=portfolio_id)
    held = await portfolios.list_portfolio_rights(session, portfolio)
    order = AppraisalOrder(portfolio_id=portfolio.id, firm_id=portfolio.firm_id)
    return await _offer(session, order, held, actor=actor, stated=stated, now=now)


async def order_for_bank(
    session: AsyncSession,
    *,
    actor: Actor,
    request_id: UUID,
    stated: AppraisalOrderIn,
    now: datetime,
) -> AppraisalOrder:
    """A bank orders a report on rights of a request whose firm told it who it is."""
    actor.must_be(OrganisationKind.BANK)
    request = await requests.get_request(session, actor=actor, request_id=request_id)
    carried = await session.scalars(
        rights.visible_rights(actor)
        .join(RequestRight, RequestRight.right_id == Right.id)
        .where(RequestRight.request_id == request.id)
        .order_by(Right.id)
        .limit(RIGHTS_MAX)
    )
    order = AppraisalOrder(
        portfolio_id=request.portfolio_id, request_id=request.id, firm_id=request.firm_id
    )
    return await _offer(session, order, carried.all(), actor=actor, stated=stated, now=now)


async def _offer(
    session: AsyncSession,
    order: AppraisalOrder,
    visible: Sequence[Right],
    *,
    actor: Actor,
    stated: AppraisalOrderIn,
    now: datetime,
) -> AppraisalOrder:
    today = business_date(now)
    if not visible:
        raise NothingToAppraise
    scope = _choose(visible, stated.right_ids)
    if stated.due_on < today:
        raise FieldRefused("due_on", say("is in the past"))
    await accreditations.must_be_accredited(session, stated.appraiser_id, on=today)
    order.id = new_id()
    order.orderer_id = actor.organisation_id
    order.appraiser_id = stated.appraiser_id
    order.instructions, order.price = stated.instructions, stated.price
    order.due_on, order.status, order.ordered_at = stated.due_on, AppraisalStatus.OFFERED, now
    session.add(order)
    await session.flush()
    await session.execute(
        insert(AppraisalOrderRight), [_as_registered(order.id, right) for right in scope]
    )
    history.begin(session, order, APPRAISAL, actor=actor, now=now)
    told = {order.appraiser_id, order.firm_id} - {actor.organisation_id}
    outbox.announce_to(session, sorted(told), "appraisal.offered", order.id, now=now)
    await session.flush()
    return order


def _choose(visible: Sequence[Right], wanted: Sequence[UUID] | None) -> list[Right]:
    if wanted is None:
        return list(visible)
    by_id = {right.id: right for right in visible}
    if unknown := set(wanted) - by_id.keys():
        raise FieldRefused(
            "right_ids", say("{unknown} is no right of it that you may see", unknown=min(unknown))
        )
    return [by_id[right_id] for right_id in sorted(set(wanted))]


def _as_registered(order_id: UUID, right: Right) -> dict[str, object]:
    return {
        "order_id": order_id,
        "right_id": right.id,
        "kind": right.kind,
        "register": right.register,
        "number": right.number,
        "title": right.title,
        "holder_name": right.holder_name,
        "expires_on": right.expires_on,
    }


async def agree(
    session: AsyncSession, *, actor: Actor, order_id: UUID, now: datetime
) -> AppraisalOrder:
    """The appraiser takes the order on; NotAccredited if it may not appraise any more."""
    order = await lock_for_appraiser(session, actor=actor, order_id=order_id)
    APPRAISAL.after(order.status, AppraisalEvent.AGREE)
    await accreditations.must_be_accredited(session, actor.organisation_id, on=business_date(now))
    return move(session, order, AppraisalEvent.AGREE, actor=actor, now=now)


async def decline(
    session: AsyncSession, *, actor: Actor, order_id: UUID, reason: str, now: datetime
) -> AppraisalOrder:
    """The appraiser does not take it on."""
    order = await lock_for_appraiser(session, actor=actor, order_id=order_id)
    move(session, order, AppraisalEvent.DECLINE, actor=actor, now=now)
    order.reason, order.ended_at = reason, now
    return order


async def cancel(
    session: AsyncSession, *, actor: Actor, order_id: UUID, reason: str, now: datetime
) -> AppraisalOrder:
    """Whoever ordered it wants no report any more; not once there is one."""
    order = await lock_for_orderer(session, actor=actor, order_id=order_id)
    move(session, order, AppraisalEvent.CANCEL, actor=actor, now=now)
    order.reason, order.ended_at = reason, now
    return order


async def end_due(session: AsyncSession, *, now: datetime) -> int:
    """Lapse offers and mark orders overdue whose last day has passed; how many, a batch at most."""
    await bind(session, SYSTEM)
    due = await session.scalars(
        select(AppraisalOrder)
        .where(AppraisalOrder.status.in_(_DUE), AppraisalOrder.due_on < business_date(now))
        .order_by(AppraisalOrder.due_on)
        .limit(DUE_BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    orders = due.all()
    for order in orders:
        event = _DUE[order.status]
        move(session, order, event, actor=SYSTEM, now=now)
        if event is AppraisalEvent.LAPSE:
            order.ended_at = now
    return len(orders)


def move(
    session: AsyncSession,
    order: AppraisalOrder,
    event: AppraisalEvent,
    *,
    actor: Actor,
    now: datetime,
) -> AppraisalOrder:
    """Move the order and tell its other parties."""
    history.move(session, order, APPRAISAL, event, actor=actor, now=now)
    told = {order.firm_id, order.orderer_id, order.appraiser_id} - {actor.organisation_id}
    outbox.announce_to(session, sorted(told), f"appraisal.{order.status}", order.id, now=now)
    return order


async def lock_for_appraiser(
    session: AsyncSession, *, actor: Actor, order_id: UUID
) -> AppraisalOrder:
    """An order offered to the actor, locked until the transaction ends."""
    actor.must_be(OrganisationKind.AGENCY)
    return await _lock(session, actor, order_id)


async def lock_for_orderer(
    session: AsyncSession, *, actor: Actor, order_id: UUID
) -> AppraisalOrder:
    """An order that the actor made, locked until the transaction ends."""
    order = await get_order(session, actor=actor, order_id=order_id)
    if order.orderer_id != actor.organisation_id:
        raise NotTheOrderer
    return await _lock(session, actor, order_id)


async def _lock(session: AsyncSession, actor: Actor, order_id: UUID) -> AppraisalOrder:
    order: AppraisalOrder | None = await session.scalar(
        visible_orders(actor)
        .where(AppraisalOrder.id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound
    return order
