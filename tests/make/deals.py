"""A request with quotes of a bank, a guarantor and an insurer, and deals on their way to cash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import Money
from app.lifecycle.deals import PledgeeKind, RegistrationEvent
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.deals import Deal, Registration
from app.models.financing import FinancingRequest, Quote
from app.models.organisations import Organisation
from app.schemas.deals import MilestoneKind
from app.services import acceptance, approvals, contracts, deals, registrations
from app.services.actor import SYSTEM, Actor, bind
from tests.make.limits import make_limit
from tests.make.market import (
    GUARANTEE,
    INSURANCE,
    LOAN,
    make_cooperation,
    make_firm,
    make_institution,
    make_open_request,
    make_quote,
)
from tests.make.parties import NOW
from tests.make.rights import make_document

LIMIT = Money.yuan(100_000_000)


@dataclass
class Table:
    """A firm's open request and what lies on it."""

    firm: Actor
    bank: Actor
    guarantor: Actor
    insurer: Actor
    request: FinancingRequest
    loan: Quote
    guarantee: Quote
    insurance: Quote

    def __post_init__(self) -> None:
        # A client's visit expires the session's rows; these can still be named after it.
        self.request_id, self.loan_id = self.request.id, self.loan.id
        self.guarantee_id = self.guarantee.id

    @property
    def institutions(self) -> list[Actor]:
        return [self.bank, self.guarantor]

    @property
    def parties(self) -> list[Actor]:
        return [self.firm, *self.institutions]


async def make_table(
    session: AsyncSession,
    *,
    limit: Money = LIMIT,
    bank: Actor | None = None,
    guarantor: Actor | None = None,
    guarantor_type: GuarantorType = GuarantorType.GOVERNMENT,
    loan: dict[str, Any] | None = None,
    guarantee: dict[str, Any] | None = None,
    insurance: dict[str, Any] | None = None,
    **request: Any,
) -> Table:
    """Five million yuan offered, 80 % guaranteed, 20 % insured, all three in cooperation."""
    await bind(session, SYSTEM)
    firm = await make_firm(session)
    bank = bank or await make_institution(session, OrganisationKind.BANK)
    if guarantor is None:
        guarantor = await make_institution(
            session, OrganisationKind.GUARANTOR, guarantor_type=guarantor_type
        )
        organisation = await session.get_one(Organisation, guarantor.organisation_id)
        await make_limit(session, organisation, limit)
    insurer = await make_institution(session, OrganisationKind.INSURER)
    await make_cooperation(session, bank, guarantor)
    await make_cooperation(session, bank, insurer)
    asked = await make_open_request(session, firm, **request)
    return Table(
        firm,
        bank,
        guarantor,
        insurer,
        asked,
        await make_quote(session, bank, asked, LOAN | (loan or {})),
        await make_quote(session, guarantor, asked, GUARANTEE | (guarantee or {})),
        await make_quote(session, insurer, asked, INSURANCE | (insurance or {})),
    )


async def accept(
    session: AsyncSession, table: Table, *, insured: bool = False, guaranteed: bool = True
) -> Deal:
    """The firm accepts; the deal as the database has it."""
    deal = await acceptance.accept_package(
        session,
        actor=table.firm,
        request_id=table.request.id,
        loan=(table.loan.id, table.loan.revision),
        guarantee=(table.guarantee.id, table.guarantee.revision) if guaranteed else None,
        insurance=(table.insurance.id, table.insurance.revision) if insured else None,
        now=NOW,
    )
    for row in (table.request, table.loan, table.guarantee, table.insurance):
        await session.refresh(row)
    return await session.get_one(Deal, deal.id)


async def approve_all(
    session: AsyncSession,
    table: Table,
    deal: Deal,
    *,
    by: Sequence[Actor] | None = None,
    **terms: Any,
) -> Deal:
    """Bank and guarantor approve, or the institutions named."""
    given: dict[str, Any] = {"principal": None, "reference": None, "valid_days": 90} | terms
    for institution in table.institutions if by is None else by:
        await approvals.approve(session, actor=institution, deal_id=deal.id, now=NOW, **given)
    return deal


async def confirm_all(session: AsyncSession, table: Table, deal: Deal) -> Deal:
    """Every required contract drafted by one of its sides and confirmed by all."""
    by_id = {party.organisation_id: party for party in [*table.parties, table.insurer]}
    for kind, sides in contracts.required_contracts(deal).items():
        drafter = sorted(sides)[0]
        document = await make_document(session, drafter, kind="contract")
        document.sha256 = hashlib.sha256(str(kind).encode()).digest()
        await session.flush()
        contract = await contracts.draft_contract(
            session,
            actor=by_id[drafter],
            deal_id=deal.id,
            kind=kind,
            document_id=document.id,
            now=NOW,
        )
        for side in sorted(sides):
            await contracts.confirm_contract(
                session,
                actor=by_id[side],
                deal_id=deal.id,
                kind=kind,
                version=contract.version,
                sha256=document.sha256.hex(),
                now=NOW,
            )
    return deal


async def register_all(
    session: AsyncSession, table: Table, deal: Deal, *, now: datetime = NOW
) -> None:
    pledgee = table.guarantor if deal.pledgee is PledgeeKind.GUARANTOR else table.bank
    for register in list(
        await session.scalars(select(Registration.register).where(Registration.deal_id == deal.id))
    ):
        await registrations.record(
            session,
            actor=pledgee,
            deal_id=deal.id,
            register=register,
            event=RegistrationEvent.SUBMIT,
            now=now,
        )
        await registrations.record(
            session,
            actor=pledgee,
            deal_id=deal.id,
            register=register,
            event=RegistrationEvent.REGISTER,
            number=f"Y{deal.id}",
            on=business_date(now),
            now=now,
        )


async def make_ready(session: AsyncSession, table: Table, *, insured: bool = False) -> Deal:
    """A deal for which the gate is open."""
    deal = await accept(session, table, insured=insured)
    insurers = [table.insurer] if insured else []
    await approve_all(session, table, deal, by=[*table.institutions, *insurers])
    await confirm_all(session, table, deal)
    await register_all(session, table, deal)
    in_force = [(table.guarantor, MilestoneKind.GUARANTEE_EFFECTIVE)]
    in_force += [(insurer, MilestoneKind.POLICY_PAID) for insurer in insurers]
    for institution, kind in in_force:
        await registrations.record_milestone(
            session, actor=institution, deal_id=deal.id, kind=kind, reference=None, now=NOW
        )
    await deals.state_use_of_funds(
        session, actor=table.firm, deal_id=deal.id, use="采购原材料", now=NOW
    )
    return deal
