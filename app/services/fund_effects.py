"""What a change of a compensation fund does, and a decision that returns called quota."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, DomainError, FieldRefused, Unprocessable
from app.core.messages import either_of, say
from app.core.money import ZERO, Money
from app.lifecycle.funds import ClaimKind
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.lifecycle.programme import LIVE_CHANGES, ChangeKind, ChangeStatus
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.funds import Fund, FundSuspension
from app.models.ledger import LedgerAccount, LedgerTransfer
from app.models.loans import Loan
from app.models.organisations import Organisation, Park
from app.models.programme import ProgrammeChange
from app.risk.scheme_files import find_scheme
from app.schemas.funds import (
    CalledReturnFacts,
    FundCapitalFacts,
    FundFacts,
    FundLeverageFacts,
    FundResumptionFacts,
)
from app.schemas.programme import FundChange
from app.services import filings, funds, liability, losses, outbox, rules
from app.services.ledger import AccountRole, Book
from app.services.names import NAMES
from app.services.tasks import Task, enqueue

CALLED_RETURN = "called_return"
CAPITAL_REFERENCE = "uq_programme_changes_capital_reference"


class Basis(StrEnum):
    """Up to what called quota may return: all that was called, or what of it was recovered."""

    CALLED = "called"
    RECOVERED = "recovered"


class FundExists(Conflict):
    message = "A fund of this name is there already."


@dataclass(eq=False)
class UnknownFund(Unprocessable):
    message = "There is no fund {fund_id}."

    fund_id: UUID


@dataclass(eq=False)
class CapitalReferenceUsed(Conflict):
    """One payment is one change of its fund, whoever proposes it again."""

    message = "Another change pays {reference} into this fund; the same payment counts once."

    reference: str


class NotSuspended(Conflict):
    message = "There is no such suspension, or it has ended."


@dataclass(eq=False)
class ReturnAboveCalled(Conflict):
    """Called quota returns once, and never more of it than the dated rule lets."""

    message = "{asked} cannot return; of what was called on the loan {open} can."

    asked: Money
    open: Money


def refusals(facts: object) -> dict[str, DomainError]:
    """What a constraint that the proposed change breaks stands for, by the constraint's name."""
    if isinstance(facts, FundCapitalFacts):
        return {CAPITAL_REFERENCE: CapitalReferenceUsed(facts.reference)}
    return {}


async def test(session: AsyncSession, facts: FundChange, change: ProgrammeChange) -> None:
    """Raise what stands against the change as things are now."""
    on = change.effective_on
    match facts:
        case FundFacts():
            await _test_fund(session, facts, on=on)
        case FundCapitalFacts():
            await _must_be_there(session, facts.fund_id)
            await _test_capital(session, facts, change)
        case FundLeverageFacts():
            await _must_be_there(session, facts.fund_id)
        case FundResumptionFacts():
            blown = await session.get(FundSuspension, facts.suspension_id, populate_existing=True)
            if blown is None or blown.ended_at is not None:
                raise NotSuspended
        case CalledReturnFacts():
            await _lock_called(session, facts, on=on)


async def apply(
    session: AsyncSession, facts: FundChange, change: ProgrammeChange, *, now: datetime
) -> None:
    """Do what was tested; every posting names the change."""
    match facts:
        case FundFacts():
            fields = facts.model_dump(exclude={"kind"})
            await funds.open_fund(session, Fund(**fields, opened_on=change.effective_on))
        case FundCapitalFacts():
            await funds.lock_fund(session, facts.fund_id)
            await funds.pay_in(session, facts.fund_id, amount=facts.amount, reference=change.id)
        case FundLeverageFacts():
            fund = await funds.lock_fund(session, facts.fund_id)
            fund.leverage_warn, fund.leverage_max = facts.leverage_warn, facts.leverage_max
        case FundResumptionFacts():
            await _resume(session, facts, change, now=now)
        case CalledReturnFacts():
            deal = await _lock_called(session, facts, on=change.effective_on)
            await liability.return_called(session, deal, amount=facts.amount, decision_id=change.id)
            await enqueue(session, Task.PROMOTE_QUEUE)
    await session.flush()


async def _must_be_there(session: AsyncSession, fund_id: UUID) -> None:
    if await session.get(Fund, fund_id) is None:
        raise UnknownFund(fund_id)


async def _test_capital(
    session: AsyncSession, facts: FundCapitalFacts, change: ProgrammeChange
) -> None:
    other = await session.scalar(
        select(ProgrammeChange.id).where(
            ProgrammeChange.kind == ChangeKind.FUND_CAPITAL,
            ProgrammeChange.status.in_(LIVE_CHANGES),
            ProgrammeChange.facts["fund_id"].as_string() == str(facts.fund_id),
            ProgrammeChange.facts["reference"].as_string() == facts.reference,
            ProgrammeChange.id != change.id,
        )
    )
    if other is not None:
        raise CapitalReferenceUsed(facts.reference)


