"""A firm's IP rights: state, correct, list; owners, licences, burdens, events; the pre-check."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query

from app.core.clock import business_date
from app.core.errors import FieldRefused, NotFound
from app.identifiers.rights import Register, RightKind
from app.lifecycle.parties import OrganisationKind
from app.models.rights import CoOwner, Encumbrance, LegalEvent, Licence, Right
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Day, Page
from app.schemas.rights import (
    AnnuityIn,
    AnnuityOut,
    ConsentIn,
    CoOwnerIn,
    CoOwnerOut,
    EncumbranceIn,
    EncumbranceOut,
    EventIn,
    EventOut,
    LicenceIn,
    LicenceOut,
    RightCheckOut,
    RightDetailOut,
    RightIn,
    RightOut,
)
from app.services import prechecks, right_events, rights
from app.services.prechecks import PersonNeeded
from app.services.right_events import EventKnown, ReliefNotYours
from app.services.rights import NotAPatent, RightPledged, RightTaken

_READ = may(OrganisationKind.ENTERPRISE, scope="rights:read")
_WRITE = may(OrganisationKind.ENTERPRISE, scope="rights:write")

router = APIRouter(prefix="/company/rights", tags=["rights"], route_class=KeyedRoute)

StatedRight = Annotated[RightIn, Body()]


@router.post(
    "",
    status_code=201,
    response_model=RightOut,
    summary="State a right",
    dependencies=[_WRITE],
    responses=problems(RightTaken, FieldRefused),
)
async def create_right(
    stated: StatedRight, actor: CurrentActor, session: Session, now: Now
) -> Right:
    """Fields by `kind`. The number is checked and normalised, and stands once on the platform."""
    return await rights.create_right(session, actor=actor, stated=stated, now=now)


@router.get("", summary="Your rights", dependencies=[_READ])
async def list_rights(
    *,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
    kind: RightKind | None = None,
    register: Register | None = None,
    number: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[RightOut]:
    """Newest first; by kind, register or exact normalised number if wanted."""
    found = await rights.list_rights(
        session,
        actor=actor,
        limit=limit,
        after=after,
        kind=kind,
        register=register,
        number=number,
    )
    items = [RightOut.model_validate(right) for right in found]
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get(
    "/checks",
    summary="Pre-check rights",
    dependencies=[_READ],
    responses=problems(NotFound),
)
async def check_rights(
    actor: CurrentActor,
    session: Session,
    now: Now,
    loan_ends_on: Day,
    right_id: Annotated[list[UUID], Query(min_length=1, max_length=200)],
) -> list[RightCheckOut]:
    """What each register would refuse for a loan ending that day, and which consents are missing.

    `block` cannot be pledged; `leave_out` ends too early and is left out; `warn` needs consent.
    """
    checks = await prechecks.check_rights(
        session,
        actor=actor,
        right_ids=list(dict.fromkeys(right_id)),
        on=business_date(now),
        loan_ends_on=loan_ends_on,
    )
    return [RightCheckOut.model_validate(check) for check in checks]


@router.get(
    "/{right_id}", summary="A right in full", dependencies=[_READ], responses=problems(NotFound)
)
async def get_right(
    right_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> RightDetailOut:
    """With co-owners, licences, encumbrances, legal events and, for a patent, its annual fees."""
    right = await rights.get_right(session, actor=actor, right_id=right_id)
    annuity = await prechecks.find_annuity(session, right, on=business_date(now))
    return RightDetailOut(
        right=RightOut.model_validate(right),
        co_owners=[CoOwnerOut.model_validate(owner) for owner in right.co_owners],
        licences=[LicenceOut.model_validate(licence) for licence in right.licences],
        encumbrances=[EncumbranceOut.model_validate(burden) for burden in right.encumbrances],
        events=[
            EventOut.model_validate(event)
            for event in sorted(right.events, key=lambda e: (e.announced_on, e.id))
        ],
        annuity=None if annuity is None else AnnuityOut.model_validate(annuity),
    )


@router.put(
    "/{right_id}",
    response_model=RightOut,
    summary="Correct a right",
    dependencies=[_WRITE],
    responses=problems(NotFound, RightTaken, RightPledged, FieldRefused),
)
async def correct_right(
    right_id: UUID, stated: StatedRight, actor: CurrentActor, session: Session, now: Now
) -> Right:
    """Rewrites it as a whole. Not while a live deal holds it."""
    return await rights.correct_right(
        session, actor=actor, right_id=right_id, stated=stated, now=now
    )


@router.post(
    "/{right_id}/co-owners",
    status_code=201,
    response_model=CoOwnerOut,
    summary="Add or complete a co-owner",
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused),
)
async def add_co_owner(
    right_id: UUID, stated: CoOwnerIn, actor: CurrentActor, session: Session, now: Now
) -> CoOwner:
    """A pledge needs the consent of every co-owner: upload it and name the document here."""
    return await rights.add_co_owner(
        session, actor=actor, right_id=right_id, stated=stated, now=now
    )


@router.post(
    "/{right_id}/licences",
    status_code=201,
    response_model=LicenceOut,
    summary="Add a licence",
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused),
)
async def add_licence(
    right_id: UUID, stated: LicenceIn, actor: CurrentActor, session: Session, now: Now
) -> Licence:
    """An exclusive licence given before bars the pledge of a copyright."""
    return await rights.add_licence(session, actor=actor, right_id=right_id, stated=stated, now=now)


@router.post(
    "/{right_id}/encumbrances",
    status_code=201,
    response_model=EncumbranceOut,
    summary="Add an encumbrance",
    dependencies=[_WRITE],
    responses=problems(NotFound, FieldRefused),
)
async def add_encumbrance(
    right_id: UUID, stated: EncumbranceIn, actor: CurrentActor, session: Session, now: Now
) -> Encumbrance:
    """A pledge or preservation made outside this platform."""
    return await rights.add_encumbrance(
        session, actor=actor, right_id=right_id, stated=stated, now=now
    )


@router.post(
    "/{right_id}/events",
    status_code=201,
    response_model=EventOut,
    summary="Record a legal event",
    dependencies=[_WRITE],
    responses=problems(NotFound, EventKnown, ReliefNotYours, FieldRefused),
)
async def record_event(
    right_id: UUID, stated: EventIn, actor: CurrentActor, session: Session, now: Now
) -> LegalEvent:
    """By the code of the gazette (PE01, PP01, CF01 …); its effect is applied to the right.

    What lifts a lapse, a preservation or a pledge (RR01, PD01, PC01) is the authority's to record.
    """
    return await right_events.record_event(
        session, actor=actor, right_id=right_id, stated=stated, now=now
    )


@router.put(
    "/{right_id}/annuity",
    response_model=RightOut,
    summary="Record annual fees",
    dependencies=[_WRITE],
    responses=problems(NotFound, NotAPatent),
)
async def record_annuity(
    right_id: UUID, stated: AnnuityIn, actor: CurrentActor, session: Session, now: Now
) -> Right:
    """Through which patent year the fees are paid."""
    return await rights.record_annuity(
        session,
        actor=actor,
        right_id=right_id,
        paid_through_year=stated.paid_through_year,
        now=now,
    )


@router.post(
    "/{right_id}/consents",
    status_code=204,
    summary="Consent to a warning",
    dependencies=[may(OrganisationKind.ENTERPRISE)],
    responses=problems(NotFound, FieldRefused, PersonNeeded),
)
async def consent(
    right_id: UUID, stated: ConsentIn, actor: CurrentActor, session: Session, now: Now
) -> None:
    """Recorded with who gave it and when. Only a ground that warns can be waived."""
    await prechecks.consent(
        session,
        actor=actor,
        right_id=right_id,
        ground=stated.ground,
        statement=stated.statement,
        now=now,
    )
