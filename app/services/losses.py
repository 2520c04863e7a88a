"""Who bore what of a lost loan, what of it came back, and the end of its claims."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lifecycle.funds import CLAIM, CLAIMS_SETTLED, ClaimEvent, ClaimKind, ClaimStatus
from app.models.claims import Claim, Recovery, RecoveryShare
from app.models.deals import Deal
from app.models.loans import Loan
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
            .where(Claim.loan_id == loan.id, Claim.status.in_(CLAIMS_SETTLED))
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


async def returned(session: AsyncSession, loan_id: UUID) -> dict[str, Money]:
    rows = await session.execute(
        select(RecoveryShare.party, func.sum(RecoveryShare.amount))
        .join(Recovery, Recovery.id == RecoveryShare.recovery_id)
        .where(Recovery.loan_id == loan_id)
        .group_by(RecoveryShare.party)
    )
    return {party: total or ZERO for party, total in rows}


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
