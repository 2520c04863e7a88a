"""From default to recovered and closed, under the bank's and the guarantor's model."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused, NotFound
from app.core.messages import Language, speaking
from app.core.money import ZERO, Money
from app.lifecycle.deals import DealStatus, LoanStatus
from app.lifecycle.funds import ClaimKind, ClaimStatus, FilingStatus
from app.lifecycle.machine import IllegalMove
from app.models.claims import Claim
from app.models.loans import Loan
from app.schemas.claims import ClaimPaymentIn, RecoveryIn
from app.services import (
    claim_decisions,
    claim_payments,
    claims,
    exposures,
    funds,
    grades,
    readiness,
    recoveries,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.claim_amounts import CallFirst, LossAboveOutstanding, NotYours
from app.services.claim_decisions import ApprovedAbove
from app.services.claim_payments import PaidOtherwise
from app.services.claim_refusals import ClaimInFlight, NoSuchPayer, NotDefaulted, OnePerson
from app.services.claim_timing import TooLate
from app.services.funds import FundState
from app.services.readiness import ClaimIncomplete
from app.services.recoveries import NothingPaidYet, RecoveryAboveLoss
from tests.make.funds import (
    LATE,
    Funded,
    attach_all,
    claim_of,
    claim_on,
    make_defaulted,
    make_drawn_filed,
    settle,
    settle_on,
)

FIVE = Money.yuan(5_000_000)


async def state(session: AsyncSession, funded: Funded) -> FundState:
    return funds.state_of(await funds.accounts_of(session, funded.fund.id))


async def figures_agree(session: AsyncSession) -> bool:
    return await exposures.verify(session) == []


async def settle_fund(session: AsyncSession, funded: Funded, claim: Claim) -> Claim:
    return await settle(
        session,
        claim,
        payer=funded.manager,
        second=funded.colleague,
        claimant=funded.claimant,
    )


async def recover(
    session: AsyncSession, actor: Actor, loan: Loan, amount: str, costs: str = "0.00"
) -> recoveries.RecoveryDetail:
    data = RecoveryIn(
        reference=f"REC-{amount}",
        received_on=LATE.date(),
        amount=Money.yuan(amount),
        costs=Money.yuan(costs),
    )
    done = await recoveries.record(session, actor=actor, loan_id=loan.id, data=data, now=LATE)
    await bind(session, SYSTEM)
    return done


class TestBankModel:
    async def test_a_claim_goes_from_default_to_paid_recovered_and_closed(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        assert (claim.amount, claim.principal) == (Money.yuan(2_700_000), FIVE)
        before = await state(session, funded)
        assert (before.base_outstanding, before.exposure_outstanding) == (
            FIVE,
            Money.yuan(2_700_000),
        )

        await settle_fund(session, funded, claim)

        after = await state(session, funded)
        assert (after.balance, after.paid) == (Money.yuan(7_300_000), Money.yuan(2_700_000))
        assert (after.committed, after.base, after.exposure_outstanding) == (ZERO, ZERO, ZERO)
        assert await figures_agree(session)

        done = await recover(session, funded.table.bank, loan, "1010000.00", "10000.00")
        parts = {share.party: share.amount for share in done.shares}
        # Of five million the fund bore 54 %, the bank the rest.
        assert parts == {"bank": Money.yuan(460_000), "fund": Money.yuan(540_000)}
        assert (await state(session, funded)).balance == Money.yuan(7_300_000)
        await recoveries.receive(
            session, actor=funded.manager, recovery_id=done.recovery.id, now=LATE
        )
        assert (await state(session, funded)).balance == Money.yuan(7_840_000)

        last = await recover(session, funded.table.bank, loan, "4000000.00")
        await recoveries.receive(
            session, actor=funded.manager, recovery_id=last.recovery.id, now=LATE
        )
        await session.refresh(loan)
        await session.refresh(funded.deal)
        await session.refresh(claim)
        await session.refresh(funded.filing)
        assert (loan.status, funded.deal.status) == (LoanStatus.REPAID, DealStatus.REPAID)
        assert (claim.status, funded.filing.status) == (ClaimStatus.CLOSED, FilingStatus.ENDED)
        assert (await state(session, funded)).balance == Money.yuan(10_000_000)
        assert await figures_agree(session)

    async def test_only_the_ip_share_is_compensated(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, ip_share_pct=Decimal(60))

        claim = await claim_on(session, funded, loan, ClaimKind.FUND)

        assert claim.amount == Money.yuan(1_620_000)  # 54 % of 60 %

    async def test_total_indemnity_never_exceeds_the_loss(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80")
        await settle_on(session, funded, loan, ClaimKind.GUARANTEE)

        claim = await claim_on(session, funded, loan, ClaimKind.FUND)

        assert claim.amount == Money.yuan(1_000_000)
        assert claim.trace[-1]["rule"] == "total-indemnity"

    async def test_who_is_claimed_on_first_decides_nothing(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80")
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        await settle_fund(session, funded, claim)

        call = await settle_on(session, funded, loan, ClaimKind.GUARANTEE)

        assert (claim.amount, call.amount) == (Money.yuan(1_000_000), Money.yuan(4_000_000))

    async def test_parts_of_the_loss_claimed_in_turn_come_to_the_same(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80")
        parts = []
        for principal in (Money.yuan(2_000_000), Money.yuan(3_000_000)):
            claim = await claim_on(session, funded, loan, ClaimKind.FUND, principal)
            await settle_fund(session, funded, claim)
            call = await settle_on(session, funded, loan, ClaimKind.GUARANTEE, principal)
            parts.append((claim.amount, call.amount))

        assert parts == [
            (Money.yuan(400_000), Money.yuan(1_600_000)),
            (Money.yuan(600_000), Money.yuan(2_400_000)),
        ]

    async def test_two_claims_come_to_one(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        first = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan("1000000.01"))
        await settle_fund(session, funded, first)
        second = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan("3999999.99"))

        assert first.amount + second.amount == Money.yuan(2_700_000)


class TestBesideAPolicy:
    """80 % guaranteed and 20 % insured, less 100,000 that the insurer does not bear."""

    DEDUCTIBLE: ClassVar[dict[str, Any]] = {"deductible": "100000.00"}

    async def test_a_fund_bears_what_neither_owes(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80", insurance=self.DEDUCTIBLE)

        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        await settle_fund(session, funded, claim)
        policy = await settle_on(session, funded, loan, ClaimKind.INSURANCE)
        call = await settle_on(session, funded, loan, ClaimKind.GUARANTEE)

        assert claim.amount == Money.yuan(100_000)
        assert policy.amount == Money.yuan(900_000)
        assert call.amount == Money.yuan(4_000_000)

    async def test_a_fund_claimed_on_last_bears_the_same(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80", insurance=self.DEDUCTIBLE)

        policy = await settle_on(session, funded, loan, ClaimKind.INSURANCE)
        await settle_on(session, funded, loan, ClaimKind.GUARANTEE)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)

        assert (claim.amount, policy.amount) == (Money.yuan(100_000), Money.yuan(900_000))

    async def test_what_the_insurer_refused_it_does_not_owe(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, guarantee_pct="80", insurance=self.DEDUCTIBLE)
        policy = await claim_on(session, funded, loan, ClaimKind.INSURANCE)
        await claim_decisions.refuse(
            session,
            actor=funded.table.insurer,
            claim_id=policy.id,
            reason="除外责任",
            now=LATE,
        )

        claim = await claim_on(session, funded, loan, ClaimKind.FUND)

        assert claim.amount == Money.yuan(1_000_000)

    async def test_the_stop_loss_is_the_most_that_the_insurer_owes(
        self, session: AsyncSession
    ) -> None:
        terms = {"stop_loss": "600000.00"}
        funded, loan = await make_defaulted(session, guarantee_pct="80", insurance=terms)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        policy = await settle_on(session, funded, loan, ClaimKind.INSURANCE)

        assert (claim.amount, policy.amount) == (Money.yuan(400_000), Money.yuan(600_000))
        assert [step["rule"] for step in policy.trace[:2]] == ["insurance", "stop-loss"]


class TestGuarantorModel:
    async def test_the_fund_compensates_what_the_guarantor_paid(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_defaulted(session, scheme="guodan-2019")
        with pytest.raises(CallFirst):
            await claim_on(session, funded, loan, ClaimKind.FUND)
        liability = loan.liability
        call = await settle_on(session, funded, loan, ClaimKind.GUARANTEE)
        assert call.approved == liability == Money.yuan(4_000_000)
        assert (loan.liability, loan.settled_by_calls) == (ZERO, FIVE)
        assert await figures_agree(session)

        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        assert claim.amount == Money.yuan(2_000_000)  # national fund 20, reguarantor 20
        await settle_fund(session, funded, claim)

        done = await recover(session, funded.table.guarantor, loan, "2500000.00")
        parts = {share.party: share.amount for share in done.shares}
        assert parts == {
            "bank": Money.yuan(500_000),
            "fund": Money.yuan(1_000_000),
            "guarantee": Money.yuan(1_000_000),
        }

    async def test_the_bank_does_not_claim_there(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session, scheme="guodan-2019")
        with pytest.raises(NotYours):
            await claims.submit(
                session,
                actor=funded.table.bank,
                loan_id=loan.id,
                data=claim_of(ClaimKind.FUND, FIVE),
                now=LATE,
            )


class TestRefusals:
    async def test_a_paper_that_is_missing_refuses_and_was_on_the_list_at_drawdown(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_drawn_filed(session)
        await attach_all(session, funded, but="valuation_report")
        await _default(session, funded, loan)

        with pytest.raises(ClaimIncomplete) as refusal:
            await claim_on(session, funded, loan, ClaimKind.FUND)

        assert [item["code"] for item in refusal.value.missing] == ["valuation_report"]
        shown = await readiness.show(session, funded.filing, now=LATE)
        drawn = next(record for record in shown.records if record.step == "drawn")
        assert "valuation_report" in [item["code"] for item in drawn.missing]

    async def test_before_default_nothing_is_claimed(self, session: AsyncSession) -> None:
        funded, loan = await make_drawn_filed(session)
        with pytest.raises(NotDefaulted) as refused:
            await claim_on(session, funded, loan, ClaimKind.FUND)

        assert str(refused.value) == (
            "The loan is performing. A claim follows default, which its bank declares"
            f" (POST /v1/lender/loans/{loan.id}/default)."
        )
        loan.status = LoanStatus.REPAID
        with pytest.raises(NotDefaulted, match="is repaid: nothing is claimed"):
            await claim_on(session, funded, loan, ClaimKind.FUND)

    async def test_a_payer_that_is_not_there_is_told_with_those_who_are(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_defaulted(session)
        insurance = claim_of(ClaimKind.INSURANCE, Money.yuan(1))
        with pytest.raises(NoSuchPayer) as refused:
            await claims.submit(
                session, actor=funded.table.bank, loan_id=loan.id, data=insurance, now=LATE
            )

        assert str(refused.value) == (
            "The loan has no insurer to claim on; you can claim on its guarantor or fund."
        )
        assert refused.value.facts() == {"kind": "insurance", "claimable": ["guarantee", "fund"]}
        with speaking(Language.CHINESE):
            assert str(refused.value) == (
                "该贷款没有可索赔的保险公司，您可以向其担保机构或补偿资金索赔。"
            )
        assert "recorded as a recovery" in str(NoSuchPayer(ClaimKind.FUND, []))

    async def test_a_loss_above_what_is_owed(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        with pytest.raises(LossAboveOutstanding):
            await claim_on(session, funded, loan, ClaimKind.FUND, FIVE + Money(1))

    async def test_too_late_by_the_scheme(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        late = LATE + timedelta(days=400)
        with pytest.raises(TooLate):
            await claims.submit(
                session,
                actor=funded.claimant,
                loan_id=loan.id,
                data=claim_of(ClaimKind.FUND, FIVE),
                now=late,
            )

    async def test_one_claim_of_a_kind_at_a_time(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        first = await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan(1_000_000))
        first_id = first.id
        with pytest.raises(ClaimInFlight) as refused:
            await claim_on(session, funded, loan, ClaimKind.FUND, Money.yuan(1_000_000))

        assert str(refused.value) == (
            f"Claim {first_id} of this kind (fund) on the loan is submitted; another can follow"
            " once that one is confirmed, refused or withdrawn."
        )
        assert refused.value.facts() == {
            "kind": "fund",
            "claim_id": str(first_id),
            "status": "submitted",
        }

    async def test_one_person_does_not_review_and_approve(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        await claim_decisions.review(
            session, actor=funded.manager, claim_id=claim.id, note="同意", now=LATE
        )
        with pytest.raises(OnePerson) as refused:
            await claim_decisions.approve(
                session, actor=funded.manager, claim_id=claim.id, amount=None, now=LATE
            )
        assert f"on {LATE.date()}; another manager" in str(refused.value)
        with pytest.raises(ApprovedAbove):
            await claim_decisions.approve(
                session,
                actor=funded.colleague,
                claim_id=claim.id,
                amount=claim.amount + Money(1),
                now=LATE,
            )

    async def test_strangers_see_nothing(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        with pytest.raises(NotFound):
            await claim_decisions.review(
                session, actor=funded.table.insurer, claim_id=claim.id, note="?", now=LATE
            )

    async def test_a_recovery_before_any_payment_is_a_repayment(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_defaulted(session)
        with pytest.raises(NothingPaidYet):
            await recover(session, funded.table.bank, loan, "1.00")

    async def test_a_recovery_above_the_loss(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        await settle_fund(session, funded, await claim_on(session, funded, loan, ClaimKind.FUND))
        with pytest.raises(RecoveryAboveLoss):
            await recover(session, funded.table.bank, loan, "9000000.00")


class TestPayment:
    async def test_is_made_once(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        await settle_fund(session, funded, claim)
        paid = await state(session, funded)

        again = ClaimPaymentIn(paid_on=LATE.date(), reference=str(claim.payment_reference))
        await claim_payments.pay(
            session, actor=funded.manager, claim_id=claim.id, data=again, now=LATE
        )
        with pytest.raises(PaidOtherwise):
            await claim_payments.pay(
                session,
                actor=funded.manager,
                claim_id=claim.id,
                data=ClaimPaymentIn(paid_on=LATE.date(), reference="PAY-OTHER"),
                now=LATE,
            )

        assert await state(session, funded) == paid

    async def test_a_refused_claim_frees_the_money_and_may_be_appealed(
        self, session: AsyncSession
    ) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        await claim_decisions.review(
            session, actor=funded.manager, claim_id=claim.id, note="同意", now=LATE
        )
        await claim_decisions.approve(
            session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
        )
        assert (await state(session, funded)).committed == claim.amount
        await claim_decisions.refuse(
            session, actor=funded.manager, claim_id=claim.id, reason="材料存疑", now=LATE
        )
        assert (await state(session, funded)).committed == ZERO
        with pytest.raises(IllegalMove):
            await claim_payments.pay(
                session,
                actor=funded.manager,
                claim_id=claim.id,
                data=ClaimPaymentIn(paid_on=LATE.date(), reference="PAY-1"),
                now=LATE,
            )

        await claims.appeal(
            session, actor=funded.claimant, claim_id=claim.id, reason="已补充", now=LATE
        )

        assert claim.status is ClaimStatus.SUBMITTED
        await settle_fund(session, funded, claim)
        assert (await state(session, funded)).paid == claim.amount

    async def test_of_a_day_to_come_is_refused(self, session: AsyncSession) -> None:
        funded, loan = await make_defaulted(session)
        claim = await claim_on(session, funded, loan, ClaimKind.FUND)
        await claim_decisions.review(
            session, actor=funded.manager, claim_id=claim.id, note="同意", now=LATE
        )
        await claim_decisions.approve(
            session, actor=funded.colleague, claim_id=claim.id, amount=None, now=LATE
        )
        with pytest.raises(FieldRefused):
            await claim_payments.pay(
                session,
                actor=funded.manager,
                claim_id=claim.id,
                data=ClaimPaymentIn(paid_on=LATE.date() + timedelta(days=1), reference="PAY-1"),
                now=LATE,
            )


async def _default(session: AsyncSession, funded: Funded, loan: Loan) -> None:
    await grades.declare_default(session, actor=funded.table.bank, loan_id=loan.id, now=LATE)
