"""Claims on guarantors, insurers and funds, by claimants and payers alike."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.funds import ClaimStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Claim
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.claims import ClaimApprovalIn, ClaimIn, ClaimOut, ClaimPaymentIn, ReviewIn
from app.schemas.funds import ReasonIn
from app.services import claim_decisions, claim_payments, claims
from app.services.claim_amounts import (
    CallFirst,
    LossAboveOutstanding,
    NothingToClaim,
    NotYours,
)
from app.services.claim_decisions import ApprovedAbove, FundShort
from app.services.claim_payments import NoLongerLost, PaidOtherwise
from app.services.claim_refusals import ClaimInFlight, NoSuchPayer, NotDefaulted, OnePerson
from app.services.claim_standing import FilingNotAcknowledged
from app.services.claim_timing import TooEarly, TooLate
from app.services.claims import (
    CLAIMANTS,
    PAYERS,
    ApprovedInFull,
    ClaimReferenceUsed,
)
from app.services.fuses import FuseBlown
from app.services.readiness import ClaimIncomplete

router = APIRouter(tags=["claims"], route_class=KeyedRoute)

READS = may(
    OrganisationKind.ENTERPRISE,
    OrganisationKind.BANK,
    OrganisationKind.GUARANTOR,
    OrganisationKind.INSURER,
    OrganisationKind.AGENCY,
    OrganisationKind.AUTHORITY,
    scope="claims:read",
)
CLAIMS = may(*CLAIMANTS, scope="claims:write")
DECIDES = may(*PAYERS)
APPROVES = may(*PAYERS, manager=True)
PAYS = may(*PAYERS, scope="claims:write")


@router.post(
    "/lender/loans/{loan_id}/claims",
    status_code=201,
    response_model=ClaimOut,
    dependencies=[CLAIMS],
    responses=problems(
        NotFound,
        FieldRefused,
        NotDefaulted,
        LossAboveOutstanding,
        NoSuchPayer,
        NotYours,
        TooEarly,
        TooLate,
        NothingToClaim,
        CallFirst,
        ClaimInFlight,
        ClaimReferenceUsed,
        ClaimIncomplete,
        FuseBlown,
        FilingNotAcknowledged,
    ),
    summary="Claim what was lost of a loan",
)
async def submit(
    loan_id: UUID, form: ClaimIn, actor: CurrentActor, session: Session, now: Now
) -> Claim:
    """On the guarantor, the insurer, or the compensation fund the loan was filed with.

    The amount is worked out here, by contract or by the fund's scheme, and every step is in
    `trace`. A claim pack that is not complete is refused with the list of what is missing. The same
    claim under the same reference answers the one that is there.
    """
    return await claims.submit(session, actor=actor, loan_id=loan_id, data=form, now=now)


@router.get("/claims", dependencies=[READS], summary="Claims")
async def list_claims(
    *,
    actor: CurrentActor,
    session: Session,
    loan_id: Annotated[UUID | None, Query()] = None,
    fund_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[ClaimStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[ClaimOut]:
    """Yours, on you, or on your loans; newest first."""
    rows = await claims.list_claims(
        session,
        actor=actor,
        loan_id=loan_id,
        fund_id=fund_id,
        status=status,
        limit=limit,
        after=after,
    )
    return Page(
        items=[ClaimOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/claims/{claim_id}",
    response_model=ClaimOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One claim",
)
async def get_claim(claim_id: UUID, actor: CurrentActor, session: Session) -> Claim:
    """Who shares the loss and how, by when an answer is due, and what was paid."""
    return await claims.get_claim(session, actor=actor, claim_id=claim_id)


@router.post(
    "/claims/{claim_id}/review",
    response_model=ClaimOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Review a claim on you",
)
async def review(
    claim_id: UUID, form: ReviewIn, actor: CurrentActor, session: Session, now: Now
) -> Claim:
    """The first of the two people who must look at it."""
    return await claim_decisions.review(
        session, actor=actor, claim_id=claim_id, note=form.note, now=now
    )


@router.post(
    "/claims/{claim_id}/approval",
    response_model=ClaimOut,
    dependencies=[APPROVES],
    responses=problems(
        NotFound,
        FieldRefused,
        IllegalMove,
        OnePerson,
        ApprovedAbove,
        FilingNotAcknowledged,
        FuseBlown,
        FundShort,
    ),
    summary="Approve a claim on you",
)
async def approve(
    claim_id: UUID, form: ClaimApprovalIn, actor: CurrentActor, session: Session, now: Now
) -> Claim:
    """By another person than reviewed it, a manager. A fund's money is set aside here."""
    return await claim_decisions.approve(
        session, actor=actor, claim_id=claim_id, amount=form.amount, reason=form.reason, now=now
    )


@router.post(
    "/claims/{claim_id}/refusal",
    response_model=ClaimOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove),
    summary="Refuse a claim on you",
)
async def refuse(
    claim_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> Claim:
    """With the reason; the claimant may appeal."""
    return await claim_decisions.refuse(
        session, actor=actor, claim_id=claim_id, reason=form.reason, now=now
    )


@router.post(
    "/claims/{claim_id}/appeal",
    response_model=ClaimOut,
    dependencies=[CLAIMS],
    responses=problems(NotFound, IllegalMove, ClaimInFlight, ApprovedInFull, FilingNotAcknowledged),
    summary="Appeal against a refusal or a cut",
)
async def appeal(
    claim_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> Claim:
    """Two people of the payer look at it anew."""
    return await claims.appeal(session, actor=actor, claim_id=claim_id, reason=form.reason, now=now)


@router.post(
    "/claims/{claim_id}/withdrawal",
    response_model=ClaimOut,
    dependencies=[CLAIMS],
    responses=problems(NotFound, IllegalMove),
    summary="Take a claim back",
)
async def withdraw(claim_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Claim:
    """Before it is approved."""
    return await claims.withdraw(session, actor=actor, claim_id=claim_id, now=now)


@router.post(
    "/claims/{claim_id}/payment",
    response_model=ClaimOut,
    dependencies=[PAYS],
    responses=problems(
        NotFound,
        FieldRefused,
        IllegalMove,
        FuseBlown,
        PaidOtherwise,
        NoLongerLost,
        FilingNotAcknowledged,
    ),
    summary="Report that a claim was paid",
)
async def pay(
    claim_id: UUID, form: ClaimPaymentIn, actor: CurrentActor, session: Session, now: Now
) -> Claim:
    """Once. The same payment again answers the claim as it is; another one is refused."""
    return await claim_payments.pay(session, actor=actor, claim_id=claim_id, data=form, now=now)


@router.post(
    "/claims/{claim_id}/confirmation",
    response_model=ClaimOut,
    dependencies=[CLAIMS],
    responses=problems(NotFound, IllegalMove),
    summary="Confirm that the money has come",
)
async def confirm(claim_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Claim:
    """A guarantor's payment (代偿) moves its liability from outstanding to called here."""
    return await claim_payments.confirm(session, actor=actor, claim_id=claim_id, now=now)
