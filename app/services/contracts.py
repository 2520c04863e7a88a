"""Contracts of a deal: versions of a document that every side confirms, by its hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, Forbidden, NotFound
from app.core.messages import say
from app.lifecycle.deals import (
    CONTRACT,
    DEAL,
    ContractEvent,
    ContractKind,
    ContractStatus,
    DealEvent,
    DealStatus,
    PledgeeKind,
)
from app.lifecycle.financing import QUOTE, QuoteEvent, QuoteStatus
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.models.deals import Contract, ContractConfirmation, Deal
from app.models.documents import Document
from app.models.financing import Quote
from app.schemas.quotes import GuaranteeTerms, LoanTerms
from app.services import documents, history, outbox, registrations
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import lock_deal, must_be_in, parties_of
from app.services.names import NAMES


@dataclass(eq=False)
class NotASide(Forbidden):
    message = "Your organisation is no side of the {kind} contract."

    kind: ContractKind

    def words(self) -> Mapping[str, Any]:
        return {"kind": NAMES[self.kind]}


@dataclass(eq=False)
class OtherDocument(Conflict):
    """The confirmation names another document than the contract's live version holds."""

    message = "Version {version} of the contract holds the document with SHA-256 {sha256}."

    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A required contract that is not drafted yet, or whose live version awaits these sides."""

    kind: ContractKind
    drafted: bool
    awaiting: frozenset[UUID]


def required_contracts(deal: Deal) -> dict[ContractKind, frozenset[UUID]]:
    """The contracts this deal needs, and the sides that confirm each."""
    pledgees = set()
    if deal.pledgee is not PledgeeKind.GUARANTOR:
        pledgees.add(deal.bank_id)
    if deal.guarantor_id is not None and deal.pledgee is not PledgeeKind.BANK:
        pledgees.add(deal.guarantor_id)
    required = {
        ContractKind.LOAN: frozenset({deal.firm_id, deal.bank_id}),
        ContractKind.PLEDGE: frozenset({deal.firm_id, *pledgees}),
    }
    if deal.guarantor_id is not None:
        required[ContractKind.GUARANTEE] = frozenset({deal.guarantor_id, deal.bank_id})
        if GuaranteeTerms.model_validate(deal.guarantee_terms).counter_guarantee:
            counter = frozenset({deal.firm_id, deal.guarantor_id})
            required[ContractKind.COUNTER_GUARANTEE] = counter
    if deal.insurer_id is not None:
        required[ContractKind.INSURANCE] = frozenset({deal.firm_id, deal.insurer_id, deal.bank_id})
    return required


async def draft_contract(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    kind: ContractKind,
    document_id: UUID,
    now: datetime,
) -> Contract:
    """Put a document of one's own forward as the contract's next version; all sides may read it.

    A version that was not confirmed by all is replaced, its confirmations with it.
    """
    deal, sides = await _lock(session, actor, deal_id, kind)
    document = await session.get(Document, document_id)
    if document is None or document.owner_id != actor.organisation_id:
        raise FieldRefused("document_id", say("is no document of yours"))
    live = await _live(session, deal, kind)
    if live is not None:
        history.move(session, live, CONTRACT, ContractEvent.REPLACE, actor=actor, now=now)
        await session.flush()  # the index allows one live version at a time
    versions = await session.scalar(
        select(func.count())
        .select_from(Contract)
        .where(Contract.deal_id == deal.id, Contract.kind == kind)
    )
    contract = Contract(
        id=new_id(),
        deal_id=deal.id,
        kind=kind,
        version=(versions or 0) + 1,
        document_id=document.id,
        status=ContractStatus.DRAFTED,
        drafted_by=actor.organisation_id,
        drafted_at=now,
    )
    session.add(contract)
    history.begin(session, contract, CONTRACT, actor=actor, now=now)
    others = sorted(sides - {actor.organisation_id})
    await documents.share(session, document, organisation_ids=others)
    for side in others:
        outbox.announce(session, "contract.drafted", contract.id, organisation_id=side, now=now)
    return contract


async def confirm_contract(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    kind: ContractKind,
    version: int,
    sha256: str,
    now: datetime,
) -> Contract:
    """Confirm exactly this version and document. The last side's confirmation closes it.

    When every required contract is confirmed the rivals' quotes end and the pledge is due.
    """
    deal, sides = await _lock(session, actor, deal_id, kind)
    contract = await _live(session, deal, kind)
    if contract is None:
        raise NotFound
    document = await session.get_one(Document, contract.document_id)
    if contract.version != version or document.sha256.hex() != sha256:
        raise OtherDocument(contract.version, document.sha256.hex())
    CONTRACT.after(contract.status, ContractEvent.CONFIRM)
    first = await session.scalar(
        insert(ContractConfirmation)
        .values(
            contract_id=contract.id,
            organisation_id=actor.organisation_id,
            confirmed_by=actor.user_id,
            confirmed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ContractConfirmation.contract_id)
    )
    if first is not None:
        history.note(session, "confirmation", contract.id, "confirm", actor=actor, now=now)
    confirmed = await session.scalars(
        select(ContractConfirmation.organisation_id).where(
            ContractConfirmation.contract_id == contract.id
        )
    )
    if sides <= set(confirmed):
        history.move(session, contract, CONTRACT, ContractEvent.CONFIRM, actor=actor, now=now)
        await session.flush()
        if not await list_unconfirmed(session, deal):
            await _conclude(session, deal, actor=actor, now=now)
    return contract


async def list_unconfirmed(session: AsyncSession, deal: Deal) -> list[Unconfirmed]:
    """The required contracts that not every side has confirmed, and who must act on each."""
    live = {
        contract.kind: contract
        for contract in await session.scalars(
            select(Contract)
            .where(Contract.deal_id == deal.id, Contract.status != ContractStatus.REPLACED)
            .execution_options(populate_existing=True)
        )
    }
    given = await session.execute(
        select(ContractConfirmation.contract_id, ContractConfirmation.organisation_id).where(
            ContractConfirmation.contract_id.in_([contract.id for contract in live.values()])
        )
    )
    confirmations = {(row.contract_id, row.organisation_id) for row in given}
    unconfirmed = []
    for kind, sides in required_contracts(deal).items():
        contract = live.get(kind)
        if contract is None:
            unconfirmed.append(Unconfirmed(kind, drafted=False, awaiting=_drafters(deal, sides)))
        elif contract.status is not ContractStatus.CONFIRMED:
            awaiting = {side for side in sides if (contract.id, side) not in confirmations}
            unconfirmed.append(Unconfirmed(kind, drafted=True, awaiting=frozenset(awaiting)))
    return unconfirmed


def _drafters(deal: Deal, sides: frozenset[UUID]) -> frozenset[UUID]:
    """Any side may draft; the one expected to is the institution whose obligation it is."""
    for institution in (deal.insurer_id, deal.guarantor_id, deal.bank_id):
        if institution in sides:
            return frozenset({institution})
    return sides


async def _conclude(session: AsyncSession, deal: Deal, *, actor: Actor, now: datetime) -> None:
    history.move(session, deal, DEAL, DealEvent.CONTRACT, actor=actor, now=now)
    terms = LoanTerms.model_validate(deal.loan_terms)
    deal.available_until = business_date(now) + timedelta(days=terms.availability_days)
    await registrations.prepare(session, deal, actor=actor, now=now)
    await session.flush()
    await bind(session, SYSTEM)  # the rivals' quotes are not the actor's to see
    rivals = await session.scalars(
        select(Quote)
        .where(Quote.request_id == deal.request_id, Quote.status == QuoteStatus.STANDING_BY)
        .order_by(Quote.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for rival in rivals:
        history.move(session, rival, QUOTE, QuoteEvent.DECLINE, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "deal.contracted", deal.id, now=now)
    await session.flush()


async def _lock(
    session: AsyncSession, actor: Actor, deal_id: UUID, kind: ContractKind
) -> tuple[Deal, frozenset[UUID]]:
    """The deal under its lock and the sides of the contract, of whom the actor is one."""
    actor.must_be(OrganisationKind.ENTERPRISE, *LENDERS)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, DealStatus.CONTRACTING)
    sides = required_contracts(deal).get(kind, frozenset())
    if actor.organisation_id not in sides:
        raise NotASide(kind)
    return deal, sides


async def _live(session: AsyncSession, deal: Deal, kind: ContractKind) -> Contract | None:
    contract: Contract | None = await session.scalar(
        select(Contract)
        .where(
            Contract.deal_id == deal.id,
            Contract.kind == kind,
            Contract.status != ContractStatus.REPLACED,
        )
        .execution_options(populate_existing=True)
    )
    return contract
