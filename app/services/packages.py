"""Which loan, guarantee and insurance a firm may take together, and what each package costs."""

import asyncio
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.errors import Conflict
from app.core.messages import Text, say
from app.core.money import Money
from app.lending.packages import Package, Ranking, rank_packages
from app.lending.subsidy import Subsidy
from app.lifecycle.deals import PledgeeKind
from app.lifecycle.financing import QuoteKind, QuoteStatus
from app.lifecycle.parties import GuarantorType, OrganisationKind, OrganisationStatus
from app.models.financing import FinancingRequest, Quote
from app.models.organisations import Cooperation, Organisation
from app.schemas.calculators.lending import CostSheetOut
from app.schemas.packages import ChosenQuote, PackageOut, PackagesOut, UnpricedOut
from app.schemas.quotes import GuaranteeTerms, InsuranceTerms, LoanTerms
from app.services import caps, headroom, lpr, offers, old_loans, rules
from app.services.actor import Actor
from app.services.names import NAMES
from app.services.old_loans import Old
from app.services.quotes import visible_quotes
from app.services.requests import get_request

WHOLE_PCT = Decimal(100)

SUBSIDY_RULE = "interest_subsidy"


@dataclass(eq=False)
class NotAdmissible(Conflict):
    """These quotes cannot be taken together."""

    message = "These quotes make no admissible package: {reason}."

    reason: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Who bears what of the loan's principal, in per cent; the three sum to 100."""

    guarantee_share_pct: Decimal
    insurance_share_pct: Decimal
    retention_pct: Decimal


async def load_cooperations(
    session: AsyncSession, institution_ids: Collection[UUID]
) -> set[tuple[UUID, UUID]]:
    """Confirmed and unended agreements that name any of the institutions: (bank, partner)."""
    rows = await session.execute(
        select(Cooperation.bank_id, Cooperation.partner_id).where(
            or_(
                Cooperation.bank_id.in_(institution_ids),
                Cooperation.partner_id.in_(institution_ids),
            ),
            Cooperation.confirmed_at.is_not(None),
            Cooperation.ended_on.is_(None),
        )
    )
    return {(row.bank_id, row.partner_id) for row in rows}


def check_combination(
    loan: Quote,
    guarantee: Quote | None,
    insurance: Quote | None,
    *,
    cooperations: Set[tuple[UUID, UUID]],
) -> Shares:
    """The shares of this package, or NotAdmissible. Looks at rows only; sends no SQL.

    It does not look at statuses, revisions or expiry: whoever accepts a package does.
    ``cooperations`` holds (bank, partner) pairs.
    """
    obstacle = find_obstacle(loan, guarantee, insurance, cooperations=cooperations)
    if obstacle is not None:
        raise NotAdmissible(obstacle)
    return _shares(guarantee, insurance)


def find_obstacle(
    loan: Quote,
    guarantee: Quote | None,
    insurance: Quote | None,
    *,
    cooperations: Set[tuple[UUID, UUID]],
) -> Text | None:
    """Why these quotes cannot be taken together, or None if they can."""
    slots = (
        (loan, QuoteKind.LOAN),
        (guarantee, QuoteKind.GUARANTEE),
        (insurance, QuoteKind.INSURANCE),
    )
    for quote, kind in slots:
        if quote is None:
            continue
        if quote.kind != kind:
            return say(
                "quote {quote} offers {offered}, not {wanted}",
                quote=quote.id,
                offered=NAMES[quote.kind],
                wanted=NAMES[kind],
            )
        if quote.request_id != loan.request_id:
            return say("quote {quote} was made on another request", quote=quote.id)
        if quote is not loan and (loan.institution_id, quote.institution_id) not in cooperations:
            return say(
                "the bank has no recorded cooperation with the institution of quote {quote}",
                quote=quote.id,
            )
    return _obstacle_in_terms(loan, guarantee, insurance)


