"""What a claim's payer decides: two people look at it; a fund sets the money aside."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.core.money import Money
from app.lifecycle.funds import CLAIM, ClaimEvent
from app.models.claims import Claim
from app.services import claim_standing, claims, funds, history, indemnities, ledger, loans
from app.services.actor import Actor, as_platform
from app.services.claim_refusals import OnePerson
from app.services.ledger import AccountRole, Book


@dataclass(eq=False)
class ApprovedAbove(Conflict):
    """More than was asked, or than is still lost: recoveries may have come in since."""

    message = (
        "{amount} was asked and {most} of it is still due; {approved} cannot be approved."
        " Name the amount {most} to approve what is due."
    )

    amount: Money
    approved: Money
    most: Money

    def __str__(self) -> str:
        if self.most:
            return super().__str__()
        text = say("{amount} was asked and nothing of it is still due.", amount=self.amount)
        return str(text)


@dataclass(eq=False)
class FundShort(Conflict):
    """The liability of a fund ends with its money."""

    message = "The fund has {available} that is not promised; approve at most that."

    available: Money


async def review(
    session: AsyncSession, *, actor: Actor, claim_id: UUID, note: str, now: datetime
) -> Claim:
    """The first of the payer's two people has looked at it."""
    claim = await _lock(session, actor, claim_id)
    claim.reviewed_by, claim.reviewed_at = _person(actor), now
    history.move(session, claim, CLAIM, ClaimEvent.REVIEW, actor=actor, now=now)
    claim.trace = [*claim.trace, {"rule": "review", "text": note}]
    await session.flush()
    return claim


async def approve(
    session: AsyncSession,
    *,
    actor: Actor,
    claim_id: UUID,
    amount: Money | None,
    reason: str | None = None,
    now: datetime,
) -> Claim:
    """The second person approves all of it, or less and why; a fund sets the money aside.

    FuseBlown while the fund compensates nothing of the bank's.
    """
    actor.must_be(*claims.PAYERS, manager=True)
    seen = await claims.get_claim(session, actor=actor, claim_id=claim_id)
    async with as_platform(session):  # the loan is the bank's
        deal, loan = await loans.lock_unseen(session, loan_id=seen.loan_id)
    claim = await _lock(session, actor, claim_id, manager=True)
    if claim.reviewed_by == _person(actor) and claim.reviewed_at is not None:
        raise OnePerson(business_date(claim.reviewed_at))
    approved = claim.amount if amount is None else amount
    now_due = await indemnities.of_claim(session, deal, loan, claim)
    most = min(claim.amount, now_due.amount)
    if approved > most:
        raise ApprovedAbove(claim.amount, approved, most)
    if approved < most and reason is None:
        raise FieldRefused("reason", say("needed where less is approved than the claim comes to"))
    await claim_standing.must_stand(session, claim)
    claim.shares = now_due.shares
    history.move(session, claim, CLAIM, ClaimEvent.APPROVE, actor=actor, now=now)
    claim.due, claim.cut = most, reason if approved < most else None
    claim.approved, claim.approved_by, claim.approved_at = approved, _person(actor), now
    if claim.fund_id is not None:
        claim.hold_id = await _set_aside(session, claim.fund_id, approved, claim.id)
    claims.announce(session, claim, "approved", now=now)
    await session.flush()
    return claim


async def refuse(
    session: AsyncSession, *, actor: Actor, claim_id: UUID, reason: str, now: datetime
) -> Claim:
    """The payer says no, and why; what was set aside is free again."""
    claim = await _lock(session, actor, claim_id)
    history.move(session, claim, CLAIM, ClaimEvent.REFUSE, actor=actor, now=now)
    claim.refusal, claim.refused_at = reason, now
    await claims.take_back_approval(session, claim, code="claim refused")
    claims.announce(session, claim, "refused", now=now)
    await session.flush()
    return claim


async def _lock(
    session: AsyncSession, actor: Actor, claim_id: UUID, *, manager: bool = False
) -> Claim:
    """A claim on the actor, under its lock."""
    actor.must_be(*claims.PAYERS, manager=manager)
    claim = await claims.lock_claim(session, actor=actor, claim_id=claim_id)
    if claim.payer_id != actor.organisation_id:
        raise NotFound
    return claim


async def _set_aside(session: AsyncSession, fund_id: UUID, amount: Money, claim_id: UUID) -> UUID:
    """Hold the fund's money for an approved claim."""
    await funds.lock_fund(session, fund_id)
    accounts = await funds.accounts_of(session, fund_id)
    available = funds.state_of(accounts).available
    if amount > available:
        raise FundShort(available)
    step = ledger.hold(
        "claim approved",
        accounts[Book.FUND, AccountRole.AVAILABLE].id,
        accounts[Book.FUND, AccountRole.PAID].id,
        amount,
        claim_id,
    )
    await ledger.apply(session, [step])
    return step.id


def _person(actor: Actor) -> UUID:
    """Claims are decided by people; a program has no name to answer with."""
    if actor.user_id is None:
        raise Forbidden
    return actor.user_id
