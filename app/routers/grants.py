"""Grants for those who apply: what they are entitled to, and their applications to the end."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.grants import ApplicationStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.documents import Document
from app.models.grants import GrantApplication, GrantObjection, Recognition
from app.routers.access import may, signed_in
from app.routers.deps import CurrentActor, Limit, Measures, Now, Session
from app.routers.files import PDF_FILE, pdf_file
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.documents import DocumentOut
from app.schemas.funds import ReasonIn
from app.schemas.grant_desk import AgreementConfirmationIn, ObjectionIn, ObjectionOut
from app.schemas.grants import (
    ApplicationIn,
    ApplicationOut,
    ChangeOut,
    DraftIn,
    EntitlementsOut,
    RecognitionOut,
)
from app.services import (
    grant_applications,
    grant_endings,
    grant_entitlements,
    grant_letters,
    grant_notices,
    grant_payments,
    grant_related,
    history,
)
from app.services.grant_applications import APPLICANTS, CorrectionOver, NotADraft, WindowNotOpen
from app.services.grant_duplicates import AwardedTwice
from app.services.grant_letters import NoLetter
from app.services.grant_notices import NoticeOver
from app.services.grant_payments import NoAgreement
from app.services.grant_rules import DoneOtherwise, NotEligible

router = APIRouter(tags=["grants"], route_class=KeyedRoute)

APPLIES = may(*APPLICANTS, scope="grants:write")
OWN = may(*APPLICANTS, scope="grants:read")
READS = may(*APPLICANTS, OrganisationKind.AUTHORITY, scope="grants:read")


@router.get("/company/entitlements", dependencies=[OWN], summary="What you are entitled to")
async def list_entitlements(
    actor: CurrentActor, session: Session, measures: Measures, now: Now
) -> EntitlementsOut:
    """Every paying measure against the facts the platform has of you (免申即享): what it awards
    and by which clauses, what is missing, what refuses it; with an application filled in.
    """
    return await grant_entitlements.list_entitlements(
        session, actor=actor, measures=measures, now=now
    )


@router.get("/company/recognitions", dependencies=[OWN], summary="What is on record of you")
async def list_recognitions(
    *,
    actor: CurrentActor,
    session: Session,
    measure: Annotated[int | None, Query(ge=1, le=999)] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[RecognitionOut]:
    """Designations and accreditations that fill your applications in; newest first."""
    rows: Sequence[Recognition] = await grant_related.list_recognitions(
        session, actor=actor, measure=measure, after=after, limit=limit
    )
    return Page(
        items=[RecognitionOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get("/grant-applications", dependencies=[READS], summary="Grant applications")
async def list_applications(
    *,
    actor: CurrentActor,
    session: Session,
    measure: Annotated[int | None, Query(ge=1, le=999)] = None,
    window_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[ApplicationStatus | None, Query()] = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[ApplicationOut]:
    """Yours and those you are asked to review, newest first; the authority sees all but drafts."""
    rows = await grant_applications.list_applications(
        session,
        actor=actor,
        measure=measure,
        window_id=window_id,
        status=status,
        after=after,
        limit=limit,
    )
    return Page(
        items=[ApplicationOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/grant-applications/{application_id}",
    response_model=ApplicationOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One application",
)
async def get_application(
    application_id: UUID, actor: CurrentActor, session: Session
) -> GrantApplication:
    """Its facts, its state, and in `trace` every rule by clause, fact and figure."""
    return await grant_applications.get_application(
        session, actor=actor, application_id=application_id
    )


@router.get(
    "/grant-applications/{application_id}/history",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="What happened to an application",
)
async def get_history(
    application_id: UUID, actor: CurrentActor, session: Session
) -> list[ChangeOut]:
    """Every step, oldest first."""
    seen = await grant_applications.get_application(
        session, actor=actor, application_id=application_id
    )
    changes = await history.list_changes(session, [seen.id])
    return [ChangeOut.model_validate(change) for change in changes]


@router.get(
    "/grant-applications/{application_id}/documents",
    response_model=list[DocumentOut],
    dependencies=[READS],
    responses=problems(NotFound),
    summary="The documents of an application",
)
async def list_papers(
    application_id: UUID, actor: CurrentActor, session: Session
) -> Sequence[Document]:
    """Those who may read the application may read them."""
    seen = await grant_applications.get_application(
        session, actor=actor, application_id=application_id
    )
    return await grant_applications.papers_of(session, seen.id)


@router.get(
    "/grant-applications/{application_id}/recommendation-letter.pdf",
    dependencies=[READS],
    response_class=Response,
    responses=PDF_FILE | problems(NotFound, NoLetter),
    summary="The letter of recommendation",
)
async def get_letter(application_id: UUID, actor: CurrentActor, session: Session) -> Response:
    """For an application that was given a place (优先审查推荐函); gone with a withdrawn place."""
    letter = await grant_letters.write(session, actor=actor, application_id=application_id)
    await session.commit()  # nothing stays open while it is set
    return pdf_file(await grant_letters.to_pdf(letter), name="recommendation-letter")


@router.post(
    "/grant-applications",
    status_code=201,
    response_model=ApplicationOut,
    dependencies=[APPLIES],
    responses=problems(FieldRefused, WindowNotOpen),
    summary="Draft an application",
)
async def draft(
    form: ApplicationIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """In a window that is open; facts may be left open until it is submitted."""
    return await grant_applications.draft(session, actor=actor, data=form, now=now)


@router.post(
    "/grant-applications/{application_id}/draft",
    response_model=ApplicationOut,
    dependencies=[APPLIES],
    responses=problems(NotFound, FieldRefused, NotADraft),
    summary="Change a draft",
)
async def change(
    application_id: UUID, form: DraftIn, actor: CurrentActor, session: Session
) -> GrantApplication:
    """A draft, or an application returned for correction, written anew."""
    return await grant_applications.change(
        session, actor=actor, application_id=application_id, data=form
    )


@router.post(
    "/grant-applications/{application_id}/submission",
    response_model=ApplicationOut,
    dependencies=[APPLIES],
    responses=problems(
        NotFound,
        FieldRefused,
        IllegalMove,
        WindowNotOpen,
        CorrectionOver,
        NotEligible,
        AwardedTwice,
    ),
    summary="Submit an application",
)
async def submit(
    application_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Every fact stated. What no rule allows, or was asked for already, is refused by name."""
    return await grant_applications.submit(
        session, actor=actor, application_id=application_id, now=now
    )


