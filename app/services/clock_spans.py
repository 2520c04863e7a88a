"""From when to when each step of a request on the green channel took: read off the history.

Nothing here is stored: a span begins and ends with moves and records that are there anyway.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.deals import DealEvent, DealStatus, DrawdownStatus, PledgeeKind
from app.lifecycle.deals import RegistrationEvent as Filing
from app.lifecycle.financing import QuoteKind, RequestEvent, RequestStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Approval, Condition, Deal, Drawdown, Milestone, Registration
from app.models.financing import FinancingRequest, Quote
from app.models.records import OutboxEvent, StatusChange
from app.schemas.deals import MilestoneKind
from app.schemas.quotes import GuaranteeTerms
from app.workdays.clocks import Step

Kind = OrganisationKind


@dataclass(frozen=True, slots=True)
class Span:
    """One step of one party; ``done`` says whether the stop was the step itself."""

    step: Step
    subject_id: UUID
    request_id: UUID
    deal_id: UUID | None
    role: OrganisationKind
    party_id: UUID | None
    started_at: datetime
    stopped_at: datetime | None
    done: bool


@dataclass(slots=True)
class _Facts:
    """What the history says of some requests and of all that hangs on them."""

    requests: Sequence[FinancingRequest]
    quoted: dict[UUID, datetime]
    deals: dict[UUID, list[Deal]] = field(default_factory=lambda: defaultdict(list))
    approvals: dict[UUID, list[Approval]] = field(default_factory=lambda: defaultdict(list))
    registrations: dict[UUID, list[Registration]] = field(default_factory=lambda: defaultdict(list))
    milestones: dict[UUID, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    conditions: dict[UUID, list[datetime | None]] = field(default_factory=lambda: defaultdict(list))
    stated: dict[UUID, datetime] = field(default_factory=dict)
    drawn: dict[UUID, datetime] = field(default_factory=dict)
    moves: dict[UUID, list[StatusChange]] = field(default_factory=lambda: defaultdict(list))

    def first(self, subject: UUID, *, event: str = "", target: str = "") -> datetime | None:
        found = (
            move.at
            for move in self.moves[subject]
            if (not event or move.event == event) and (not target or move.target == target)
        )
        return next(found, None)

    def last(self, subject: UUID, *, target: str) -> datetime | None:
        found = [move.at for move in self.moves[subject] if move.target == target]
        return found[-1] if found else None


async def list_spans(session: AsyncSession, request_ids: Collection[UUID]) -> list[Span]:
    """The spans of these requests, in the order of their start. The caller may see them all."""
    facts = await _gather(session, request_ids)
    spans = []
    for request in facts.requests:
        if (span := _first_quote(facts, request)) is not None:
            spans.append(span)
        for deal in facts.deals[request.id]:
            spans += _of_deal(facts, deal)
    return sorted(spans, key=lambda span: (span.started_at, span.step, span.subject_id))


def _first_quote(facts: _Facts, request: FinancingRequest) -> Span | None:
    started = facts.first(request.id, event=RequestEvent.SUBMIT)
    if started is None:
        return None
    quoted = facts.quoted.get(request.id)
    over = facts.first(request.id, target=RequestStatus.WITHDRAWN) or facts.first(
        request.id, target=RequestStatus.EXPIRED
    )
    return Span(
        Step.FIRST_QUOTE,
        request.id,
        request.id,
        None,
        Kind.BANK,
        None,
        started,
        quoted or over,
        quoted is not None,
    )


def _of_deal(facts: _Facts, deal: Deal) -> list[Span]:
    failed = facts.first(deal.id, event=DealEvent.FAIL)
    spans: list[Span] = []

    def add(
        step: Step,
        role: OrganisationKind,
        started: datetime | None,
        done: datetime | None,
        *,
        subject: UUID = deal.id,
        over: datetime | None = failed,
    ) -> None:
        parties = {Kind.BANK: deal.bank_id, Kind.GUARANTOR: deal.guarantor_id}
        party = parties.get(role, deal.insurer_id)
        if started is not None:
            spans.append(
                Span(
                    step,
                    subject,
                    deal.request_id,
                    deal.id,
                    role,
                    party,
                    started,
                    done or over,
                    done is not None,
                )
            )

    pledgee = Kind.GUARANTOR if deal.pledgee is PledgeeKind.GUARANTOR else Kind.BANK
    approving = facts.first(deal.id, target=DealStatus.APPROVING)
    perfecting = facts.first(deal.id, target=DealStatus.PERFECTING)
    for approval in facts.approvals[deal.id]:
        add(Step.APPROVAL, approval.role, approving, approval.decided_at, subject=approval.id)
    contracting = facts.first(deal.id, target=DealStatus.CONTRACTING)
    add(Step.CONTRACTS, Kind.BANK, contracting, perfecting)
    for row in facts.registrations[deal.id]:
        filed = facts.first(row.id, event=Filing.SUBMIT)
        add(Step.REGISTRATION_FILING, pledgee, perfecting, filed, subject=row.id)
    if deal.guarantor_id is not None:
        effective = facts.milestones[deal.id].get(MilestoneKind.GUARANTEE_EFFECTIVE)
        add(Step.GUARANTEE_EFFECTIVE, Kind.GUARANTOR, perfecting, effective)
    add(Step.DRAWDOWN, Kind.BANK, _gate_opened(facts, deal), facts.drawn.get(deal.id))
    repaid = facts.last(deal.id, target=DealStatus.REPAID)
    if repaid is not None:
        revived = facts.last(deal.id, target=DealStatus.ACTIVE)
        over = revived if revived and revived > repaid else None
        add(Step.DISCHARGE, pledgee, repaid, _discharged(facts, deal, since=repaid), over=over)
    return spans


def _gate_opened(facts: _Facts, deal: Deal) -> datetime | None:
    """When the last thing that the gate waits for was there; None while one is missing."""
    needed = []
    if deal.guarantor_id is not None:
        needed.append(MilestoneKind.GUARANTEE_EFFECTIVE)
        if deal.guarantee_terms and (
            GuaranteeTerms.model_validate(deal.guarantee_terms).counter_guarantee
        ):
            needed.append(MilestoneKind.COUNTER_GUARANTEE_DONE)
    if deal.insurer_id is not None:
        needed.append(MilestoneKind.POLICY_PAID)
    given = [
        facts.first(deal.id, target=DealStatus.PERFECTING),
        facts.stated.get(deal.id),
        *(facts.first(row.id, event=Filing.REGISTER) for row in facts.registrations[deal.id]),
        *(facts.milestones[deal.id].get(kind) for kind in needed),
        *facts.conditions[deal.id],
    ]
    known = [at for at in given if at is not None]
    return max(known) if len(known) == len(given) else None


def _discharged(facts: _Facts, deal: Deal, *, since: datetime) -> datetime | None:
    """When every register was told, or the deal was closed without (by its renewal)."""
    closed = facts.first(deal.id, target=DealStatus.CLOSED)
    told = [facts.first(row.id, event=Filing.DISCHARGE) for row in facts.registrations[deal.id]]
    known = [at for at in told if at is not None and at >= since]
    done = max(known) if known and len(known) == len(told) else None
    return done or closed


async def _gather(session: AsyncSession, request_ids: Collection[UUID]) -> _Facts:
    requests = await session.scalars(
        select(FinancingRequest)
        .where(FinancingRequest.id.in_(request_ids))
        .order_by(FinancingRequest.id)
    )
    quoted = await session.execute(
        select(Quote.request_id, func.min(Quote.offered_at))
        .where(Quote.request_id.in_(request_ids), Quote.kind == QuoteKind.LOAN)
        .group_by(Quote.request_id)
    )
    facts = _Facts(requests.all(), {row[0]: row[1] for row in quoted})
    deals = await session.scalars(
        select(Deal).where(Deal.request_id.in_(request_ids)).order_by(Deal.id)
    )
    ids = []
    for deal in deals:
        facts.deals[deal.request_id].append(deal)
        ids.append(deal.id)
    subjects = [*request_ids, *ids]
    for approval in await session.scalars(select(Approval).where(Approval.deal_id.in_(ids))):
        facts.approvals[approval.deal_id].append(approval)
    for row in await session.scalars(select(Registration).where(Registration.deal_id.in_(ids))):
        facts.registrations[row.deal_id].append(row)
        subjects.append(row.id)
    await _gather_records(session, facts, ids)
    moves = await session.scalars(
        select(StatusChange).where(StatusChange.subject_id.in_(subjects)).order_by(StatusChange.id)
    )
    for move in moves:
        facts.moves[move.subject_id].append(move)
    return facts


async def _gather_records(session: AsyncSession, facts: _Facts, ids: Collection[UUID]) -> None:
    """What has a time of its own and no state."""
    for milestone in await session.scalars(select(Milestone).where(Milestone.deal_id.in_(ids))):
        facts.milestones[milestone.deal_id][milestone.kind] = milestone.recorded_at
    for deal_id, met_at in await session.execute(
        select(Approval.deal_id, Condition.met_at)
        .join(Condition, Condition.approval_id == Approval.id)
        .where(Approval.deal_id.in_(ids))
    ):
        facts.conditions[deal_id].append(met_at)
    stated = await session.execute(
        select(OutboxEvent.subject_id, func.min(OutboxEvent.at))
        .where(OutboxEvent.subject_id.in_(ids), OutboxEvent.kind == "deal.use_of_funds")
        .group_by(OutboxEvent.subject_id)
    )
    facts.stated.update({row[0]: row[1] for row in stated})
    drawn = await session.execute(
        select(Drawdown.deal_id, func.min(Drawdown.reported_at))
        .where(Drawdown.deal_id.in_(ids), Drawdown.status == DrawdownStatus.DRAWN)
        .group_by(Drawdown.deal_id)
    )
    facts.drawn.update({row[0]: row[1] for row in drawn if row[1] is not None})
