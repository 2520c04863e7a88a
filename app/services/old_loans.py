"""The loan that a renewal (无还本续贷) replaces: what stands against it, what is carried over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict
from app.core.messages import Text, say
from app.core.money import ZERO, Money
from app.lifecycle.deals import BEFORE_CASH, DEAL, DealStatus, DrawdownStatus
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.words import state_of
from app.models.deals import Deal, Drawdown
from app.models.loans import Loan
from app.services import rules, schedules

RENEWAL = "renewal"
"""The key of the dated rule."""


@dataclass(eq=False)
class OldLoanInTheWay(Conflict):
    """The loan is not one that a renewal can replace now."""

    message = "The old loan cannot be renewed now: {reasons}."

    reasons: list[Text]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands against renewing the loan, and who can remove it."""

    what: str
    who: OrganisationKind
    text: Text


@dataclass(frozen=True, slots=True)
class Old:
    """A drawn deal and its loan."""

    deal: Deal
    loan: Loan


async def load(session: AsyncSession, deal_id: UUID, *, lock: bool = False) -> Old:
    """The deal and its loan, both drawn before; locked in the order deal, loan if asked."""
    deal = await session.get_one(Deal, deal_id, with_for_update=lock, populate_existing=lock)
    statement = select(Loan).where(Loan.deal_id == deal_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return Old(deal, (await session.scalars(statement)).one())


async def find_obstacles(session: AsyncSession, old: Old, *, on: date) -> list[Obstacle]:
    """What stands against renewing ``old`` on the day ``on``, whatever the new terms are."""
    deal, loan = old.deal, old.loan
    rule = await rules.get(session, RENEWAL, on=on)
    firm, bank = OrganisationKind.ENTERPRISE, OrganisationKind.BANK
    found = []
    if deal.status is not DealStatus.ACTIVE:
        found.append(
            Obstacle(
                "old_deal",
                firm,
                say("the old deal {state}", state=state_of(DEAL.name, deal.status)),
            )
        )
    late = schedules.days_past_due(await schedules.list_lines(session, loan), on=on)
    if late > rule["days_past_due_max"]:
        found.append(
            Obstacle(
                "old_loan_overdue", firm, say("the old loan is {days} days past due", days=late)
            )
        )
    if loan.retake_waiting:
        text = say("a reversed repayment of the old loan waits for room")
        found.append(Obstacle("old_loan_retake", bank, text))
    if loan.settled_by_calls:
        text = say("the guarantor has paid for the old loan")
        found.append(Obstacle("old_loan_called", bank, text))
    released = await session.scalar(
        select(Drawdown.id).where(
            Drawdown.deal_id == deal.id, Drawdown.status == DrawdownStatus.RELEASED
        )
    )
    if deal.held or released is not None:
        text = say("the old loan is not drawn to its end yet")
        found.append(Obstacle("old_loan_undrawn", bank, text))
    return found


async def obstacles_to_draw(
    session: AsyncSession, deal: Deal, *, amount: Money, on: date
) -> list[Obstacle]:
    """What stands against drawing ``amount`` of the renewal ``deal``; nothing for any other."""
    if deal.renews_deal_id is None or deal.status not in BEFORE_CASH:
        return []
    old = await load(session, deal.renews_deal_id)
    found = await find_obstacles(session, old, on=on)
    if old.loan.outstanding > deal.principal:
        more = old.loan.outstanding - deal.principal
        text = say(
            "{more} of the old loan's principal must be repaid: the renewal is smaller", more=more
        )
        found.append(Obstacle("old_loan_principal", OrganisationKind.ENTERPRISE, text))
    if amount != deal.principal:
        text = say("a renewal is drawn whole: {principal}", principal=deal.principal)
        found.append(Obstacle("principal", OrganisationKind.BANK, text))
    return found


def carried_over(
    old: Old, *, guarantor_id: UUID | None, in_programme: bool, park_code: str
) -> Money:
    """The old liability, if it stands on the very accounts that the renewal would use."""
    deal = old.deal
    same = (deal.guarantor_id, deal.in_programme, deal.park_code) == (
        guarantor_id,
        in_programme,
        park_code,
    )
    return old.loan.liability if same and guarantor_id is not None else ZERO


async def carried_by(session: AsyncSession, deal: Deal) -> Money:
    """What ``deal`` will take over of the liability it renews; nothing for any other deal."""
    if deal.renews_deal_id is None or deal.status not in BEFORE_CASH:
        return ZERO
    return carried_over(
        await load(session, deal.renews_deal_id),
        guarantor_id=deal.guarantor_id,
        in_programme=deal.in_programme,
        park_code=deal.park_code,
    )


async def excess_of(session: AsyncSession, deal: Deal) -> Money:
    """The room that ``deal`` must hold: its liability beyond what it takes over."""
    return max(ZERO, deal.liability - await carried_by(session, deal))


async def find_renewal(session: AsyncSession, deal: Deal) -> Deal | None:
    """The renewal of ``deal`` that is under way, locked. The caller holds the lock of ``deal``."""
    renewal: Deal | None = await session.scalar(
        select(Deal)
        .where(Deal.renews_deal_id == deal.id, Deal.status.in_(BEFORE_CASH))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return renewal


def pledge_deal_id(deal: Deal) -> UUID:
    """The deal that holds the pledge: until its drawdown, a renewal's is the old one."""
    if deal.renews_deal_id is not None and deal.status in BEFORE_CASH:
        return deal.renews_deal_id
    return deal.id


def texts(obstacles: Sequence[Obstacle]) -> list[Text]:
    return [obstacle.text for obstacle in obstacles]