@router.post(
    "/grant-applications/{application_id}/withdrawal",
    response_model=ApplicationOut,
    dependencies=[APPLIES],
    responses=problems(NotFound, IllegalMove),
    summary="Withdraw an application",
)
async def withdraw(
    application_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Before anything is paid. What it held is free; a ranked place goes to the next best."""
    return await grant_endings.withdraw(
        session, actor=actor, application_id=application_id, now=now
    )


@router.post(
    "/grant-applications/{application_id}/appeal",
    response_model=ApplicationOut,
    dependencies=[APPLIES],
    responses=problems(NotFound, IllegalMove),
    summary="Appeal against a rejection",
)
async def appeal(
    application_id: UUID, form: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Once; another person than rejected it decides."""
    return await grant_applications.appeal(
        session, actor=actor, application_id=application_id, reason=form.reason, now=now
    )


@router.post(
    "/grant-applications/{application_id}/agreement/confirmation",
    response_model=ApplicationOut,
    dependencies=[APPLIES],
    responses=problems(NotFound, IllegalMove, NoAgreement, DoneOtherwise),
    summary="Confirm the agreement",
)
async def agree(
    application_id: UUID,
    form: AgreementConfirmationIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> GrantApplication:
    """Names the agreement's number; said again it changes nothing."""
    return await grant_payments.agree(
        session, actor=actor, application_id=application_id, reference=form.reference, now=now
    )


@router.post(
    "/grant-notices/{application_id}/objections",
    status_code=201,
    response_model=ObjectionOut,
    dependencies=[signed_in(scope="grants:write")],
    responses=problems(NotFound, NoticeOver),
    summary="Object to an award on notice",
)
async def object_to(
    application_id: UUID, form: ObjectionIn, actor: CurrentActor, session: Session, now: Now
) -> GrantObjection:
    """While its notice runs; no decision is made before it is answered."""
    return await grant_notices.object_to(
        session, actor=actor, application_id=application_id, text=form.text, now=now
    )


@router.get(
    "/grant-objections",
    response_model=list[ObjectionOut],
    dependencies=[signed_in(scope="grants:read")],
    summary="Objections",
)
async def list_objections(
    actor: CurrentActor,
    session: Session,
    application_id: Annotated[UUID | None, Query()] = None,
    limit: Limit = 50,
) -> Sequence[GrantObjection]:
    """Yours, newest first, with their answers; the authority sees all."""
    return await grant_notices.list_objections(
        session, actor=actor, application_id=application_id, limit=limit
    )
