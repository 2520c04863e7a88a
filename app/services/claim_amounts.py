"""What a claim comes to, and what stands against it: by contract, or by the fund's scheme."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.decimals import plain
from app.core.errors import Conflict, FieldRefused, Unprocessable
from app.core.messages import Language, Text, say, told
from app.core.money import ZERO, Money
from app.lifecycle.funds import CLAIMS_SETTLED, ClaimKind, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.funds import Fund
from app.models.loans import Loan
from app.risk.scheme import ClaimModel, Stops
from app.risk.scheme_files import find_scheme
from app.risk.sharing import Loss, share_loss, share_of_claim
from app.schemas.claims import ClaimIn
from app.schemas.quotes import InsuranceTerms
from app.services import (
    claim_timing,
    filings,
    fuses,
    grades,
    readiness,
    schedules,
)
from app.services.actor import Actor, as_platform
from app.services.names import NAMES


@dataclass(eq=False)
class LossAboveOutstanding(Unprocessable):
    """More is claimed as lost than is owed and not claimed before."""

    message = "{principal} is claimed as lost; {open} of the principal is open to such a claim."

    principal: Money
    open: Money


@dataclass(eq=False)
class NoSuchPayer(Conflict):
    message = "The loan has no {kind} to claim on."

    kind: str


@dataclass(eq=False)
class NotYours(Conflict):
    """Claims are the bank's or the guarantor's, as the scheme says: alternatives, never both."""

    message = "By its scheme the {claimant} claims on the fund, not you."

    claimant: str


class NothingToClaim(Conflict):
    message = "By its terms the payer's part of this loss is nothing."


@dataclass(eq=False)
class CallFirst(Conflict):
    """Under the guarantor model the fund compensates what the guarantor has paid out."""

    message = "You have paid out for {called}; only that can be claimed on the fund."

    called: Money


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whom, and the working."""

    payer_id: UUID
    amount: Money
    due_on: date | None = None
    filing_id: UUID | None = None
    fund_id: UUID | None = None
    shares: list[Any] = field(default_factory=list)
    trace: list[Any] = field(default_factory=list)


async def work_out(
    session: AsyncSession, actor: Actor, deal: Deal, loan: Loan, data: ClaimIn, *, now: datetime
) -> Asked:
    """The amount of a claim on a defaulted loan, or the refusal that stands against it."""
    match data.kind:
        case ClaimKind.GUARANTEE:
            return await _on_guarantor(session, actor, deal, loan, data, now=now)
        case ClaimKind.INSURANCE:
            return await _on_insurer(session, actor, deal, loan, data, now=now)
        case ClaimKind.FUND:
            return await _on_fund(session, actor, deal, loan, data, now=now)


async def _on_guarantor(
    session: AsyncSession, actor: Actor, deal: Deal, loan: Loan, data: ClaimIn, *, now: datetime
) -> Asked:
    """The liability for the principal that the call settles; no IP share ever cuts it."""
    actor.must_be(OrganisationKind.BANK)
    if deal.guarantor_id is None:
        raise NoSuchPayer(NAMES[OrganisationKind.GUARANTOR])
    unsettled = loan.outstanding - loan.settled_by_calls
    _must_be_open(data.principal, unsettled)
    rest = schedules.share_of(unsettled - data.principal, loan.guarantee_share_pct)
    amount = loan.liability - min(loan.liability, rest)
    if not amount:
        raise NothingToClaim
    trace = _step(
        "guarantee",
        say("the guarantee covers {pct} %", pct=plain(loan.guarantee_share_pct)),
        data.principal,
        amount,
    )
    return Asked(
        deal.guarantor_id,
        amount,
        due_on=await claim_timing.answer_due(session, now=now),
        trace=[trace],
    )


async def _on_insurer(
    session: AsyncSession, actor: Actor, deal: Deal, loan: Loan, data: ClaimIn, *, now: datetime
) -> Asked:
    """The insured share, after the waiting period, less the deductible, at most the insured sum."""
    actor.must_be(OrganisationKind.BANK)
    if deal.insurer_id is None:
        raise NoSuchPayer(NAMES[OrganisationKind.INSURER])
    settled, paid = await _settled(session, loan, ClaimKind.INSURANCE)
    _must_be_open(data.principal, loan.outstanding - settled)
    terms = InsuranceTerms.model_validate(deal.insurance_terms)
    stands = await grades.standing(session, loan, on=data.lost_on)
    if stands.days_past_due < terms.waiting_period_days:
        raise FieldRefused(
            "lost_on",
            say("the waiting period of {days} days is not over", days=terms.waiting_period_days),
        )
    share = schedules.share_of(data.principal, terms.share_pct)
    trace = [
        _step(
            "insurance",
            say("the insurance covers {pct} %", pct=plain(terms.share_pct)),
            data.principal,
            share,
        )
    ]
    amount = share
    if not settled and terms.deductible:
        amount = max(ZERO, share - terms.deductible)
        trace.append(_step("deductible", say("less the deductible"), share, amount))
    if terms.insured_sum is not None:
        before, amount = amount, min(amount, max(ZERO, terms.insured_sum - paid))
        trace.append(_step("insured-sum", say("at most the insured sum"), before, amount))
    if terms.stop_loss is not None:
        year = await _paid_in_year(session, deal, on=data.lost_on)
        before, amount = amount, min(amount, max(ZERO, terms.stop_loss - year))
        trace.append(_step("stop-loss", say("at most the stop-loss of the year"), before, amount))
    if not amount:
        raise NothingToClaim
    return Asked(
        deal.insurer_id, amount, due_on=await claim_timing.answer_due(session, now=now), trace=trace
    )


