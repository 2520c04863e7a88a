"""Funds are opened, paid into and changed by two people; called quota returns by decision only."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused
from app.core.money import Money
from app.lifecycle.funds import ClaimKind
from app.lifecycle.parties import OrganisationKind
from app.lifecycle.programme import ChangeStatus
from app.models.funds import Fund
from app.models.programme import ProgrammeChange
from app.schemas.claims import RecoveryIn
from app.services import (
    change_effects,
    claims,
    funds,
    programme,
    programme_changes,
    public_funds,
    recoveries,
)
from app.services.actor import SYSTEM, bind
from app.services.fund_effects import (
    CapitalReferenceUsed,
    FundExists,
    ReturnAboveCalled,
    UnknownFund,
)
from tests.make.funds import LATE, claim_of, colleague_of, make_defaulted, make_fund, settle
from tests.make.market import make_institution
from tests.make.parties import NOW
from tests.make.programme import approve, decide, make_pair, propose


async def make_facts(session: AsyncSession, **changes: Any) -> dict[str, Any]:
    manager = await make_institution(session, OrganisationKind.AGENCY)
    park = await make_institution(session, OrganisationKind.PARK)
    return {
        "name": "平罗补偿资金",
        "owner_id": str(park.organisation_id),
        "manager_id": str(manager.organisation_id),
        "park_code": "PINGLUO",
        "scheme": "zhongshan-2021",
        "leverage_warn": "8",
        "leverage_max": "10",
    } | changes


async def test_a_fund_is_opened_and_paid_into(session: AsyncSession) -> None:
    pair = await make_pair(session)
    await decide(session, pair, "fund", **await make_facts(session))
    fund = (await session.scalars(select(Fund))).one()
    for reference in ("FIN-1", "FIN-2"):
        await decide(session, pair, "fund_capital", **capital(fund, reference))

    state = (await funds.states_of(session, [fund.id]))[fund.id]
    assert (state.paid_in, state.balance) == (Money.yuan(3_000_000), Money.yuan(3_000_000))
    assert state.room(fund.leverage_max) == Money.yuan(30_000_000)


def capital(fund: Fund, reference: str) -> dict[str, Any]:
    return {"fund_id": str(fund.id), "amount": "1500000.00", "reference": reference}


class TestAPaymentIsPaidInOnce:
    async def test_what_was_paid_in_or_waits_is_not_proposed_again(
        self, session: AsyncSession
    ) -> None:
        pair = await make_pair(session)
        fund, _, _ = await make_fund(session, capital=Money(0))
        other, _, _ = await make_fund(session, capital=Money(0))
        first = await propose(session, pair, "fund_capital", **capital(fund, "FIN-1"))
        with pytest.raises(CapitalReferenceUsed):
            await propose(session, pair, "fund_capital", **capital(fund, "FIN-1"))
        await approve(session, pair, first)
        with pytest.raises(CapitalReferenceUsed) as refusal:
            await propose(session, pair, "fund_capital", **capital(fund, "FIN-1"))
        await decide(session, pair, "fund_capital", **capital(other, "FIN-1"))

        assert "FIN-1" in str(refusal.value)
        states = await funds.states_of(session, [fund.id, other.id])
        assert {state.paid_in for state in states.values()} == {Money.yuan(1_500_000)}

    async def test_what_was_withdrawn_is_proposed_again(self, session: AsyncSession) -> None:
        pair = await make_pair(session)
        fund, _, _ = await make_fund(session, capital=Money(0))
        first = await propose(session, pair, "fund_capital", **capital(fund, "FIN-1"))
        await programme_changes.withdraw(
            session, actor=pair.maker, change_id=first.id, note="金额有误", now=NOW
        )

        again = await decide(session, pair, "fund_capital", **capital(fund, "FIN-1"))
        assert again.status is ChangeStatus.IN_FORCE

    async def test_the_test_of_approval_and_day_refuses_it_too(self, session: AsyncSession) -> None:
        """Also a row that came to be before the database minded."""
        pair = await make_pair(session)
        fund, _, _ = await make_fund(session, capital=Money(0))
        first = await propose(session, pair, "fund_capital", **capital(fund, "FIN-1"))
        twin = ProgrammeChange(id=new_id(), facts=first.facts, effective_on=first.effective_on)
        with pytest.raises(CapitalReferenceUsed):
            await change_effects.test(session, twin)
        await change_effects.test(session, first)


async def test_its_leverage_is_changed(session: AsyncSession) -> None:
    pair = await make_pair(session)
    fund, _, _ = await make_fund(session)
    await decide(
        session, pair, "fund_leverage", fund_id=str(fund.id), leverage_warn="4", leverage_max="5"
    )

    await session.refresh(fund)
    assert fund.leverage_warn == 4
    assert fund.leverage_max == 5


@pytest.mark.parametrize("field", ["owner_id", "manager_id"])
async def test_a_bank_neither_owns_nor_manages_one(session: AsyncSession, field: str) -> None:
    pair = await make_pair(session)
    bank = await make_institution(session, OrganisationKind.BANK)
    facts = await make_facts(session, **{field: str(bank.organisation_id)})
    with pytest.raises(FieldRefused) as refusal:
        await propose(session, pair, "fund", **facts)
    assert refusal.value.field == field


async def test_an_unknown_scheme(session: AsyncSession) -> None:
    pair = await make_pair(session)
    with pytest.raises(FieldRefused) as refusal:
        await propose(session, pair, "fund", **await make_facts(session, scheme="nowhere"))
    assert refusal.value.field == "scheme"


async def test_an_invented_scheme_is_for_the_calculator_only(session: AsyncSession) -> None:
    pair = await make_pair(session)
    with pytest.raises(FieldRefused) as refusal:
        await propose(session, pair, "fund", **await make_facts(session, scheme="example"))
    assert refusal.value.field == "scheme"
    assert "invented" in str(refusal.value)


async def test_a_fund_of_an_invented_scheme_is_marked(session: AsyncSession) -> None:
    """One that was opened before such a scheme was refused."""
    fund, _, _ = await make_fund(session, scheme="example")
    other, _, _ = await make_fund(session)
    states = await funds.states_of(session, [fund.id, other.id])

    told = [funds.tell(one, states[one.id]).scheme_invented for one in (fund, other)]
    public = await public_funds.list_funds(session, on=NOW.date())

    assert told == [True, False]
    assert {one.name: one.scheme_invented for one in public} == {fund.name: True, other.name: False}


async def test_a_name_that_is_taken(session: AsyncSession) -> None:
    pair = await make_pair(session)
    facts = await make_facts(session)
    await decide(session, pair, "fund", **facts)
    with pytest.raises(FundExists):
        await propose(session, pair, "fund", **facts)


async def test_money_for_a_fund_that_is_not_there(session: AsyncSession) -> None:
    pair = await make_pair(session)
    with pytest.raises(UnknownFund):
        await propose(
            session, pair, "fund_capital", fund_id=str(new_id()), amount="1.00", reference="X"
        )


class TestCalledQuota:
    async def test_returns_up_to_what_was_recovered_and_once(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80")
        bank, guarantor = funded.table.bank, funded.table.guarantor
        five = Money.yuan(5_000_000)
        claim = await claims.submit(
            session,
            actor=bank,
            loan_id=loan.id,
            data=claim_of(ClaimKind.GUARANTEE, five),
            now=LATE,
        )
        second = await colleague_of(session, guarantor)
        await settle(session, claim, payer=guarantor, second=second, claimant=bank)
        pair = await make_pair(session)
        asked: dict[str, Any] = {"loan_id": str(loan.id)}
        with pytest.raises(ReturnAboveCalled):
            await propose(session, pair, "called_return", amount="0.01", **asked)

        await recoveries.record(
            session,
            actor=bank,
            loan_id=loan.id,
            data=RecoveryIn(
                reference="REC-1", received_on=LATE.date(), amount=Money.yuan(1_000_000)
            ),
            now=LATE,
        )
        await bind(session, SYSTEM)
        await session.refresh(loan)
        before = await quota(session)
        await decide(session, pair, "called_return", amount="800000.00", **asked)

        after = await quota(session)
        assert before[0] - after[0] == Money.yuan(800_000)
        assert after[1] - before[1] == Money.yuan(800_000)
        with pytest.raises(ReturnAboveCalled):
            await propose(session, pair, "called_return", amount="0.01", **asked)


async def quota(session: AsyncSession) -> tuple[Money, Money]:
    """Called, and available, of the park's account."""
    session.expire_all()
    (row,) = await programme.get_quota(session, park_code="PINGLUO")
    return row.called, row.available
