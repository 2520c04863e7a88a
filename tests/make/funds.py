"""A compensation fund with money, loans filed with it, and loans that were lost."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import Money
from app.lifecycle.funds import ClaimKind
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.claims import Claim
from app.models.deals import Deal
from app.models.funds import Fund, FundFiling
from app.models.loans import Loan
from app.models.organisations import Organisation
from app.risk.scheme_files import find_scheme
from app.schemas.claims import ClaimIn, ClaimPaymentIn
from app.schemas.funds import FilingIn
from app.services import claim_decisions, claim_payments, claims, filings, funds, grades, readiness
from app.services.actor import Actor
from tests.make.deals import Table, make_ready, make_table
from tests.make.market import make_institution
from tests.make.parties import NOW, make_actor
from tests.make.renewals import TODAY, draw_all, loan_of
from tests.make.rights import make_document

LATE = NOW + timedelta(days=150)
"""The first instalment, of December, has been overdue for more than 90 days."""

CAPITAL = Money.yuan(10_000_000)

FIVE = Money.yuan(5_000_000)
"""The principal of every loan made here."""


@dataclass
class Funded:
    """A fund, its manager's two people, and a loan filed with it."""

    fund: Fund
    manager: Actor
    colleague: Actor
    table: Table
    deal: Deal
    filing: FundFiling

    @property
    def claimant(self) -> Actor:
        guarantor = self.filing.claimant_id == self.table.guarantor.organisation_id
        return self.table.guarantor if guarantor else self.table.bank


async def make_fund(
    session: AsyncSession, *, capital: Money = CAPITAL, **changes: Any
) -> tuple[Fund, Actor, Actor]:
    """A fund of every park under Zhongshan's scheme, and two people of its manager."""
    manager = await make_institution(session, OrganisationKind.AGENCY)
    owner = await make_institution(session, OrganisationKind.AUTHORITY)
    organisation = await session.get_one(Organisation, manager.organisation_id)
    fund = Fund(
        **{
            "id": new_id(),
            "name": f"示例补偿资金 {new_id()}",
            "owner_id": owner.organisation_id,
            "manager_id": manager.organisation_id,
            "park_code": None,
            "scheme": "zhongshan-2021",
            "leverage_warn": Decimal(8),
            "leverage_max": Decimal(10),
            "opened_on": TODAY,
        }
        | changes
    )
    await funds.open_fund(session, fund)
    if capital:
        await funds.pay_in(session, fund.id, amount=capital, reference=new_id())
    return fund, manager, await make_actor(session, organisation)


async def make_filed(
    session: AsyncSession,
    *,
    ip_share_pct: Decimal = Decimal(100),
    facts: dict[str, Any] | None = None,
    capital: Money = CAPITAL,
    guarantor_type: GuarantorType = GuarantorType.GOVERNMENT,
    guarantee_pct: str | None = None,
    insurance: dict[str, Any] | None = None,
    **fund: Any,
) -> Funded:
    """A deal of five million that lacks nothing but the acknowledgement of its filing.

    80 % is guaranteed; of a loan that its bank files, 40 %, which leaves the fund room for its own
    share. With terms of ``insurance``, 20 % is insured too.
    """
    made, manager, colleague = await make_fund(session, capital=capital, **fund)
    by_bank = find_scheme(made.scheme).model == "bank"
    guarantee_pct = guarantee_pct or ("40" if by_bank else "80")
    table = await make_table(
        session,
        guarantor_type=guarantor_type,
        guarantee={"share_pct": guarantee_pct},
        insurance=insurance,
    )
    deal = await make_ready(session, table, insured=insurance is not None)
    filing = await filings.file(
        session,
        actor=table.bank if by_bank else table.guarantor,
        deal_id=deal.id,
        data=FilingIn(fund_id=made.id, ip_share_pct=str(ip_share_pct), facts=facts or {}),
        now=NOW,
    )
    return Funded(made, manager, colleague, table, deal, filing)


