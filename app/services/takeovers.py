"""The drawdown of a renewal: the old loan is settled by it, liability and lock move across."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused
from app.core.messages import say
from app.core.money import ZERO, Money
from app.lending.allocation import Bucket
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import (
    DEAL,
    LOAN,
    REGISTRATION,
    DealEvent,
    LoanEvent,
    RegistrationEvent,
    RegistrationStatus,
)
from app.lifecycle.financing import REQUEST, RequestEvent
from app.models.deals import Deal, DealRight, Drawdown, Registration
from app.models.financing import FinancingRequest
from app.models.ledger import LedgerAccount
from app.models.loans import Loan, Repayment
from app.schemas.loans import RepaymentKind
from app.services import (
    history,
    ledger,
    limits,
    loans,
    old_loans,
    outbox,
    repayments,
    room,
    schedules,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.deals import parties_of
from app.services.ledger import AccountRole, Book, Operation
from app.services.old_loans import Old
from app.services.reference import PROGRAMME
from app.services.tasks import Task, enqueue

CODE = "renewal"


@dataclass(eq=False)
class OldInterestOwed(Conflict):
    """A renewal repays principal only; interest and penalty are paid in money."""

    message = "On {on} the old loan owes {owed} beside its principal; report exactly that received."

    owed: Money
    on: date


async def take_over(
    session: AsyncSession,
    deal: Deal,
    drawdown: Drawdown,
    *,
    interest: Money,
    actor: Actor,
    now: datetime,
) -> None:
    """Settle the old loan by this drawdown and move what stood behind it, all or nothing.

    The caller holds the locks of the old deal and of this one. Acts as the platform at the end.
    """
    assert deal.renews_deal_id is not None
    assert drawdown.drawn_on is not None
    old = await old_loans.load(session, deal.renews_deal_id, lock=True)
    obstacles = await old_loans.obstacles_to_draw(
        session, deal, amount=drawdown.amount, on=drawdown.drawn_on
    )
    if obstacles:
        raise old_loans.OldLoanInTheWay(old_loans.texts(obstacles))
    renewed = old.loan.outstanding
    repayment = await _settle(session, old.loan, drawdown, interest=interest, actor=actor, now=now)
    await _move_liability(session, old, deal, drawdown, repayment, renewed=renewed)
    await _move_pledge(session, old.deal, deal, actor=actor, now=now)
    await _close(session, old, actor=actor, now=now)


async def _settle(
    session: AsyncSession,
    loan: Loan,
    drawdown: Drawdown,
    *,
    interest: Money,
    actor: Actor,
    now: datetime,
) -> Repayment:
    """Principal by the renewal, interest and penalty as received, booked as one receipt."""
    on = drawdown.drawn_on
    assert on is not None
    earliest = await loans.earliest_day(session, loan)
    if on < earliest:
        raise FieldRefused(
            "drawn_on", say("the old loan's account is closed before {earliest}", earliest=earliest)
        )
    lines = await schedules.list_lines(session, loan)
    statement = schedules.statement_on(loan, lines, on=on)
    before, principal = schedules.before_change(loan), loan.outstanding
    if (owed := statement.payoff - principal) != interest:
        raise OldInterestOwed(owed, on)
    settled, undo = repayments.settle(loan, lines, amount=statement.payoff, on=on)
    paid = settled.total(Bucket.INTEREST)
    if settled.unallocated:
        paid += await repayments.prepay(
            session,
            loan,
            lines,
            rest=settled.unallocated,
            on=on,
            choice=PrepaymentChoice.KEEP_TERM,
        )
    assert not loan.outstanding
    repayment = Repayment(
        id=new_id(),
        loan_id=loan.id,
        kind=RepaymentKind.RENEWAL,
        choice=None,
        reference=f"renewal-{drawdown.id}",
        amount=statement.payoff,
        fees=ZERO,
        penalty=settled.total(Bucket.PENALTY),
        interest=paid,
        principal=principal,
        freed=ZERO,
        withdrawn=ZERO,
        spared=ZERO,
        applied=undo,
        loan_before=before,
        version_after=loan.schedule_version,
        received_on=on,
        confirmed_at=now,
    )
    session.add(repayment)
    history.note(session, "repayment", repayment.id, "record", actor=actor, now=now)
    await session.flush()
    return repayment


async def _move_liability(
    session: AsyncSession,
    old: Old,
    deal: Deal,
    drawdown: Drawdown,
    repayment: Repayment,
    *,
    renewed: Money,
) -> None:
    """One linked list: the old liability out, the new one in, of which the hold pays the excess."""
    owed, new = old.loan.liability, drawdown.liability or ZERO
    carried = await old_loans.carried_by(session, deal)
    posted = max(ZERO, new - carried)
    stays = new - posted
    floor = await _find_floor(session, deal) if deal.in_programme else []
    await limits.lock_accounts(session, [old.deal, deal], also=[row.id for row in floor])
    rooms = await limits.lock_rooms(session, old.deal) if owed else []
    operations: list[Operation] = [
        ledger.transfer(CODE, pair.outstanding.id, pair.available.id, owed, repayment.id)
        for pair in rooms
    ]
    operations += [
        ledger.post(CODE, hold, posted, drawdown.id)
        if posted
        else ledger.void(CODE, hold, drawdown.id)
        for hold in room.holds_of(deal)
    ]
    if stays:
        operations += [
            ledger.transfer(CODE, pair.available.id, pair.outstanding.id, stays, drawdown.id)
            for pair in rooms
        ]
    if floor:
        operations += _raise_floor(
            floor, drawdown, renewed=renewed if old.deal.in_programme else ZERO
        )
    if operations:
        await ledger.apply(session, operations)
    if rooms:
        repayment.freed = owed - stays
        repayment.withdrawn = await limits.trim(session, old.deal, reference=repayment.id)
    if repayment.freed or deal.held > posted:
        await enqueue(session, Task.PROMOTE_QUEUE)
    old.loan.liability = ZERO
    room.keep_holds(deal, [], amount=ZERO)
    deal.hold_expires_at = None


async def _find_floor(session: AsyncSession, deal: Deal) -> list[LedgerAccount]:
    """Where the floor's progress comes from, and where it is counted."""
    accounts = [
        await ledger.find_account(session, book=Book.FLOOR, owner=owner, role=role)
        for owner, role in ((PROGRAMME, AccountRole.SOURCE), (deal.park_code, AccountRole.PROGRESS))
    ]
    return [account for account in accounts if account is not None]


