"""Whom a park should call today: overdue loans, holds and approvals that end, conditions unmet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.lifecycle.deals import BEFORE_CASH, ApprovalStatus, DealStatus, DrawdownStatus
from app.lifecycle.parties import Level
from app.models.accounts import User
from app.models.deals import Approval, Condition, Deal, Drawdown
from app.models.exposures import DealStep, LoanExposure
from app.models.loans import Loan
from app.schemas.figures import CallOut
from app.services import park_views, rules
from app.services.actor import SYSTEM, Actor, bind
from app.services.figures import ALERT_RULE
from app.services.sheets import Sheet

CALLS_MAX = 500
"""Of each kind; nobody calls more in a day."""


@dataclass(frozen=True, slots=True)
class _Call:
    reason: str
    day: date | None
    deal_id: UUID
    firm_id: UUID
    detail: str | None = None


async def list_calls(
    session: AsyncSession, *, actor: Actor, park_code: str | None = None, now: datetime
) -> Sequence[CallOut]:
    """The calls of a visible park, the most pressing kind first, in each the longest overdue."""
    park = await park_views.find_park(session, actor=actor, park_code=park_code)
    await bind(session, SYSTEM)
    rule = await rules.get(session, ALERT_RULE, on=business_date(now))
    until = now + timedelta(days=rule["call_within_days"])
    calls = [
        *await _overdue(session, park.code),
        *await _holds(session, park.code, until),
        *await _approvals(session, park.code, until),
        *await _conditions(session, park.code),
    ]
    firm_ids = {call.firm_id for call in calls}
    names = await park_views.names_of(session, firm_ids)
    contacts = await _contacts(session, set(names))
    await bind(session, actor)
    return [
        CallOut(
            reason=call.reason,
            day=call.day,
            deal_id=call.deal_id,
            detail=call.detail,
            firm_name=names.get(call.firm_id),
            contact_name=contact.name if contact else None,
            contact_email=contact.email if contact else None,
        )
        for call in calls
        for contact in [contacts.get(call.firm_id)]
    ]


async def _overdue(session: AsyncSession, park_code: str) -> list[_Call]:
    rows = await session.execute(
        select(LoanExposure.overdue_since, LoanExposure.firm_id, Loan.deal_id)
        .join(Loan, Loan.id == LoanExposure.loan_id)
        .where(LoanExposure.park_code == park_code, LoanExposure.overdue_since.is_not(None))
        .order_by(LoanExposure.overdue_since, LoanExposure.loan_id)
        .limit(CALLS_MAX)
    )
    return [_Call("overdue", row.overdue_since, row.deal_id, row.firm_id) for row in rows]


async def _holds(session: AsyncSession, park_code: str, until: datetime) -> list[_Call]:
    released = exists().where(
        Drawdown.deal_id == Deal.id, Drawdown.status == DrawdownStatus.RELEASED
    )
    rows = await session.execute(
        select(Deal.id, Deal.firm_id, Deal.hold_expires_at)
        .where(
            Deal.park_code == park_code,
            Deal.status.in_(BEFORE_CASH),
            Deal.hold_expires_at <= until,
            ~released,
        )
        .order_by(Deal.hold_expires_at, Deal.id)
        .limit(CALLS_MAX)
    )
    return [
        _Call("hold_expires", business_date(row.hold_expires_at), row.id, row.firm_id)
        for row in rows
    ]


async def _approvals(session: AsyncSession, park_code: str, until: datetime) -> list[_Call]:
    rows = await session.execute(
        select(Deal.id, Deal.firm_id, Approval.expires_at, Approval.role)
        .join(Approval, Approval.deal_id == Deal.id)
        .join(DealStep, DealStep.deal_id == Deal.id)
        .where(
            DealStep.park_code == park_code,
            DealStep.until.is_(None),
            Approval.status == ApprovalStatus.APPROVED,
            Approval.expires_at <= until,
        )
        .order_by(Approval.expires_at, Approval.id)
        .limit(CALLS_MAX)
    )
    return [
        _Call("approval_lapses", business_date(row.expires_at), row.id, row.firm_id, row.role)
        for row in rows
    ]


async def _conditions(session: AsyncSession, park_code: str) -> list[_Call]:
    """What the condition says belongs to the parties; the park learns whose approval it is."""
    rows = await session.execute(
        select(Deal.id, Deal.firm_id, DealStep.since, Approval.role)
        .join(Approval, Approval.deal_id == Deal.id)
        .join(DealStep, DealStep.deal_id == Deal.id)
        .where(
            DealStep.park_code == park_code,
            DealStep.until.is_(None),
            DealStep.step.in_([DealStatus.CONTRACTING, DealStatus.PERFECTING]),
            Approval.status == ApprovalStatus.APPROVED,
            exists().where(Condition.approval_id == Approval.id, Condition.met_at.is_(None)),
        )
        .order_by(DealStep.since, Approval.id)
        .limit(CALLS_MAX)
    )
    return [
        _Call("condition_unmet", business_date(row.since), row.id, row.firm_id, row.role)
        for row in rows
    ]


async def _contacts(session: AsyncSession, firm_ids: set[UUID]) -> dict[UUID, User]:
    """The first manager of each firm."""
    if not firm_ids:
        return {}
    users = await session.scalars(
        select(User)
        .where(
            User.organisation_id.in_(firm_ids),
            User.level == Level.MANAGER,
            User.disabled_at.is_(None),
        )
        .order_by(User.id.desc())
    )
    return {user.organisation_id: user for user in users}


def as_sheet(calls: Sequence[CallOut]) -> Sheet:
    return Sheet(
        "call list",
        [
            ("事由", "Reason"),
            ("日期", "Day"),
            ("业务", "Deal"),
            ("说明", "Detail"),
            ("企业", "Firm"),
            ("联系人", "Contact"),
            ("邮箱", "E-mail"),
        ],
        [
            (
                call.reason,
                call.day,
                str(call.deal_id),
                call.detail,
                call.firm_name,
                call.contact_name,
                call.contact_email,
            )
            for call in calls
        ],
    )
