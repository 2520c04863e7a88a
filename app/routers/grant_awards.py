"""The authority's desk for grants from the decision on: agreement, payment, audit, claw-back."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.grants import GrantApplication
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.grant_desk import (
    AgreementIn,
    AuditIn,
    ClawBackIn,
    ClawedBackIn,
    GrantPaymentIn,
)
from app.schemas.grants import ApplicationOut
from app.services import grant_payments
from app.services.grant_duplicates import AwardedTwice
from app.services.grant_payments import (
    ClawedBackAbove,
    NothingToPay,
    NoticeRunning,
    ObjectionsOpen,
)
from app.services.grant_rules import DoneOtherwise, OnePersonTwice

router = APIRouter(
    prefix="/authority/grant-applications/{application_id}",
    tags=["grants"],
    route_class=KeyedRoute,
)

DESK = may(OrganisationKind.AUTHORITY)
MANAGES = may(OrganisationKind.AUTHORITY, manager=True)


@router.post(
    "/decision",
    response_model=ApplicationOut,
    dependencies=[MANAGES],
    responses=problems(
        NotFound, IllegalMove, OnePersonTwice, NoticeRunning, ObjectionsOpen, AwardedTwice
    ),
    summary="Decide on an award",
)
async def approve(
    application_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """After its notice, by a manager who neither checked nor recommended it. What was reserved
    is committed; a place is given.
    """
    return await grant_payments.approve(
        session, actor=actor, application_id=application_id, now=now
    )


@router.post(
    "/agreement",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove, NothingToPay, DoneOtherwise),
    summary="Draw the agreement up",
)
async def draw_up(
    application_id: UUID, form: AgreementIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Its number and terms; the applicant confirms them."""
    return await grant_payments.draw_up(
        session, actor=actor, application_id=application_id, data=form, now=now
    )


@router.post(
    "/payment",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(
        NotFound, FieldRefused, IllegalMove, NothingToPay, OnePersonTwice, DoneOtherwise
    ),
    summary="Report that a grant was paid",
)
async def pay(
    application_id: UUID, form: GrantPaymentIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """Once, by another person than decided. The same payment again answers what is there."""
    return await grant_payments.pay(
        session, actor=actor, application_id=application_id, data=form, now=now
    )


@router.post(
    "/audit",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, IllegalMove),
    summary="Record the follow-up audit",
)
async def audit(
    application_id: UUID, form: AuditIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """What became of the money."""
    return await grant_payments.audit(
        session, actor=actor, application_id=application_id, data=form, now=now
    )


@router.post(
    "/claw-back",
    response_model=ApplicationOut,
    dependencies=[MANAGES],
    responses=problems(NotFound, IllegalMove, ClawedBackAbove),
    summary="Ask for a grant back",
)
async def claw_back(
    application_id: UUID, form: ClawBackIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """All of it or a part, and why."""
    return await grant_payments.claw_back(
        session, actor=actor, application_id=application_id, data=form, now=now
    )


@router.post(
    "/recovery",
    response_model=ApplicationOut,
    dependencies=[DESK],
    responses=problems(NotFound, FieldRefused, IllegalMove, OnePersonTwice, DoneOtherwise),
    summary="Record that a grant came back",
)
async def recover(
    application_id: UUID, form: ClawedBackIn, actor: CurrentActor, session: Session, now: Now
) -> GrantApplication:
    """By another person than asked for it; the budget has it again."""
    return await grant_payments.recover(
        session, actor=actor, application_id=application_id, data=form, now=now
    )
