"""What is in default is told of a park, and neither it nor what was called promises quota."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import business_date
from app.core.money import ZERO, Money
from app.lifecycle.deals import LoanStatus
from app.lifecycle.funds import ClaimKind
from app.models.exposures import LoanExposure
from app.models.ledger import LedgerAccount
from app.models.loans import Loan
from app.schemas.figures import DefaultedOut
from app.services import exposures, figures, forecast, grades
from app.services.actor import SYSTEM, bind
from app.services.ledger import AccountRole, Book
from tests.make.funds import LATE, Funded, make_drawn_filed, settle_on

FOUR = Money.yuan(4_000_000)
NONE = DefaultedOut(loans=0, liability=ZERO)


async def told(
    session: AsyncSession, funded: Funded, *, at: datetime | None = None
) -> DefaultedOut:
    await bind(session, SYSTEM)
    found = await figures.read_figures(session, funded.deal.park_code, at=at, now=datetime.now(UTC))
    return found.defaulted


async def promised(session: AsyncSession, loan: Loan) -> Money:
    """What the loan's schedule promises to its park."""
    await bind(session, SYSTEM)
    row = await session.get_one(LoanExposure, loan.id, populate_existing=True)
    return Money.sum([Money(fen) for fen in row.releases.values()])


async def foreseen(session: AsyncSession, funded: Funded) -> Money:
    """What a queued firm is told that the loan's account will have freed."""
    await bind(session, SYSTEM)
    account = await session.scalar(
        select(LedgerAccount).where(
            LedgerAccount.book == Book.QUOTA,
            LedgerAccount.owner == funded.deal.park_code,
            LedgerAccount.role == AccountRole.AVAILABLE,
        )
    )
    assert account is not None
    coming = await forecast.list_releases(session, account, today=business_date(LATE))
    return Money.sum([freed for _, freed in coming])


async def declare(session: AsyncSession, funded: Funded, loan: Loan) -> None:
    await grades.declare_default(session, actor=funded.table.bank, loan_id=loan.id, now=LATE)


async def test_a_loan_in_default_is_counted_with_its_liability_and_promises_nothing(
    session: AsyncSession,
) -> None:
    funded, loan = await make_drawn_filed(session, scheme="guodan-2019")
    await exposures.refresh(session, loan, now=LATE)
    assert await promised(session, loan) == await foreseen(session, funded) > ZERO
    assert await told(session, funded) == NONE
    row = await figures.last_figures(session, funded.deal.park_code, at=None)
    assert row is not None

    await declare(session, funded, loan)

    assert await told(session, funded) == DefaultedOut(loans=1, liability=FOUR)
    assert await told(session, funded, at=row.at) == NONE
    assert await promised(session, loan) == await foreseen(session, funded) == ZERO
    assert await exposures.verify(session) == []


async def test_what_was_called_is_not_outstanding_and_frees_nothing_after_a_cure(
    session: AsyncSession,
) -> None:
    funded, loan = await make_drawn_filed(session, scheme="guodan-2019")
    await exposures.refresh(session, loan, now=LATE)
    before = await promised(session, loan)
    await declare(session, funded, loan)

    await settle_on(session, funded, loan, ClaimKind.GUARANTEE, Money.yuan(2_000_000))

    left = Money.yuan(2_400_000)
    assert await told(session, funded) == DefaultedOut(loans=1, liability=left)
    assert await promised(session, loan) == await foreseen(session, funded) == ZERO

    loan.status = LoanStatus.PERFORMING
    await session.flush()
    await exposures.refresh(session, loan, now=LATE)
    assert await told(session, funded) == NONE
    assert await promised(session, loan) == await foreseen(session, funded) == min(before, left)
    assert await exposures.verify(session) == []


async def test_the_check_finds_a_default_that_was_not_counted(session: AsyncSession) -> None:
    funded, loan = await make_drawn_filed(session, scheme="guodan-2019")

    loan.status = LoanStatus.DEFAULTED
    await session.flush()

    await bind(session, SYSTEM)
    assert {finding.subject for finding in await exposures.verify(session)} == {
        funded.deal.park_code
    }