def _obstacle_in_terms(
    loan: Quote, guarantee: Quote | None, insurance: Quote | None
) -> Text | None:
    terms = LoanTerms.model_validate(loan.terms)
    shares = _shares(guarantee, insurance)
    if shares.retention_pct < 0:
        return say(
            "guarantee and insurance cover {covered_pct} % of the loan",
            covered_pct=WHOLE_PCT - shares.retention_pct,
        )
    if WHOLE_PCT - shares.retention_pct < terms.required_cover_pct:
        return say(
            "the loan requires {required_pct} % cover, and the package has {covered_pct} %",
            required_pct=terms.required_cover_pct,
            covered_pct=WHOLE_PCT - shares.retention_pct,
        )
    if terms.pledgee is not PledgeeKind.BANK and guarantee is None:
        return say(
            "the loan names the pledgee {pledgee}, and the package has no guarantor",
            pledgee=NAMES[terms.pledgee],
        )
    if insurance is not None:
        insured_sum = InsuranceTerms.model_validate(insurance.terms).insured_sum
        covered = terms.amount.times(shares.insurance_share_pct / WHOLE_PCT)
        if insured_sum is not None and insured_sum < covered:
            return say(
                "the insured sum {insured_sum} is less than the share insured, {covered}",
                insured_sum=insured_sum,
                covered=covered,
            )
    return None


def _shares(guarantee: Quote | None, insurance: Quote | None) -> Shares:
    guaranteed = insured = Decimal(0)
    if guarantee is not None:
        guaranteed = GuaranteeTerms.model_validate(guarantee.terms).share_pct
    if insurance is not None:
        insured = InsuranceTerms.model_validate(insurance.terms).share_pct
    return Shares(guaranteed, insured, WHOLE_PCT - guaranteed - insured)


@dataclass(frozen=True, slots=True)
class Market:
    """Some quotes of one request by id, who made them, and the rates of the day."""

    request: FinancingRequest
    quotes: Mapping[str, Quote]
    institutions: Mapping[UUID, Organisation]
    cooperations: set[tuple[UUID, UUID]]
    table: lpr.LprTable
    renewed: Old | None

    def of_kind(self, kind: QuoteKind) -> list[Quote]:
        return [quote for quote in self.quotes.values() if quote.kind is kind]


async def build(
    session: AsyncSession, *, actor: Actor, request_id: UUID, now: datetime
) -> PackagesOut:
    """Every admissible package of the live quotes on one of the firm's requests."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    request = await get_request(session, actor=actor, request_id=request_id)
    on = business_date(now)
    market = await load_market(
        session, actor=actor, request=request, statuses=[QuoteStatus.OFFERED], now=now
    )
    rule = await rules.find_version(session, SUBSIDY_RULE, on=on)
    space = await headroom.load_rooms(
        session,
        park_code=request.park_code,
        guarantor_ids={quote.institution_id for quote in market.of_kind(QuoteKind.GUARANTEE)},
    )
    packages, unpriced = await price(
        market, space, subsidies=offers.subsidies(rule, table=market.table)
    )
    await _foresee_caps(session, market, packages, on=on)
    return PackagesOut(
        request_id=request.id,
        assumed_drawdown_on=on,
        packages=packages,
        unpriced=unpriced,
        subsidy=offers.note(rule),
    )


async def _foresee_caps(
    session: AsyncSession, market: Market, packages: Sequence[PackageOut], *, on: date
) -> None:
    """Say of each package with a guarantor which cap would refuse it."""
    in_force = caps.read_caps(await rules.get(session, caps.CAPS, on=on))
    seen: dict[tuple[UUID, UUID, Money, Money], str | None] = {}
    for package in packages:
        if package.room is None or package.guarantee is None or not package.room.liability:
            continue
        bank_id, guarantor_id = package.loan.institution_id, package.guarantee.institution_id
        key = (bank_id, guarantor_id, package.amount, package.room.liability)
        if key not in seen:
            guarantor = market.institutions[guarantor_id]
            in_programme = guarantor.guarantor_type is GuarantorType.GOVERNMENT
            seen[key] = await caps.foresee(
                session,
                caps=in_force if in_programme else None,
                firm_id=market.request.firm_id,
                bank_id=bank_id,
                guarantor_id=guarantor_id,
                park_code=market.request.park_code,
                principal=package.amount,
                liability=package.room.liability,
            )
        package.room.refused_by = seen[key]


async def price(
    market: Market, space: headroom.Rooms, *, subsidies: Sequence[Subsidy]
) -> tuple[list[PackageOut], list[UnpricedOut]]:
    """Every admissible package of the market with its cost sheet, cheapest first."""
    # Many quotes make thousands of sheets; the loop serves others meanwhile.
    ranking = await asyncio.to_thread(_rank, market, subsidies)
    admissible = [package for package in ranking.packages if _is_admissible(market, package)]
    return [
        _package_out(market, space, package, rank)
        for rank, package in enumerate(admissible, start=1)
    ], [
        UnpricedOut(quote_ids=[UUID(id_) for id_ in left.offer_ids if id_], reason=left.reason)
        for left in ranking.unpriced
    ]


async def load_market(
    session: AsyncSession,
    *,
    actor: Actor,
    request: FinancingRequest,
    statuses: Collection[QuoteStatus],
    now: datetime,
) -> Market:
    """The quotes of these statuses on one of the firm's requests; an accepted one has no expiry."""
    rows = await session.scalars(
        visible_quotes(actor)
        .join(Organisation, Organisation.id == Quote.institution_id)
        .where(
            Quote.request_id == request.id,
            Quote.status.in_(statuses),
            or_(Quote.status == QuoteStatus.ACCEPTED, Quote.expires_at > now),
            Organisation.status == OrganisationStatus.VERIFIED,
        )
        .order_by(Quote.id)
    )
    quotes = {str(quote.id): quote for quote in rows}
    ids = {quote.institution_id for quote in quotes.values()}
    institutions = await session.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    return Market(
        request=request,
        quotes=quotes,
        institutions={institution.id: institution for institution in institutions},
        cooperations=await load_cooperations(session, ids),
        table=await lpr.load_table(session, on=business_date(now)),
        renewed=await old_loans.load(session, request.renews_deal_id)
        if request.renews_deal_id
        else None,
    )


