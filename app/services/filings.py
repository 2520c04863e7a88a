"""Loans filed with a compensation fund (入池备案): reserved at filing, before any cash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound, Unprocessable
from app.core.messages import say
from app.core.money import Money
from app.lifecycle.deals import DealStatus
from app.lifecycle.funds import FILING, LIVE_FILINGS, FilingEvent, FilingStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal
from app.models.funds import Fund, FundFiling
from app.models.organisations import Organisation
from app.risk.scheme import ClaimModel, Role, Scheme, SchemeVersion, Stops
from app.risk.scheme_files import find_scheme
from app.risk.sharing import read_facts
from app.schemas.funds import FilingIn
from app.services import fund_exposure, funds, fuses, history, outbox, readiness, schedules
from app.services.actor import Actor, as_platform
from app.services.constraints import refusing
from app.services.deals import ReleaseOut, has_release, lock_deal, must_be_in
from app.services.names import NAMES

LIVE = "uq_fund_filings_live"

_PAID_BY_FUND = (Role.FUND, Role.REGUARANTOR)


@dataclass(eq=False)
class SchemeNotInForce(Unprocessable):
    message = "The scheme {scheme} has no rules in force on {on}."

    scheme: str
    on: date


@dataclass(eq=False)
class NotTheClaimant(Conflict):
    """Whoever may claim on the fund files the loan with it."""

    message = "By its scheme the {claimant} files with this fund and claims on it."

    claimant: OrganisationKind

    def words(self) -> Mapping[str, Any]:
        return {"claimant": NAMES[self.claimant]}


@dataclass(eq=False)
class FundElsewhere(Conflict):
    message = "The fund stands behind loans of {park_code} only."

    park_code: str


class FiledAlready(Conflict):
    message = "The loan is filed with a fund already; one scheme at most stands behind it."


@dataclass(eq=False)
class NotCompensated(Conflict):
    message = "The scheme compensates nothing of a loan of {loan_amount}."

    loan_amount: Money


@dataclass(eq=False)
class LeverageExceeded(Conflict):
    """What is filed would be more than so many times the fund's money."""

    message = (
        "The fund's money is {balance}, {base} is filed; {asked} more would pass the leverage limit"
        " of {leverage_max}."
    )

    balance: Money
    base: Money
    asked: Money
    leverage_max: Decimal


def visible_filings(actor: Actor) -> Select[FundFiling]:
    """A party its own, a manager those with its funds. Every read of a filing starts here."""
    filings = select(FundFiling)
    own = actor.organisation_id
    match actor.kind:
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return filings
        case OrganisationKind.AGENCY:
            managed = select(Fund.id).where(Fund.manager_id == own)
            return filings.where(FundFiling.fund_id.in_(managed))
        case _:
            return filings.where(
                or_(
                    FundFiling.claimant_id == own,
                    FundFiling.bank_id == own,
                    FundFiling.firm_id == own,
                )
            )


