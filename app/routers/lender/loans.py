"""Live loans as their bank, guarantor and insurer work with them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Registration
from app.models.loans import Repayment
from app.routers.access import lenders, may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page, Reference
from app.schemas.fields import IsoDay
from app.schemas.loans import (
    CancellationIn,
    DischargeOut,
    ExtensionDecisionIn,
    ExtensionDetailOut,
    ExtensionEffectIn,
    LoanDetailOut,
    LoanOut,
    PledgeOut,
    RepaymentIn,
    RepaymentOut,
    ReversalIn,
)
from app.services import discharges, extensions, loan_stock, loans, repayments, reversals
from app.services.deals import NotPledgee

router = APIRouter(prefix="/lender", tags=["lender"], route_class=KeyedRoute)

BANK = may(OrganisationKind.BANK, scope="loans:write")
PLEDGEE = may(OrganisationKind.BANK, OrganisationKind.GUARANTOR, scope="loans:write")
READERS = lenders(scope="loans:read")

OwnReference = Annotated[Reference | None, Query(description="Your own reference.")]


@router.get("/loans", dependencies=[READERS], summary="Your loans")
async def list_loans(
    actor: CurrentActor,
    session: Session,
    reference: OwnReference = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[LoanOut]:
    """Loans of the deals you take part in, newest first."""
    found = await loans.list_loans(
        session, actor=actor, reference=reference, after=after, limit=limit + 1
    )
    return Page[LoanOut](
        items=await loan_stock.tell(session, found[:limit]),
        next=found[limit - 1].id if len(found) > limit else None,
    )


@router.get(
    "/loans/{loan_id}",
    dependencies=[READERS],
    responses=problems(NotFound, FieldRefused),
    summary="A loan: schedule, what is due, what pays it off",
)
async def get_loan(
    loan_id: UUID, actor: CurrentActor, session: Session, now: Now, on: IsoDay | None = None
) -> LoanDetailOut:
    """The schedule in force, and what is owed on the day ``on`` (today, if left out)."""
    detail = await loans.get_detail(session, actor=actor, loan_id=loan_id, on=on, now=now)
    return await loan_stock.tell_detail(session, detail)


@router.post(
    "/loans/{loan_id}/repayments",
    dependencies=[BANK],
    status_code=201,
    response_model=RepaymentOut,
    responses=problems(
        Forbidden,
        NotFound,
        loans.LoanRepaid,
        repayments.MoreThanDue,
        repayments.MoreThanOwed,
        repayments.NothingPrepaid,
        repayments.ReceiptReused,
        repayments.ReceiptReversed,
        FieldRefused,
    ),
    summary="Confirm a repayment",
)
async def record_repayment(
    loan_id: UUID, body: RepaymentIn, actor: CurrentActor, session: Session, now: Now
) -> Repayment:
    """What came in settles instalments oldest first, in the loan's order; quota frees at once.

    The same receipt number with the same content answers the repayment that is there.
    """
    return await repayments.record(session, actor=actor, loan_id=loan_id, data=body, now=now)


@router.get(
    "/repayments",
    dependencies=[READERS],
    responses=problems(NotFound),
    summary="Repayments on your loans",
)
async def list_repayments(
    *,
    actor: CurrentActor,
    session: Session,
    loan_id: UUID | None = None,
    reference: OwnReference = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[RepaymentOut]:
    """Newest first; a bank that lost an answer finds its receipt by ``reference``."""
    found = await repayments.list_repayments(
        session, actor=actor, loan_id=loan_id, reference=reference, after=after, limit=limit + 1
    )
    return Page[RepaymentOut](
        items=[RepaymentOut.model_validate(row) for row in found[:limit]],
        next=found[limit - 1].id if len(found) > limit else None,
    )


@router.post(
    "/repayments/{repayment_id}/reversal",
    dependencies=[BANK],
    status_code=201,
    response_model=RepaymentOut,
    responses=problems(
        Forbidden,
        NotFound,
        reversals.AlreadyReversed,
        reversals.NotTheLatest,
        reversals.ScheduleMovedOn,
        reversals.PledgeDischarged,
    ),
    summary="Reverse a mistaken repayment",
)
async def reverse_repayment(
    repayment_id: UUID, body: ReversalIn, actor: CurrentActor, session: Session, now: Now
) -> Repayment:
    """Undo the latest repayment. Its room is re-taken ahead of the queue, or waits at its head."""
    return await reversals.reverse(
        session, actor=actor, repayment_id=repayment_id, reason=body.reason, now=now
    )


@router.get(
    "/loans/{loan_id}/extensions",
    dependencies=[READERS],
    responses=problems(NotFound),
    summary="Extensions of a loan",
)
async def list_extensions(
    loan_id: UUID, actor: CurrentActor, session: Session
) -> list[ExtensionDetailOut]:
    """Each extension (展期) asked for, with whose consent it has and lacks."""
    found = await extensions.list_extensions(session, actor=actor, loan_id=loan_id)
    return [ExtensionDetailOut.model_validate(detail) for detail in found]


@router.post(
    "/extensions/{extension_id}/decision",
    dependencies=[lenders(scope="loans:write")],
    responses=problems(Forbidden, NotFound, IllegalMove, extensions.ConsentGiven),
    summary="Consent to an extension, or refuse it",
)
async def decide_extension(
    extension_id: UUID, body: ExtensionDecisionIn, actor: CurrentActor, session: Session, now: Now
) -> ExtensionDetailOut:
    """Bank, guarantor, insurer and pledgor must all consent; one refusal ends it."""
    detail = await extensions.decide(
        session, actor=actor, extension_id=extension_id, consents=body.consents, now=now
    )
    return ExtensionDetailOut.model_validate(detail)


@router.post(
    "/extensions/{extension_id}/effect",
    dependencies=[BANK],
    responses=problems(
        Forbidden,
        NotFound,
        IllegalMove,
        extensions.NotInOrder,
        extensions.RightsEndTooSoon,
        extensions.RegistrationsMissing,
        FieldRefused,
    ),
    summary="Put an agreed extension into effect",
)
async def effect_extension(
    extension_id: UUID, body: ExtensionEffectIn, actor: CurrentActor, session: Session, now: Now
) -> ExtensionDetailOut:
    """Record that each register changed its entry; the longer schedule is in force."""
    detail = await extensions.take_effect(
        session,
        actor=actor,
        extension_id=extension_id,
        registration_ids=body.registration_ids,
        now=now,
    )
    return ExtensionDetailOut.model_validate(detail)


@router.post(
    "/deals/{deal_id}/discharge",
    dependencies=[PLEDGEE],
    responses=problems(Forbidden, NotFound, discharges.NotRepaid, NotPledgee),
    summary="Discharge the pledge",
)
async def discharge_pledge(
    deal_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> DischargeOut:
    """The pledgee releases the pledge of a loan repaid or written off (解除质押); joint
    pledgees both do."""
    done = await discharges.discharge(session, actor=actor, deal_id=deal_id, now=now)
    return DischargeOut(
        deal_id=done.deal.id,
        status=done.deal.status,
        awaiting=sorted(done.awaiting),
        registrations=[PledgeOut.model_validate(row) for row in done.registrations],
    )


@router.post(
    "/registrations/{registration_id}/cancellation",
    dependencies=[PLEDGEE],
    response_model=PledgeOut,
    responses=problems(
        Forbidden,
        NotFound,
        IllegalMove,
        discharges.NotRepaid,
        NotPledgee,
        FieldRefused,
    ),
    summary="Record that a register cancelled the pledge",
)
async def record_cancellation(
    registration_id: UUID, body: CancellationIn, actor: CurrentActor, session: Session, now: Now
) -> Registration:
    """Its rights are free from then on; the last cancellation closes a repaid deal.

    Also for the registrations of a failed deal, which need no discharge.
    """
    return await discharges.record_cancellation(
        session,
        actor=actor,
        registration_id=registration_id,
        cancelled_on=body.cancelled_on,
        now=now,
    )
