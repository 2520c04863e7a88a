"""Deals as banks, guarantors and insurers work on them: registrations, milestones, drawdowns."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.identifiers.rights import Register
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Drawdown, Milestone, Registration
from app.routers.access import may
from app.routers.deps import CurrentActor, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.deals import (
    DrawdownOut,
    DrawnIn,
    MilestoneIn,
    MilestoneKind,
    MilestoneOut,
    RegistrationIn,
    RegistrationOut,
    ReleaseIn,
)
from app.services import drawdowns, registrations
from app.services.actor import KindRefused
from app.services.deals import DealNotReady, NotPledgee
from app.services.drawdowns import GateClosed, ReferenceUsed, ReportedOtherwise
from app.services.old_loans import OldLoanInTheWay
from app.services.registrations import NumberTaken
from app.services.takeovers import OldInterestOwed

router = APIRouter(prefix="/lender/deals", tags=["lender"], route_class=KeyedRoute)

Kind = OrganisationKind


@router.post(
    "/{deal_id}/registrations/{register_name}/events",
    status_code=201,
    response_model=RegistrationOut,
    dependencies=[may(Kind.BANK, Kind.GUARANTOR, scope="deals:write")],
    responses=problems(NotFound, NotPledgee, DealNotReady, IllegalMove, NumberTaken, FieldRefused),
    summary="Record what a register did",
)
async def record_registration(
    *,
    deal_id: UUID,
    register_name: Register,
    given: RegistrationIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Registration:
    """By the pledgee: submitted, correction asked, registered, refused, changed.

    Once a deal has failed: how its filing ended. Refused or withdrawn it frees the rights; a
    registered one is cancelled under `/lender/registrations`.
    """
    return await registrations.record(
        session,
        actor=actor,
        deal_id=deal_id,
        register=register_name,
        event=given.event,
        number=given.number,
        on=given.on,
        remark=given.remark,
        now=now,
    )


@router.post(
    "/{deal_id}/milestones/{kind}",
    status_code=201,
    response_model=MilestoneOut,
    dependencies=[may(Kind.GUARANTOR, Kind.INSURER, scope="deals:write")],
    responses=problems(NotFound, KindRefused, DealNotReady),
    summary="Record a milestone",
)
async def record_milestone(
    *,
    deal_id: UUID,
    kind: MilestoneKind,
    given: MilestoneIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Milestone:
    """Guarantee effective and counter-guarantee done: the guarantor. Policy paid: the insurer."""
    return await registrations.record_milestone(
        session, actor=actor, deal_id=deal_id, kind=kind, reference=given.reference, now=now
    )


@router.post(
    "/{deal_id}/drawdowns",
    status_code=201,
    response_model=DrawdownOut,
    dependencies=[may(Kind.BANK, scope="loans:write")],
    responses=problems(NotFound, GateClosed),
    summary="Pass the gate for a tranche",
)
async def release_drawdown(
    deal_id: UUID, given: ReleaseIn, actor: CurrentActor, session: Session, now: Now
) -> Drawdown:
    """A dated release. Until it is reported drawn or not drawn the hold cannot expire."""
    return await drawdowns.release(
        session, actor=actor, deal_id=deal_id, amount=given.amount, now=now
    )


@router.post(
    "/{deal_id}/drawdowns/{drawdown_id}/drawn",
    response_model=DrawdownOut,
    dependencies=[may(Kind.BANK, scope="loans:write")],
    responses=problems(
        NotFound, ReportedOtherwise, ReferenceUsed, FieldRefused, OldInterestOwed, OldLoanInTheWay
    ),
    summary="Report a tranche drawn",
)
async def report_drawn(
    *,
    deal_id: UUID,
    drawdown_id: UUID,
    given: DrawnIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Drawdown:
    """Its share of the hold becomes outstanding liability, and the loan runs.

    The same report once more is answered alike and changes nothing, under any key.
    """
    return await drawdowns.report_drawn(
        session,
        actor=actor,
        deal_id=deal_id,
        drawdown_id=drawdown_id,
        drawn_on=given.drawn_on,
        reference=given.reference,
        last=given.last,
        old_interest=given.old_interest,
        now=now,
    )


@router.post(
    "/{deal_id}/drawdowns/{drawdown_id}/not-drawn",
    response_model=DrawdownOut,
    dependencies=[may(Kind.BANK, scope="loans:write")],
    responses=problems(NotFound, ReportedOtherwise),
    summary="Report a tranche not drawn",
)
async def report_not_drawn(
    deal_id: UUID, drawdown_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> Drawdown:
    """The hold runs on to the end it had before the release."""
    return await drawdowns.report_not_drawn(
        session, actor=actor, deal_id=deal_id, drawdown_id=drawdown_id, now=now
    )
