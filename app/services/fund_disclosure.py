"""What those outside a fund are told of it: no figure that too few firms, or one above all, make.

Its manager and the authority are told all. For others its loans go together, all or none, and so
does what claims moved: else a difference would tell the one that is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.lifecycle.funds import LIVE_FILINGS, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim, Recovery, RecoveryShare
from app.models.funds import Fund, FundFiling
from app.models.loans import Loan
from app.schemas.funds import FundOut
from app.services import disclosure, funds
from app.services.actor import Actor, as_platform

INSIDE = (OrganisationKind.AGENCY, OrganisationKind.AUTHORITY)

_OF_LOANS = (
    "base_reserved", "base_outstanding", "exposure_reserved", "exposure_outstanding",
)  # fmt: skip
_OF_MONEY = ("balance", "committed", "paid")
_OF_BOTH = ("leverage", "room")


@dataclass(slots=True)
class Moved:
    """By firm, in fen: what claims on a fund were paid, what came back, what is approved."""

    paid: Counter[UUID] = field(default_factory=Counter)
    returned: Counter[UUID] = field(default_factory=Counter)
    committed: Counter[UUID] = field(default_factory=Counter)

    @property
    def net(self) -> Money:
        return Money(self.paid.total() - self.returned.total())

    def may_tell(self, limits: Mapping[str, Any]) -> bool:
        return _may_tell(limits, self.paid, self.returned, self.committed)


async def tell(
    session: AsyncSession, *, actor: Actor, rows: Sequence[Fund], on: date
) -> list[FundOut]:
    """Funds with their counters, as far as the actor may be told them."""
    ids = [fund.id for fund in rows]
    states = await funds.states_of(session, ids)
    told = [funds.tell(fund, states[fund.id]) for fund in rows]
    if actor.kind in INSIDE:
        return told
    limits = await disclosure.limits_on(session, on=on)
    async with as_platform(session):
        loans = await _may_tell_loans(session, ids, limits)
        moved = await moved_of(session, ids)
    return [conceal(one, loans=loans[one.id], money=moved[one.id].may_tell(limits)) for one in told]


def conceal(told: FundOut, *, loans: bool, money: bool) -> FundOut:
    """Without the figures of loans, and of money, that may not be told."""
    hidden = [
        *(() if loans else _OF_LOANS),
        *(() if money else _OF_MONEY),
        *(() if loans and money else _OF_BOTH),
    ]
    return told.model_copy(update=dict.fromkeys(hidden))


async def _may_tell_loans(
    session: AsyncSession, fund_ids: Collection[UUID], limits: Mapping[str, Any]
) -> dict[UUID, bool]:
    """What is reserved and what is drawn each stand on enough firms; so do none at all."""
    rows = await session.execute(
        select(
            FundFiling.fund_id,
            FundFiling.firm_id,
            func.sum(FundFiling.reserved),
            func.sum(FundFiling.outstanding),
        )
        .where(FundFiling.fund_id.in_(fund_ids), FundFiling.status.in_(LIVE_FILINGS))
        .group_by(FundFiling.fund_id, FundFiling.firm_id)
    )
    found: dict[UUID, tuple[Counter[UUID], Counter[UUID]]] = {
        fund_id: (Counter(), Counter()) for fund_id in fund_ids
    }
    for fund_id, firm_id, *amounts in rows:
        for part, amount in zip(found[fund_id], amounts, strict=True):
            if amount:
                part[firm_id] = amount.fen
    return {fund_id: _may_tell(limits, *parts) for fund_id, parts in found.items()}


async def moved_of(
    session: AsyncSession, fund_ids: Collection[UUID], *, before: datetime | None = None
) -> Mapping[UUID, Moved]:
    """What claims moved in each fund before an instant, or until now with what is approved."""
    found: dict[UUID, Moved] = defaultdict(Moved)
    claims = await session.execute(
        select(Claim.fund_id, Claim.firm_id, Claim.approved, Claim.paid_at, Claim.status).where(
            Claim.fund_id.in_(fund_ids), Claim.approved.is_not(None)
        )
    )
    for claim in claims:
        if claim.paid_at is not None and (before is None or claim.paid_at < before):
            found[claim.fund_id].paid[claim.firm_id] += claim.approved.fen
        elif before is None and claim.status is ClaimStatus.APPROVED:
            found[claim.fund_id].committed[claim.firm_id] += claim.approved.fen
    returned = (
        select(RecoveryShare.fund_id, Loan.firm_id, func.sum(RecoveryShare.amount).label("amount"))
        .join(Recovery, Recovery.id == RecoveryShare.recovery_id)
        .join(Loan, Loan.id == Recovery.loan_id)
        .where(RecoveryShare.fund_id.in_(fund_ids), RecoveryShare.received_at.is_not(None))
        .group_by(RecoveryShare.fund_id, Loan.firm_id)
    )
    if before is not None:
        returned = returned.where(RecoveryShare.received_at < before)
    for row in await session.execute(returned):
        found[row.fund_id].returned[row.firm_id] += row.amount.fen
    return found


def _may_tell(limits: Mapping[str, Any], *parts: Counter[UUID]) -> bool:
    """Nothing at all is no secret of anybody."""
    return disclosure.may_tell(limits, *[part for part in parts if part])
