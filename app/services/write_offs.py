"""A lost loan that the bank gives up (核销); what still comes in is a recovery."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict, FieldRefused
from app.core.messages import Pair, all_of, say
from app.lifecycle.deals import LOAN, LoanEvent, LoanStatus
from app.lifecycle.funds import CLAIMS_SETTLED, ClaimStatus
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim
from app.models.loans import Loan
from app.schemas.claims import WriteOffIn
from app.services import claim_timing, documents, exposures, history, loans, losses, outbox, rules
from app.services.actor import Actor
from app.services.deals import parties_of


class ClaimsInFlight(Conflict):
    message = "A claim on the loan is still being dealt with; it is written off after that."


async def write_off(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, data: WriteOffIn, now: datetime
) -> Loan:
    """The bank gives the rest up (核销), on a ground of the dated list.

    The fund's exposure ends; the guarantee and called quota stay as they are (deal.md), and what
    still comes in is a recovery.
    """
    actor.must_be(OrganisationKind.BANK)
    deal, loan = await loans.lock(session, actor=actor, loan_id=loan_id)
    if loan.status is LoanStatus.WRITTEN_OFF:
        return loan
    grounds = (await rules.get(session, claim_timing.RULE, on=business_date(now)))[
        "write_off_grounds"
    ]
    if data.ground not in grounds:
        known = all_of(
            say("{code} ({name})", code=code, name=Pair(text["en"], text["zh"]))
            for code, text in grounds.items()
        )
        raise FieldRefused("ground", say("must be one of {known}", known=known))
    await documents.get_document(session, actor=actor, document_id=data.document_id)
    in_flight = await session.scalar(
        select(Claim.id)
        .where(
            Claim.loan_id == loan.id,
            Claim.status.not_in((*CLAIMS_SETTLED, ClaimStatus.REFUSED, ClaimStatus.WITHDRAWN)),
        )
        .limit(1)
    )
    if in_flight is not None:
        raise ClaimsInFlight
    history.move(session, loan, LOAN, LoanEvent.WRITE_OFF, actor=actor, now=now)
    history.note(session, "loan", loan.id, f"ground {data.ground}", actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "loan.written_off", loan.id, now=now)
    await losses.close_claims(session, loan, actor=actor, now=now)
    await exposures.refresh(session, loan, now=now)
    return loan