async def _on_fund(
    session: AsyncSession, actor: Actor, deal: Deal, loan: Loan, data: ClaimIn, *, now: datetime
) -> Asked:
    """The fund's share of the loss by its scheme, at most what nobody else has paid of it."""
    filing = await filings.find_live(session, deal.id)
    if filing is None:
        raise NoSuchPayer(NAMES[ClaimKind.FUND])
    scheme = find_scheme(filing.scheme)
    version = filings.version_of(filing, on=data.lost_on)
    if filing.claimant_id != actor.organisation_id:
        raise NotYours(NAMES[OrganisationKind(scheme.model)])
    await fuses.must_be_whole(
        session, filing.fund_id, bank_id=filing.bank_id, stops=Stops.COMPENSATION
    )
    _must_be_open(data.principal, loan.outstanding - filing.compensated)
    await claim_timing.must_be_ripe(session, loan, version, on=data.lost_on)
    await claim_timing.must_be_in_time(session, loan, version, now=now)
    called = await _called(session, loan)
    if scheme.model is ClaimModel.GUARANTOR and data.principal > called - filing.compensated:
        raise CallFirst(called - filing.compensated)
    await readiness.must_be_complete(session, filing, now=now)
    loss = Loss(
        principal=filing.compensated + data.principal,
        loan_amount=filing.loan_amount,
        ip_share_pct=filing.ip_share_pct,
        facts=filing.facts,
    )
    borne = await _borne(session, loan)
    shares = share_of_claim(scheme, version, loss, borne=borne)
    asked = Money.sum([shares[party] for party in filings.compensating(scheme)])
    ceiling = await _uncompensated(session, loan, data.principal, model=scheme.model)
    amount = min(asked, ceiling)
    working = [
        _step(step.rule, step.text, step.before, step.after)
        for step in share_loss(scheme, version, loss).trace
    ]
    if amount < asked:
        text = say("indemnities together never exceed the loss")
        working.append(_step("total-indemnity", text, asked, amount))
    if not amount:
        raise NothingToClaim
    async with as_platform(session):
        fund = await session.get_one(Fund, filing.fund_id)
    return Asked(
        fund.manager_id,
        amount,
        due_on=await claim_timing.answer_due(session, now=now),
        filing_id=filing.id,
        fund_id=fund.id,
        shares=[{"party": party, "amount": str(part)} for party, part in shares.items()],
        trace=working,
    )


def _must_be_open(principal: Money, open_: Money) -> None:
    if principal > open_:
        raise LossAboveOutstanding(principal, max(ZERO, open_))


async def _settled(session: AsyncSession, loan: Loan, kind: ClaimKind) -> tuple[Money, Money]:
    """Principal that paid claims of the kind named on the loan, and what they paid."""
    row = await session.execute(
        select(func.sum(Claim.principal), func.sum(Claim.approved)).where(
            Claim.loan_id == loan.id,
            Claim.kind == kind,
            Claim.status.in_((*CLAIMS_SETTLED, ClaimStatus.PAID)),
        )
    )
    principal, paid = row.one()
    return principal or ZERO, paid or ZERO


async def _paid_in_year(session: AsyncSession, deal: Deal, *, on: date) -> Money:
    """What the insurer paid, or has promised, in the year on all loans of the bank."""
    total: Money | None = await session.scalar(
        select(func.sum(func.coalesce(Claim.approved, Claim.amount))).where(
            Claim.kind == ClaimKind.INSURANCE,
            Claim.payer_id == deal.insurer_id,
            Claim.bank_id == deal.bank_id,
            Claim.status.not_in((ClaimStatus.REFUSED, ClaimStatus.WITHDRAWN)),
            func.extract("year", Claim.lost_on) == on.year,
        )
    )
    return total or ZERO


async def _called(session: AsyncSession, loan: Loan) -> Money:
    principal, _ = await _settled(session, loan, ClaimKind.GUARANTEE)
    return principal


async def _borne(session: AsyncSession, loan: Loan) -> dict[str, Money]:
    """What each party of the scheme bore of earlier fund claims on the loan."""
    rows = await session.scalars(
        select(Claim.shares).where(
            Claim.loan_id == loan.id,
            Claim.kind == ClaimKind.FUND,
            Claim.status.in_((*CLAIMS_SETTLED, ClaimStatus.PAID)),
        )
    )
    borne: dict[str, Money] = {}
    for shares in rows:
        for share in shares:
            part = Money.yuan(share["amount"])
            borne[share["party"]] = borne.get(share["party"], ZERO) + part
    return borne


async def _uncompensated(
    session: AsyncSession, loan: Loan, principal: Money, *, model: ClaimModel
) -> Money:
    """What of the loss is still with the claimant: total indemnity never exceeds the loss."""
    async with as_platform(session):
        _, guaranteed = await _settled(session, loan, ClaimKind.GUARANTEE)
        _, insured = await _settled(session, loan, ClaimKind.INSURANCE)
        lost, compensated = await _settled(session, loan, ClaimKind.FUND)
    if model is ClaimModel.GUARANTOR:
        return max(ZERO, guaranteed - compensated)
    return max(ZERO, lost + principal - guaranteed - insured - compensated)


def _step(rule: str, text: Text, before: Money, after: Money) -> dict[str, str]:
    """One line of the working, stored in both languages."""
    return {
        "rule": rule,
        "text": told(text, Language.ENGLISH),
        "text_zh": told(text, Language.CHINESE),
        "before": str(before),
        "after": str(after),
    }
