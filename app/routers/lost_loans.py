"""Loans in trouble: grades, inspections, default, recoveries, disposals of rights, write-off."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.claims import Disposal, Inspection, LoanGrade
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.claims import (
    DisposalConsentIn,
    DisposalIn,
    DisposalOut,
    GradeIn,
    GradeOut,
    InspectionIn,
    InspectionOut,
    RecoveryIn,
    RecoveryOut,
    WriteOffIn,
)
from app.schemas.funds import ReasonIn
from app.schemas.loans import LoanOut
from app.services import disposals, grades, loan_stock, recoveries, write_offs
from app.services.deals import NotPledgee
from app.services.disposals import EscrowFirst, NotLost, NotSettled, RecoveryAbovePrice, SoldAlready
from app.services.grades import NotInDefault
from app.services.recoveries import (
    NothingPaidYet,
    RecoveryAboveLoss,
    RecoveryReused,
)
from app.services.write_offs import ClaimsInFlight

router = APIRouter(tags=["lost loans"], route_class=KeyedRoute)

BANK_READS = may(OrganisationKind.BANK, scope="loans:read")
BANK = may(OrganisationKind.BANK, scope="loans:write")
ENFORCES = may(OrganisationKind.BANK, OrganisationKind.GUARANTOR, scope="loans:write")
BEARS = may(
    OrganisationKind.BANK,
    OrganisationKind.GUARANTOR,
    OrganisationKind.INSURER,
    OrganisationKind.AGENCY,
    scope="claims:write",
)
READS = may(
    OrganisationKind.ENTERPRISE,
    OrganisationKind.BANK,
    OrganisationKind.GUARANTOR,
    OrganisationKind.INSURER,
    OrganisationKind.AGENCY,
    OrganisationKind.AUTHORITY,
    scope="claims:read",
)
PROPOSES = may(*disposals.PARTIES, scope="loans:write")
PARTIES_READ = may(*disposals.PARTIES, OrganisationKind.AUTHORITY, scope="loans:read")


@router.post(
    "/lender/loans/{loan_id}/grades",
    status_code=201,
    response_model=GradeOut,
    dependencies=[BANK],
    responses=problems(NotFound, FieldRefused),
    summary="Grade a loan",
)
async def grade(
    loan_id: UUID, form: GradeIn, actor: CurrentActor, session: Session, now: Now
) -> LoanGrade:
    """Five classes (五级分类). Days past due give the best grade possible; a worse one of yours
    prevails, a better one needs a reason and a document.
    """
    return await grades.record(session, actor=actor, loan_id=loan_id, data=form, now=now)


@router.get(
    "/lender/loans/{loan_id}/grades",
    dependencies=[BANK_READS],
    responses=problems(NotFound),
    summary="A loan's grades",
)
async def list_grades(
    loan_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[GradeOut]:
    """Newest first: what the days gave, what you said, and what counted."""
    rows = await grades.list_grades(session, actor=actor, loan_id=loan_id, limit=limit, after=after)
    return Page(
        items=[GradeOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/lender/loans/{loan_id}/inspections",
    status_code=201,
    response_model=InspectionOut,
    dependencies=[BANK],
    responses=problems(NotFound, FieldRefused),
    summary="Record an inspection of the borrower",
)
async def inspect(
    loan_id: UUID, form: InspectionIn, actor: CurrentActor, session: Session, now: Now
) -> Inspection:
    """What you found after the loan was drawn (贷后检查); it belongs to the claim pack."""
    return await grades.inspect(session, actor=actor, loan_id=loan_id, data=form, now=now)


@router.get(
    "/lender/loans/{loan_id}/inspections",
    dependencies=[BANK_READS],
    responses=problems(NotFound),
    summary="A loan's inspections",
)
async def list_inspections(
    loan_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[InspectionOut]:
    """Newest first."""
    rows = await grades.list_inspections(
        session, actor=actor, loan_id=loan_id, limit=limit, after=after
    )
    return Page(
        items=[InspectionOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/lender/loans/{loan_id}/default",
    dependencies=[BANK],
    responses=problems(NotFound, NotInDefault, IllegalMove),
    summary="Declare default",
)
async def declare_default(
    loan_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> LoanOut:
    """Late for long enough, or graded badly enough, by the dated rule; claims then follow."""
    loan = await grades.declare_default(session, actor=actor, loan_id=loan_id, now=now)
    return await loan_stock.tell_one(session, loan)


@router.post(
    "/lender/loans/{loan_id}/write-off",
    dependencies=[BANK],
    responses=problems(NotFound, FieldRefused, ClaimsInFlight, IllegalMove),
    summary="Write a lost loan off",
)
async def write_off(
    loan_id: UUID, form: WriteOffIn, actor: CurrentActor, session: Session, now: Now
) -> LoanOut:
    """On a ground of the dated list, with its proof. Called quota stays called."""
    loan = await write_offs.write_off(session, actor=actor, loan_id=loan_id, data=form, now=now)
    return await loan_stock.tell_one(session, loan)


@router.post(
    "/lender/loans/{loan_id}/recoveries",
    status_code=201,
    dependencies=[ENFORCES],
    responses=problems(
        NotFound,
        FieldRefused,
        NothingPaidYet,
        NotSettled,
        RecoveryAbovePrice,
        RecoveryAboveLoss,
        RecoveryReused,
    ),
    summary="Record what came in on a lost loan",
)
async def record_recovery(
    loan_id: UUID, form: RecoveryIn, actor: CurrentActor, session: Session, now: Now
) -> RecoveryOut:
    """Costs first, then principal by what each party bore, then interest, in the order of the
    fund's scheme. Every bearer confirms its part; a fund's money is then back in the fund.
    """
    detail = await recoveries.record(session, actor=actor, loan_id=loan_id, data=form, now=now)
    return RecoveryOut.of(detail.recovery, detail.shares)


@router.get(
    "/loans/{loan_id}/recoveries",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="What came in on a lost loan",
)
async def list_recoveries(
    loan_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[RecoveryOut]:
    """Newest first, with the parts of all who bore the loss."""
    rows = await recoveries.list_recoveries(
        session, actor=actor, loan_id=loan_id, limit=limit, after=after
    )
    return Page(
        items=[RecoveryOut.of(row.recovery, row.shares) for row in rows],
        next=rows[-1].recovery.id if len(rows) == limit else None,
    )


@router.post(
    "/recoveries/{recovery_id}/receipt",
    dependencies=[BEARS],
    responses=problems(NotFound),
    summary="Confirm your part of a recovery",
)
async def receive(
    recovery_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> RecoveryOut:
    """Your part has come. Said again it changes nothing."""
    detail = await recoveries.receive(session, actor=actor, recovery_id=recovery_id, now=now)
    return RecoveryOut.of(detail.recovery, detail.shares)


@router.post(
    "/deals/{deal_id}/disposals",
    status_code=201,
    response_model=DisposalOut,
    dependencies=[PROPOSES],
    responses=problems(NotFound, FieldRefused, NotLost, SoldAlready),
    summary="Propose to license or sell a pledged right",
)
async def propose(
    deal_id: UUID, form: DisposalIn, actor: CurrentActor, session: Session, now: Now
) -> Disposal:
    """A licence at any time; a sale, licence-back or buy-out once the loan is in default."""
    return await disposals.propose(session, actor=actor, deal_id=deal_id, data=form, now=now)


@router.get(
    "/deals/{deal_id}/disposals",
    dependencies=[PARTIES_READ],
    responses=problems(NotFound),
    summary="What was proposed for pledged rights",
)
async def list_disposals(
    deal_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[DisposalOut]:
    """Newest first."""
    rows: Sequence[Disposal] = await disposals.list_disposals(
        session, actor=actor, deal_id=deal_id, limit=limit, after=after
    )
    return Page(
        items=[DisposalOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/disposals/{disposal_id}/consent",
    response_model=DisposalOut,
    dependencies=[ENFORCES],
    responses=problems(NotFound, NotPledgee, IllegalMove),
    summary="Consent to a disposal",
)
async def consent(
    disposal_id: UUID, form: DisposalConsentIn, actor: CurrentActor, session: Session, now: Now
) -> Disposal:
    """The pledgee's; with `escrow` the money must lie there before anything is settled."""
    return await disposals.consent(
        session, actor=actor, disposal_id=disposal_id, escrow=form.escrow, now=now
    )


