"""Claims for lost principal: on the guarantor (代偿), the insurer, or a compensation fund.

Two people of the payer decide. Whatever two people click, a claim is paid once: its state, under
its lock, is the only way to the payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.lifecycle.deals import LoanStatus
from app.lifecycle.funds import CLAIM, ClaimEvent, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.loans import Loan
from app.schemas.claims import ClaimIn
from app.services import (
    claim_amounts,
    claim_standing,
    filings,
    history,
    ledger,
    loans,
    outbox,
    readiness,
)
from app.services.actor import Actor, as_platform
from app.services.claim_refusals import NotDefaulted, one_in_flight

UNIQUE_REFERENCE = "uq_claims_claimant_id_reference"

PAYERS = (OrganisationKind.GUARANTOR, OrganisationKind.INSURER, OrganisationKind.AGENCY)
CLAIMANTS = (OrganisationKind.BANK, OrganisationKind.GUARANTOR)


@dataclass(eq=False)
class ClaimReferenceUsed(Conflict):
    message = "You made another claim under the reference {reference}."

    reference: str


class ApprovedInFull(Conflict):
    message = "The claim is approved for all that it comes to; there is nothing to appeal."


async def take_back_approval(session: AsyncSession, claim: Claim, *, code: str) -> None:
    """What was set aside is free again."""
    if claim.hold_id is not None:
        await ledger.apply(session, [ledger.void(code, claim.hold_id, claim.id)])
        claim.hold_id = None
    claim.approved = claim.approved_by = claim.approved_at = claim.due = None


def visible_claims(actor: Actor) -> Select[Claim]:
    """The claims ``actor`` may see: its own, on it, or on its loan. Every read starts here."""
    claims = select(Claim)
    own = actor.organisation_id
    match actor.kind:
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return claims
        case OrganisationKind.ENTERPRISE:
            return claims.where(Claim.firm_id == own)
        case _:
            return claims.where(
                or_(Claim.claimant_id == own, Claim.payer_id == own, Claim.bank_id == own)
            )


async def list_claims(
    session: AsyncSession,
    *,
    actor: Actor,
    loan_id: UUID | None = None,
    fund_id: UUID | None = None,
    status: ClaimStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Claim]:
    """Visible claims, newest first."""
    claims = visible_claims(actor).order_by(Claim.id.desc()).limit(limit)
    for column, value in (
        (Claim.loan_id, loan_id),
        (Claim.fund_id, fund_id),
        (Claim.status, status),
    ):
        if value is not None:
            claims = claims.where(column == value)
    if after is not None:
        claims = claims.where(Claim.id < after)
    return (await session.scalars(claims)).all()


async def get_claim(session: AsyncSession, *, actor: Actor, claim_id: UUID) -> Claim:
    claim: Claim | None = await session.scalar(visible_claims(actor).where(Claim.id == claim_id))
    if claim is None:
        raise NotFound
    return claim


async def lock_claim(session: AsyncSession, *, actor: Actor, claim_id: UUID) -> Claim:
    """The claim under its lock, after those of its deal and loan would be taken."""
    claim: Claim | None = await session.scalar(
        visible_claims(actor)
        .where(Claim.id == claim_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if claim is None:
        raise NotFound
    return claim


async def submit(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: ClaimIn, now: datetime
) -> Claim:
    """Claim what was lost. The same claim again answers the one that is there."""
    actor.must_be(*CLAIMANTS)
    deal, loan = await _lock_loan(session, actor, loan_id)
    stored = await _find_stored(session, actor, loan, data)
    if stored is not None:
        return stored
    if loan.status is not LoanStatus.DEFAULTED:
        raise NotDefaulted(loan.id, loan.status)
    if not loan.first_day <= data.lost_on <= business_date(now):
        raise FieldRefused(
            "lost_on", say("must be from {earliest} to today", earliest=loan.first_day)
        )
    asked = await claim_amounts.work_out(session, actor, deal, loan, data, now=now)
    claim = Claim(
        id=new_id(),
        kind=data.kind,
        loan_id=loan.id,
        deal_id=deal.id,
        filing_id=asked.filing_id,
        fund_id=asked.fund_id,
        payer_id=asked.payer_id,
        claimant_id=actor.organisation_id,
        bank_id=deal.bank_id,
        firm_id=deal.firm_id,
        reference=data.reference,
        lost_on=data.lost_on,
        principal=data.principal,
        settles=asked.settles,
        amount=asked.indemnity.amount,
        shares=asked.indemnity.shares,
        trace=asked.indemnity.trace,
        status=ClaimStatus.SUBMITTED,
        due_on=asked.due_on,
        submitted_by=actor.user_id,
        submitted_at=now,
    )
    reused = {UNIQUE_REFERENCE: ClaimReferenceUsed(data.reference)}
    async with one_in_flight(session, reused, loan_id=loan.id, kind=data.kind):
        session.add(claim)
    history.begin(session, claim, CLAIM, actor=actor, now=now)
    announce(session, claim, "submitted", now=now)
    if claim.filing_id is not None:
        filing = await filings.get_filing(session, actor=actor, filing_id=claim.filing_id)
        await readiness.note(session, filing, step="claimed", now=now)
    await session.flush()
    return claim


async def appeal(
    session: AsyncSession, *, actor: Actor, claim_id: UUID, reason: str, now: datetime
) -> Claim:
    """The claimant asks again, and why; two people look at it anew."""
    claim = await _lock_claimed(session, actor, claim_id)
    await claim_standing.must_be_filed(session, claim)
    if claim.status is ClaimStatus.APPROVED:
        if claim.cut is None:
            raise ApprovedInFull
        await take_back_approval(session, claim, code="claim appealed")
    async with one_in_flight(session, {}, loan_id=claim.loan_id, kind=claim.kind):
        history.move(session, claim, CLAIM, ClaimEvent.APPEAL, actor=actor, now=now)
    claim.appeal = reason
    claim.reviewed_by = claim.reviewed_at = None
    announce(session, claim, "appealed", now=now)
    await session.flush()
    return claim


async def withdraw(session: AsyncSession, *, actor: Actor, claim_id: UUID, now: datetime) -> Claim:
    """The claimant takes its claim back."""
    claim = await _lock_claimed(session, actor, claim_id)
    history.move(session, claim, CLAIM, ClaimEvent.WITHDRAW, actor=actor, now=now)
    announce(session, claim, "withdrawn", now=now)
    await session.flush()
    return claim


async def _lock_loan(session: AsyncSession, actor: Actor, loan_id: UUID) -> tuple[Deal, Loan]:
    """As its party sees it; a guarantor locks the bank's loan through the platform."""
    await loans.must_be_visible(session, actor=actor, loan_id=loan_id)
    async with as_platform(session):
        return await loans.lock_unseen(session, loan_id=loan_id)


async def _find_stored(
    session: AsyncSession, actor: Actor, loan: Loan, data: ClaimIn
) -> Claim | None:
    stored: Claim | None = await session.scalar(
        select(Claim).where(
            Claim.claimant_id == actor.organisation_id, Claim.reference == data.reference
        )
    )
    if stored is None:
        return None
    was = (stored.loan_id, stored.kind, stored.principal, stored.lost_on)
    if was != (loan.id, data.kind, data.principal, data.lost_on):
        raise ClaimReferenceUsed(data.reference)
    return stored


async def _lock_claimed(session: AsyncSession, actor: Actor, claim_id: UUID) -> Claim:
    """A claim of the actor's own, under its lock."""
    actor.must_be(*CLAIMANTS)
    claim = await lock_claim(session, actor=actor, claim_id=claim_id)
    if claim.claimant_id != actor.organisation_id:
        raise NotFound
    return claim


def announce(session: AsyncSession, claim: Claim, what: str, *, now: datetime) -> None:
    parties = dict.fromkeys((claim.claimant_id, claim.payer_id, claim.bank_id))
    outbox.announce_to(session, parties, f"claim.{what}", claim.id, now=now)
