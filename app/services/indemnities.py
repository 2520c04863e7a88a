"""What a claim on a lost loan comes to: by contract, or by the fund's scheme, never above the loss.

What recoveries have brought of the principal is no longer lost, whoever is asked for it.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.decimals import plain
from app.core.messages import Language, Text, say, told
from app.core.money import ZERO, Money
from app.lifecycle.funds import CLAIMS_PAID, ClaimKind, ClaimStatus
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.funds import FundFiling
from app.models.loans import Loan
from app.risk.recovery import Lost
from app.risk.scheme import ClaimModel
from app.risk.scheme_files import find_scheme
from app.risk.sharing import Loss, share_loss, share_of_claim
from app.schemas.quotes import InsuranceTerms
from app.services import filings, losses, schedules
from app.services.actor import as_platform


@dataclass(frozen=True, slots=True)
class Part:
    """What is claimed: ``settles`` of the outstanding principal, recovered share included."""

    kind: ClaimKind
    claimant_id: UUID
    settles: Money
    lost_on: date
    filing: FundFiling | None = None
    claim_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Indemnity:
    """What the payer owes for it, how the loss is shared, and the working."""

    amount: Money
    shares: list[Any]
    trace: list[Any]


async def work_out(session: AsyncSession, deal: Deal, loan: Loan, part: Part) -> Indemnity:
    """As things are now, under the lock of the loan; ZERO if nothing is left to pay."""
    async with as_platform(session):  # shares of others, and what they were paid
        lost = await losses.lost(session, loan)
        open_ = await open_to(session, loan, part.kind)
        claimed = lost.still(open_) - lost.still(open_ - min(open_, part.settles))
        if not claimed:
            return Indemnity(ZERO, [], [])
        shares: list[Any] = []
        match part.kind:
            case ClaimKind.GUARANTEE:
                asked, trace = _by_guarantee(loan, lost, open_, part, claimed)
            case ClaimKind.INSURANCE:
                asked, trace = await _by_policy(
                    session, deal, loan, claimed, lost_on=part.lost_on, claim_id=part.claim_id
                )
            case ClaimKind.FUND:
                asked, shares, trace = await _by_scheme(session, loan, part, claimed)
        most = await _uncovered(session, deal, loan, lost, part)
    amount = min(asked, most)
    if amount < asked:
        text = say("what others paid or owe by contract, and recoveries, are not paid twice")
        trace.append(_step("total-indemnity", text, asked, amount))
    return Indemnity(amount, shares, trace)


async def of_claim(session: AsyncSession, deal: Deal, loan: Loan, claim: Claim) -> Indemnity:
    """What a stored claim comes to now; its own standing does not count against it."""
    async with as_platform(session):
        filing = (
            await session.get_one(FundFiling, claim.filing_id, populate_existing=True)
            if claim.filing_id is not None
            else None
        )
    part = Part(claim.kind, claim.claimant_id, claim.settles, claim.lost_on, filing, claim.id)
    return await work_out(session, deal, loan, part)


async def open_to(session: AsyncSession, loan: Loan, kind: ClaimKind) -> Money:
    """The outstanding principal that no paid claim of the kind has settled."""
    if kind is ClaimKind.GUARANTEE:
        return max(ZERO, loan.outstanding - loan.settled_by_calls)
    return max(ZERO, loan.outstanding - await settled(session, loan, kind))


async def settled(session: AsyncSession, loan: Loan, kind: ClaimKind) -> Money:
    """Principal that paid claims of the kind on the loan settled."""
    async with as_platform(session):
        total: Money | None = await session.scalar(
            select(func.sum(Claim.settles)).where(
                Claim.loan_id == loan.id, Claim.kind == kind, Claim.status.in_(CLAIMS_PAID)
            )
        )
    return total or ZERO


def _by_guarantee(
    loan: Loan, lost: Lost, open_: Money, part: Part, claimed: Money
) -> tuple[Money, list[Any]]:
    """The liability for the principal that the call settles; no IP share ever cuts it."""
    rest = lost.still(open_ - min(open_, part.settles))
    after = schedules.share_of(rest, loan.guarantee_share_pct)
    amount = loan.liability - min(loan.liability, after)
    text = say("the guarantee covers {pct} %", pct=plain(loan.guarantee_share_pct))
    return amount, [_step("guarantee", text, claimed, amount)]


async def _by_policy(
    session: AsyncSession,
    deal: Deal,
    loan: Loan,
    claimed: Money,
    *,
    lost_on: date,
    claim_id: UUID | None,
) -> tuple[Money, list[Any]]:
    """The insured share, less the deductible once, at most the insured sum and the stop-loss.

    The claim ``claim_id`` itself uses nothing of the stop-loss.
    """
    terms = InsuranceTerms.model_validate(deal.insurance_terms)
    share = schedules.share_of(claimed, terms.share_pct)
    text = say("the insurance covers {pct} %", pct=plain(terms.share_pct))
    trace = [_step("insurance", text, claimed, share)]
    amount = share
    paid = await _paid(session, loan, ClaimKind.INSURANCE)
    if paid is None and terms.deductible:
        amount = max(ZERO, share - terms.deductible)
        trace.append(_step("deductible", say("less the deductible"), share, amount))
    if terms.insured_sum is not None:
        before, amount = amount, min(amount, max(ZERO, terms.insured_sum - (paid or ZERO)))
        trace.append(_step("insured-sum", say("at most the insured sum"), before, amount))
    if terms.stop_loss is not None:
        year = await _paid_in_year(session, deal, year=lost_on.year, but=claim_id)
        before, amount = amount, min(amount, max(ZERO, terms.stop_loss - year))
        trace.append(_step("stop-loss", say("at most the stop-loss of the year"), before, amount))
    return amount, trace


async def _by_scheme(
    session: AsyncSession, loan: Loan, part: Part, claimed: Money
) -> tuple[Money, list[Any], list[Any]]:
    """The fund's share of the loss by its scheme, caps counted over all claims on the loan."""
    filing = part.filing
    assert filing is not None
    scheme, version = find_scheme(filing.scheme), filings.version_of(filing, on=part.lost_on)
    borne = await _borne(session, loan)
    loss = Loss(
        principal=Money.sum(list(borne.values())) + claimed,
        loan_amount=filing.loan_amount,
        ip_share_pct=filing.ip_share_pct,
        facts=filing.facts,
    )
    shares = share_of_claim(scheme, version, loss, borne=borne)
    return (
        Money.sum([shares[party] for party in filings.compensating(scheme)]),
        [{"party": party, "amount": str(share)} for party, share in shares.items()],
        [
            _step(step.rule, step.text, step.before, step.after)
            for step in share_loss(scheme, version, loss).trace
        ],
    )