def _raise_floor(
    floor: list[LedgerAccount], drawdown: Drawdown, *, renewed: Money
) -> list[Operation]:
    """The floor counts the renewal's principal; what only goes on is marked as renewal."""
    source, progress = floor
    parts = ((CODE, renewed), ("drawdown", drawdown.amount - renewed))
    return [
        ledger.transfer(code, source.id, progress.id, amount, drawdown.id)
        for code, amount in parts
        if amount
    ]


async def _move_pledge(
    session: AsyncSession, old: Deal, deal: Deal, *, actor: Actor, now: datetime
) -> None:
    """The rights pass from lock to lock; the old registrations are replaced by their changes."""
    moved = await session.execute(
        update(DealRight)
        .where(DealRight.deal_id == old.id, DealRight.released_at.is_(None))
        .values(released_at=now)
        .returning(DealRight.right_id, DealRight.register)
    )
    await session.execute(
        insert(DealRight),
        [
            {"deal_id": deal.id, "right_id": right_id, "register": register, "locked_at": now}
            for right_id, register in moved.all()
        ],
    )
    for registration in await session.scalars(
        select(Registration)
        .where(
            Registration.deal_id == old.id,
            Registration.status == RegistrationStatus.REGISTERED,
        )
        .order_by(Registration.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        event = RegistrationEvent.REPLACE
        history.move(session, registration, REGISTRATION, event, actor=actor, now=now)


async def _close(session: AsyncSession, old: Old, *, actor: Actor, now: datetime) -> None:
    history.move(session, old.loan, LOAN, LoanEvent.REPAY, actor=actor, now=now)
    for event in (DealEvent.REPAY, DealEvent.CLOSE):
        history.move(session, old.deal, DEAL, event, actor=actor, now=now)
    outbox.announce_to(session, parties_of(old.deal), "loan.renewed", old.loan.id, now=now)
    outbox.announce_to(session, parties_of(old.deal), "deal.closed", old.deal.id, now=now)
    await session.flush()
    await bind(session, SYSTEM)  # the request is the firm's
    request = await session.get_one(
        FinancingRequest, old.deal.request_id, with_for_update=True, populate_existing=True
    )
    history.move(session, request, REQUEST, RequestEvent.CLOSE, actor=actor, now=now)
