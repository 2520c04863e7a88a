"""The rows of an acceptance, written in one statement: the hot path of the service."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.lifecycle.deals import (
    APPROVAL,
    DEAL,
    QUEUE,
    ApprovalStatus,
    DealStatus,
    PledgeeKind,
    QueueKind,
    QueueStatus,
)
from app.lifecycle.financing import (
    QUOTE,
    REQUEST,
    QuoteEvent,
    QuoteStatus,
    RequestEvent,
    RequestStatus,
)
from app.lifecycle.parties import OrganisationKind
from app.models.financing import FinancingRequest, Quote
from app.schemas.quotes import LoanTerms
from app.services.actor import Actor
from app.services.packages import WHOLE_PCT, Shares
from app.services.room import Accounts, Reservation

# Everything an acceptance writes, in one round trip. Foreign keys are checked at its end.
# The rights of a renewal stay locked by the old deal until its drawdown.
_WRITE = text("""
WITH matched AS (
    UPDATE financing_requests SET status = :matched WHERE id = :request
), quoted AS (
    UPDATE quotes SET status = CASE WHEN id = ANY (:chosen) THEN :accepted ELSE :standing_by END
    WHERE id = ANY (:quotes)
), opened AS (
    INSERT INTO deals SELECT * FROM jsonb_populate_record(NULL::deals, CAST(:deal AS jsonb))
), locked AS (
    INSERT INTO deal_rights (deal_id, right_id, register, locked_at)
    SELECT :deal_id, r.id, r.register, :now
    FROM request_rights q JOIN rights r ON r.id = q.right_id
    WHERE q.request_id = :request AND NOT :renews
    ORDER BY r.id
    ON CONFLICT DO NOTHING
    RETURNING right_id
), consented AS (
    INSERT INTO identity_consents (request_id, institution_id, consented_at)
    SELECT :request, unnest(CAST(:institutions AS uuid[])), :now
    ON CONFLICT DO NOTHING
), asked AS (
    INSERT INTO approvals (id, deal_id, institution_id, role, status)
    SELECT id, deal_id, institution_id, role, status
    FROM jsonb_populate_recordset(NULL::approvals, CAST(:approvals AS jsonb))
), waiting AS (
    INSERT INTO queue_entries
        (id, kind, deal_id, quota_account_id, limit_account_id, amount, lacks, status, joined_at)
    SELECT id, kind, deal_id, quota_account_id, limit_account_id, amount, lacks, status, joined_at
    FROM jsonb_populate_recordset(NULL::queue_entries, CAST(:entries AS jsonb))
), told AS (
    INSERT INTO status_changes
        (subject, subject_id, source, event, target, organisation_id, user_id, client_id, at)
    SELECT subject, subject_id, source, event, target, :org, :user, :client, :now
    FROM jsonb_populate_recordset(NULL::status_changes, CAST(:changes AS jsonb))
), announced AS (
    INSERT INTO outbox_events (id, kind, subject_id, organisation_id, at)
    SELECT id, kind, subject_id, organisation_id, :now
    FROM jsonb_populate_recordset(NULL::outbox_events, CAST(:events AS jsonb))
)
SELECT right_id FROM request_rights WHERE request_id = :request AND NOT :renews
EXCEPT SELECT right_id FROM locked
""")


@dataclass(frozen=True, slots=True)
class Package:
    """The chosen quotes, and what they come to."""

    loan: Quote
    guarantee: Quote | None
    insurance: Quote | None
    shares: Shares
    terms: LoanTerms

    @property
    def quotes(self) -> list[Quote]:
        return [q for q in (self.loan, self.guarantee, self.insurance) if q is not None]

    @property
    def liability(self) -> Money:
        """Of the guarantor, on the whole principal; half up."""
        return self.terms.amount.times(self.shares.guarantee_share_pct / WHOLE_PCT)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was asked of the quota and the guarantor's limit, and what came of it."""

    in_programme: bool
    accounts: Accounts | None
    reservation: Reservation
    amount: Money = ZERO


def deal_values(
    request: FinancingRequest, package: Package, taken: Taken, *, deal_id: UUID, now: datetime
) -> dict[str, Any]:
    """The columns of the new deal; a missing one is NULL."""
    terms, reservation = package.terms, taken.reservation
    guarantee, insurance = package.guarantee, package.insurance
    return {
        "id": deal_id,
        "request_id": request.id,
        "renews_deal_id": request.renews_deal_id,
        "firm_id": request.firm_id,
        "bank_id": package.loan.institution_id,
        "guarantor_id": guarantee and guarantee.institution_id,
        "insurer_id": insurance and insurance.institution_id,
        "loan_quote_id": package.loan.id,
        "guarantee_quote_id": guarantee and guarantee.id,
        "insurance_quote_id": insurance and insurance.id,
        "park_code": request.park_code,
        "status": DealStatus.QUEUED if reservation.lacks else DealStatus.APPROVING,
        "principal": terms.amount,
        "term_months": terms.term_months,
        "guarantee_share_pct": package.shares.guarantee_share_pct,
        "insurance_share_pct": package.shares.insurance_share_pct,
        "liability": package.liability,
        "in_programme": taken.in_programme,
        "loan_terms": package.loan.terms,
        "guarantee_terms": guarantee and guarantee.terms,
        "insurance_terms": insurance and insurance.terms,
        "pledgee": PledgeeKind(terms.pledgee),
        "held": taken.amount if reservation.held else ZERO,
        "hold_id": reservation.hold_id,
        "quota_hold_id": reservation.quota_hold_id,
        "hold_expires_at": reservation.expires_at,
        "accepted_at": now,
    }


