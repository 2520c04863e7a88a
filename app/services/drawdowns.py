"""Drawdowns: the dated release to the bank, its report, and what that moves on the ledger."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lifecycle.deals import (
    DEAL,
    DRAWDOWN,
    DealEvent,
    DealStatus,
    DrawdownEvent,
    DrawdownStatus,
    LoanStatus,
)
from app.lifecycle.funds import LIVE_FILINGS
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, Drawdown
from app.models.funds import FundFiling
from app.models.loans import Loan
from app.services import (
    endings,
    exposures,
    failures,
    filings,
    gate,
    history,
    ledger,
    limits,
    loans,
    outbox,
    readiness,
    room,
    rules,
    takeovers,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.constraints import refusing
from app.services.deals import ReleaseOut, get_deal, has_release, lock_deal, must_be_in
from app.services.gate import Missing
from app.services.ledger import AccountRole, Book
from app.services.packages import WHOLE_PCT
from app.services.reference import PROGRAMME
from app.services.tasks import Task, enqueue

UNIQUE_REFERENCE = "uq_drawdowns_bank_id_reference"


@dataclass(eq=False)
class GateClosed(Conflict):
    """The gate lists what is missing and who must act."""

    message = "The drawdown gate is closed."

    missing: list[Missing]


@dataclass(eq=False)
class ReportedOtherwise(Conflict):
    """The bank has reported on the release already, and said something else."""

    message = "Tranche {tranche} was reported drawn on {drawn_on}, reference {reference}."

    tranche: int
    status: DrawdownStatus
    drawn_on: date | None
    reference: str | None

    def __str__(self) -> str:
        if self.drawn_on is None or self.reference is None:
            return str(say("Tranche {tranche} was reported not drawn.", tranche=self.tranche))
        return super().__str__()


@dataclass(eq=False)
class ReferenceUsed(Conflict):
    message = "You reported another drawdown under the reference {reference}."

    reference: str


class NothingUndrawn(Conflict):
    message = "Nothing is left to draw."


async def release(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, amount: Money, now: datetime
) -> Drawdown:
    """Pass the gate for a tranche: a dated release, and until the report the hold cannot expire."""
    actor.must_be(OrganisationKind.BANK)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    if missing := await gate.check(session, deal, amount=amount, now=now):
        raise GateClosed(missing)
    must_be_in(deal, DealStatus.PERFECTING, DealStatus.ACTIVE)
    rule = await rules.get(session, PROGRAMME, on=business_date(now))
    tranches = await session.scalar(
        select(func.count()).select_from(Drawdown).where(Drawdown.deal_id == deal.id)
    )
    drawdown = Drawdown(
        id=new_id(),
        deal_id=deal.id,
        bank_id=deal.bank_id,
        tranche=(tranches or 0) + 1,
        amount=amount,
        last=False,
        status=DrawdownStatus.RELEASED,
        released_at=now,
        valid_until=business_date(now) + timedelta(days=rule["release_days"]),
        hold_expires_at=deal.hold_expires_at,
    )
    session.add(drawdown)
    deal.hold_expires_at = None
    history.begin(session, drawdown, DRAWDOWN, actor=actor, now=now)
    outbox.announce(
        session, "drawdown.released", drawdown.id, organisation_id=deal.bank_id, now=now
    )
    await session.flush()
    return drawdown


async def report_drawn(
    session: AsyncSession,
    *,
    actor: Actor,
    deal_id: UUID,
    drawdown_id: UUID,
    drawn_on: date,
    reference: str,
    last: bool,
    old_interest: Money = ZERO,
    now: datetime,
) -> Drawdown:
    """The bank paid the tranche out: its share of the hold becomes outstanding liability.

    The last tranche takes what is left of the rounding and voids the rest of the hold. The same
    report once more changes nothing; another one is refused (ReportedOtherwise). A renewal's
    drawdown settles the old loan, whose interest the bank has received in money.
    """
    deal, drawdown = await _lock(session, actor, deal_id, drawdown_id)
    if drawdown.status is not DrawdownStatus.RELEASED:
        same = (drawdown.drawn_on, drawdown.reference) == (drawn_on, reference)
        return _reported_before(drawdown, same=same and (drawdown.last or not last))
    must_be_in(deal, DealStatus.PERFECTING, DealStatus.ACTIVE)
    _check_day(drawdown, drawn_on, today=business_date(now))
    drawn = await gate.drawn_so_far(session, deal.id) + drawdown.amount
    history.move(session, drawdown, DRAWDOWN, DrawdownEvent.DRAW, actor=actor, now=now)
    async with refusing(session, {UNIQUE_REFERENCE: ReferenceUsed(reference)}):
        drawdown.reference = reference
    drawdown.last = last or drawn == deal.principal
    drawdown.drawn_on = drawn_on
    drawdown.reported_at = now
    drawdown.liability = await _share_of(session, deal, drawdown, drawn=drawn)
    if deal.renews_deal_id is None:
        await _post(session, deal, drawdown)
    else:
        await takeovers.take_over(
            session, deal, drawdown, interest=old_interest, actor=actor, now=now
        )
    if deal.status is DealStatus.PERFECTING:
        history.move(session, deal, DEAL, DealEvent.DRAW, actor=actor, now=now)
    outbox.announce(session, "drawdown.drawn", drawdown.id, organisation_id=deal.firm_id, now=now)
    await session.flush()
    await loans.open_or_add(session, deal=deal, drawdown=drawdown, actor=actor, now=now)
    filing = await filings.find_live(session, deal.id)
    if filing is not None:
        await readiness.note(session, filing, step="drawn", now=now)
    return drawdown


async def report_not_drawn(
    session: AsyncSession, *, actor: Actor, deal_id: UUID, drawdown_id: UUID, now: datetime
) -> Drawdown:
    """The bank did not pay; the hold runs on to the end it had before the release.

    Reported once more it changes nothing; after a report of cash it is refused.
    """
    deal, drawdown = await _lock(session, actor, deal_id, drawdown_id)
    if drawdown.status is not DrawdownStatus.RELEASED:
        same = drawdown.status is DrawdownStatus.NOT_DRAWN
        return _reported_before(drawdown, same=same)
    history.move(session, drawdown, DRAWDOWN, DrawdownEvent.REPORT_NOT_DRAWN, actor=actor, now=now)
    drawdown.reported_at = now
    deal.hold_expires_at = drawdown.hold_expires_at
    outbox.announce(
        session, "drawdown.not_drawn", drawdown.id, organisation_id=deal.firm_id, now=now
    )
    return drawdown


async def end_availability(session: AsyncSession, *, now: datetime) -> int:
    """Void what is left of a hold whose availability period is over; 0 if there is none.

    A deal of which nothing was drawn fails; one that owes nothing any more is repaid.
    """
    await bind(session, SYSTEM)
    settled = exists().where(
        Loan.deal_id == Deal.id, Loan.outstanding == ZERO, Loan.status == LoanStatus.PERFORMING
    )
    reserved = exists().where(
        FundFiling.deal_id == Deal.id,
        FundFiling.status.in_(LIVE_FILINGS),
        FundFiling.reserved > ZERO,
    )
    held_on = (Deal.status == DealStatus.ACTIVE) & ((Deal.held > ZERO) | settled | reserved)
    deal = await failures.lock_failing(
        session,
        select(Deal)
        .where(
            (Deal.status == DealStatus.PERFECTING) | held_on,
            Deal.available_until < business_date(now),
        )
        .order_by(Deal.id),
    )
    if deal is None:
        return 0
    if deal.status is DealStatus.PERFECTING:
        reason = "availability period ended"
        await failures.fail(session, deal, reason=reason, actor=SYSTEM, now=now)
    else:
        await _void_rest(session, deal, actor=SYSTEM, now=now)
    return 1


async def forgo_rest(session: AsyncSession, *, actor: Actor, deal_id: UUID, now: datetime) -> Deal:
    """The firm gives up what it has not drawn: the rest of the hold is voided.

    A loan that owes nothing any more is repaid by it, and its pledge can be discharged.
    """
    actor.must_be(OrganisationKind.ENTERPRISE)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    must_be_in(deal, DealStatus.ACTIVE)
    if await has_release(session, deal.id):
        raise ReleaseOut
    if not await endings.may_draw_more(session, deal, now=now):
        raise NothingUndrawn
    await bind(session, SYSTEM)  # the reports are the bank's
    latest = await session.scalars(
        select(Drawdown)
        .where(Drawdown.deal_id == deal.id, Drawdown.status == DrawdownStatus.DRAWN)
        .order_by(Drawdown.tranche.desc())
        .limit(1)
    )
    latest.one().last = True
    await _void_rest(session, deal, actor=actor, now=now)
    await session.flush()
    return deal


async def _void_rest(session: AsyncSession, deal: Deal, *, actor: Actor, now: datetime) -> None:
    if await room.give_back(session, deal, expired=False, code="undrawn"):
        history.note(session, "hold", deal.id, "void", actor=actor, now=now)
        await enqueue(session, Task.PROMOTE_QUEUE)
    outbox.announce(session, "deal.undrawn", deal.id, organisation_id=deal.bank_id, now=now)
    loan = await session.scalars(
        select(Loan)
        .where(Loan.deal_id == deal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rest = loan.one()
    await endings.end_if_settled(session, deal, rest, actor=actor, now=now)
    await exposures.refresh(session, rest, now=now)


async def _lock(
    session: AsyncSession, actor: Actor, deal_id: UUID, drawdown_id: UUID
) -> tuple[Deal, Drawdown]:
    actor.must_be(OrganisationKind.BANK)
    seen = await get_deal(session, actor=actor, deal_id=deal_id)
    if seen.renews_deal_id is not None:  # the older deal is locked first
        await lock_deal(session, actor=actor, deal_id=seen.renews_deal_id)
    deal = await lock_deal(session, actor=actor, deal_id=deal_id)
    drawdown: Drawdown | None = await session.scalar(
        select(Drawdown)
        .where(Drawdown.id == drawdown_id, Drawdown.deal_id == deal.id)
        .execution_options(populate_existing=True)
    )
    if drawdown is None:
        raise NotFound
    return deal, drawdown


def _reported_before(drawdown: Drawdown, *, same: bool) -> Drawdown:
    """The drawdown as reported, for a bank that lost the answer."""
    if not same:
        raise ReportedOtherwise(
            drawdown.tranche, drawdown.status, drawdown.drawn_on, drawdown.reference
        )
    return drawdown


def _check_day(drawdown: Drawdown, drawn_on: date, *, today: date) -> None:
    if drawn_on > today:
        raise FieldRefused("drawn_on", say("must not be in the future"))
    first = business_date(drawdown.released_at)
    if not first <= drawn_on <= drawdown.valid_until:
        raise FieldRefused(
            "drawn_on",
            say(
                "the release is valid {first} to {valid_until}",
                first=first,
                valid_until=drawdown.valid_until,
            ),
        )


async def _share_of(
    session: AsyncSession, deal: Deal, drawdown: Drawdown, *, drawn: Money
) -> Money:
    """min(held, round(tranche × share)); the last tranche evens the rounding of all before."""
    share = deal.guarantee_share_pct / WHOLE_PCT
    if deal.renews_deal_id is not None:
        return deal.liability
    if not drawdown.last:
        return min(deal.held, drawdown.amount.times(share))
    posted: Money | None = await session.scalar(
        select(func.sum(Drawdown.liability)).where(Drawdown.deal_id == deal.id)
    )
    return min(deal.held, max(ZERO, drawn.times(share) - (posted or ZERO)))


async def _post(session: AsyncSession, deal: Deal, drawdown: Drawdown) -> None:
    """Post on both holds, hold the remainder anew or leave it voided, and raise the floor."""
    floor = [
        await ledger.find_account(session, book=Book.FLOOR, owner=owner, role=role)
        for owner, role in (
            (PROGRAMME, AccountRole.SOURCE),
            (deal.park_code, AccountRole.PROGRESS),
        )
        if deal.in_programme
    ]
    if deal.guarantor_id is not None:
        await limits.lock_rooms(session, deal, also=[account.id for account in floor if account])
    share = drawdown.liability or ZERO
    resolve = [
        ledger.post("drawdown", hold, share, drawdown.id)
        if share
        else ledger.void("drawdown", hold, drawdown.id)
        for hold in room.holds_of(deal)
    ]
    remainder = ZERO if drawdown.last else deal.held - share
    freed = drawdown.last and deal.held > share
    holds = await room.hold_again(session, deal, amount=remainder)
    operations = resolve + holds
    if deal.in_programme:
        source, progress = floor
        assert source is not None
        assert progress is not None
        operations.append(
            ledger.transfer("drawdown", source.id, progress.id, drawdown.amount, drawdown.id)
        )
    if operations:
        await ledger.apply(session, operations)
    room.keep_holds(deal, holds, amount=remainder)
    if freed:
        await limits.trim(session, deal, reference=drawdown.id)
        await enqueue(session, Task.PROMOTE_QUEUE)