async def _test_fund(session: AsyncSession, facts: FundFacts, *, on: date) -> None:
    scheme = find_scheme(facts.scheme)
    if scheme.invented:
        raise FieldRefused("scheme", say("is invented for teaching; no fund is run by it"))
    if scheme.version_on(on) is None:
        raise filings.SchemeNotInForce(scheme.id, on)
    if await session.scalar(select(Fund.id).where(Fund.name == facts.name)) is not None:
        raise FundExists
    owners = (OrganisationKind.PARK, OrganisationKind.AUTHORITY)
    for name, id_, kinds in (
        ("owner_id", facts.owner_id, owners),
        ("manager_id", facts.manager_id, (OrganisationKind.AGENCY,)),
    ):
        organisation = await session.get(Organisation, id_)
        if organisation is None or organisation.kind not in kinds:
            raise FieldRefused(name, say("is no {kinds}", kinds=either_of(NAMES[k] for k in kinds)))
        if organisation.status is not OrganisationStatus.VERIFIED:
            raise FieldRefused(name, say("is not verified"))
    if facts.park_code is not None and await session.get(Park, facts.park_code) is None:
        raise FieldRefused("park_code", say("is no park"))


async def _resume(
    session: AsyncSession, facts: FundResumptionFacts, change: ProgrammeChange, *, now: datetime
) -> None:
    blown = await session.get_one(
        FundSuspension, facts.suspension_id, with_for_update=True, populate_existing=True
    )
    if blown.ended_at is not None:
        raise NotSuspended
    blown.ended_at, blown.change_id = now, change.id
    fund = await session.get_one(Fund, blown.fund_id)
    told = [fund.manager_id, fund.owner_id] + ([blown.bank_id] if blown.bank_id else [])
    outbox.announce_to(session, dict.fromkeys(told), "fund.resumed", blown.id, now=now)


async def _lock_called(session: AsyncSession, facts: CalledReturnFacts, *, on: date) -> Deal:
    """The deal, locked, if so much of its called liability may return under the dated rule."""
    loan = await session.get(Loan, facts.loan_id)
    if loan is None:
        raise FieldRefused("loan_id", say("is no loan"))
    deal = await session.get_one(Deal, loan.deal_id, with_for_update=True, populate_existing=True)
    rule = await rules.get(session, CALLED_RETURN, on=on)
    ceiling = await _called(session, loan)
    if Basis(rule["basis"]) is Basis.RECOVERED:
        ceiling = min(ceiling, await _recovered(session, loan, deal))
    open_ = ceiling - await _returned(session, loan)
    if facts.amount > open_:
        raise ReturnAboveCalled(facts.amount, open_)
    return deal


async def _called(session: AsyncSession, loan: Loan) -> Money:
    """The liability that calls on the loan moved, as the guarantor's account says."""
    total = await session.scalar(
        select(func.sum(LedgerTransfer.amount))
        .join(Claim, Claim.id == LedgerTransfer.reference)
        .join(LedgerAccount, LedgerAccount.id == LedgerTransfer.credit_account_id)
        .where(
            Claim.loan_id == loan.id,
            LedgerAccount.book == Book.GUARANTOR,
            LedgerAccount.role == AccountRole.CALLED,
        )
    )
    return Money(int(total or 0))


async def _recovered(session: AsyncSession, loan: Loan, deal: Deal) -> Money:
    """What recoveries brought of what calls paid out, to the guarantor or a fund behind it."""
    back = await losses.returned(session, loan.id)
    behind: UUID | None = await session.scalar(
        select(Claim.id)
        .where(Claim.loan_id == loan.id, Claim.kind == ClaimKind.FUND)
        .where(Claim.claimant_id == deal.guarantor_id)
        .limit(1)
    )
    parties = [ClaimKind.GUARANTEE, *([ClaimKind.FUND] if behind is not None else [])]
    return Money.sum([back.get(party, ZERO) for party in parties])


async def _returned(session: AsyncSession, loan: Loan) -> Money:
    """What earlier decisions on the loan have returned."""
    decided = await session.scalars(
        select(ProgrammeChange.facts["amount"].as_string()).where(
            ProgrammeChange.kind == ChangeKind.CALLED_RETURN,
            ProgrammeChange.status == ChangeStatus.IN_FORCE,
            ProgrammeChange.facts["loan_id"].as_string() == str(loan.id),
        )
    )
    return Money.sum([Money.yuan(amount) for amount in decided])
