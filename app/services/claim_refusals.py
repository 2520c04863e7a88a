"""What stands against a claim, told with the next step that its reader can take."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, DomainError, Forbidden
from app.core.messages import Text, either_of, say
from app.lifecycle.deals import LOAN, LoanStatus
from app.lifecycle.funds import CLAIM, CLAIMS_IN_FLIGHT, ClaimKind, ClaimStatus
from app.lifecycle.words import state_of
from app.models.claims import Claim
from app.models.deals import Deal
from app.services import filings
from app.services.actor import Actor, as_platform
from app.services.constraints import refusing
from app.services.names import NAMES

IN_FLIGHT = "uq_claims_in_flight"

PAYER_NAMES: dict[ClaimKind, Text] = {
    ClaimKind.GUARANTEE: say("guarantor"),
    ClaimKind.INSURANCE: say("insurer"),
    ClaimKind.FUND: say("fund"),
}
"""On whom a claim of the kind is made."""


@dataclass(eq=False)
class NotDefaulted(Conflict):
    message = (
        "The loan {status}. A claim follows default, which its bank declares"
        " (POST /v1/lender/loans/{loan_id}/default)."
    )

    loan_id: UUID
    status: LoanStatus

    def words(self) -> Mapping[str, Any]:
        return {"status": state_of(LOAN.name, self.status)}

    def __str__(self) -> str:
        if self.status in {LoanStatus.PERFORMING, LoanStatus.OVERDUE}:
            return super().__str__()
        text = say("The loan {status}: nothing is claimed on it any more.", **self.words())
        return str(text)


@dataclass(eq=False)
class ClaimInFlight(Conflict):
    """One claim of a kind is on its way; the next one follows when it is settled."""

    message = (
        "Claim {claim_id} of this kind ({kind}) on the loan {status}; another can follow once"
        " that one is confirmed, refused or withdrawn."
    )

    kind: ClaimKind
    claim_id: UUID
    status: ClaimStatus

    def words(self) -> Mapping[str, Any]:
        return {"kind": NAMES[self.kind], "status": state_of(CLAIM.name, self.status)}


@dataclass(eq=False)
class OnePerson(Forbidden):
    message = (
        "You reviewed this claim yourself on {reviewed_on}; another manager of your"
        " organisation approves it (a manager invites one: POST /v1/organisation/invitations)."
    )

    reviewed_on: date


@dataclass(eq=False)
class NoSuchPayer(Conflict):
    """``claimable``: the kinds of claim that the same organisation can make on the loan."""

    message = "The loan has no {kind} to claim on; you can claim on its {claimable}."

    kind: ClaimKind
    claimable: list[ClaimKind]

    def words(self) -> Mapping[str, Any]:
        claimable = either_of(PAYER_NAMES[kind] for kind in self.claimable or [self.kind])
        return {"kind": PAYER_NAMES[self.kind], "claimable": claimable}

    def __str__(self) -> str:
        if self.claimable:
            return super().__str__()
        text = say(
            "The loan has no {kind} to claim on, nor anyone else for you; what comes in on it is"
            " recorded as a recovery, and the rest is written off by its bank.",
            kind=PAYER_NAMES[self.kind],
        )
        return str(text)


async def no_such_payer(
    session: AsyncSession, actor: Actor, deal: Deal, kind: ClaimKind
) -> NoSuchPayer:
    """That the loan of ``deal`` has no such payer, and whom ``actor`` can claim on instead."""
    own = actor.organisation_id == deal.bank_id
    filing = await filings.find_live(session, deal.id)
    there = {
        ClaimKind.GUARANTEE: own and deal.guarantor_id is not None,
        ClaimKind.INSURANCE: own and deal.insurer_id is not None,
        ClaimKind.FUND: filing is not None and filing.claimant_id == actor.organisation_id,
    }
    return NoSuchPayer(kind, [other for other, can in there.items() if can and other is not kind])


@asynccontextmanager
async def one_in_flight(
    session: AsyncSession,
    refusals: Mapping[str, DomainError],
    *,
    loan_id: UUID,
    kind: ClaimKind,
) -> AsyncIterator[None]:
    """``refusing``, and ClaimInFlight, which names the claim, for a second one of the kind."""
    second = Conflict()
    try:
        async with refusing(session, {IN_FLIGHT: second, **refusals}):
            yield
    except Conflict as refusal:
        if refusal is not second:
            raise
        async with as_platform(session):
            found = await session.execute(
                select(Claim.id, Claim.status).where(
                    Claim.loan_id == loan_id,
                    Claim.kind == kind,
                    Claim.status.in_(CLAIMS_IN_FLIGHT),
                )
            )
        row = found.one_or_none()
        if row is None:  # settled in the meantime: asking again helps
            raise
        raise ClaimInFlight(kind, row.id, row.status) from refusal
