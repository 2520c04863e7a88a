"""What a firm whose deal waits for room could do instead, and what that costs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lending.packages import rank_packages
from app.lifecycle.deals import DealStatus, QueueStatus
from app.lifecycle.financing import QuoteKind, QuoteStatus
from app.lifecycle.parties import GuarantorType, OrganisationKind
from app.models.deals import Deal, QueueEntry
from app.models.financing import Quote
from app.models.ledger import LedgerAccount
from app.models.organisations import Organisation
from app.schemas.packages import PackageOut
from app.schemas.queue import AlternativesOut, PricedOut, QueueOut, SmallerLoanOut
from app.schemas.quotes import GuaranteeTerms, LoanTerms
from app.services import forecast, offers, queue
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import get_deal
from app.services.headroom import Rooms, load_rooms, room_out
from app.services.packages import WHOLE_PCT, Market, load_market, price
from app.services.programme import balance
from app.services.quotes import visible_quotes
from app.services.requests import get_request

_FEN_PER_YUAN = 100


async def get_queue(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime
) -> QueueOut:
    """The place of the firm's deal, and its alternatives; NotFound if it does not wait."""
    actor.must_be(OrganisationKind.ENTERPRISE)
    deal = await get_deal(session, actor=actor, deal_id=deal_id)
    place = await queue.get_place(session, actor=actor, deal_id=deal_id, now=now)
    return QueueOut(
        position=place.position,
        lacks=place.lacks,
        amount=place.amount,
        since=place.since,
        passed=place.passed,
        rule=place.rule,
        alternatives=await _find(session, actor, deal, now=now),
    )


async def find_queue(
    session: AsyncSession, *, actor: Actor, deal: Deal, now: datetime
) -> QueueOut | None:
    """The place of a deal that has just been accepted; None if it has its room."""
    if deal.status is not DealStatus.QUEUED:
        return None
    return await get_queue(session, actor=actor, deal_id=deal.id, now=now)


async def _find(
    session: AsyncSession, actor: Actor, deal: Deal, *, now: datetime
) -> AlternativesOut:
    quotes = await session.scalars(
        visible_quotes(actor)
        .where(
            Quote.request_id == deal.request_id,
            Quote.status.in_([QuoteStatus.STANDING_BY, QuoteStatus.ACCEPTED]),
        )
        .order_by(Quote.id)
        .limit(200)
    )
    rows = quotes.all()
    offered = [row for row in rows if row.kind == QuoteKind.GUARANTEE]
    guarantors = {
        row.id: row
        for row in await session.scalars(
            select(Organisation).where(Organisation.id.in_([q.institution_id for q in offered]))
        )
    }
    rooms = await _rooms_without(session, deal, guarantor_ids=list(guarantors))
    others = []
    for quote in offered:
        share = GuaranteeTerms.model_validate(quote.terms).share_pct / WHOLE_PCT
        need = deal.principal.times(share)
        fits = room_out(rooms, guarantors[quote.institution_id], need).has_room
        if quote.institution_id != deal.guarantor_id and fits:
            others.append(quote.id)
    market = await load_market(
        session,
        actor=actor,
        request=await get_request(session, actor=actor, request_id=deal.request_id),
        statuses=[QuoteStatus.STANDING_BY, QuoteStatus.ACCEPTED],
        now=now,
    )
    priced, _ = await price(market, rooms, subsidies=[])
    accepted = next((p for p in priced if _quote_ids(p) == _accepted_ids(deal)), None)
    smaller = _smaller(deal, rooms, guarantors)
    return AlternativesOut(
        accepted=accepted,
        smaller_loan=smaller,
        smaller=smaller
        and SmallerLoanOut(
            amount=smaller, before_subsidies_pct=_price(market, _accepted_ids(deal), smaller)
        ),
        packages=_others(priced, accepted),
        without_quota=[
            row.id
            for row in rows
            if row.kind == QuoteKind.LOAN
            and not LoanTerms.model_validate(row.terms).required_cover_pct
        ],
        other_guarantees=others,
        room_forecast_on=await _forecast(session, actor, deal, today=business_date(now)),
    )