async def write(
    session: AsyncSession,
    actor: Actor,
    request: FinancingRequest,
    *,
    package: Package,
    rivals: list[Quote],
    taken: Taken,
    deal: dict[str, Any],
    now: datetime,
) -> list[UUID]:
    """Write it all; answers the rights that another live deal holds, and then nothing may stay."""
    chosen = [quote.id for quote in package.quotes]
    approvals = _approvals(package, deal["id"])
    entries = _entries(taken, deal, now)
    kind = "deal.queued" if deal["status"] is DealStatus.QUEUED else "deal.accepted"
    events = [
        {"id": new_id(), "kind": kind, "subject_id": deal["id"], "organisation_id": organisation}
        for organisation in (quote.institution_id for quote in package.quotes)
    ]
    missing = await session.scalars(
        _WRITE,
        {
            "matched": RequestStatus.MATCHED,
            "accepted": QuoteStatus.ACCEPTED,
            "standing_by": QuoteStatus.STANDING_BY,
            "request": request.id,
            "renews": request.renews_deal_id is not None,
            "chosen": chosen,
            "institutions": [quote.institution_id for quote in package.quotes],
            "quotes": [quote.id for quote in rivals],
            "deal": _json(deal),
            "deal_id": deal["id"],
            "approvals": _json(approvals),
            "entries": _json(entries),
            "changes": _json(
                _changes(request, rivals, chosen, approvals=approvals, entries=entries, deal=deal)
            ),
            "events": _json(events),
            "org": actor.organisation_id,
            "user": actor.user_id,
            "client": actor.client_id,
            "now": now,
        },
    )
    return sorted(missing)


def _approvals(package: Package, deal_id: UUID) -> list[dict[str, Any]]:
    roles = (OrganisationKind.BANK, OrganisationKind.GUARANTOR, OrganisationKind.INSURER)
    quotes = (package.loan, package.guarantee, package.insurance)
    return [
        {
            "id": new_id(),
            "deal_id": deal_id,
            "institution_id": quote.institution_id,
            "role": role,
            "status": ApprovalStatus.PENDING,
        }
        for role, quote in zip(roles, quotes, strict=True)
        if quote is not None
    ]


def _entries(taken: Taken, deal: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The deal's place in the queue, if it lacks room."""
    if not taken.reservation.lacks:
        return []
    assert taken.accounts is not None
    return [
        {
            "id": new_id(),
            "kind": QueueKind.DEAL,
            "deal_id": deal["id"],
            "quota_account_id": taken.accounts.quota,
            "limit_account_id": taken.accounts.limit,
            "amount": taken.amount,
            "lacks": taken.reservation.lacks,
            "status": QueueStatus.WAITING,
            "joined_at": now,
        }
    ]


def _changes(
    request: FinancingRequest,
    rivals: list[Quote],
    chosen: list[UUID],
    *,
    approvals: list[dict[str, Any]],
    entries: list[dict[str, Any]],
    deal: dict[str, Any],
) -> list[dict[str, Any]]:
    """The history of every status that moves, by the machines that allow it."""
    matched = REQUEST.after(request.status, RequestEvent.ACCEPT)
    changes = [_change(REQUEST.name, request.id, request.status, RequestEvent.ACCEPT, matched)]
    for quote in rivals:
        event = QuoteEvent.ACCEPT if quote.id in chosen else QuoteEvent.STAND_BY
        target = QUOTE.after(quote.status, event)
        changes.append(_change(QUOTE.name, quote.id, quote.status, event, target))
    changes += [_change(APPROVAL.name, row["id"], "", "create", row["status"]) for row in approvals]
    changes += [_change(QUEUE.name, row["id"], "", "create", row["status"]) for row in entries]
    changes.append(_change(DEAL.name, deal["id"], "", "create", deal["status"]))
    return changes


def _change(machine: str, subject_id: UUID, source: str, event: str, target: str) -> dict[str, Any]:
    return {
        "subject": machine,
        "subject_id": subject_id,
        "source": source,
        "event": event,
        "target": target,
    }


def _json(value: object) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: object) -> int | str:
    return value.fen if isinstance(value, Money) else str(value)
