"""What packages of live quotes cost, in which order."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.core.money import Money
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.financing import FinancingRequest
from app.models.organisations import Organisation
from app.schemas.packages import PackagesOut
from app.services import packages, quotes
from app.services.actor import Actor, KindRefused, bind
from tests.make.market import (
    GUARANTEE,
    INSURANCE,
    LOAN,
    make_cooperation,
    make_firm,
    make_guarantor,
    make_institution,
    make_open_request,
    make_quote,
)


@pytest.fixture
async def firm(session: AsyncSession) -> Actor:
    return await make_firm(session)


@pytest.fixture
async def request_(session: AsyncSession, firm: Actor) -> FinancingRequest:
    return await make_open_request(session, firm)


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await make_institution(session, OrganisationKind.BANK, name="黄河示例银行")


async def compare(
    session: AsyncSession, firm: Actor, request: FinancingRequest, now: datetime
) -> PackagesOut:
    await bind(session, firm)
    return await packages.build(session, actor=firm, request_id=request.id, now=now)


class TestBuild:
    async def test_ranks_every_admissible_package_by_cost_before_subsidies(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        bank: Actor,
        now: datetime,
    ) -> None:
        guarantor = await make_guarantor(session, limit=100_000_000)
        insurer = await make_institution(session, OrganisationKind.INSURER)
        await make_cooperation(session, bank, guarantor)
        await make_cooperation(session, bank, insurer)
        loan = await make_quote(session, bank, request_, LOAN)
        await make_quote(session, guarantor, request_, GUARANTEE)
        await make_quote(session, insurer, request_, INSURANCE)

        found = await compare(session, firm, request_, now)

        costs = [package.cost.before_subsidies_pct for package in found.packages]
        assert len(costs) == 4
        assert costs == sorted(costs)
        assert [package.rank for package in found.packages] == [1, 2, 3, 4]
        first = found.packages[0]
        assert (first.loan.quote_id, first.loan.revision) == (loan.id, 1)
        assert first.loan.institution_name == "黄河示例银行"
        assert (first.guarantee, first.insurance, first.room) == (None, None, None)
        assert first.bank_share_pct == 100
        # 4.35 % a year settled monthly, 30/360: (1 + 0.0435/12)^12 − 1 = 4.44 % by XIRR.
        assert first.cost.before_subsidies_pct == Decimal("4.44")

    async def test_the_example_subsidy_is_likely_uncalibrated_and_beside_the_order(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        bank: Actor,
        now: datetime,
    ) -> None:
        await make_quote(session, bank, request_, LOAN)

        found = await compare(session, firm, request_, now)

        assert found.subsidy is not None
        assert (found.subsidy.certainty, found.subsidy.uncalibrated) == ("likely", True)
        (line,) = found.packages[0].cost.subsidies
        # Half of 5,000,000 × 4.35 % interest.
        assert (line.amount, line.certainty) == (Money.yuan("108750.00"), "likely")
        assert found.packages[0].cost.effective_annual_rate_pct < Decimal("4.44")

    async def test_before_the_rule_is_in_force_there_is_no_subsidy(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        monkeypatch: pytest.MonkeyPatch,
        now: datetime,
    ) -> None:
        bank = await make_institution(session, OrganisationKind.BANK)
        await make_quote(session, bank, request_, LOAN)
        monkeypatch.setattr(packages, "SUBSIDY_RULE", "no_such_rule")

        found = await compare(session, firm, request_, now)

        assert found.subsidy is None
        assert found.packages[0].cost.subsidies == []

    async def test_a_rate_on_the_loan_prime_rate_is_resolved_and_dated(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        bank: Actor,
        now: datetime,
    ) -> None:
        rate = {"type": "lpr", "tenor": "1Y", "spread_bp": 85}
        await make_quote(session, bank, request_, LOAN, rate=rate)

        (package,) = (await compare(session, firm, request_, now)).packages

        assert package.rate.annual_rate_pct == Decimal("3.85")
        assert str(package.rate.on) == "2026-11-23"
        assert str(package.rate.lpr_announced_on) == "2025-05-20"
        assert package.cost.nominal_annual_rate_pct == Decimal("3.85")

    @pytest.mark.parametrize("changes", [{"confirmed_at": None}, {"ended_on": date(2026, 6, 1)}])
    async def test_only_agreements_in_force_count(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        now: datetime,
        changes: dict[str, Any],
    ) -> None:
        bank = await make_institution(session, OrganisationKind.BANK)
        guarantor = await make_guarantor(session, limit=100_000_000)
        await make_cooperation(session, bank, guarantor, **changes)
        await make_quote(session, bank, request_, LOAN)
        await make_quote(session, guarantor, request_, GUARANTEE)

        (package,) = (await compare(session, firm, request_, now)).packages

        assert package.guarantee is None

    async def test_what_only_the_terms_forbid_is_left_out(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        bank: Actor,
        now: datetime,
    ) -> None:
        guarantor = await make_guarantor(session, limit=100_000_000)
        await make_cooperation(session, bank, guarantor)
        await make_quote(session, bank, request_, LOAN, pledgee="joint")
        await make_quote(session, guarantor, request_, GUARANTEE)

        (package,) = (await compare(session, firm, request_, now)).packages

        assert package.guarantee is not None
        assert package.rank == 1

    async def test_a_package_without_a_rate_says_why(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        bank: Actor,
        now: datetime,
    ) -> None:
        fee = {"name": "fee", "amount": "3000000.00", "when": "upfront"}
        loan = await make_quote(session, bank, request_, LOAN, fees=[fee, fee])

        found = await compare(session, firm, request_, now)

        assert found.packages == []
        (unpriced,) = found.unpriced
        assert unpriced.quote_ids == [loan.id]
        assert "no annual rate" in unpriced.reason

    async def test_quotes_that_are_not_live_are_left_out(
        self,
        session: AsyncSession,
        firm: Actor,
        request_: FinancingRequest,
        bank: Actor,
        now: datetime,
    ) -> None:
        withdrawn = await make_quote(session, bank, request_, LOAN)
        await quotes.withdraw_quote(session, actor=bank, quote_id=withdrawn.id, now=now)
        suspended = await make_institution(session, OrganisationKind.BANK)
        await make_quote(session, suspended, request_, LOAN)
        organisation = await session.get_one(Organisation, suspended.organisation_id)
        organisation.status = OrganisationStatus.SUSPENDED
        short = await make_institution(session, OrganisationKind.BANK)
        await make_quote(session, short, request_, LOAN, valid_days=1)
        await session.flush()

        found = await compare(session, firm, request_, now + timedelta(days=1))

        assert (found.packages, found.unpriced) == ([], [])

    async def test_is_for_the_firm_whose_request_it_is(
        self, session: AsyncSession, request_: FinancingRequest, bank: Actor, now: datetime
    ) -> None:
        other = await make_firm(session)

        with pytest.raises(NotFound):
            await packages.build(session, actor=other, request_id=request_.id, now=now)
        with pytest.raises(KindRefused):
            await packages.build(session, actor=bank, request_id=request_.id, now=now)