@router.post(
    "/disposals/{disposal_id}/refusal",
    response_model=DisposalOut,
    dependencies=[ENFORCES],
    responses=problems(NotFound, NotPledgee, IllegalMove),
    summary="Refuse a disposal",
)
async def refuse(
    disposal_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> Disposal:
    """The pledgee does not consent, or takes its consent back before anything is settled."""
    return await disposals.refuse(
        session, actor=actor, disposal_id=disposal_id, reason=form.reason, now=now
    )


@router.post(
    "/disposals/{disposal_id}/escrow",
    response_model=DisposalOut,
    dependencies=[ENFORCES],
    responses=problems(NotFound, NotPledgee, IllegalMove),
    summary="Confirm that the money is in escrow",
)
async def record_escrow(
    disposal_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Disposal:
    """提存: the price or the licence fee lies where the pledgee asked for it."""
    return await disposals.record_escrow(session, actor=actor, disposal_id=disposal_id, now=now)


@router.post(
    "/disposals/{disposal_id}/settlement",
    response_model=DisposalOut,
    dependencies=[ENFORCES],
    responses=problems(NotFound, NotPledgee, EscrowFirst, IllegalMove),
    summary="Settle a disposal",
)
async def settle(disposal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Disposal:
    """It is done; record the proceeds as a prepayment, or after a claim as a recovery."""
    return await disposals.settle(session, actor=actor, disposal_id=disposal_id, now=now)
