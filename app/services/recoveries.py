"""Money that comes in on a lost loan after a claim was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound, Unprocessable
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lifecycle.deals import DEAL, LOAN, DealEvent, LoanEvent, LoanStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim, Recovery, RecoveryShare
from app.models.deals import Deal
from app.models.loans import Loan
from app.risk.recovery import RecoveryAboveDebt, split_recovery
from app.risk.scheme import RecoveryStep
from app.schemas.claims import RecoveryIn
from app.services import (
    disposals,
    exposures,
    filings,
    funds,
    history,
    ledger,
    liability,
    loans,
    losses,
    outbox,
    room,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import parties_of
from app.services.ledger import AccountRole, Book
from app.services.tasks import Task, enqueue

_ORDER = (RecoveryStep.COSTS, RecoveryStep.BORNE, RecoveryStep.INTEREST)


class NothingPaidYet(Conflict):
    message = "No claim on the loan has been paid; what comes in is a repayment."


@dataclass(eq=False)
class RecoveryAboveLoss(Unprocessable):
    message = "{amount} came in; costs, principal and interest still open are {owed}."

    amount: Money
    owed: Money


@dataclass(eq=False)
class RecoveryReused(Unprocessable):
    message = "The receipt {reference} was recorded with another content."

    reference: str


@dataclass(frozen=True, slots=True)
class RecoveryDetail:
    recovery: Recovery
    shares: Sequence[RecoveryShare]


async def record(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: RecoveryIn, now: datetime
) -> RecoveryDetail:
    """Split what came in: costs, then principal by what each bore, then interest.

    The recorder has its own part; every other bearer says when it has its. Once all principal is
    back the loan is repaid, and its pledge may be discharged. The same receipt changes nothing.
    """
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    await loans.must_be_visible(session, actor=actor, loan_id=loan_id)
    await bind(session, SYSTEM)  # others' parts, and the end of the loan, are not the recorder's
    deal, loan = await loans.lock_unseen(session, loan_id=loan_id)
    stored = await _find_stored(session, loan, data)
    if stored is not None:
        return stored
    bearers = await losses.bearers_of(session, deal, loan)
    if len(bearers) == 1:
        raise NothingPaidYet
    if not loan.first_day <= data.received_on <= business_date(now):
        raise FieldRefused(
            "received_on", say("must be from {earliest} to today", earliest=loan.first_day)
        )
    if data.costs > data.amount:
        raise FieldRefused("costs", say("must not be more than the amount"))
    if data.disposal_id is not None:
        await disposals.must_bring(session, deal, data.disposal_id, amount=data.amount)
    interest = await losses.interest_open(session, loan, now=now)
    paid = await losses.count_paid(session, loan)
    back = await losses.returned(session, loan.id)
    before = await losses.returned(session, loan.id, before=paid)
    try:
        parts = split_recovery(
            await _order(session, deal, now=now),
            data.amount,
            costs=data.costs,
            borne={
                party: bearer.borne - before.get(party, ZERO) for party, bearer in bearers.items()
            },
            returned={party: back[party] - before.get(party, ZERO) for party in back},
            interest=interest,
        )
    except RecoveryAboveDebt as above:
        raise RecoveryAboveLoss(above.amount, above.owed) from above
    recovery = Recovery(
        id=new_id(),
        loan_id=loan.id,
        disposal_id=data.disposal_id,
        reference=data.reference,
        received_on=data.received_on,
        amount=data.amount,
        costs=parts.costs,
        principal=Money.sum(list(parts.parties.values())),
        interest=parts.interest,
        claims_paid=paid,
        recorded_by=actor.organisation_id,
        recorded_at=now,
    )
    session.add(recovery)
    await session.flush()
    shares = [
        RecoveryShare(
            recovery_id=recovery.id,
            party=party,
            organisation_id=bearers[party].organisation_id,
            fund_id=bearers[party].fund_id,
            amount=part,
            received_at=now if bearers[party].organisation_id == actor.organisation_id else None,
        )
        for party, part in parts.parties.items()
        if part
    ]
    session.add_all(shares)
    await session.flush()
    for share in shares:
        if share.received_at is not None and share.fund_id is not None:
            await _return_to_fund(session, share)
    history.note(session, "recovery", recovery.id, "record", actor=actor, now=now)
    outbox.announce_to(
        session,
        dict.fromkeys([deal.bank_id, *(share.organisation_id for share in shares)]),
        "loan.recovery",
        recovery.id,
        now=now,
    )
    await _free(session, deal, loan, recovery)
    await _end_if_recovered(session, deal, loan, bearers, actor=actor, now=now)
    await exposures.refresh(session, loan, now=now)
    await session.flush()
    return RecoveryDetail(recovery, shares)


async def receive(
    session: AsyncSession, *, actor: Actor, recovery_id: UUID, now: datetime
) -> RecoveryDetail:
    """A bearer has its part; a fund's money is back in the fund. Again it changes nothing."""
    await get_recovery(session, actor=actor, recovery_id=recovery_id)
    own = await session.scalars(
        select(RecoveryShare)
        .where(
            RecoveryShare.recovery_id == recovery_id,
            RecoveryShare.organisation_id == actor.organisation_id,
        )
        .order_by(RecoveryShare.party)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    shares = own.all()
    if not shares:
        raise NotFound
    for share in shares:
        if share.received_at is None:
            share.received_at = now
            await session.flush()
            if share.fund_id is not None:
                await _return_to_fund(session, share)
            history.note(session, "recovery", recovery_id, "receive", actor=actor, now=now)
    await session.flush()
    return await get_recovery(session, actor=actor, recovery_id=recovery_id)


async def get_recovery(session: AsyncSession, *, actor: Actor, recovery_id: UUID) -> RecoveryDetail:
    """One recovery with the parts the actor may see; a party of the loan sees all."""
    recovery = await session.get(Recovery, recovery_id)
    if recovery is None or not await _may_see(session, actor, recovery.loan_id):
        raise NotFound
    shares = await session.scalars(
        select(RecoveryShare)
        .where(RecoveryShare.recovery_id == recovery_id)
        .order_by(RecoveryShare.party)
        .execution_options(populate_existing=True)
    )
    return RecoveryDetail(recovery, shares.all())


async def list_recoveries(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, after: UUID | None = None, limit: int
) -> list[RecoveryDetail]:
    """What came in on a loan after a claim was paid, newest first."""
    if not await _may_see(session, actor, loan_id):
        raise NotFound
    recoveries = (
        select(Recovery)
        .where(Recovery.loan_id == loan_id)
        .order_by(Recovery.id.desc())
        .limit(limit)
    )
    if after is not None:
        recoveries = recoveries.where(Recovery.id < after)
    rows = (await session.scalars(recoveries)).all()
    shares: dict[UUID, list[RecoveryShare]] = {row.id: [] for row in rows}
    for share in await session.scalars(
        select(RecoveryShare)
        .where(RecoveryShare.recovery_id.in_(shares))
        .order_by(RecoveryShare.party)
    ):
        shares[share.recovery_id].append(share)
    return [RecoveryDetail(row, shares[row.id]) for row in rows]


async def _may_see(session: AsyncSession, actor: Actor, loan_id: UUID) -> bool:
    seen = await session.scalar(
        loans.visible_loans(actor).where(Loan.id == loan_id).with_only_columns(Loan.id)
    )
    if seen is not None:
        return True
    paid = select(Claim.id).where(Claim.loan_id == loan_id, Claim.payer_id == actor.organisation_id)
    return await session.scalar(paid.limit(1)) is not None


async def _find_stored(
    session: AsyncSession, loan: Loan, data: RecoveryIn
) -> RecoveryDetail | None:
    stored: Recovery | None = await session.scalar(
        select(Recovery).where(Recovery.loan_id == loan.id, Recovery.reference == data.reference)
    )
    if stored is None:
        return None
    was = (stored.amount, stored.costs, stored.received_on, stored.disposal_id)
    if was != (data.amount, data.costs, data.received_on, data.disposal_id):
        raise RecoveryReused(data.reference)
    return await get_recovery(session, actor=SYSTEM, recovery_id=stored.id)


async def _order(session: AsyncSession, deal: Deal, *, now: datetime) -> Sequence[RecoveryStep]:
    """The order of the scheme that stood behind the loan, or the usual one."""
    filing = await filings.find_live(session, deal.id)
    if filing is None:
        return _ORDER
    return filings.version_of(filing, on=business_date(now)).recovery


async def _return_to_fund(session: AsyncSession, share: RecoveryShare) -> None:
    assert share.fund_id is not None
    await funds.lock_fund(session, share.fund_id)
    accounts = await funds.accounts_of(session, share.fund_id)
    step = ledger.transfer(
        "recovery",
        accounts[Book.FUND, AccountRole.PAID].id,
        accounts[Book.FUND, AccountRole.AVAILABLE].id,
        share.amount,
        share.recovery_id,
    )
    await ledger.apply(session, [step])


async def _free(session: AsyncSession, deal: Deal, loan: Loan, recovery: Recovery) -> None:
    """What came back of principal that no call has settled is repaid, and frees its liability."""
    drop = await losses.liability_over(session, loan)
    if drop:
        await liability.free(session, deal, amount=drop, reference=recovery.id)
        loan.liability -= drop
        await enqueue(session, Task.PROMOTE_QUEUE)


async def _end_if_recovered(
    session: AsyncSession,
    deal: Deal,
    loan: Loan,
    bearers: dict[str, losses.Bearer],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """All principal is back: loan and deal are repaid."""
    back = await losses.returned(session, loan.id)
    if any(bearer.borne > back.get(party, ZERO) for party, bearer in bearers.items()):
        return
    loan.outstanding = ZERO
    if await room.give_back(session, deal, expired=False, code="recovered"):
        await enqueue(session, Task.PROMOTE_QUEUE)
    await losses.close_claims(session, loan, actor=actor, now=now)
    if loan.status is LoanStatus.DEFAULTED:
        history.move(session, loan, LOAN, LoanEvent.REPAY, actor=actor, now=now)
        history.move(session, deal, DEAL, DealEvent.REPAY, actor=actor, now=now)
        outbox.announce_to(session, parties_of(deal), "loan.recovered", loan.id, now=now)
