"""Any sequence of call, claim, payment, refusal, appeal, recovery and write-off, against a dict.

On the real PostgreSQL, with real commits. Each example loses a loan of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from fractions import Fraction
from typing import Any, TypeVar
from uuid import UUID

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.core.errors import DomainError
from app.core.money import ZERO, Money
from app.lifecycle.deals import LoanStatus
from app.lifecycle.funds import ClaimKind, ClaimStatus
from app.lifecycle.parties import GuarantorType
from app.models.claims import Claim
from app.models.loans import Loan
from app.schemas.claims import ClaimPaymentIn, RecoveryIn, WriteOffIn
from app.services import (
    claim_payments,
    claims,
    exposures,
    funds,
    ledger,
    recoveries,
    sealing,
    write_offs,
)
from app.services.actor import SYSTEM, Actor, bind
from app.services.ledger import AccountRole, Book
from tests.make.funds import CAPITAL, LATE, claim_of, colleague_of, make_defaulted
from tests.make.ledger import acting, cloned
from tests.make.rights import make_document

T = TypeVar("T")

PRINCIPAL = 500_000_000
FUND_SHARE = Fraction(54, 100)
GUARANTEE_SHARE = Fraction(80, 100)
KINDS = (ClaimKind.FUND, ClaimKind.GUARANTEE)
PARTS = st.integers(1, PRINCIPAL)


class Loss(RuleBasedStateMachine):
    """``flying``: the claim of a kind on which money is still to move, with its amounts in fen."""

    run: Callable[[Coroutine[Any, Any, T]], T]
    sessions: async_sessionmaker[AsyncSession]

    @initialize()
    def lose(self) -> None:
        async def make(session: AsyncSession) -> None:
            self.funded, loan = await make_defaulted(
                session, guarantor_type=GuarantorType.COMMERCIAL
            )
            self.loan_id = loan.id
            table = self.funded.table
            self.people: dict[ClaimKind, tuple[Actor, Actor]] = {
                ClaimKind.FUND: (self.funded.manager, self.funded.colleague),
                ClaimKind.GUARANTEE: (
                    table.guarantor,
                    await colleague_of(session, table.guarantor),
                ),
            }
            document = await make_document(session, table.bank.organisation_id)
            self.document_id = document.id

        self.commit(make)
        self.flying: dict[ClaimKind, dict[str, Any]] = {}
        self.settled = dict.fromkeys(KINDS, 0)  # principal of paid claims
        self.paid = dict.fromkeys(KINDS, 0)
        self.called = 0
        self.returned: dict[str, int] = {}
        self.unreceived: list[tuple[UUID, int]] = []
        self.balance = CAPITAL.fen
        self.over = False

    @precondition(lambda self: not self.over)
    @rule(kind=st.sampled_from(KINDS), part=PARTS, all_=st.booleans())
    def claim(self, kind: ClaimKind, part: int, all_: bool) -> None:
        if self.flown(kind, ClaimStatus.REFUSED):
            return  # one appeals, or withdraws first: the model follows one claim of a kind
        left = PRINCIPAL - self.settled[kind]
        principal = left if all_ and left else part
        share = FUND_SHARE if kind is ClaimKind.FUND else GUARANTEE_SHARE
        ceiling = principal
        if kind is ClaimKind.FUND:
            lost = self.settled[kind] + principal
            ceiling = max(0, lost - sum(self.paid.values()))
        refused = (
            kind in self.flying
            or principal > left
            or bool(self.returned)  # the loan may be repaid by then
        )

        async def act(session: AsyncSession) -> Claim:
            return await claims.submit(
                session,
                actor=self.funded.table.bank,
                loan_id=self.loan_id,
                data=claim_of(kind, Money(principal)),
                now=LATE,
            )

        got = self.attempt(act)
        if got is None:
            assert refused or min(ceiling, round(principal * share)) <= 1
            return
        assert kind not in self.flying
        assert principal <= left
        assert abs(got.amount.fen - min(Fraction(ceiling), principal * share)) <= 1
        self.flying[kind] = {
            "id": got.id,
            "status": ClaimStatus.SUBMITTED,
            "principal": principal,
            "amount": got.amount.fen,
        }

    def flown(self, kind: ClaimKind, *statuses: ClaimStatus) -> dict[str, Any] | None:
        claim = self.flying.get(kind)
        return claim if claim is not None and claim["status"] in statuses else None

    def step(
        self,
        kind: ClaimKind,
        allowed: tuple[ClaimStatus, ...],
        then: ClaimStatus,
        act: Callable[[AsyncSession, UUID], Coroutine[Any, Any, Any]],
    ) -> dict[str, Any] | None:
        """Do it to the claim in flight; the model and the platform agree on whether it may be."""
        claim = self.flying.get(kind)
        if claim is None:
            return None
        done = self.attempt(lambda session: act(session, claim["id"]))
        assert (done is not None) == (claim["status"] in allowed), (claim, then)
        if done is None:
            return None
        claim["status"] = then
        return claim

    @rule(kind=st.sampled_from(KINDS))
    def review(self, kind: ClaimKind) -> None:
        self.step(
            kind,
            (ClaimStatus.SUBMITTED,),
            ClaimStatus.REVIEWED,
            lambda session, id_: claims.review(
                session, actor=self.people[kind][0], claim_id=id_, note="同意", now=LATE
            ),
        )

    @rule(kind=st.sampled_from(KINDS))
    def approve(self, kind: ClaimKind) -> None:
        self.step(
            kind,
            (ClaimStatus.REVIEWED,),
            ClaimStatus.APPROVED,
            lambda session, id_: claims.approve(
                session, actor=self.people[kind][1], claim_id=id_, amount=None, now=LATE
            ),
        )

    @rule(kind=st.sampled_from(KINDS))
    def refuse(self, kind: ClaimKind) -> None:
        self.step(
            kind,
            (ClaimStatus.SUBMITTED, ClaimStatus.REVIEWED, ClaimStatus.APPROVED),
            ClaimStatus.REFUSED,
            lambda session, id_: claims.refuse(
                session, actor=self.people[kind][0], claim_id=id_, reason="存疑", now=LATE
            ),
        )

    @rule(kind=st.sampled_from(KINDS))
    def appeal(self, kind: ClaimKind) -> None:
        self.step(
            kind,
            (ClaimStatus.REFUSED,),
            ClaimStatus.SUBMITTED,
            lambda session, id_: claims.appeal(
                session, actor=self.funded.table.bank, claim_id=id_, reason="补充", now=LATE
            ),
        )

    @rule(kind=st.sampled_from(KINDS))
    def withdraw(self, kind: ClaimKind) -> None:
        allowed = (ClaimStatus.SUBMITTED, ClaimStatus.REVIEWED, ClaimStatus.REFUSED)
        done = self.step(
            kind,
            allowed,
            ClaimStatus.WITHDRAWN,
            lambda session, id_: claims.withdraw(
                session, actor=self.funded.table.bank, claim_id=id_, now=LATE
            ),
        )
        if done is not None:
            del self.flying[kind]

    @rule(kind=st.sampled_from(KINDS))
    def pay(self, kind: ClaimKind) -> None:
        claim = self.flying.get(kind)
        if claim is not None and claim["status"] is ClaimStatus.PAID:
            return  # the same payment again is answered, not refused
        done = self.step(
            kind,
            (ClaimStatus.APPROVED,),
            ClaimStatus.PAID,
            lambda session, id_: claim_payments.pay(
                session,
                actor=self.people[kind][0],
                claim_id=id_,
                data=ClaimPaymentIn(paid_on=LATE.date(), reference=f"PAY-{id_}"),
                now=LATE,
            ),
        )
        if done is not None and kind is ClaimKind.FUND:
            self.balance -= done["amount"]
            self.settled[kind] += done["principal"]
            self.paid[kind] += done["amount"]

    @rule(kind=st.sampled_from(KINDS))
    def confirm(self, kind: ClaimKind) -> None:
        done = self.step(
            kind,
            (ClaimStatus.PAID,),
            ClaimStatus.CONFIRMED,
            lambda session, id_: claim_payments.confirm(
                session, actor=self.funded.table.bank, claim_id=id_, now=LATE
            ),
        )
        if done is None:
            return
        if kind is ClaimKind.GUARANTEE:
            self.settled[kind] += done["principal"]
            self.paid[kind] += done["amount"]
            self.called += done["amount"]
        del self.flying[kind]

    @rule(kind=st.sampled_from(KINDS), steps=st.integers(1, 4))
    def advance(self, kind: ClaimKind, steps: int) -> None:
        """As payers and claimants usually do, so that sequences reach the money."""
        road = {
            ClaimStatus.SUBMITTED: self.review,
            ClaimStatus.REVIEWED: self.approve,
            ClaimStatus.APPROVED: self.pay,
            ClaimStatus.PAID: self.confirm,
        }
        for _ in range(steps):
            claim = self.flying.get(kind)
            if claim is not None and claim["status"] in road:
                road[claim["status"]](kind)

    @precondition(lambda self: not self.over and not self.flying and any(self.paid.values()))
    @rule(part=PARTS, costs=st.integers(0, 10_000), all_=st.booleans())
    def recover(self, part: int, costs: int, all_: bool) -> None:
        back = sum(self.returned.values())
        amount = PRINCIPAL - back + costs if all_ else part

        async def act(session: AsyncSession) -> recoveries.RecoveryDetail:
            data = RecoveryIn(
                reference=f"REC-{back}-{amount}-{costs}",
                received_on=LATE.date(),
                amount=Money(amount),
                costs=Money(costs),
            )
            return await recoveries.record(
                session, actor=self.funded.table.bank, loan_id=self.loan_id, data=data, now=LATE
            )

        done = self.attempt(act)
        if done is None:
            assert costs > amount or amount > PRINCIPAL - back
            return
        recovery = done.recovery
        assert recovery.costs.fen == min(costs, amount)
        assert recovery.principal.fen <= PRINCIPAL - back
        shares = {share.party: share.amount.fen for share in done.shares}
        assert sum(shares.values()) == recovery.principal.fen
        for party, amount_ in shares.items():
            self.returned[party] = self.returned.get(party, 0) + amount_
        if "fund" in shares:
            self.unreceived.append((recovery.id, shares["fund"]))
        self.over = sum(self.returned.values()) == PRINCIPAL

    @precondition(lambda self: bool(self.unreceived))
    @rule()
    def receive(self) -> None:
        recovery_id, amount = self.unreceived.pop()
        for _ in range(2):
            assert self.attempt(
                lambda session: recoveries.receive(
                    session, actor=self.funded.manager, recovery_id=recovery_id, now=LATE
                )
            )
        self.balance += amount

    @precondition(lambda self: not self.over and any(self.paid.values()))
    @rule()
    def write_off(self) -> None:
        data = WriteOffIn(ground="enforcement", document_id=self.document_id)
        done = self.attempt(
            lambda session: write_offs.write_off(
                session, actor=self.funded.table.bank, loan_id=self.loan_id, data=data, now=LATE
            )
        )
        in_flight = any(c["status"] is not ClaimStatus.REFUSED for c in self.flying.values())
        assert (done is None) == in_flight
        self.over = self.over or done is not None

    @invariant()
    def the_counters_are_the_models(self) -> None:
        if not hasattr(self, "balance"):
            return

        async def look(session: AsyncSession) -> tuple[funds.FundState, Loan, Money, list[Any]]:
            fund = funds.state_of(await funds.accounts_of(session, self.funded.fund.id))
            loan = await session.get_one(Loan, self.loan_id)
            guarantor = await ledger.find_account(
                session,
                book=Book.GUARANTOR,
                owner=str(self.funded.table.guarantor.organisation_id),
                role=AccountRole.CALLED,
            )
            assert guarantor is not None
            called = Money(guarantor.credits_posted - guarantor.debits_posted)
            return fund, loan, called, list(await exposures.verify(session))

        fund, loan, called, findings = self.commit(look)
        approved = self.flown(ClaimKind.FUND, ClaimStatus.APPROVED)
        assert fund.balance.fen == self.balance
        assert fund.committed.fen == (approved["amount"] if approved else 0)
        assert fund.paid.fen == CAPITAL.fen - self.balance
        owed = 0 if self.over else PRINCIPAL - self.settled[ClaimKind.FUND]
        assert fund.base_outstanding.fen == owed
        assert fund.exposure_outstanding == Money(owed).times(FUND_SHARE)
        assert called.fen == self.called
        unsettled = Money(PRINCIPAL - self.settled[ClaimKind.GUARANTEE])
        if loan.status is not LoanStatus.REPAID:
            assert loan.liability == unsettled.times(GUARANTEE_SHARE)
        else:
            assert loan.liability == ZERO
        # Total indemnity never exceeds the loss, nor what came back what each bore.
        assert sum(self.paid.values()) <= PRINCIPAL
        assert sum(self.returned.values()) <= PRINCIPAL
        assert self.returned.get("fund", 0) <= self.paid[ClaimKind.FUND]
        assert findings == []

    def attempt(self, act: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T | None:
        """What came of it; None if it was refused, and then nothing is written."""
        try:
            return self.commit(act)
        except DomainError:
            return None

    def commit(self, act: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        async def transact() -> T:
            async with acting(self.sessions) as session:
                await bind(session, SYSTEM)
                return await act(session)

        return self.run(transact())


@pytest.fixture
def own(database: str) -> Iterator[str]:
    assert database  # the template is made
    with cloned("losses") as (_, app_url):
        yield app_url


def test_any_sequence_agrees_with_the_model(own: str) -> None:
    with asyncio.Runner() as runner:
        engine = create_async_engine(own, pool_size=1)
        sessions = async_sessionmaker(engine, expire_on_commit=False)

        class OnThisDatabase(Loss):
            pass

        OnThisDatabase.run = staticmethod(runner.run)
        OnThisDatabase.sessions = sessions
        try:
            run_state_machine_as_test(
                OnThisDatabase,
                settings=hypothesis.settings(
                    max_examples=25,
                    stateful_step_count=40,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.generate],  # a sequence costs seconds; shrinking it, minutes
                ),
            )
            paid, findings = runner.run(_judge(sessions))
        finally:
            runner.run(engine.dispose())
    assert paid > 5  # of the claims made, so that the sequences went somewhere
    assert findings == []


async def _judge(sessions: async_sessionmaker[AsyncSession]) -> tuple[int, list[Any]]:
    async with acting(sessions) as session:
        await bind(session, SYSTEM)
        paid = await session.scalar(
            text("SELECT count(*) FROM claims WHERE confirmed_at IS NOT NULL")
        )
        while await sealing.seal(session):
            pass
        return paid or 0, list(await sealing.verify(session))