async def _uncovered(
    session: AsyncSession, deal: Deal, loan: Loan, lost: Lost, part: Part
) -> Money:
    """What of the loss is still with the claimant, less what others have approved and not paid.

    A fund that a bank claims on comes last: of the principal named to it, the part that guarantor
    and insurer cover, paid or owed by contract, is not asked of it, whoever is claimed on first.
    """
    bearers = await losses.bearers_of(session, deal, loan)
    back = await losses.returned(session, loan.id)
    still = {party: bearer.borne - back.get(party, ZERO) for party, bearer in bearers.items()}
    promised: Money | None = await session.scalar(
        select(func.sum(Claim.approved)).where(
            Claim.loan_id == loan.id,
            Claim.claimant_id == part.claimant_id,
            Claim.status == ClaimStatus.APPROVED,
            Claim.id.is_distinct_from(part.claim_id),
        )
    )
    by_guarantor = part.claimant_id == deal.guarantor_id
    most = still.get(ClaimKind.GUARANTEE.value if by_guarantor else losses.BANK, ZERO)
    most -= promised or ZERO
    if part.filing is not None and find_scheme(part.filing.scheme).model is ClaimModel.BANK:
        named = min(loan.outstanding, await settled(session, loan, ClaimKind.FUND) + part.settles)
        by_contract = Money.sum(
            [
                still.get(ClaimKind.GUARANTEE.value, ZERO),
                await losses.guarantee_owed(session, loan),
                still.get(ClaimKind.INSURANCE.value, ZERO),
                await _insurance_owed(session, deal, loan, lost, lost_on=part.lost_on),
            ]
        )
        of_named = by_contract.times(Fraction(named.fen, loan.outstanding.fen))
        most = min(most, lost.still(named) - of_named - still.get(ClaimKind.FUND.value, ZERO))
    return max(ZERO, most)


async def _insurance_owed(
    session: AsyncSession, deal: Deal, loan: Loan, lost: Lost, *, lost_on: date
) -> Money:
    """What the policy still covers of the loss; nothing while a refusal of the insurer stands."""
    if deal.insurance_terms is None:
        return ZERO
    last = await session.scalar(
        select(Claim)
        .where(
            Claim.loan_id == loan.id,
            Claim.kind == ClaimKind.INSURANCE,
            Claim.status != ClaimStatus.WITHDRAWN,
        )
        .order_by(Claim.id.desc())
        .limit(1)
    )
    if last is not None and last.status is ClaimStatus.REFUSED:
        return ZERO
    open_ = lost.still(await open_to(session, loan, ClaimKind.INSURANCE))
    amount, _ = await _by_policy(
        session,
        deal,
        loan,
        open_,
        lost_on=lost_on if last is None else last.lost_on,
        claim_id=None if last is None or last.status in CLAIMS_PAID else last.id,
    )
    return amount


async def _paid(session: AsyncSession, loan: Loan, kind: ClaimKind) -> Money | None:
    total: Money | None = await session.scalar(
        select(func.sum(Claim.approved)).where(
            Claim.loan_id == loan.id, Claim.kind == kind, Claim.status.in_(CLAIMS_PAID)
        )
    )
    return total


async def _paid_in_year(session: AsyncSession, deal: Deal, *, year: int, but: UUID | None) -> Money:
    """What the insurer paid, or has promised, in the year on all loans of the bank."""
    total: Money | None = await session.scalar(
        select(func.sum(func.coalesce(Claim.approved, Claim.amount))).where(
            Claim.kind == ClaimKind.INSURANCE,
            Claim.payer_id == deal.insurer_id,
            Claim.bank_id == deal.bank_id,
            Claim.status.not_in((ClaimStatus.REFUSED, ClaimStatus.WITHDRAWN)),
            func.extract("year", Claim.lost_on) == year,
            Claim.id.is_distinct_from(but),
        )
    )
    return total or ZERO


async def _borne(session: AsyncSession, loan: Loan) -> dict[str, Money]:
    """What each party of the scheme bore of earlier fund claims on the loan."""
    rows = await session.scalars(
        select(Claim.shares).where(
            Claim.loan_id == loan.id,
            Claim.kind == ClaimKind.FUND,
            Claim.status.in_(CLAIMS_PAID),
        )
    )
    borne: dict[str, Money] = {}
    for shares in rows:
        for share in shares:
            part = Money.yuan(share["amount"])
            borne[share["party"]] = borne.get(share["party"], ZERO) + part
    return borne


def _step(rule: str, text: Text, before: Money, after: Money) -> dict[str, str]:
    """One line of the working, stored in both languages."""
    return {
        "rule": rule,
        "text": told(text, Language.ENGLISH),
        "text_zh": told(text, Language.CHINESE),
        "before": str(before),
        "after": str(after),
    }