async def file_another(
    session: AsyncSession, funded: Funded, *, bank: Actor | None = None, ip_share_pct: str = "100"
) -> Funded:
    """A loan of another firm, filed with the same fund."""
    table = await make_table(session, bank=bank)
    deal = await make_ready(session, table)
    other = replace(funded, table=table, deal=deal)
    by_bank = find_scheme(funded.fund.scheme).model == "bank"
    other.filing = await filings.file(
        session,
        actor=table.bank if by_bank else table.guarantor,
        deal_id=deal.id,
        data=FilingIn(fund_id=funded.fund.id, ip_share_pct=ip_share_pct),
        now=NOW,
    )
    return other


async def acknowledge(session: AsyncSession, funded: Funded) -> FundFiling:
    return await filings.acknowledge(
        session, actor=funded.manager, filing_id=funded.filing.id, reference="RC-1", now=NOW
    )


async def make_drawn_filed(session: AsyncSession, **terms: Any) -> tuple[Funded, Loan]:
    """Filed, acknowledged, drawn today."""
    funded = await make_filed(session, **terms)
    await acknowledge(session, funded)
    await draw_all(session, funded.table, funded.deal)
    return funded, await loan_of(session, funded.deal)


async def make_defaulted(session: AsyncSession, **terms: Any) -> tuple[Funded, Loan]:
    """Drawn, never paid on, and declared in default; the claim pack is complete."""
    funded, loan = await make_drawn_filed(session, **terms)
    await attach_all(session, funded)
    await grades.declare_default(session, actor=funded.table.bank, loan_id=loan.id, now=LATE)
    return funded, loan


async def attach_all(session: AsyncSession, funded: Funded, *, but: str = "") -> None:
    """Every paper that is missing, except one."""
    shown = await readiness.show(session, funded.filing, now=NOW)
    for code in shown.missing_for_claim:
        if code != but:
            document = await make_document(session, funded.claimant.organisation_id)
            await readiness.attach(
                session,
                actor=funded.claimant,
                filing=funded.filing,
                code=code,
                document_id=document.id,
                now=NOW,
            )


def claim_of(kind: ClaimKind, principal: Money, *, now: datetime = LATE, **more: Any) -> ClaimIn:
    fields = {"lost_on": now.date(), "reference": f"CL-{new_id()}"} | more
    return ClaimIn(kind=kind, principal=principal, **fields)


async def claim_on(
    session: AsyncSession, funded: Funded, loan: Loan, kind: ClaimKind, principal: Money = FIVE
) -> Claim:
    """Claimed on the payer of that kind, by whoever claims on it."""
    return await claims.submit(
        session,
        actor=funded.claimant if kind is ClaimKind.FUND else funded.table.bank,
        loan_id=loan.id,
        data=claim_of(kind, principal),
        now=LATE,
    )


async def settle_on(
    session: AsyncSession, funded: Funded, loan: Loan, kind: ClaimKind, principal: Money = FIVE
) -> Claim:
    """Claimed on guarantor or insurer, and settled by two of its people."""
    claim = await claim_on(session, funded, loan, kind, principal)
    table = funded.table
    payer = table.guarantor if kind is ClaimKind.GUARANTEE else table.insurer
    second = await colleague_of(session, payer)
    return await settle(session, claim, payer=payer, second=second, claimant=table.bank)


async def settle(
    session: AsyncSession,
    claim: Claim,
    *,
    payer: Actor,
    second: Actor,
    claimant: Actor,
    now: datetime = LATE,
) -> Claim:
    """Reviewed, approved by the second person, paid and confirmed."""
    await claim_decisions.review(session, actor=payer, claim_id=claim.id, note="材料齐全", now=now)
    await claim_decisions.approve(session, actor=second, claim_id=claim.id, amount=None, now=now)
    await claim_payments.pay(
        session,
        actor=payer,
        claim_id=claim.id,
        data=ClaimPaymentIn(paid_on=now.date(), reference=f"PAY-{claim.id}"),
        now=now,
    )
    return await claim_payments.confirm(session, actor=claimant, claim_id=claim.id, now=now)


async def colleague_of(session: AsyncSession, actor: Actor) -> Actor:
    """A second person of the same organisation."""
    organisation = await session.get_one(Organisation, actor.organisation_id)
    return await make_actor(session, organisation)


async def find_claims(session: AsyncSession, loan: Loan) -> list[Claim]:
    rows = await session.scalars(select(Claim).where(Claim.loan_id == loan.id).order_by(Claim.id))
    return list(rows)
