"""Live loans: opened by the first drawdown, added to by the next ones, read by their parties."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.db import new_id
from app.core.errors import Conflict, FieldRefused, NotFound
from app.core.messages import say
from app.core.money import ZERO
from app.lending.reschedule import opening, remaining_schedule
from app.lending.tranches import after_tranche, reopened
from app.lifecycle.deals import LOAN, LoanStatus
from app.lifecycle.parties import OrganisationKind
from app.models.deals import Deal, Drawdown
from app.models.loans import Instalment, Loan, Repayment
from app.schemas.quotes import LoanTerms
from app.services import exposures, history, lpr, outbox, rules, schedules
from app.services.actor import Actor
from app.services.deals import parties_of
from app.services.schedules import Statement

LENDING = "lending"


class LoanRepaid(Conflict):
    message = "The loan is repaid."


@dataclass(frozen=True, slots=True)
class LoanDetail:
    """A loan with the schedule in force and what it owes on the day asked for."""

    loan: Loan
    lines: Sequence[Instalment]
    statement: Statement


def visible_loans(actor: Actor) -> Select[Loan]:
    """The loans ``actor`` may see: those of its own deals. Every read of a loan starts here."""
    loans = select(Loan).join(Deal, Deal.id == Loan.deal_id)
    organisation = actor.organisation_id
    match actor.kind:
        case OrganisationKind.ENTERPRISE:
            return loans.where(Loan.firm_id == organisation)
        case OrganisationKind.BANK:
            return loans.where(Loan.bank_id == organisation)
        case OrganisationKind.GUARANTOR | OrganisationKind.INSURER:
            return loans.where(
                or_(Deal.guarantor_id == organisation, Deal.insurer_id == organisation)
            )
        case OrganisationKind.AUTHORITY | OrganisationKind.SYSTEM:
            return loans
        case OrganisationKind.PARK | OrganisationKind.AGENCY:
            return loans.where(false())


async def must_be_visible(session: AsyncSession, *, actor: Actor, loan_id: UUID) -> None:
    """NotFound unless ``actor`` may see the loan."""
    seen = visible_loans(actor).where(Loan.id == loan_id).with_only_columns(Loan.id)
    if await session.scalar(seen) is None:
        raise NotFound


async def lock(session: AsyncSession, *, actor: Actor, loan_id: UUID) -> tuple[Deal, Loan]:
    """The loan and its deal, locked in the order deal, loan; NotFound unless visible."""
    deal_id = await session.scalar(
        visible_loans(actor).where(Loan.id == loan_id).with_only_columns(Loan.deal_id)
    )
    if deal_id is None:
        raise NotFound
    return await lock_unseen(session, loan_id=loan_id)


async def lock_unseen(session: AsyncSession, *, loan_id: UUID) -> tuple[Deal, Loan]:
    """``lock`` for a caller that made sure by other means that its actor may act on it."""
    deal_id = await session.scalar(select(Loan.deal_id).where(Loan.id == loan_id))
    deal = await session.get_one(Deal, deal_id, with_for_update=True, populate_existing=True)
    loan = await session.get_one(Loan, loan_id, with_for_update=True, populate_existing=True)
    return deal, loan


async def open_or_add(
    session: AsyncSession, *, deal: Deal, drawdown: Drawdown, actor: Actor, now: datetime
) -> Loan:
    """The loan of ``deal`` with this tranche in it, and its schedule worked out anew.

    The caller holds the deal's lock and has posted ``drawdown.liability`` on the ledger.
    """
    assert drawdown.drawn_on is not None
    loan: Loan | None = await session.scalar(
        select(Loan)
        .where(Loan.deal_id == deal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    on = drawdown.drawn_on
    if loan is None:
        loan = await _open(session, deal=deal, drawdown=drawdown, on=on, actor=actor, now=now)
    else:
        await _add_tranche(session, loan, drawdown, on=on)
        outbox.announce_to(session, parties_of(deal), "loan.tranche_added", loan.id, now=now)
    renewed = await session.scalars(select(Loan).where(Loan.deal_id == deal.renews_deal_id))
    await exposures.refresh(session, loan, *renewed.all(), now=now)
    return loan


async def _open(
    session: AsyncSession,
    *,
    deal: Deal,
    drawdown: Drawdown,
    on: date,
    actor: Actor,
    now: datetime,
) -> Loan:
    terms = LoanTerms.model_validate(deal.loan_terms)
    rate = (await lpr.load_table(session, on=on)).resolve(terms.rate)
    rule = await rules.get(session, LENDING, on=on)
    planned_terms = terms.model_copy(
        update={"amount": drawdown.amount, "term_months": deal.term_months}
    ).schedule_terms(annual_rate_pct=rate.annual_rate_pct, first_day=on)
    position = opening(planned_terms)
    loan = Loan(
        id=new_id(),
        deal_id=deal.id,
        bank_id=deal.bank_id,
        firm_id=deal.firm_id,
        reference=drawdown.reference,
        status=LoanStatus.PERFORMING,
        drawn=drawdown.amount,
        outstanding=drawdown.amount,
        settled_by_calls=ZERO,
        called=ZERO,
        guarantee_share_pct=deal.guarantee_share_pct,
        liability=drawdown.liability or ZERO,
        in_programme=deal.in_programme,
        annual_rate_pct=rate.annual_rate_pct,
        penalty_multiple=terms.penalty_multiple,
        method=terms.method,
        frequency=terms.frequency,
        day_count=terms.day_count,
        rounding=terms.rounding,
        settlement_day=terms.settlement_day,
        grace_months=terms.grace_months,
        instalment_multiple=terms.instalment_multiple,
        allocation_order=rule["allocation_order"],
        first_day=on,
        term_months=deal.term_months,
        maturity_on=planned_terms.maturity,
        schedule_version=1,
        level=position.level,
        accrues_from=on,
        carried_interest=ZERO,
        retake_waiting=False,
    )
    session.add(loan)
    await session.flush()  # the schedule's rows refer to it
    await schedules.write_first(session, loan, remaining_schedule(planned_terms, position))
    history.begin(session, loan, LOAN, actor=actor, now=now)
    outbox.announce_to(session, parties_of(deal), "loan.opened", loan.id, now=now)
    return loan


async def _add_tranche(session: AsyncSession, loan: Loan, drawdown: Drawdown, *, on: date) -> None:
    if loan.status is LoanStatus.REPAID:
        raise LoanRepaid
    earliest = await earliest_day(session, loan)
    if on < earliest:
        raise FieldRefused(
            "drawn_on", say("the loan's account is closed before {earliest}", earliest=earliest)
        )
    lines = await schedules.list_lines(session, loan)
    terms = schedules.terms_of(loan)
    position = schedules.position_on(loan, lines, on=on)
    if not loan.outstanding:
        position = reopened(terms, position, on=on, maturity=loan.maturity_on)
    if not position.due_days:
        raise FieldRefused("drawn_on", say("the loan fell due on {day}", day=loan.maturity_on))
    after = after_tranche(terms, position, on=on, amount=drawdown.amount)
    loan.drawn += drawdown.amount
    loan.outstanding += drawdown.amount
    loan.liability += drawdown.liability or ZERO
    await schedules.write_version(session, loan, lines, after)


async def earliest_day(session: AsyncSession, loan: Loan) -> date:
    """The first day on which something new can happen to the loan: never before what has."""
    last = await session.scalar(
        select(Repayment.received_on)
        .where(Repayment.loan_id == loan.id, Repayment.reversed_at.is_(None))
        .order_by(Repayment.id.desc())
        .limit(1)
    )
    return max(loan.accrues_from, last or loan.first_day)


async def get_detail(
    session: AsyncSession, *, actor: Actor, loan_id: UUID, on: date | None, now: datetime
) -> LoanDetail:
    """A loan with its schedule, what is due and what would pay it off on ``on`` (or today).

    The past is closed: a day before the last event of the loan is refused.
    """
    loan: Loan | None = await session.scalar(visible_loans(actor).where(Loan.id == loan_id))
    if loan is None:
        raise NotFound
    earliest = await earliest_day(session, loan)
    if on is None:
        on = max(business_date(now), earliest)
    elif on < earliest:
        raise FieldRefused("on", say("must be {earliest} or later", earliest=earliest))
    lines = await schedules.list_lines(session, loan)
    return LoanDetail(loan, lines, schedules.statement_on(loan, lines, on=on))


async def list_loans(
    session: AsyncSession,
    *,
    actor: Actor,
    reference: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Loan]:
    """Visible loans, newest first, from the one after ``after``.

    ``reference`` is the bank's own of any of the loan's tranches.
    """
    loans = visible_loans(actor).order_by(Loan.id.desc()).limit(limit)
    if reference is not None:
        reported = select(Drawdown.deal_id).where(Drawdown.reference == reference)
        loans = loans.where(Loan.deal_id.in_(reported))
    if after is not None:
        loans = loans.where(Loan.id < after)
    return (await session.scalars(loans)).all()
