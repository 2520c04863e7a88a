"""A firm's deals: accepting a package, and the firm's part on the way to cash."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, NotFound
from app.lifecycle.deals import ContractKind, DealStatus
from app.lifecycle.machine import IllegalMove
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Contract, Deal
from app.models.records import StatusChange
from app.routers.access import may
from app.routers.deps import CurrentActor, Limit, Now, QueryAmount, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.deals import (
    AcceptanceIn,
    AcceptedOut,
    ChangeOut,
    ContractConfirmationIn,
    ContractIn,
    ContractOut,
    DealOut,
    DetailsOut,
    GateOut,
    MissingOut,
    ReasonIn,
    UseOfFundsIn,
)
from app.services import acceptance, alternatives, contracts, deals, drawdowns, failures, gate
from app.services.acceptance import (
    InstitutionSuspended,
    QuoteNotOffered,
    RightAlreadyPledged,
)
from app.services.caps import CapExceeded
from app.services.contracts import NotASide, OtherDocument
from app.services.deals import DealNotReady, ReleaseOut
from app.services.old_loans import OldLoanInTheWay
from app.services.packages import NotAdmissible
from app.services.quotes import StaleRevision
from app.services.renewal_rules import PartyMustStay

router = APIRouter(prefix="/company", tags=["company"], route_class=KeyedRoute)

READS = may(OrganisationKind.ENTERPRISE, scope="deals:read")
WRITES = may(OrganisationKind.ENTERPRISE, scope="deals:write")


@router.post(
    "/requests/{request_id}/acceptance",
    status_code=201,
    dependencies=[WRITES],
    responses=problems(
        NotFound,
        IllegalMove,
        StaleRevision,
        QuoteNotOffered,
        InstitutionSuspended,
        NotAdmissible,
        RightAlreadyPledged,
        OldLoanInTheWay,
        PartyMustStay,
        CapExceeded,
    ),
    summary="Accept a package",
)
async def accept_package(
    request_id: UUID, chosen: AcceptanceIn, actor: CurrentActor, session: Session, now: Now
) -> AcceptedOut:
    """One act: request matched, quotes taken, rights locked, the guarantor's liability held.

    Names quotes *and* revisions; a stale revision is refused. Accepting is your consent that the
    chosen institutions see who you are and which rights you pledge. Without room the deal is
    `queued` and the answer says where it stands and what else the firm could do.
    """
    deal = await acceptance.accept_package(
        session,
        actor=actor,
        request_id=request_id,
        loan=chosen.loan.as_choice(),
        guarantee=chosen.guarantee.as_choice() if chosen.guarantee else None,
        insurance=chosen.insurance.as_choice() if chosen.insurance else None,
        now=now,
    )
    place = await alternatives.find_queue(session, actor=actor, deal=deal, now=now)
    return AcceptedOut(**dict(DealOut.model_validate(deal)), queue=place)


@router.get("/deals", dependencies=[READS], summary="The firm's deals")
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
    """Its parties, the rights pledged, and all that hangs on the deal."""
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
    "/deals/{deal_id}/withdrawal",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady, ReleaseOut),
    summary="Withdraw a deal",
)
async def withdraw_deal(
    deal_id: UUID, given: ReasonIn, actor: CurrentActor, session: Session, now: Now
) -> Deal:
    """Before cash only. Both holds are voided and the request is open again."""
    return await failures.withdraw_deal(
        session, actor=actor, deal_id=deal_id, reason=given.reason, now=now
    )


@router.post(
    "/deals/{deal_id}/undrawn/forgoing",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady, ReleaseOut, drawdowns.NothingUndrawn),
    summary="Give up what is not drawn",
)
async def forgo_rest(deal_id: UUID, actor: CurrentActor, session: Session, now: Now) -> Deal:
    """No further tranche; the guarantor's hold for it is free for others.

    A loan that owes nothing any more is repaid by it, and its pledge can be discharged.
    """
    return await drawdowns.forgo_rest(session, actor=actor, deal_id=deal_id, now=now)


@router.post(
    "/deals/{deal_id}/use-of-funds",
    response_model=DealOut,
    dependencies=[WRITES],
    responses=problems(NotFound, DealNotReady),
    summary="State the use of funds",
)
async def state_use_of_funds(
    deal_id: UUID, given: UseOfFundsIn, actor: CurrentActor, session: Session, now: Now
) -> Deal:
    """The gate asks for it."""
    return await deals.state_use_of_funds(
        session, actor=actor, deal_id=deal_id, use=given.use, now=now
    )


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
