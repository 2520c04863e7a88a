"""Who is asked for a loss, how much, and what stands against the claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, FieldRefused, Unprocessable
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lifecycle.funds import ClaimKind
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal
from app.models.funds import Fund, FundFiling
from app.models.loans import Loan
from app.risk.recovery import Lost
from app.risk.scheme import ClaimModel, Stops
from app.risk.scheme_files import find_scheme
from app.schemas.claims import ClaimIn
from app.schemas.quotes import InsuranceTerms
from app.services import (
    claim_standing,
    claim_timing,
    filings,
    fuses,
    grades,
    indemnities,
    losses,
    readiness,
)
from app.services.actor import Actor, as_platform
from app.services.claim_refusals import no_such_payer
from app.services.indemnities import Indemnity, Part
from app.services.names import NAMES


@dataclass(eq=False)
class LossAboveOutstanding(Unprocessable):
    """More is claimed as lost than is owed and not claimed before."""

    message = "{principal} is claimed as lost; {open} of the principal is open to such a claim."

    principal: Money
    open: Money


@dataclass(eq=False)
class NotYours(Conflict):
    """Claims are the bank's or the guarantor's, as the scheme says: alternatives, never both."""

    message = "By its scheme the {claimant} claims on the fund, not you."

    claimant: OrganisationKind

    def words(self) -> Mapping[str, Any]:
        return {"claimant": NAMES[self.claimant]}


class NothingToClaim(Conflict):
    message = "By its terms the payer's part of this loss is nothing."


@dataclass(eq=False)
class CallFirst(Conflict):
    """Under the guarantor model the fund compensates what the guarantor has paid out."""

    message = "You have paid out for {called}; only that can be claimed on the fund."

    called: Money


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whom; ``settles`` of the outstanding principal is no longer open then."""

    payer_id: UUID
    due_on: date
    settles: Money
    indemnity: Indemnity
    filing_id: UUID | None
    fund_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Payer:
    """Who is asked, and the outstanding principal for which it can be."""

    organisation_id: UUID
    open: Money
    filing: FundFiling | None = None


async def work_out(
    session: AsyncSession, actor: Actor, deal: Deal, loan: Loan, data: ClaimIn, *, now: datetime
) -> Asked:
    """The amount of a claim on a defaulted loan, or the refusal that stands against it."""
    async with as_platform(session):
        lost = await losses.lost(session, loan)
        open_ = await indemnities.open_to(session, loan, data.kind)
    match data.kind:
        case ClaimKind.GUARANTEE:
            actor.must_be(OrganisationKind.BANK)
            if deal.guarantor_id is None:
                raise await no_such_payer(session, actor, deal, data.kind)
            _must_be_open(lost, data.principal, open_)
            payer = _Payer(deal.guarantor_id, open_)
        case ClaimKind.INSURANCE:
            actor.must_be(OrganisationKind.BANK)
            if deal.insurer_id is None:
                raise await no_such_payer(session, actor, deal, data.kind)
            _must_be_open(lost, data.principal, open_)
            await _must_have_waited(session, deal, loan, data)
            payer = _Payer(deal.insurer_id, open_)
        case ClaimKind.FUND:
            payer = await _ask_fund(
                session, actor, deal, loan, data, lost=lost, open_=open_, now=now
            )
    part = Part(
        data.kind,
        actor.organisation_id,
        lost.settles(data.principal, of=payer.open),
        data.lost_on,
        payer.filing,
    )
    indemnity = await indemnities.work_out(session, deal, loan, part)
    if not indemnity.amount:
        raise NothingToClaim
    return Asked(
        payer.organisation_id,
        await claim_timing.answer_due(session, now=now),
        part.settles,
        indemnity,
        payer.filing.id if payer.filing is not None else None,
        payer.filing.fund_id if payer.filing is not None else None,
    )


async def _must_have_waited(session: AsyncSession, deal: Deal, loan: Loan, data: ClaimIn) -> None:
    terms = InsuranceTerms.model_validate(deal.insurance_terms)
    stands = await grades.standing(session, loan, on=data.lost_on)
    if stands.days_past_due < terms.waiting_period_days:
        raise FieldRefused(
            "lost_on",
            say("the waiting period of {days} days is not over", days=terms.waiting_period_days),
        )


async def _ask_fund(
    session: AsyncSession,
    actor: Actor,
    deal: Deal,
    loan: Loan,
    data: ClaimIn,
    *,
    lost: Lost,
    open_: Money,
    now: datetime,
) -> _Payer:
    """The fund's manager, if its scheme and its fuses let the actor claim now."""
    filing = await filings.find_live(session, deal.id)
    if filing is None:
        raise await no_such_payer(session, actor, deal, data.kind)
    scheme = find_scheme(filing.scheme)
    version = filings.version_of(filing, on=data.lost_on)
    if filing.claimant_id != actor.organisation_id:
        raise NotYours(OrganisationKind(scheme.model))
    claim_standing.must_be_acknowledged(filing)
    await fuses.must_be_whole(
        session, filing.fund_id, bank_id=filing.bank_id, stops=Stops.COMPENSATION
    )
    _must_be_open(lost, data.principal, open_)
    await claim_timing.must_be_ripe(session, loan, version, on=data.lost_on)
    await claim_timing.must_be_in_time(session, loan, version, now=now)
    if scheme.model is ClaimModel.GUARANTOR:
        called = await indemnities.settled(session, loan, ClaimKind.GUARANTEE)
        open_ = max(ZERO, called - filing.compensated)
        if data.principal > lost.still(open_):
            raise CallFirst(lost.still(open_))
    await readiness.must_be_complete(session, filing, now=now)
    async with as_platform(session):
        fund = await session.get_one(Fund, filing.fund_id)
    return _Payer(fund.manager_id, open_, filing)


def _must_be_open(lost: Lost, claimed: Money, open_: Money) -> None:
    if claimed > lost.still(open_):
        raise LossAboveOutstanding(claimed, lost.still(open_))
