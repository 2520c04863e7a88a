"""The firm's loans: schedule, what is due, extensions."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.fields import IsoDay
from app.schemas.loans import (
    ExtensionDecisionIn,
    ExtensionDetailOut,
    ExtensionIn,
    LoanDetailOut,
    LoanOut,
    RepaymentOut,
)
from app.services import extensions, loan_stock, loans, repayments

router = APIRouter(prefix="/company", tags=["company"], route_class=KeyedRoute)

READER = may(OrganisationKind.ENTERPRISE, scope="loans:read")
WRITER = may(OrganisationKind.ENTERPRISE, scope="loans:write")


@router.get("/loans", dependencies=[READER], summary="Your loans")
async def list_loans(
    actor: CurrentActor, session: Session, after: UUID | None = None, limit: Limit = 50
) -> Page[LoanOut]:
    """The firm's loans, newest first."""
    found = await loans.list_loans(session, actor=actor, after=after, limit=limit + 1)
    return Page[LoanOut](
        items=await loan_stock.tell(session, found[:limit]),
        next=found[limit - 1].id if len(found) > limit else None,
    )


@router.get(
    "/loans/{loan_id}",
    dependencies=[READER],
    responses=problems(NotFound, FieldRefused),
    summary="A loan: schedule, what is due, what pays it off",
)
async def get_loan(
    loan_id: UUID, actor: CurrentActor, session: Session, now: Now, on: IsoDay | None = None
) -> LoanDetailOut:
    """The schedule in force, and what is owed on the day ``on`` (today, if left out)."""
    detail = await loans.get_detail(session, actor=actor, loan_id=loan_id, on=on, now=now)
    return await loan_stock.tell_detail(session, detail)


@router.get(
    "/loans/{loan_id}/repayments",
    dependencies=[READER],
    responses=problems(NotFound),
    summary="What the bank confirmed as repaid",
)
async def list_repayments(
    loan_id: UUID,
    actor: CurrentActor,
    session: Session,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[RepaymentOut]:
    """Newest first, those that were reversed among them."""
    found = await repayments.list_repayments(
        session, actor=actor, loan_id=loan_id, after=after, limit=limit + 1
    )
    return Page[RepaymentOut](
        items=[RepaymentOut.model_validate(row) for row in found[:limit]],
        next=found[limit - 1].id if len(found) > limit else None,
    )


@router.get(
    "/loans/{loan_id}/extensions",
    dependencies=[READER],
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
    "/loans/{loan_id}/extensions",
    dependencies=[WRITER],
    status_code=201,
    responses=problems(
        Forbidden,
        NotFound,
        extensions.NotInOrder,
        extensions.ExtensionOpen,
        extensions.RightsEndTooSoon,
        FieldRefused,
    ),
    summary="Ask for an extension",
)
async def request_extension(
    loan_id: UUID, body: ExtensionIn, actor: CurrentActor, session: Session, now: Now
) -> ExtensionDetailOut:
    """Before the maturity, with nothing due unpaid, and patents that outlive the new term."""
    detail = await extensions.request(session, actor=actor, loan_id=loan_id, data=body, now=now)
    return ExtensionDetailOut.model_validate(detail)


@router.post(
    "/extensions/{extension_id}/decision",
    dependencies=[WRITER],
    responses=problems(Forbidden, NotFound, IllegalMove, extensions.ConsentGiven),
    summary="Consent to an extension as a pledgor, or withdraw it",
)
async def decide_extension(
    extension_id: UUID, body: ExtensionDecisionIn, actor: CurrentActor, session: Session, now: Now
) -> ExtensionDetailOut:
    """A third party whose rights are pledged consents here; the borrower may call it off."""
    detail = await extensions.decide(
        session, actor=actor, extension_id=extension_id, consents=body.consents, now=now
    )
    return ExtensionDetailOut.model_validate(detail)
