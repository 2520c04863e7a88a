"""Payment of a claim: the payer pays once, the claimant confirms, and the counters follow."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.core.money import Money
from app.lifecycle.deals import LoanStatus
from app.lifecycle.funds import CLAIM, ClaimEvent, ClaimKind, ClaimStatus
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.funds import FundFiling
from app.models.loans import Loan
from app.schemas.claims import ClaimPaymentIn
from app.services import (
    claim_standing,
    claims,
    exposures,
    fund_exposure,
    fuses,
    history,
    indemnities,
    ledger,
    liability,
    loans,
    losses,
    outbox,
)
from app.services.actor import Actor, as_platform
from app.services.indemnities import Indemnity


@dataclass(eq=False)
class PaidOtherwise(Conflict):
    """Paid already, and under other words: paying again would pay twice."""

    message = "The claim was paid on {paid_on} under the reference {reference}."

    paid_on: date | None
    reference: str | None


@dataclass(eq=False)
class NoLongerLost(Conflict):
    """Indemnity never exceeds the loss, and the loss is smaller than when it was approved."""

    message = (
        "{approved} was approved; money that came in since leaves {open} to be paid. Refuse the"
        " claim, so that it can be appealed and approved for that."
    )

    approved: Money
    open: Money


async def pay(
    session: AsyncSession, *, actor: Actor, claim_id: UUID, data: ClaimPaymentIn, now: datetime
) -> Claim:
    """The payer has paid what was approved. The same payment again answers the claim as it is.

    A fund's money leaves its account here, and what the claim settled leaves its exposure; then
    the fuses of its scheme are tried. FuseBlown if one had blown when it was paid.
    """
    actor.must_be(*claims.PAYERS)
    seen = await claims.get_claim(session, actor=actor, claim_id=claim_id)
    if seen.payer_id != actor.organisation_id:
        raise NotFound
    async with as_platform(session):  # the loan is the bank's
        deal, loan = await loans.lock_unseen(session, loan_id=seen.loan_id)
    claim = await claims.lock_claim(session, actor=actor, claim_id=claim_id)
    if claim.paid_at is not None:
        if (claim.paid_on, claim.payment_reference) != (data.paid_on, data.reference):
            raise PaidOtherwise(claim.paid_on, claim.payment_reference)
        return claim
    if claim.status is ClaimStatus.APPROVED:
        due = await _must_be_lost(session, deal, loan, claim)
        await claim_standing.must_stand(session, claim, on=data.paid_on)
        if claim.cut is not None:
            _settle_part(claim, due)
    history.move(session, claim, CLAIM, ClaimEvent.PAY, actor=actor, now=now)
    assert claim.approved_at is not None
    assert claim.approved is not None
    first = business_date(claim.approved_at)
    if not first <= data.paid_on <= business_date(now):
        raise FieldRefused("paid_on", say("must be from {earliest} to today", earliest=first))
    claim.paid_on, claim.payment_reference, claim.paid_at = data.paid_on, data.reference, now
    if claim.hold_id is not None:
        await ledger.apply(
            session, [ledger.post("claim paid", claim.hold_id, claim.approved, claim.id)]
        )
        await _settle_filing(session, claim, now=now)
        await fuses.try_all(session, claim, now=now)
    outbox.announce(session, "claim.paid", claim.id, organisation_id=claim.claimant_id, now=now)
    await session.flush()
    return claim


async def _must_be_lost(session: AsyncSession, deal: Deal, loan: Loan, claim: Claim) -> Indemnity:
    """Raise NoLongerLost if what came in since the approval leaves less to be paid."""
    assert claim.approved is not None
    due = await indemnities.of_claim(session, deal, loan, claim)
    if claim.approved > due.amount:
        raise NoLongerLost(claim.approved, due.amount)
    return due


def _settle_part(claim: Claim, due: Indemnity) -> None:
    """What was cut settles as much of the principal, and of each share; the rest stays open."""
    assert claim.approved is not None
    claim.due = min(claim.amount, due.amount)
    if claim.approved == claim.due:  # what came in since left just that
        return
    part = Fraction(claim.approved.fen, claim.due.fen)
    claim.settles = claim.settles.times(part)
    if due.shares:
        shares = [Money.yuan(share["amount"]) for share in due.shares]
        parts = Money.sum(shares).times(part).split([share.fen for share in shares])
        claim.shares = [
            share | {"amount": str(amount)} for share, amount in zip(due.shares, parts, strict=True)
        ]


async def confirm(session: AsyncSession, *, actor: Actor, claim_id: UUID, now: datetime) -> Claim:
    """The claimant has the money. A call (代偿) moves its liability from outstanding to called."""
    actor.must_be(*claims.CLAIMANTS)
    seen = await claims.get_claim(session, actor=actor, claim_id=claim_id)
    if seen.claimant_id != actor.organisation_id:
        raise NotFound
    async with as_platform(session):
        deal, loan = await loans.lock_unseen(session, loan_id=seen.loan_id)
    claim = await claims.lock_claim(session, actor=actor, claim_id=claim_id)
    if claim.status is ClaimStatus.CONFIRMED:
        return claim
    history.move(session, claim, CLAIM, ClaimEvent.CONFIRM, actor=actor, now=now)
    claim.confirmed_at = now
    if claim.kind is ClaimKind.GUARANTEE:
        await _call(session, deal, loan, claim, now=now)
    if loan.status is not LoanStatus.DEFAULTED:  # it ended while the payment was on its way
        await losses.close_claims(session, loan, actor=actor, now=now)
    outbox.announce(session, "claim.confirmed", claim.id, organisation_id=claim.payer_id, now=now)
    await session.flush()
    return claim


async def _call(
    session: AsyncSession, deal: Deal, loan: Loan, claim: Claim, *, now: datetime
) -> None:
    """The liability for the principal that the call settles is called, on both limits."""
    loan.settled_by_calls += claim.settles
    async with as_platform(session):
        drop = await losses.liability_over(session, loan)
    if drop:
        await liability.call(session, deal, amount=drop, reference=claim.id)
        loan.liability -= drop
        loan.called += drop
    await exposures.refresh(session, loan, now=now)


async def _settle_filing(session: AsyncSession, claim: Claim, *, now: datetime) -> None:
    filing = await session.scalars(
        select(FundFiling)
        .where(FundFiling.id == claim.filing_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    filing.one().compensated += claim.settles
    await fund_exposure.follow(session, [claim.deal_id], now=now)
