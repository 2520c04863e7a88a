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
from app.core.money import Money
from app.lifecycle.funds import ClaimKind, ClaimStatus
from app.lifecycle.parties import GuarantorType
from app.models.claims import Claim
from app.models.loans import Loan
from app.schemas.claims import ClaimPaymentIn, RecoveryIn, WriteOffIn
from app.services import (
    claim_decisions,
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
from app.services.claim_decisions import ApprovedAbove
from app.services.ledger import AccountRole, Book
from tests.make.funds import CAPITAL, LATE, claim_of, colleague_of, make_defaulted
from tests.make.ledger import acting, cloned
from tests.make.rights import make_document

T = TypeVar("T")

PRINCIPAL = 500_000_000
FUND_SHARE = Fraction(54, 100)
GUARANTEE_SHARE = Fraction(80, 100)
KINDS = (ClaimKind.FUND, ClaimKind.GUARANTEE)
PARTS = st.integers(1, PRINCIPAL // 5) | st.integers(1, PRINCIPAL)
ALL = st.sampled_from((False, False, False, True))
STEPS = st.sampled_from((4, 4, 4, 3, 2, 1, 0))


class Loss(RuleBasedStateMachine):
    """``flying``: the claim of a kind on which money is still to move, with its amounts in fen."""

    run: Callable[[Coroutine[Any, Any, T]], T]
    sessions: async_sessionmaker[AsyncSession]

    @initialize()
    def lose(self) -> None:
        async def make(session: AsyncSession) -> None:
            self.funded, loan = await make_defaulted(
                session, guarantor_type=GuarantorType.COMMERCIAL, guarantee_pct="80"
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
        self.settled = dict.fromkeys(KINDS, 0)  # of the principal, by paid claims
        self.paid = dict.fromkeys(KINDS, 0)
        self.still = {"bank": Fraction(PRINCIPAL), "fund": Fraction(0), "guarantee": Fraction(0)}
        self.liability = round(PRINCIPAL * GUARANTEE_SHARE)
        self.called = 0
        self.returned: dict[str, int] = {}
        self.payments = 0
        self.unreceived: list[tuple[UUID, int]] = []
        self.balance = CAPITAL.fen
        self.over = False
        self.refused: DomainError | None = None

    @property
    def back(self) -> int:
        return sum(self.returned.values())

    def lost(self, part: int) -> Fraction:
        """What of a part of the principal recoveries have not brought."""
        return part * Fraction(PRINCIPAL - self.back, PRINCIPAL)

    def due(self, kind: ClaimKind, settles: int) -> Fraction:
        """What a claim that settles so much comes to now: its share, of what nobody has covered."""
        settles = min(settles, PRINCIPAL - self.settled[kind])
        share = FUND_SHARE if kind is ClaimKind.FUND else GUARANTEE_SHARE
        promised = sum(
            claim["amount"]
            for other, claim in self.flying.items()
            if other is not kind and claim["status"] is ClaimStatus.APPROVED
        )
        open_ = Fraction(self.still["bank"] - promised)
        if kind is ClaimKind.FUND:
            named = self.settled[kind] + settles
            paid = self.flown(ClaimKind.GUARANTEE, ClaimStatus.PAID) or {"amount": 0}
            guaranteed = (
                self.still["guarantee"] + self.liability - min(self.liability, paid["amount"])
            )
            covered = self.still["fund"] + guaranteed * Fraction(named, PRINCIPAL)
            open_ = min(open_, self.lost(named) - covered)
        return max(Fraction(0), min(self.lost(settles) * share, open_))

    def stands(self, kind: ClaimKind) -> tuple[Any, ...]:
        """What an amount that was worked out rests on: unchanged, it must be found again."""
        others = [
            (other, claim["amount"])
            for other, claim in self.flying.items()
            if other is not kind and claim["status"] is ClaimStatus.APPROVED
        ]
        return self.back, tuple(self.paid.values()), tuple(self.settled.values()), tuple(others)

    @precondition(lambda self: not self.over)
    @rule(kind=st.sampled_from(KINDS), part=PARTS, all_=ALL, steps=STEPS)
    def claim(self, kind: ClaimKind, part: int, all_: bool, steps: int) -> None:
        if self.flown(kind, ClaimStatus.REFUSED):
            return  # one appeals, or withdraws first: the model follows one claim of a kind
        left = Money(PRINCIPAL - self.settled[kind])
        left = left.times(Fraction(PRINCIPAL - self.back, PRINCIPAL))
        principal = left.fen if all_ and left else part

        async def act(session: AsyncSession) -> Claim:
            return await claims.submit(
                session,
                actor=self.funded.table.bank,
                loan_id=self.loan_id,
                data=claim_of(kind, Money(principal)),
                now=LATE,
            )

        got = self.attempt(act)
        settles = Fraction(principal * PRINCIPAL, PRINCIPAL - self.back)
        if got is None:
            refused = kind in self.flying or principal > left.fen
            assert refused or self.due(kind, round(settles)) <= 2
            return
        assert kind not in self.flying
        assert principal <= left.fen
        assert abs(self.lost(got.settles.fen) - principal) <= 1
        assert abs(got.amount.fen - self.due(kind, got.settles.fen)) <= self.tolerance
        self.flying[kind] = {
            "id": got.id,
            "status": ClaimStatus.SUBMITTED,
            "settles": got.settles.fen,
            "amount": got.amount.fen,
            "stood": self.stands(kind),
        }
        self.advance(kind, steps)

    @property
    def tolerance(self) -> int:
        """Each payment and each recovery rounds once per party."""
        return 2 + 2 * self.payments

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

    @precondition(lambda self: bool(self.flying))
    @rule(kind=st.sampled_from(KINDS))
    def review(self, kind: ClaimKind) -> None:
        self.step(
            kind,
            (ClaimStatus.SUBMITTED,),
            ClaimStatus.REVIEWED,
            lambda session, id_: claim_decisions.review(
                session, actor=self.people[kind][0], claim_id=id_, note="同意", now=LATE
            ),
        )

    @precondition(lambda self: bool(self.flying))
    @rule(kind=st.sampled_from(KINDS))
    def approve(self, kind: ClaimKind) -> None:
        if self.flown(kind, ClaimStatus.REVIEWED) and not self.approve_for(kind, None):
            told = self.refused
            if isinstance(told, ApprovedAbove) and told.most:
                due = self.due(kind, self.flying[kind]["settles"])
                assert abs(told.most.fen - due) <= self.tolerance
                assert self.approve_for(kind, told.most.fen)

    def approve_for(self, kind: ClaimKind, amount: int | None) -> bool:
        """Done, unless money that came in since it was asked leaves less than that to be paid."""
        claim = self.flying[kind]
        done = self.attempt(
            lambda session: claim_decisions.approve(
                session,
                actor=self.people[kind][1],
                claim_id=claim["id"],
                amount=None if amount is None else Money(amount),
                now=LATE,
            )
        )
        approved = claim["amount"] if amount is None else amount
        self.judge(kind, approved, done is not None)
        if done is None:
            return False
        claim |= {"status": ClaimStatus.APPROVED, "amount": approved, "stood": self.stands(kind)}
        return True

    def judge(self, kind: ClaimKind, amount: int, done: bool) -> None:
        """Above what is due now it is refused; where nothing has changed it is not."""
        claim = self.flying[kind]
        if amount > self.due(kind, claim["settles"]) + self.tolerance:
            assert not done
        elif claim["stood"] == self.stands(kind):
            assert done

    @precondition(lambda self: bool(self.flying))
    @rule(kind=st.sampled_from(KINDS))
    def refuse(self, kind: ClaimKind) -> None:
        self.step(
            kind,
            (ClaimStatus.SUBMITTED, ClaimStatus.REVIEWED, ClaimStatus.APPROVED),
            ClaimStatus.REFUSED,
            lambda session, id_: claim_decisions.refuse(
                session, actor=self.people[kind][0], claim_id=id_, reason="存疑", now=LATE
            ),
        )

    @precondition(lambda self: bool(self.flying))
    @rule(kind=st.sampled_from(KINDS))
    def appeal(self, kind: ClaimKind) -> None:
        filing_ended = kind is ClaimKind.FUND and self.over
        self.step(
            kind,
            () if filing_ended else (ClaimStatus.REFUSED,),
            ClaimStatus.SUBMITTED,
            lambda session, id_: claims.appeal(
                session, actor=self.funded.table.bank, claim_id=id_, reason="补充", now=LATE
            ),
        )

    @precondition(lambda self: bool(self.flying))
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

    @precondition(lambda self: bool(self.flying))
    @rule(kind=st.sampled_from(KINDS))
    def pay(self, kind: ClaimKind) -> None:
        claim = self.flown(kind, ClaimStatus.APPROVED)
        if claim is None:
            return
        done = self.attempt(
            lambda session: claim_payments.pay(
                session,
                actor=self.people[kind][0],
                claim_id=claim["id"],
                data=ClaimPaymentIn(paid_on=LATE.date(), reference=f"PAY-{claim['id']}"),
                now=LATE,
            )
        )
        self.judge(kind, claim["amount"], done is not None)
        if done is None:
            return
        claim["status"] = ClaimStatus.PAID
        self.payments += 1
        self.paid[kind] += claim["amount"]
        self.still[kind.value] += claim["amount"]
        self.still["bank"] -= claim["amount"]
        if kind is ClaimKind.FUND:
            self.balance -= claim["amount"]
            self.settled[kind] += claim["settles"]

    @rule(kind=st.sampled_from(KINDS))
    def pay_too_early(self, kind: ClaimKind) -> None:
        if not self.flown(kind, ClaimStatus.APPROVED, ClaimStatus.PAID):
            self.step(
                kind,
                (),
                ClaimStatus.PAID,
                lambda session, id_: claim_payments.pay(
                    session,
                    actor=self.people[kind][0],
                    claim_id=id_,
                    data=ClaimPaymentIn(paid_on=LATE.date(), reference=f"PAY-{id_}"),
                    now=LATE,
                ),
            )

    @precondition(lambda self: bool(self.flying))
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
            self.settled[kind] += done["settles"]
            self.called += self.fall()
        del self.flying[kind]

    def fall(self) -> int:
        """What of the liability no principal stands for any more; a call that is paid keeps its."""
        paid = self.flown(ClaimKind.GUARANTEE, ClaimStatus.PAID) or {"settles": 0, "amount": 0}
        unsettled = Money(PRINCIPAL - self.settled[ClaimKind.GUARANTEE] - paid["settles"])
        left = unsettled.times(Fraction(PRINCIPAL - self.back, PRINCIPAL)).times(GUARANTEE_SHARE)
        drop: int = self.liability - min(self.liability, left.fen + paid["amount"])
        self.liability -= drop
        return drop

    @precondition(lambda self: bool(self.flying))
    @rule(kind=st.sampled_from(KINDS), steps=STEPS)
    def go_on(self, kind: ClaimKind, steps: int) -> None:
        self.advance(kind, steps)

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

    @precondition(lambda self: not self.over and any(self.paid.values()))
    @rule(part=PARTS, costs=st.integers(0, 10_000), all_=ALL)
    def recover(self, part: int, costs: int, all_: bool) -> None:
        back = self.back
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
        self.still = {
            party: part_ * Fraction(PRINCIPAL - self.back, PRINCIPAL - back)
            for party, part_ in self.still.items()
        }
        if "fund" in shares:
            self.unreceived.append((recovery.id, shares["fund"]))
        self.fall()
        self.over = self.back == PRINCIPAL

    @precondition(lambda self: not self.over)
    @rule(kind=st.sampled_from(KINDS), other=st.sampled_from(KINDS), parts=st.tuples(PARTS, PARTS))
    def claim_between_recoveries(
        self, kind: ClaimKind, other: ClaimKind, parts: tuple[int, int]
    ) -> None:
        """As it goes when a guarantor or fund pays for a part, and the bank sells meanwhile."""
        for which, part in zip((kind, other), parts, strict=True):
            if self.over:
                return
            if which not in self.flying:
                self.claim(which, part // 2 + 1, False, 4)
            if any(self.paid.values()):
                self.recover(part // 3 + 1, 0, False)

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
    @rule(really=ALL)
    def write_off(self, really: bool) -> None:
        if not really:
            return
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
        unlost = Fraction(PRINCIPAL - self.back, PRINCIPAL)
        assert fund.balance.fen == self.balance
        assert fund.committed.fen == (approved["amount"] if approved else 0)
        assert fund.paid.fen == CAPITAL.fen - self.balance
        owed = Money(0 if self.over else PRINCIPAL - self.settled[ClaimKind.FUND]).times(unlost)
        assert fund.base_outstanding == owed
        assert fund.exposure_outstanding == owed.times(FUND_SHARE)
        assert called.fen == self.called
        assert (loan.liability.fen, loan.called.fen) == (self.liability, self.called)
        # Indemnities and recoveries together: nobody has more than it bore, nobody less than 0.
        bank = PRINCIPAL - sum(self.paid.values())
        assert self.returned.get("bank", 0) <= bank
        for kind in KINDS:
            assert self.returned.get(kind.value, 0) <= self.paid[kind]
        borne = {kind.value: self.paid[kind] for kind in KINDS} | {"bank": bank}
        for party, still in self.still.items():
            left = borne[party] - self.returned.get(party, 0)
            assert abs(left - still) <= self.tolerance, party
        assert findings == []

    def attempt(self, act: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T | None:
        """What came of it; None if it was refused, and then nothing is written."""
        try:
            return self.commit(act)
        except DomainError as refused:
            self.refused = refused
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
                    max_examples=14,
                    stateful_step_count=40,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.generate],  # a sequence costs seconds; shrinking it, minutes
                ),
            )
            paid, after, findings = runner.run(_judge(sessions))
        finally:
            runner.run(engine.dispose())
    assert paid > 20  # of the claims made, so that the sequences went somewhere
    assert after > 3  # claimed once recoveries had come in
    assert findings == []


async def _judge(sessions: async_sessionmaker[AsyncSession]) -> tuple[int, int, list[Any]]:
    async with acting(sessions) as session:
        await bind(session, SYSTEM)
        counted = await session.execute(
            text("""
                SELECT count(*), count(*) FILTER (WHERE settles > principal)
                FROM claims WHERE confirmed_at IS NOT NULL
            """)
        )
        paid, after = counted.one()
        while await sealing.seal(session):
            pass
        return paid, after, list(await sealing.verify(session))
