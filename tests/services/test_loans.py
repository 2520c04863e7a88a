"""Loans opened and added to by drawdowns, and who sees them."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.core.money import Money
from app.lending.reschedule import PrepaymentChoice
from app.lifecycle.deals import LoanStatus
from app.lifecycle.parties import OrganisationKind
from app.services import extensions, loans, repayments, schedules
from app.services.loans import LoanRepaid
from tests.make.limits import at
from tests.make.loans import draw, make_drawn, pay
from tests.make.parties import make_actor, make_organisation

JUNE_20 = date(2026, 6, 20)
JULY_20 = date(2026, 7, 20)
KEEP_TERM = PrepaymentChoice.KEEP_TERM


class TestTranches:
    async def test_a_later_tranche_joins_the_schedule(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, amount=Money.yuan(2_000_000))
        drawn.deal.principal = Money.yuan(5_000_000)

        await draw(
            session,
            drawn.deal,
            Money.yuan(3_000_000),
            actor=drawn.bank,
            on=date(2026, 5, 30),
        )

        loan = drawn.loan
        assert (loan.drawn, loan.outstanding) == (Money.yuan(5_000_000), Money.yuan(5_000_000))
        assert loan.liability == Money.yuan(4_000_000)
        lines = await schedules.list_lines(session, loan)
        # Ten days on 2,000,000 and twenty-one on 5,000,000.
        assert lines[0].interest == Money.yuan(12_500)
        assert Money.sum([line.principal for line in lines]) == Money.yuan(5_000_000)
        assert lines[-1].due_on == loan.maturity_on == date(2027, 5, 20)

    async def test_a_tranche_before_the_last_event_is_refused(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        await pay(session, drawn, "1006000.00", date(2026, 6, 1), choice=KEEP_TERM)

        with pytest.raises(FieldRefused, match="drawn_on"):
            await draw(session, drawn.deal, Money.yuan(1), actor=drawn.bank, on=date(2026, 5, 31))

    async def test_a_tranche_after_maturity_is_refused(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session, terms={"term_months": 1})

        with pytest.raises(FieldRefused, match="drawn_on"):
            await draw(session, drawn.deal, Money.yuan(1), actor=drawn.bank, on=JUNE_20)

    async def test_a_repaid_loan_takes_no_tranche(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        drawn.loan.status = LoanStatus.REPAID

        with pytest.raises(LoanRepaid):
            await draw(session, drawn.deal, Money.yuan(1), actor=drawn.bank, on=JUNE_20)

    async def test_the_rate_on_the_loan_prime_rate_is_that_of_the_drawdown_day(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(
            session, terms={"rate": {"type": "lpr", "tenor": "1Y", "spread_bp": 85}}
        )

        assert str(drawn.loan.annual_rate_pct) == "3.85"


class TestVisibleLoans:
    async def test_the_parties_and_the_authority_see_a_loan_and_nobody_else(
        self, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session, insured=True)
        outsiders = (OrganisationKind.PARK, OrganisationKind.AGENCY, OrganisationKind.BANK)
        authority = await make_organisation(session, OrganisationKind.AUTHORITY)
        insiders = [drawn.bank, drawn.firm, drawn.guarantor, drawn.insurer]

        seen = [
            [loan.id for loan in await loans.list_loans(session, actor=actor, limit=10)]
            for actor in [*insiders, await make_actor(session, authority)]
            if actor is not None
        ]
        unseen = [
            await loans.list_loans(
                session,
                actor=await make_actor(session, await make_organisation(session, kind)),
                limit=10,
            )
            for kind in outsiders
        ]

        assert seen == [[drawn.loan.id]] * 5
        assert unseen == [[]] * 3

    async def test_what_hangs_on_a_strangers_loan_is_not_found(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)
        stranger = await make_actor(
            session, await make_organisation(session, OrganisationKind.BANK)
        )
        loan_id = drawn.loan.id

        with pytest.raises(NotFound):
            await extensions.list_extensions(session, actor=stranger, loan_id=loan_id)
        with pytest.raises(NotFound):
            await repayments.list_repayments(session, actor=stranger, loan_id=loan_id, limit=9)

    async def test_an_unknown_loan_is_not_found(self, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        with pytest.raises(NotFound):
            await loans.get_detail(
                session, actor=drawn.bank, loan_id=new_id(), on=None, now=at(JUNE_20)
            )
