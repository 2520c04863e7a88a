"""What the authority does: it verifies and suspends organisations, and sets marks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.organisations import FirmProfile, Organisation
from app.models.rights import LegalEvent
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.accounts import ResetOut, UserOut
from app.schemas.base import Page
from app.schemas.ledger import FINDINGS_MAX, FindingOut, VerificationOut
from app.schemas.organisations import (
    FirmProfileOut,
    MarksIn,
    OrganisationOut,
)
from app.schemas.rights import EventIn, EventOut
from app.services import (
    accounts,
    firms,
    links,
    organisations,
    right_events,
    sealing,
)
from app.services.firms import NoProfile
from app.services.organisations import AuthorityStands
from app.services.right_events import EventKnown

router = APIRouter(prefix="/authority", tags=["authority"], route_class=KeyedRoute)

READS = may(OrganisationKind.AUTHORITY, scope="organisation:read")
MARKS = may(OrganisationKind.AUTHORITY)
DECIDES = may(OrganisationKind.AUTHORITY, manager=True)


@router.get("/organisations", dependencies=[READS], summary="Organisations")
async def list_organisations(
    *,
    actor: CurrentActor,
    session: Session,
    status: Annotated[OrganisationStatus | None, Query()] = None,
    kind: Annotated[OrganisationKind | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[OrganisationOut]:
    """By status and kind, in the order they signed up: with `status=pending`, who waits."""
    rows = await organisations.list_organisations(
        session, actor=actor, status=status, kind=kind, limit=limit, after=after
    )
    return Page(
        items=[OrganisationOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/organisations/{organisation_id}",
    response_model=OrganisationOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One organisation",
)
async def get_organisation(
    organisation_id: UUID, actor: CurrentActor, session: Session
) -> Organisation:
    """Its record, as it signed up, with its status."""
    return await organisations.get_organisation(
        session, actor=actor, organisation_id=organisation_id
    )


@router.get(
    "/organisations/{organisation_id}/users",
    dependencies=[DECIDES],
    summary="People of an organisation",
)
async def list_users(
    organisation_id: UUID,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[UserOut]:
    """For the case that no manager of theirs can sign in any more."""
    rows = await accounts.list_users(
        session, actor=actor, organisation_id=organisation_id, limit=limit, after=after
    )
    return Page(
        items=[UserOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.post(
    "/users/{user_id}/password-reset",
    status_code=201,
    dependencies=[DECIDES],
    responses=problems(NotFound),
    summary="Let anybody set a new password",
)
async def issue_reset(
    user_id: UUID, actor: CurrentActor, session: Session, response: Response, now: Now
) -> ResetOut:
    """Answers the token to hand over to the person; their organisation is told of it."""
    reset, token = await links.issue_reset(session, actor=actor, user_id=user_id, now=now)
    response.headers["Cache-Control"] = "no-store"
    return ResetOut(user_id=user_id, expires_at=reset.expires_at, token=token)


@router.post(
    "/organisations/{organisation_id}/verification",
    response_model=OrganisationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove, AuthorityStands),
    summary="Verify an organisation",
)
async def verify(
    organisation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Organisation:
    """It works from now on. A guarantor's limit is opened, empty until it signs its terms."""
    return await organisations.verify(
        session, actor=actor, organisation_id=organisation_id, now=now
    )


@router.post(
    "/organisations/{organisation_id}/suspension",
    response_model=OrganisationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove, AuthorityStands),
    summary="Suspend an organisation",
)
async def suspend(
    organisation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Organisation:
    """Every session and token of its people and programs ends at once."""
    return await organisations.suspend(
        session, actor=actor, organisation_id=organisation_id, now=now
    )


@router.post(
    "/organisations/{organisation_id}/reinstatement",
    response_model=OrganisationOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, IllegalMove, AuthorityStands),
    summary="Reinstate a suspended organisation",
)
async def reinstate(
    organisation_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Organisation:
    """Its people sign in anew."""
    return await organisations.reinstate(
        session, actor=actor, organisation_id=organisation_id, now=now
    )


@router.post(
    "/organisations/{organisation_id}/marks",
    response_model=FirmProfileOut,
    dependencies=[MARKS],
    responses=problems(NotFound, NoProfile),
    summary="Set the marks of public registers on a firm",
)
async def set_marks(
    organisation_id: UUID, marks: MarksIn, actor: CurrentActor, session: Session, now: Now
) -> FirmProfile:
    """失信被执行人 (dishonest) and 经营异常名录 (abnormal); eligibility refuses a marked firm."""
    return await firms.set_marks(
        session,
        actor=actor,
        firm_id=organisation_id,
        dishonest=marks.dishonest,
        abnormal=marks.abnormal,
        now=now,
    )


@router.post(
    "/rights/{right_id}/events",
    status_code=201,
    response_model=EventOut,
    dependencies=[MARKS],
    responses=problems(NotFound, EventKnown, FieldRefused),
    summary="Record a legal event of anybody's right",
)
async def record_event(
    right_id: UUID, stated: EventIn, actor: CurrentActor, session: Session, now: Now
) -> LegalEvent:
    """As the register announced it: also what lifts a lapse, a preservation or a pledge."""
    return await right_events.record_event(
        session, actor=actor, right_id=right_id, stated=stated, now=now
    )


@router.get(
    "/ledger/verification", dependencies=[DECIDES], summary="Replay the ledger and check its chain"
)
async def verify_ledger(request: Request) -> VerificationOut:
    """What `zhirong verify` does, in a snapshot of its own. Reads all of it: not for polling."""
    findings = await sealing.verify_all(request.app.state.sessions)
    return VerificationOut(
        holds=not findings,
        findings=[FindingOut.model_validate(finding) for finding in findings[:FINDINGS_MAX]],
    )
