"""The drawdown gate: what is missing before money may flow, and who must act."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.messages import Pair, say
from app.core.money import ZERO, Money
from app.lending.periods import months_after
from app.lending.pledgeability import Severity
from app.lifecycle.deals import (
    DEAL,
    REGISTRATION,
    ApprovalStatus,
    DealStatus,
    DrawdownStatus,
    PledgeeKind,
    RegistrationStatus,
)
from app.lifecycle.funds import FilingStatus
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.words import state_of
from app.models.deals import (
    Approval,
    Condition,
    Deal,
    DealRight,
    Drawdown,
    Milestone,
    Registration,
)
from app.schemas.deals import MilestoneKind
from app.schemas.quotes import GuaranteeTerms
from app.services import contracts, filings, old_loans, prechecks, queue
from app.services.actor import SYSTEM, Actor
from app.services.deals import get_deal, kinds_of
from app.services.names import NAMES
from app.services.packages import WHOLE_PCT

Kind = OrganisationKind

_ON_THE_WAY = (
    DealStatus.APPROVING,
    DealStatus.CONTRACTING,
    DealStatus.PERFECTING,
    DealStatus.ACTIVE,
)


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing the gate waits for, and the kind of organisation that must act."""

    what: str
    who: OrganisationKind
    text: str


async def show(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, amount: Money | None, now: datetime
) -> list[Missing]:
    """What is missing for a tranche of ``amount``, or of all that is not drawn yet."""
    deal = await get_deal(session, actor=actor, deal_id=deal_id)
    amount = amount or deal.principal - await drawn_so_far(session, deal.id)
    return await check(session, deal, amount=amount, now=now)


async def check(
    session: AsyncSession, deal: Deal, *, amount: Money, now: datetime
) -> list[Missing]:
    """What is missing for a tranche of ``amount`` of the deal; nothing if the gate is open."""
    missing = [
        *await _state(session, deal, on=business_date(now)),
        *await _amount(session, deal, amount=amount),
        *await _rights(session, deal, on=business_date(now)),
        *await _approvals(session, deal, now=now),
        *await _contracts(session, deal),
        *await _registrations(session, deal),
        *await _milestones(session, deal),
        *await _filing(session, deal),
        *[
            Missing(obstacle.what, obstacle.who, obstacle.text)
            for obstacle in await old_loans.obstacles_to_draw(
                session, deal, amount=amount, on=business_date(now)
            )
        ],
    ]
    if not deal.use_of_funds:
        missing.append(Missing("use_of_funds", Kind.ENTERPRISE, say("use of funds not stated")))
    return missing


async def drawn_so_far(session: AsyncSession, deal_id: UUID) -> Money:
    drawn: Money | None = await session.scalar(
        select(func.sum(Drawdown.amount)).where(
            Drawdown.deal_id == deal_id, Drawdown.status == DrawdownStatus.DRAWN
        )
    )
    return drawn or ZERO


async def _state(session: AsyncSession, deal: Deal, *, on: date) -> list[Missing]:
    """What the deal's own state lacks. Approvals and contracts are named one by one below."""
    missing = []
    if deal.status is DealStatus.RECONFIRMING:
        kinds = kinds_of(deal)
        missing += [
            Missing(
                "reconfirmation",
                kinds[party],
                say("the {party} has not reconfirmed", party=NAMES[kinds[party]]),
            )
            for party in await queue.list_unconfirmed(session, deal)
        ]
    elif deal.status not in _ON_THE_WAY:
        missing.append(
            Missing(
                "state",
                Kind.ENTERPRISE,
                say("the deal {state}", state=state_of(DEAL.name, deal.status)),
            )
        )
    if deal.available_until is not None and on > deal.available_until:
        text = say("the availability period ended on {day}", day=deal.available_until)
        missing.append(Missing("availability", Kind.BANK, text))
    return missing


async def _amount(session: AsyncSession, deal: Deal, *, amount: Money) -> list[Missing]:
    """The tranche is inside the principal, and the hold carries its share and has not expired."""
    missing = []
    reported = await session.scalars(
        select(Drawdown)
        .where(Drawdown.deal_id == deal.id, Drawdown.status != DrawdownStatus.NOT_DRAWN)
        .order_by(Drawdown.tranche)
        .execution_options(populate_existing=True)
    )
    tranches = reported.all()
    drawn = [row for row in tranches if row.status is DrawdownStatus.DRAWN]
    total = Money.sum([row.amount for row in drawn])
    left = deal.principal - total
    if any(row.last for row in drawn):
        missing.append(Missing("principal", Kind.BANK, say("the last tranche has been drawn")))
    elif amount > left or not amount:
        missing.append(
            Missing(
                "principal", Kind.BANK, say("{left} of the principal is left to draw", left=left)
            )
        )
    clock = await session.scalar(select(func.clock_timestamp()))
    assert clock is not None
    expired = deal.hold_expires_at is not None and deal.hold_expires_at <= clock
    # Rounded tranche by tranche the parts may run ahead of the whole: what counts is the whole.
    share = (total + min(amount, left)).times(deal.guarantee_share_pct / WHOLE_PCT)
    carried = await old_loans.carried_by(session, deal)
    needed = max(ZERO, share - carried - Money.sum([row.liability or ZERO for row in drawn]))
    if deal.guarantor_id is not None and (expired or deal.held < needed):
        text = say(
            "the hold is {held}, the tranche needs {needed}, expired: {expired}",
            held=deal.held,
            needed=needed,
            expired=say("True") if expired else say("False"),
        )
        missing.append(Missing("hold", Kind.ENTERPRISE, text))
    for row in tranches:
        if row.status is DrawdownStatus.RELEASED:
            text = say(
                "the bank has not reported on the release of tranche {released}",
                released=row.tranche,
            )
            missing.append(Missing("report", Kind.BANK, text))
    return missing