async def _rooms_without(
    session: AsyncSession, deal: Deal, *, guarantor_ids: Collection[UUID]
) -> Rooms:
    """The rooms as they would be without this deal's own place: a new deal would give it up."""
    rooms = await load_rooms(session, park_code=deal.park_code, guarantor_ids=guarantor_ids)
    waiting = await session.scalars(
        select(QueueEntry).where(QueueEntry.status == QueueStatus.WAITING)
    )
    own: QueueEntry | None = None
    others: set[str] = set()
    for entry in waiting:
        if entry.deal_id == deal.id:
            own = entry
        else:
            others.update(entry.lacks)
    assert own is not None
    assert deal.guarantor_id is not None
    limits = rooms.limits_queued
    if str(own.limit_account_id) not in others:
        limits -= {deal.guarantor_id}
    quota = rooms.quota_queued and (
        own.quota_account_id is None or str(own.quota_account_id) in others
    )
    return replace(rooms, quota_queued=quota, limits_queued=limits)


async def _forecast(session: AsyncSession, actor: Actor, deal: Deal, *, today: date) -> date | None:
    """The day by which what is short will be free for this deal, whoever waits before it served.

    None if the schedules in force never free it: then only other news can.
    """
    await bind(session, SYSTEM)  # the schedules of others, of which only a day is told
    waiting = await session.scalars(
        select(QueueEntry)
        .where(QueueEntry.status == QueueStatus.WAITING)
        .order_by(QueueEntry.arrival)
    )
    entries = waiting.all()
    own = next(entry for entry in entries if entry.deal_id == deal.id)
    days = []
    for account_id in map(UUID, own.lacks):
        account = await session.get_one(LedgerAccount, account_id, populate_existing=True)
        needed = Money.sum(
            [
                entry.amount
                for entry in entries
                if entry.arrival <= own.arrival
                and account_id in (entry.quota_account_id, entry.limit_account_id)
            ]
        )
        free = balance(account) - Money(account.debits_pending)
        days.append(await forecast.find_day(session, account, amount=needed - free, today=today))
    await bind(session, actor)
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def _smaller(deal: Deal, rooms: Rooms, guarantors: dict[UUID, Organisation]) -> Money | None:
    """The most whole yuan whose guaranteed share fits now; none while others wait for it."""
    assert deal.guarantor_id is not None
    guarantor = guarantors[deal.guarantor_id]
    free = rooms.limits.get(guarantor.id, ZERO)
    waited_for = guarantor.id in rooms.limits_queued
    if guarantor.guarantor_type is GuarantorType.GOVERNMENT:
        free = min(free, rooms.quota)
        waited_for = waited_for or rooms.quota_queued
    yuan = Decimal(free.fen) * WHOLE_PCT / deal.guarantee_share_pct // _FEN_PER_YUAN
    return Money.yuan(int(yuan)) if yuan > 0 and not waited_for else None


def _price(market: Market, quote_ids: Sequence[UUID | None], amount: Money) -> Decimal | None:
    """What a year costs, all in, if the bank lent ``amount`` on the terms of these quotes.

    None where a quote is gone or no rate can be stated for it.
    """
    known = [market.quotes.get(str(id_)) for id_ in quote_ids if id_ is not None]
    quotes = [quote for quote in known if quote is not None]
    if len(quotes) < len(known):
        return None
    loan, *covers = quotes
    offer = offers.loan_offer(loan, table=market.table)
    ranking = rank_packages(
        [replace(offer, terms=replace(offer.terms, principal=amount))],
        guarantees=[offers.guarantee_offer(q) for q in covers if q.kind is QuoteKind.GUARANTEE],
        insurances=[offers.insurance_offer(q) for q in covers if q.kind is QuoteKind.INSURANCE],
        cooperating={(str(bank), str(partner)) for bank, partner in market.cooperations},
    )
    wanted = {str(quote.id) for quote in quotes}
    costs = [p.cost for p in ranking.packages if set(filter(None, p.offer_ids)) == wanted]
    return costs[0].before_subsidies_pct if costs else None


def _others(priced: list[PackageOut], accepted: PackageOut | None) -> list[PricedOut]:
    """The packages with room now, each beside the accepted one; none if that has no price."""
    if accepted is None:
        return []
    base = accepted.cost.before_subsidies_pct
    return [
        PricedOut(**dict(other), dearer_by_pct=other.cost.before_subsidies_pct - base)
        for other in priced
        if other is not accepted and (other.room is None or other.room.has_room)
    ]


def _quote_ids(package: PackageOut) -> list[UUID | None]:
    parts = (package.loan, package.guarantee, package.insurance)
    return [None if part is None else part.quote_id for part in parts]


def _accepted_ids(deal: Deal) -> list[UUID | None]:
    return [deal.loan_quote_id, deal.guarantee_quote_id, deal.insurance_quote_id]
