"""The dated order of the queue: arrival alone, or a priority that starves nobody."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.deals import QueueKind, QueueStatus
from app.models.deals import Deal, QueueEntry
from app.models.financing import FinancingRequest
from app.risk import turns
from app.risk.turns import Priority
from app.schemas.programme_rules import Mark, QueueRuleBody
from app.schemas.queue import QueueRuleOut
from app.services import rules
from app.services.guarantors import SMALL

QUEUE_RULE = "queue_rule"
"""The key of the dated rule."""


async def get(session: AsyncSession, *, on: date) -> QueueRuleBody:
    """The rule in force on the day ``on``."""
    return read(await rules.get(session, QUEUE_RULE, on=on))


def read(body: dict[str, Any]) -> QueueRuleBody:
    return QueueRuleBody.model_validate(body)


async def get_shown(session: AsyncSession, *, on: date) -> QueueRuleOut:
    """The rule with its text, as it stands beside every place in the queue."""
    version = await rules.get_version(session, QUEUE_RULE, on=on)
    rule = read(version.body)
    return QueueRuleOut(
        priority=rule.enabled,
        passes_max=rule.passes_max if rule.enabled else None,
        days_max=rule.days_max if rule.enabled else None,
        text_zh=rule.text_zh,
        text_en=rule.text_en,
        valid_from=version.valid_from,
        source=version.source,
        uncalibrated=version.uncalibrated,
    )


def priority_of(rule: QueueRuleBody) -> Priority | None:
    """None while arrival alone decides."""
    return Priority(rule.passes_max, rule.days_max) if rule.enabled else None


def is_preferred(request: FinancingRequest, rule: QueueRuleBody) -> bool:
    """Whether the firm bore one of the rule's marks when it asked."""
    marks = {
        Mark.SMALL_AND_MICRO: request.size in SMALL,
        Mark.KEY_INDUSTRY: request.key_industry,
    }
    return any(marks[mark] for mark in rule.preferred)


async def in_turn(
    session: AsyncSession, arrived: Sequence[QueueEntry], rule: QueueRuleBody, *, now: datetime
) -> list[QueueEntry]:
    """Who waits, in the order in which room is offered to them."""
    priority = priority_of(rule)
    if priority is None:
        return list(arrived)
    rows = await session.execute(
        select(Deal.id, FinancingRequest)
        .join(FinancingRequest, FinancingRequest.id == Deal.request_id)
        .where(Deal.id.in_([entry.deal_id for entry in arrived]))
    )
    preferred = {id_ for id_, request in rows if is_preferred(request, rule)}
    by_id = {entry.id: entry for entry in arrived}
    waiting = [
        turns.Waiting(
            id=entry.id,
            needs=frozenset(needs_of(entry)),
            since=entry.joined_at,
            preferred=entry.kind is QueueKind.DEAL and entry.deal_id in preferred,
            passed=entry.passed,
            retake=entry.kind is QueueKind.RETAKE,
        )
        for entry in arrived
    ]
    return [by_id[one.id] for one in turns.in_turn(waiting, priority, now=now)]


def count_passed(order: Sequence[QueueEntry]) -> None:
    """Note on whoever still waits how many later ones were let by ahead of it."""
    for index, entry in enumerate(order):
        if entry.status is QueueStatus.WAITING:
            entry.passed += sum(
                ahead.status is QueueStatus.PROMOTED
                and ahead.arrival > entry.arrival
                and not set(needs_of(ahead)).isdisjoint(needs_of(entry))
                for ahead in order[:index]
            )


def needs_of(entry: QueueEntry) -> list[str]:
    """The accounts whose room the entry waits for."""
    return [str(id_) for id_ in (entry.quota_account_id, entry.limit_account_id) if id_]
