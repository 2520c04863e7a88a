"""The terms designer: which repayment a firm's cash can carry."""

from fastapi import APIRouter

from app.core.errors import FieldRefused
from app.lifecycle.parties import OrganisationKind
from app.routers.access import may
from app.routers.bodies import JsonRoute
from app.routers.deps import CurrentActor, Now, Session
from app.routers.problems import problems
from app.schemas.terms_design import TermsDesignIn, TermsDesignOut
from app.services import terms_designs

router = APIRouter(prefix="/company", tags=["company"], route_class=JsonRoute)


@router.post(
    "/terms-designs",
    dependencies=[may(OrganisationKind.ENTERPRISE, scope="requests:read")],
    responses=problems(FieldRefused),
    summary="Design the terms of a loan",
)
async def design_terms(
    given: TermsDesignIn, actor: CurrentActor, session: Session, now: Now
) -> TermsDesignOut:
    """Term, grace and method whose payments the expected cash covers, the least interest first.

    A sum like the calculators': nothing is stored, no key is needed. Where nothing fits, the
    answer says which terms come nearest, and how much cash they lack on which day.
    """
    return await terms_designs.design_terms(session, actor=actor, data=given, now=now)
