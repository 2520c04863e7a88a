"""Who bore what of a lost loan, what of it came back, and the end of its claims."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lifecycle.funds import CLAIM, CLAIMS_PAID, ClaimEvent, ClaimKind, ClaimStatus
from app.models.claims import Claim, Recovery, RecoveryShare
from app.models.deals import Deal
from app.models.loans import Loan
from app.risk.recovery import Lost
from app.services import history, schedules
from app.services.actor import Actor, as_platform

BANK = "bank"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bore a part of the lost principal; of a fund, its manager receives."""

    organisation_id: UUID
    borne: Money
    fund_id: UUID | None = None


async def bearers_of(session: AsyncSession, deal: Deal, loan: Loan) -> dict[str, Bearer]:
    """What each bore of the principal that is owed: paid claims, and the bank the rest.

    What a fund paid to a guarantor is out of the guarantor's part.
    """
    paid = {
        (kind, claimant): (total or ZERO, payer, fund)
        for kind, claimant, payer, fund, total in await session.execute(
            select(
                Claim.kind,
                Claim.claimant_id,
                Claim.payer_id,
                Claim.fund_id,
                func.sum(Claim.approved),
            )
            .where(Claim.loan_id == loan.id, Claim.status.in_(CLAIMS_PAID))
            .group_by(Claim.kind, Claim.claimant_id, Claim.payer_id, Claim.fund_id)
        )
    }
    bearers: dict[str, Bearer] = {}
    rest = loan.outstanding
    for (kind, claimant), (amount, payer, fund) in sorted(paid.items()):
        bearers[kind.value] = Bearer(payer, amount, fund)
        if claimant == deal.bank_id:
            rest -= amount
    fund_part = bearers.get(ClaimKind.FUND)
    guarantee = bearers.get(ClaimKind.GUARANTEE)
    if fund_part is not None and guarantee is not None:
        of_guarantor = paid.get((ClaimKind.FUND, guarantee.organisation_id))
        if of_guarantor is not None:
            bearers[ClaimKind.GUARANTEE.value] = Bearer(
                guarantee.organisation_id, guarantee.borne - of_guarantor[0]
            )
    return {BANK: Bearer(deal.bank_id, rest)} | bearers


async def returned(
    session: AsyncSession, loan_id: UUID, *, before: int | None = None
) -> dict[str, Money]:
    """What recoveries gave each bearer back; those before the ``before``-th paid claim, if told."""
    shares = (
        select(RecoveryShare.party, func.sum(RecoveryShare.amount))
        .join(Recovery, Recovery.id == RecoveryShare.recovery_id)
        .where(Recovery.loan_id == loan_id)
        .group_by(RecoveryShare.party)
    )
    if before is not None:
        shares = shares.where(Recovery.claims_paid < before)
    return {party: total or ZERO for party, total in await session.execute(shares)}


async def count_paid(session: AsyncSession, loan: Loan) -> int:
    """How many claims on the loan were paid: each of them changes who bears what is still lost."""
    paid = select(func.count()).where(Claim.loan_id == loan.id, Claim.status.in_(CLAIMS_PAID))
    return await session.scalar(paid) or 0


async def lost(session: AsyncSession, loan: Loan) -> Lost:
    """The outstanding principal of a lost loan, and what recoveries brought of it."""
    recovered: Money | None = await session.scalar(
        select(func.sum(Recovery.principal)).where(Recovery.loan_id == loan.id)
    )
    return Lost(loan.outstanding, min(loan.outstanding, recovered or ZERO))


async def liability_over(session: AsyncSession, loan: Loan) -> Money:
    """What of the loan's liability no principal stands for any more.

    liability = round((principal - principal settled by calls) x share); of principal that no call
    has settled, what recoveries brought is repaid. What the guarantor has paid and the bank has yet
    to confirm will be called, and stays as it is until then.
    """
    paid, settled = await _unconfirmed_call(session, loan)
    unsettled = max(ZERO, loan.outstanding - loan.settled_by_calls - settled)
    still = (await lost(session, loan)).still(unsettled)
    kept = paid + schedules.share_of(still, loan.guarantee_share_pct)
    return loan.liability - min(loan.liability, kept)


async def guarantee_owed(session: AsyncSession, loan: Loan) -> Money:
    """What the guarantor owes by contract and has not paid yet."""
    paid, _ = await _unconfirmed_call(session, loan)
    return loan.liability - min(loan.liability, paid)


async def _unconfirmed_call(session: AsyncSession, loan: Loan) -> tuple[Money, Money]:
    """What the guarantor paid on a call that is not confirmed yet, and the principal it settles.

    One call is in flight per loan, at most.
    """
    found = await session.execute(
        select(Claim.approved, Claim.settles).where(
            Claim.loan_id == loan.id,
            Claim.kind == ClaimKind.GUARANTEE,
            Claim.status == ClaimStatus.PAID,
        )
    )
    row = found.one_or_none()
    if row is None:
        return ZERO, ZERO
    assert row.approved is not None
    return row.approved, row.settles


async def interest_open(session: AsyncSession, loan: Loan, *, now: datetime) -> Money:
    """Interest and penalty interest due, less what recoveries have brought of them."""
    lines = await schedules.list_lines(session, loan)
    due = schedules.statement_on(loan, lines, on=business_date(now)).payoff - loan.outstanding
    brought: Money | None = await session.scalar(
        select(func.sum(Recovery.interest)).where(Recovery.loan_id == loan.id)
    )
    return max(ZERO, due - (brought or ZERO))


async def close_claims(session: AsyncSession, loan: Loan, *, actor: Actor, now: datetime) -> None:
    async with as_platform(session):
        confirmed = await session.scalars(
            select(Claim)
            .where(Claim.loan_id == loan.id, Claim.status == ClaimStatus.CONFIRMED)
            .order_by(Claim.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        for claim in confirmed.all():
            history.move(session, claim, CLAIM, ClaimEvent.CLOSE, actor=actor, now=now)
        await session.flush()
