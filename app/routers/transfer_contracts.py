"""Technology-transfer contracts that came of the market (measure 4)."""

from uuid import UUID

from fastapi import APIRouter

from app.core.errors import FieldRefused, Forbidden, NotFound
from app.lifecycle.machine import IllegalMove
from app.lifecycle.market import ContractEvent
from app.models.market import TransferContract
from app.routers.access import may, signed_in
from app.routers.deps import CurrentActor, Limit, Now, Session
from app.routers.keyed import KeyedRoute
from app.routers.problems import problems
from app.schemas.base import Page
from app.schemas.market import (
    BenefitIn,
    ContractGrantOut,
    ContractIn,
    ContractOut,
    ContractRefusalIn,
    RecordalIn,
)
from app.services import transfer_contracts
from app.services.disposals import EscrowFirst
from app.services.market import TRADERS
from app.services.patents_offered import PledgeeConsentNeeded
from app.services.transfer_contracts import (
    ConsentUsed,
    ContractRuns,
    ListingGone,
    NotAccepted,
    NotConfirmed,
)

router = APIRouter(prefix="/market", tags=["market"], route_class=KeyedRoute)

READS = signed_in(scope="organisation:read")
ACTS = may(*TRADERS)


@router.post(
    "/enquiries/{enquiry_id}/contracts",
    status_code=201,
    response_model=ContractOut,
    dependencies=[ACTS],
    responses=problems(
        NotFound,
        Forbidden,
        FieldRefused,
        NotAccepted,
        ContractRuns,
        ConsentUsed,
        PledgeeConsentNeeded,
        EscrowFirst,
    ),
    summary="Record the contract that was agreed",
)
async def propose(
    enquiry_id: UUID, given: ContractIn, actor: CurrentActor, session: Session, now: Now
) -> TransferContract:
    """By the supplier, of an accepted enquiry. A pledged patent needs its pledgee's recorded
    consent (a disposal of the deal) to this form, at no lower price.
    """
    return await transfer_contracts.propose(
        session, actor=actor, enquiry_id=enquiry_id, data=given, now=now
    )


@router.get("/contracts", dependencies=[READS], summary="Your transfer contracts")
async def list_contracts(
    actor: CurrentActor, session: Session, limit: Limit = 50, after: UUID | None = None
) -> Page[ContractOut]:
    """Newest first. The authority sees everybody's."""
    rows = await transfer_contracts.list_contracts(session, actor=actor, limit=limit, after=after)
    return Page(
        items=[ContractOut.model_validate(row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
    )


@router.get(
    "/contracts/{contract_id}",
    response_model=ContractOut,
    dependencies=[READS],
    responses=problems(NotFound),
    summary="One transfer contract",
)
async def get_contract(
    contract_id: UUID, actor: CurrentActor, session: Session
) -> TransferContract:
    """For its two sides."""
    return await transfer_contracts.get_contract(session, actor=actor, contract_id=contract_id)


@router.post(
    "/contracts/{contract_id}/confirmation",
    response_model=ContractOut,
    dependencies=[ACTS],
    responses=problems(
        NotFound, Forbidden, IllegalMove, ListingGone, PledgeeConsentNeeded, EscrowFirst
    ),
    summary="Confirm a contract",
)
async def confirm(
    contract_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> TransferContract:
    """By the buyer; the pledgee's consent is looked at again. A licence enters the right's row."""
    return await transfer_contracts.confirm(session, actor=actor, contract_id=contract_id, now=now)


@router.post(
    "/contracts/{contract_id}/refusal",
    response_model=ContractOut,
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, IllegalMove),
    summary="Refuse a contract",
)
async def refuse(
    contract_id: UUID, given: ContractRefusalIn, actor: CurrentActor, session: Session, now: Now
) -> TransferContract:
    """By the buyer, to whom it is not what was agreed."""
    return await transfer_contracts.answer_no(
        session,
        actor=actor,
        contract_id=contract_id,
        event=ContractEvent.REFUSE,
        reason=given.reason,
        now=now,
    )


@router.post(
    "/contracts/{contract_id}/withdrawal",
    response_model=ContractOut,
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, IllegalMove),
    summary="Take a contract back",
)
async def withdraw(
    contract_id: UUID, actor: CurrentActor, session: Session, now: Now
) -> TransferContract:
    """By the supplier, before the buyer confirms."""
    return await transfer_contracts.answer_no(
        session,
        actor=actor,
        contract_id=contract_id,
        event=ContractEvent.WITHDRAW,
        reason=None,
        now=now,
    )


@router.post(
    "/contracts/{contract_id}/recordal",
    response_model=ContractOut,
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, NotConfirmed),
    summary="Enter the number of the recordal",
)
async def record_number(
    contract_id: UUID, given: RecordalIn, actor: CurrentActor, session: Session, now: Now
) -> TransferContract:
    """Of the licence or transfer with the register (备案), by the supplier."""
    return await transfer_contracts.record_number(
        session, actor=actor, contract_id=contract_id, number=given.record_number, now=now
    )


@router.post(
    "/contracts/{contract_id}/benefit",
    response_model=ContractOut,
    dependencies=[ACTS],
    responses=problems(NotFound, Forbidden, FieldRefused, NotConfirmed),
    summary="State what the technology brought",
)
async def record_benefit(
    contract_id: UUID, given: BenefitIn, actor: CurrentActor, session: Session, now: Now
) -> TransferContract:
    """By the buyer, with a document; measure 4 asks for it."""
    return await transfer_contracts.record_benefit(
        session, actor=actor, contract_id=contract_id, data=given, now=now
    )


@router.get(
    "/contracts/{contract_id}/measure-4",
    dependencies=[READS],
    responses=problems(NotFound, NotConfirmed),
    summary="What measure 4 gives for a contract",
)
async def show_grant(contract_id: UUID, actor: CurrentActor, session: Session) -> ContractGrantOut:
    """5 % of the amount, by the facts the platform has and the rules of the day it was signed."""
    return await transfer_contracts.show_grant(session, actor=actor, contract_id=contract_id)