async def list_filings(
    session: AsyncSession,
    *,
    actor: Actor,
    fund_id: UUID | None = None,
    deal_id: UUID | None = None,
    status: FilingStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[FundFiling]:
    """Visible filings, newest first."""
    filings = visible_filings(actor).order_by(FundFiling.id.desc()).limit(limit)
    for column, value in (
        (FundFiling.fund_id, fund_id),
        (FundFiling.deal_id, deal_id),
        (FundFiling.status, status),
    ):
        if value is not None:
            filings = filings.where(column == value)
    if after is not None:
        filings = filings.where(FundFiling.id < after)
    return (await session.scalars(filings)).all()


async def get_filing(session: AsyncSession, *, actor: Actor, filing_id: UUID) -> FundFiling:
    filing: FundFiling | None = await session.scalar(
        visible_filings(actor).where(FundFiling.id == filing_id)
    )
    if filing is None:
        raise NotFound
    return filing


async def find_live(session: AsyncSession, deal_id: UUID) -> FundFiling | None:
    """The filing that stands behind the deal, whoever asks."""
    async with as_platform(session):
        filing: FundFiling | None = await session.scalar(
            select(FundFiling)
            .where(FundFiling.deal_id == deal_id, FundFiling.status.in_(LIVE_FILINGS))
            .execution_options(populate_existing=True)
        )
    return filing


async def file(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, data: FilingIn, now: datetime
) -> FundFiling:
    """File a loan with a fund before it is drawn; its share of the fund's leverage is reserved."""
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    await _must_be_before_cash(session, deal)
    fund = await funds.lock_fund(session, data.fund_id)
    scheme, version = _scheme_of(fund, on=business_date(now))
    _must_fit(actor, deal, fund, scheme)
    facts = read_facts(version, data.facts)
    share_pct = _share_pct(scheme, version, deal.principal)
    if not share_pct:
        raise NotCompensated(deal.principal)
    await fuses.must_be_whole(session, fund.id, bank_id=deal.bank_id, stops=Stops.FILINGS)
    await _must_have_room(
        session, fund, asked=schedules.share_of(deal.principal, data.ip_share_pct)
    )
    firm = await session.get_one(Organisation, deal.firm_id)
    filing = FundFiling(
        id=new_id(),
        fund_id=fund.id,
        deal_id=deal.id,
        claimant_id=actor.organisation_id,
        bank_id=deal.bank_id,
        firm_id=deal.firm_id,
        firm_name=firm.name,
        park_code=deal.park_code,
        scheme=scheme.id,
        scheme_from=version.valid_from,
        facts=facts,
        loan_amount=deal.principal,
        ip_share_pct=data.ip_share_pct,
        fund_share_pct=share_pct,
        status=FilingStatus.FILED,
        filed_at=now,
    )
    async with refusing(session, {LIVE: FiledAlready()}):
        session.add(filing)
    history.begin(session, filing, FILING, actor=actor, now=now)
    await fund_exposure.follow(session, [deal.id], now=now)
    await readiness.note(session, filing, step="filed", now=now)
    outbox.announce(session, "fund.filed", filing.id, organisation_id=fund.manager_id, now=now)
    await session.flush()
    return filing


async def acknowledge(
    session: AsyncSession, *, actor: Actor, filing_id: UUID, reference: str, now: datetime
) -> FundFiling:
    """The manager takes the loan in, under the fund's own number of the receipt."""
    deal, filing = await _lock_managed(session, actor, filing_id)
    if filing.status is FilingStatus.FILED:
        await _must_be_before_cash(session, deal)
    await fuses.must_be_whole(session, filing.fund_id, bank_id=filing.bank_id, stops=Stops.FILINGS)
    history.move(session, filing, FILING, FilingEvent.ACKNOWLEDGE, actor=actor, now=now)
    filing.reference, filing.answered_at = reference, now
    await readiness.note(session, filing, step="acknowledged", now=now)
    _tell(session, filing, "acknowledged", now=now)
    await session.flush()
    return filing


async def refuse(
    session: AsyncSession, *, actor: Actor, filing_id: UUID, reason: str, now: datetime
) -> FundFiling:
    """The manager does not take the loan in, and why; what was reserved is free again."""
    _, filing = await _lock_managed(session, actor, filing_id)
    history.move(session, filing, FILING, FilingEvent.REFUSE, actor=actor, now=now)
    filing.refusal, filing.answered_at = reason, now
    await fund_exposure.clear(session, filing)
    _tell(session, filing, "refused", now=now)
    await session.flush()
    return filing


async def withdraw(
    session: AsyncSession, *, actor: Actor, filing_id: UUID, now: datetime
) -> FundFiling:
    """The claimant takes the filing back before any cash; the loan goes on without the fund."""
    actor.must_be(OrganisationKind.BANK, OrganisationKind.GUARANTOR)
    seen = await get_filing(session, actor=actor, filing_id=filing_id)
    deal = await lock_deal(session, actor=actor, deal_id=seen.deal_id)
    await _must_be_before_cash(session, deal)
    filing = await _lock(session, actor, filing_id)
    if filing.claimant_id != actor.organisation_id:
        raise NotFound
    history.move(session, filing, FILING, FilingEvent.END, actor=actor, now=now)
    filing.ended_at = now
    await fund_exposure.clear(session, filing)
    await session.flush()
    return filing


def version_of(filing: FundFiling, *, on: date) -> SchemeVersion:
    """The rules for a loss of the day ``on``: then in force, else those it was filed under."""
    scheme = find_scheme(filing.scheme)
    version = scheme.version_on(on) or scheme.version_on(filing.scheme_from)
    if version is None:
        raise SchemeNotInForce(filing.scheme, on)
    return version


def compensating(scheme: Scheme) -> list[str]:
    """The parties whose shares the fund pays: its own, and a reguarantor's behind it."""
    return [party.id for party in scheme.parties if party.role in _PAID_BY_FUND]


def _scheme_of(fund: Fund, *, on: date) -> tuple[Scheme, SchemeVersion]:
    scheme = find_scheme(fund.scheme)
    version = scheme.version_on(on)
    if version is None:
        raise SchemeNotInForce(scheme.id, on)
    return scheme, version


async def _must_be_before_cash(session: AsyncSession, deal: Deal) -> None:
    """Raise DealNotReady once the loan is drawn, ReleaseOut while money may be on its way."""
    must_be_in(deal, DealStatus.APPROVING, DealStatus.CONTRACTING, DealStatus.PERFECTING)
    async with as_platform(session):  # the reports are the bank's
        if await has_release(session, deal.id):
            raise ReleaseOut


def _must_fit(actor: Actor, deal: Deal, fund: Fund, scheme: Scheme) -> None:
    if fund.park_code not in {None, deal.park_code}:
        raise FundElsewhere(str(fund.park_code))
    if actor.kind.value != scheme.model.value:
        raise NotTheClaimant(OrganisationKind(scheme.model))
    if scheme.model is ClaimModel.GUARANTOR and deal.guarantor_id is None:
        raise FieldRefused("fund_id", say("the fund compensates guarantors; the loan has none"))


def _share_pct(scheme: Scheme, version: SchemeVersion, loan_amount: Money) -> Decimal:
    shares = version.tier_of(loan_amount).shares
    return sum((shares[party] for party in compensating(scheme)), Decimal(0))


async def _must_have_room(session: AsyncSession, fund: Fund, *, asked: Money) -> None:
    """Raise LeverageExceeded, under the fund's lock."""
    state = funds.state_of(await funds.accounts_of(session, fund.id))
    if asked > state.room(fund.leverage_max):
        raise LeverageExceeded(state.balance, state.base, asked, fund.leverage_max)


async def _lock_managed(
    session: AsyncSession, actor: Actor, filing_id: UUID
) -> tuple[Deal, FundFiling]:
    """A filing with a fund that the actor manages, locked after its deal."""
    actor.must_be(OrganisationKind.AGENCY)
    seen = await get_filing(session, actor=actor, filing_id=filing_id)
    async with as_platform(session):  # the deal is not the manager's
        deal = await session.get_one(
            Deal, seen.deal_id, with_for_update=True, populate_existing=True
        )
    return deal, await _lock(session, actor, filing_id)


async def _lock(session: AsyncSession, actor: Actor, filing_id: UUID) -> FundFiling:
    filing: FundFiling | None = await session.scalar(
        visible_filings(actor)
        .where(FundFiling.id == filing_id)
        .with_for_update(of=FundFiling)
        .execution_options(populate_existing=True)
    )
    if filing is None:
        raise NotFound
    return filing


def _tell(session: AsyncSession, filing: FundFiling, what: str, *, now: datetime) -> None:
    parties = dict.fromkeys((filing.claimant_id, filing.bank_id, filing.firm_id))
    outbox.announce_to(session, parties, f"fund.filing_{what}", filing.id, now=now)