async def _rights(session: AsyncSession, deal: Deal, *, on: date) -> list[Missing]:
    """What the registers would hold against the pledged rights today, to the loan's real end.

    Not that they are pledged: that is what this deal did.
    """
    ids = await session.scalars(
        select(DealRight.right_id)
        .where(DealRight.deal_id == old_loans.pledge_deal_id(deal), DealRight.released_at.is_(None))
        .order_by(DealRight.right_id)
    )
    checks = await prechecks.check_rights(
        session,
        actor=SYSTEM,
        right_ids=ids.all(),
        on=on,
        loan_ends_on=months_after(on, deal.term_months),
    )
    return [
        Missing(
            "right",
            Kind.ENTERPRISE,
            say(
                "right {right_id}: {ground}",
                right_id=check.right_id,
                ground=Pair(finding.text_en, finding.text_zh),
            ),
        )
        for check in checks
        for finding in check.findings
        if finding.severity is not Severity.WARN and finding.ground != prechecks.ALREADY_PLEDGED
    ]


async def _approvals(session: AsyncSession, deal: Deal, *, now: datetime) -> list[Missing]:
    """Every approval in force, every condition met."""
    missing = []
    approvals = await session.scalars(
        select(Approval).where(Approval.deal_id == deal.id).order_by(Approval.id)
    )
    for approval in approvals:
        lapsed = approval.expires_at is not None and approval.expires_at <= now
        if approval.status is not ApprovalStatus.APPROVED or lapsed:
            text = say("approval of the {party} is not in force", party=NAMES[approval.role])
            missing.append(Missing("approval", approval.role, text))
    conditions = await session.execute(
        select(Condition.text, Approval.role)
        .join(Approval, Approval.id == Condition.approval_id)
        .where(Approval.deal_id == deal.id, Condition.met_at.is_(None))
        .order_by(Condition.id)
    )
    return missing + [Missing("condition", role, text) for text, role in conditions]


async def _contracts(session: AsyncSession, deal: Deal) -> list[Missing]:
    kinds = kinds_of(deal)
    return [
        Missing(
            "contract",
            kinds[side],
            say(
                "{kind} contract not confirmed by the {party}",
                kind=NAMES[contract.kind],
                party=NAMES[kinds[side]],
            )
            if contract.drafted
            else say("{kind} contract not drafted", kind=NAMES[contract.kind]),
        )
        for contract in await contracts.list_unconfirmed(session, deal)
        for side in kinds
        if side in contract.awaiting
    ]


async def _registrations(session: AsyncSession, deal: Deal) -> list[Missing]:
    """One registration per register of the pledged rights; they are prepared with the contracts."""
    pledgee = Kind.GUARANTOR if deal.pledgee is PledgeeKind.GUARANTOR else Kind.BANK
    held_by = old_loans.pledge_deal_id(deal)
    rows = await session.execute(
        select(DealRight.register, Registration.status)
        .outerjoin(
            Registration,
            and_(
                Registration.deal_id == deal.id,
                Registration.register == DealRight.register,
            ),
        )
        .where(DealRight.deal_id == held_by)
        .distinct()
        .order_by(DealRight.register)
    )
    return [
        Missing(
            "registration",
            pledgee,
            say(
                "pledge of {register} {state}",
                register=NAMES[register],
                state=state_of(REGISTRATION.name, status) if status else say("is not prepared"),
            ),
        )
        for register, status in rows
        if status is not RegistrationStatus.REGISTERED
    ]


async def _milestones(session: AsyncSession, deal: Deal) -> list[Missing]:
    needed: list[tuple[MilestoneKind, OrganisationKind]] = []
    if deal.guarantor_id is not None:
        needed.append((MilestoneKind.GUARANTEE_EFFECTIVE, Kind.GUARANTOR))
        if GuaranteeTerms.model_validate(deal.guarantee_terms).counter_guarantee:
            needed.append((MilestoneKind.COUNTER_GUARANTEE_DONE, Kind.GUARANTOR))
    if deal.insurer_id is not None:
        needed.append((MilestoneKind.POLICY_PAID, Kind.INSURER))
    recorded = set(
        await session.scalars(select(Milestone.kind).where(Milestone.deal_id == deal.id))
    )
    return [
        Missing(kind.value, who, say("{milestone}: not recorded", milestone=NAMES[kind]))
        for kind, who in needed
        if kind.value not in recorded
    ]


async def _filing(session: AsyncSession, deal: Deal) -> list[Missing]:
    """Where a fund is used, its acknowledgement of the filing (入池备案)."""
    filing = await filings.find_live(session, deal.id)
    if filing is None or filing.status is FilingStatus.ACKNOWLEDGED:
        return []
    text = say("the fund has not acknowledged the filing")
    return [Missing("fund_filing", Kind.AGENCY, text)]