def _rank(market: Market, subsidies: Sequence[Subsidy]) -> Ranking:
    return rank_packages(
        [offers.loan_offer(quote, table=market.table) for quote in market.of_kind(QuoteKind.LOAN)],
        guarantees=[offers.guarantee_offer(quote) for quote in market.of_kind(QuoteKind.GUARANTEE)],
        insurances=[offers.insurance_offer(quote) for quote in market.of_kind(QuoteKind.INSURANCE)],
        cooperating={(str(bank), str(partner)) for bank, partner in market.cooperations},
        subsidies=subsidies,
    )


def _quotes_of(market: Market, package: Package) -> tuple[Quote, Quote | None, Quote | None]:
    loan, guarantee, insurance = package.offer_ids
    return market.quotes[loan], market.quotes.get(guarantee), market.quotes.get(insurance)


def _is_admissible(market: Market, package: Package) -> bool:
    """What the ranking does not look at: who may be pledgee, and the insured sum."""
    loan, guarantee, insurance = _quotes_of(market, package)
    return find_obstacle(loan, guarantee, insurance, cooperations=market.cooperations) is None


def _package_out(market: Market, space: headroom.Rooms, package: Package, rank: int) -> PackageOut:
    loan, guarantee, insurance = _quotes_of(market, package)
    terms = LoanTerms.model_validate(loan.terms)
    room = None
    if guarantee is not None:
        need = terms.amount.times(package.guarantee_share_pct / 100)
        guarantor = market.institutions[guarantee.institution_id]
        if market.renewed is not None:
            need -= min(need, _carried(market, market.renewed, guarantor))
        room = headroom.room_out(space, guarantor, need)
    return PackageOut(
        rank=rank,
        loan=_chosen(market, loan),
        guarantee=None if guarantee is None else _chosen(market, guarantee),
        insurance=None if insurance is None else _chosen(market, insurance),
        amount=terms.amount,
        term_months=terms.term_months,
        rate=market.table.resolve(terms.rate),
        guarantee_share_pct=package.guarantee_share_pct,
        insurance_share_pct=package.insurance_share_pct,
        bank_share_pct=package.bank_share_pct,
        cost=CostSheetOut.model_validate(package.cost),
        room=room,
    )


def _carried(market: Market, old: Old, guarantor: Organisation) -> Money:
    """A renewal needs room only for what exceeds the liability that it takes over."""
    return old_loans.carried_over(
        old,
        guarantor_id=guarantor.id,
        in_programme=guarantor.guarantor_type is GuarantorType.GOVERNMENT,
        park_code=market.request.park_code,
    )


def _chosen(market: Market, quote: Quote) -> ChosenQuote:
    return ChosenQuote(
        quote_id=quote.id,
        revision=quote.revision,
        institution_id=quote.institution_id,
        institution_name=market.institutions[quote.institution_id].name,
    )
