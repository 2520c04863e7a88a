"""Changes of the programme: one manager of the authority proposes, another decides."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.programme import ChangeKind, ChangeStatus
from app.models.programme import GuarantorTerms, ProgrammeChange
from app.models.records import RuleVersion
from app.risk.guarantors import Mix
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session, Today
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.figures import OwnLimitOut
from app.schemas.programme import (
    ChangeIn,
    ChangeOut,
    GuarantorTermsOut,
    MixOut,
    NoteIn,
    RuleOut,
)
from app.schemas.programme_rules import RuleKey
from app.services import guarantors, lender_exposure, programme_changes, rules
from app.services.caps import CAPS
from app.services.change_effects import (
    AllocationBelowUse,
    CapacityBelowUse,
    NothingToChange,
    OverAllocation,
    ParkExists,
    UnknownPark,
)
from app.services.filings import SchemeNotInForce
from app.services.fund_effects import (
    CapitalReferenceUsed,
    FundExists,
    NotSuspended,
    ReturnAboveCalled,
    UnknownFund,
)
from app.services.guarantors import GuarantorNotVerified
from app.services.programme_changes import AlreadyDecided, Backdated, SamePerson

router = APIRouter(prefix="/authority", tags=["authority"], route_class=KeyedRoute)

READS = may(OrganisationKind.AUTHORITY, scope="programme:read")
DECIDES = may(OrganisationKind.AUTHORITY, manager=True)

TESTED = (
    FieldRefused,
    UnknownPark,
    ParkExists,
    OverAllocation,
    CapacityBelowUse,
    AllocationBelowUse,
    NothingToChange,
    GuarantorNotVerified,
    FieldRefused,
    SchemeNotInForce,
    FundExists,
    UnknownFund,
    CapitalReferenceUsed,
    NotSuspended,
    ReturnAboveCalled,
    Backdated,
)
"""What may stand against a change: at its proposal, its approval and on its day."""


@router.post(
    "/programme/changes",
    status_code=201,
    response_model=ChangeOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, *TESTED),
    summary="Propose a change of the programme",
)
async def propose(
    form: ChangeIn, actor: CurrentActor, session: Session, now: Now
) -> ProgrammeChange:
    """Capacity, transfers between reserve and accounts, a new park, a guarantor's terms, caps, the
    rule of the queue, alert levels, renewals, key industries, days of a decreed working
    calendar; compensation funds, their capital, leverage and resumption; called quota that
    returns. Nothing moves until **another**
    manager approves; a guarantor's terms also need its signature. A later day is kept by the
    worker, which tests everything again.
    """
    return await programme_changes.propose(session, actor=actor, form=form, now=now)


@router.get("/programme/changes", dependencies=[READS], summary="Changes of the programme")
async def list_changes(
    *,
    actor: CurrentActor,
    session: Session,
    status: Annotated[ChangeStatus | None, Query()] = None,
    kind: Annotated[ChangeKind | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[ChangeOut]:
    """Newest first: with `status=proposed`, what waits for a second person."""
    rows = await programme_changes.list_changes(
        session, actor=actor, status=status, kind=kind, limit=limit, after=after
    )
    return Page(
        items=[ChangeOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/programme/changes/{change_id}",
    response_model=ChangeOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One change of the programme",
)
async def get_change(change_id: UUID, actor: CurrentActor, session: Session) -> ProgrammeChange:
    """Who proposed it, who decided, and, if it failed on its day, why."""
    return await programme_changes.get_change(session, actor=actor, change_id=change_id)


@router.post(
    "/programme/changes/{change_id}/approval",
    response_model=ChangeOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, SamePerson, AlreadyDecided, *TESTED),
    summary="Approve a change",
)
async def approve(
    change_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> ProgrammeChange:
    """By another manager than proposed it. One of today takes effect here, with its postings."""
    return await programme_changes.approve(session, actor=actor, change_id=change_id, now=now)


@router.post(
    "/programme/changes/{change_id}/refusal",
    response_model=ChangeOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, SamePerson, AlreadyDecided),
    summary="Refuse a change",
)
async def refuse(
    change_id: UUID, given: NoteIn, actor: CurrentActor, session: Session, now: Now
) -> ProgrammeChange:
    """By another manager than proposed it; whoever proposed it withdraws it."""
    return await programme_changes.refuse(
        session, actor=actor, change_id=change_id, note=given.note, now=now
    )


@router.post(
    "/programme/changes/{change_id}/withdrawal",
    response_model=ChangeOut,
    dependencies=[DECIDES],
    responses=problems(NotFound, AlreadyDecided),
    summary="Withdraw a change",
)
async def withdraw(
    change_id: UUID, given: NoteIn, actor: CurrentActor, session: Session, now: Now
) -> ProgrammeChange:
    """As long as it is not in force, and no guarantor has signed it."""
    return await programme_changes.withdraw(
        session, actor=actor, change_id=change_id, note=given.note, now=now
    )


@router.get(
    "/programme/caps",
    response_model=RuleOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="The caps in force",
)
async def get_caps(session: Session, today: Today) -> RuleVersion:
    """Per loan, firm, bank and park. Lack of room queues; a cap refuses."""
    return await rules.get_version(session, CAPS, on=today)


@router.get(
    "/programme/rules/{key}",
    response_model=RuleOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="A dated rule in force",
)
async def get_rule(key: RuleKey, session: Session, today: Today) -> RuleVersion:
    """What a change of this kind replaces as a whole, since when it is in force, and its source."""
    return await rules.get_version(session, key, on=today)


@router.get(
    "/guarantors/{guarantor_id}/terms",
    response_model=list[GuarantorTermsOut],
    dependencies=[READS],
    responses=problems(NotFound),
    summary="What a guarantor signed for",
)
async def list_terms(
    guarantor_id: UUID, actor: CurrentActor, session: Session
) -> Sequence[GuarantorTerms]:
    """Newest first; the first one is in force."""
    return await guarantors.list_terms(session, actor=actor, guarantor_id=guarantor_id)


@router.get(
    "/guarantors/{guarantor_id}/mix",
    response_model=MixOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="How a guarantor's liability is spread",
)
async def get_mix(guarantor_id: UUID, actor: CurrentActor, session: Session, today: Today) -> Mix:
    """Shares of small and micro firms and of small tickets beside the least it promised."""
    return await guarantors.get_mix(session, actor=actor, guarantor_id=guarantor_id, on=today)


@router.get(
    "/guarantors/{guarantor_id}/limit",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="A guarantor's limit and how much of what it signed for is used",
)
async def get_limit(
    guarantor_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> OwnLimitOut:
    """Held, outstanding, called, available and queued; above 100 % where it signed for less."""
    return await lender_exposure.get_limit(session, actor=actor, guarantor_id=guarantor_id, now=now)
