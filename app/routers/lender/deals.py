"""Deals as banks, guarantors and insurers work on them: approvals, contracts, the gate."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.deals import ContractKind, DealStatus
from app.lifecycle.machine import IllegalMove
from app.models.deals import Condition, Contract, Deal
from app.models.records import StatusChange
from app.routers.access import lenders
from app.routers.deps import CurrentActor, Limit, Now, QueryAmount, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.deals import (
    ApprovalIn,
    ChangeOut,
    ConditionOut,
    ContractConfirmationIn,
    ContractIn,
    ContractOut,
    DealOut,
    DetailsOut,
    GateOut,
    MetIn,
    MissingOut,
    ReasonIn,
)
from app.services import approvals, contracts, deals, gate, queue
from app.services.approvals import ConditionMet
from app.services.contracts import NotASide, OtherDocument
from app.services.deals import DealNotReady, ReleaseOut

router = APIRouter(prefix="/lender", tags=["lender"], route_class=KeyedRoute)

READS = lenders(scope="deals:read")
WRITES = lenders(scope="deals:write")


@router.get("/deals", dependencies=[READS], summary="The institution's deals")
async def list_deals(
    *,
    actor: CurrentActor,
    session: Session,
    limit: Limit = 50,
    after: UUID | None = None,
    status: DealStatus | None = None,
) -> Page[DealOut]:
    """Newest first."""
    rows = await deals.list_deals(session, actor=actor, limit=limit, after=after, status=status)
    return Page(
        items=[DealOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/deals/{deal_id}", dependencies=[READS], responses=problems(NotFound), summary="One deal"
)
async def get_deal(deal_id: UUID, actor: CurrentActor, session: Session) -> DetailsOut:
    """Who borrows, which rights are pledged, and all that hangs on the deal."""
    found = await deals.get_details(session, actor=actor, deal_id=deal_id)
    return DetailsOut.model_validate(found)


@router.get(
    "/deals/{deal_id}/history",
    response_model=list[ChangeOut],
    dependencies=[READS],
    responses=problems(NotFound),
    summary="Every move of a deal",
)
async def list_history(
    deal_id: UUID, actor: CurrentActor, session: Session
) -> Sequence[StatusChange]:
    """Who moved what, when, from which state to which: the deal and all that hangs on it."""
    return await deals.list_history(session, actor=actor, deal_id=deal_id)


@router.get(
    "/deals/{deal_id}/gate",
    dependencies=[READS],
    responses=problems(NotFound),
    summary="The drawdown gate",
)
async def show_gate(
    deal_id: UUID,
    actor: CurrentActor,
    session: Session,
    now: Now,
    amount: QueryAmount,
) -> GateOut:
    """What is missing before money may flow, and who must act."""
    missing = await gate.show(session, actor=actor, deal_id=deal_id, amount=amount, now=now)
    return GateOut(open=not missing, missing=[MissingOut.model_validate(row) for row in missing])


@router.post(
    "/deals/{deal_id}/approval",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady, IllegalMove, FieldRefused),
    summary="Approve a deal",
)
async def approve_deal(
    deal_id: UUID, given: ApprovalIn, actor: CurrentActor, session: Session, now: Now
) -> Deal:
    """For all of it or less, with conditions if need be. For less, the hold shrinks with it."""
    return await approvals.approve(
        session,
        actor=actor,
        deal_id=deal_id,
        principal=given.principal,
        reference=given.reference,
        valid_days=given.valid_days,
        conditions=given.conditions,
        now=now,
    )


@router.post(
    "/deals/{deal_id}/refusal",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady, IllegalMove, ReleaseOut),
    summary="Decline a deal",
)
async def decline_deal(
    deal_id: UUID, given: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> Deal:
    """The deal fails: holds are voided, the other approvals lapse, the request is open again.

    Also after having approved it, as long as no money has moved and no release is out.
    """
    return await approvals.decline(
        session, actor=actor, deal_id=deal_id, note=given.reason, now=now
    )


@router.post(
    "/deals/{deal_id}/conditions/{condition_id}/fulfilment",
    response_model=ConditionOut,
    dependencies=[WRITES],
    responses=problems(NotFound, ConditionMet, FieldRefused),
    summary="Record that a condition is met",
)
async def meet_condition(
    *,
    deal_id: UUID,
    condition_id: UUID,
    given: MetIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Condition:
    """By the institution whose approval named it, with the document that proves it."""
    return await approvals.meet_condition(
        session,
        actor=actor,
        deal_id=deal_id,
        condition_id=condition_id,
        document_id=given.document_id,
        now=now,
    )


@router.post(
    "/deals/{deal_id}/reconfirmation",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady),
    summary="Reconfirm a promoted deal",
)
async def reconfirm_deal(deal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Deal:
    """Within the set time, or the hold is voided and the deal leaves the queue."""
    return await queue.reconfirm(session, actor=actor, deal_id=deal_id, now=now)


@router.post(
    "/deals/{deal_id}/contracts/{kind}",
    status_code=201,
    response_model=ContractOut,
    dependencies=[WRITES],
    responses=problems(NotFound, NotASide, DealNotReady, IllegalMove, FieldRefused),
    summary="Draft a contract",
)
async def draft_contract(
    *,
    deal_id: UUID,
    kind: ContractKind,
    drafted: ContractIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Contract:
    """The next version, with a document of your own that all sides may then read."""
    return await contracts.draft_contract(
        session,
        actor=actor,
        deal_id=deal_id,
        kind=kind,
        document_id=drafted.document_id,
        now=now,
    )


@router.post(
    "/deals/{deal_id}/contracts/{kind}/confirmation",
    response_model=ContractOut,
    dependencies=[WRITES],
    responses=problems(NotFound, NotASide, DealNotReady, OtherDocument, IllegalMove),
    summary="Confirm a contract",
)
async def confirm_contract(
    *,
    deal_id: UUID,
    kind: ContractKind,
    given: ContractConfirmationIn,
    actor: CurrentActor,
    session: Session,
    now: Now,
) -> Contract:
    """Exactly this version, by the SHA-256 of its document."""
    return await contracts.confirm_contract(
        session,
        actor=actor,
        deal_id=deal_id,
        kind=kind,
        version=given.version,
        sha256=given.sha256,
        now=now,
    )
