"""Any sequence of what happens to guarantees, on the real PostgreSQL, against a plain model.

Two parks and two guarantors of every example are its own. Real commits: an audit trigger looks at
each of them (tests/make/ledger.py), and a refused operation must leave every row as it was.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.core.db import new_id
from app.core.money import Money
from app.models.deals import Deal
from app.services import ledger, liability, room, sealing
from app.services.ledger import AccountRole, Book, LedgerRefused, Operation, Outcome
from app.services.room import Accounts
from tests.make.ledger import AUDIT, acting, cloned, connected, make_accounts

T = TypeVar("T")

PARKS = ("north", "south")
GUARANTORS = ("first", "second")
ROOM = {"north": 300, "south": 200, "first": 350, "second": 100}
RESERVE = 150
FIGURES = ("free", "held", "outstanding", "called")
AMOUNTS = st.integers(1, 120)
TTL = timedelta(days=1)


@dataclass
class Guarantee:
    """A loan's guarantee in the model, and the names of its two limits."""

    deal: Deal
    park: str
    guarantor: str
    holds: list[UUID]
    held: int
    last: list[Operation]
    outstanding: int = 0
    called: int = 0

    @property
    def limits(self) -> tuple[str, str]:
        return self.guarantor, self.park


class Ledger(RuleBasedStateMachine):
    """``model``: the four figures of each limit, in fen."""

    run: Callable[[Coroutine[Any, Any, T]], T]
    sessions: async_sessionmaker[AsyncSession]

    reserved = Bundle("reserved")
    drawn = Bundle("drawn")
    called = Bundle("called")
    done = Bundle("done")

    @initialize()
    def open_accounts(self) -> None:
        self.model = {name: dict.fromkeys(FIGURES, 0) | {"free": ROOM[name]} for name in ROOM}
        self.reserve = RESERVE
        self.owners = {name: f"{name}-{uuid4().hex}" for name in PARKS}
        self.owners |= {name: str(new_id()) for name in GUARANTORS}

        async def open_all(session: AsyncSession) -> None:
            self.accounts = {
                name: {
                    role: account.id
                    for role, account in (
                        await make_accounts(
                            session,
                            room=ROOM[name],
                            owner=self.owners[name],
                            book=Book.QUOTA if name in PARKS else Book.GUARANTOR,
                        )
                    ).items()
                }
                for name in ROOM
            }
            programme = uuid4().hex
            self.source, self.pool = [
                (await ledger.open_account(session, book=Book.QUOTA, owner=programme, role=role)).id
                for role in (AccountRole.SOURCE, AccountRole.RESERVE)
            ]
            given = ledger.transfer("capacity", self.source, self.pool, Money(RESERVE), self.source)
            await ledger.apply(session, [given])

        self.commit(open_all)

    # What happens to a guarantee.

    @rule(target=reserved, park=st.sampled_from(PARKS), by=st.sampled_from(GUARANTORS), fen=AMOUNTS)
    def reserve_room(self, park: str, by: str, fen: int) -> Any:
        deal = Deal(id=new_id(), guarantor_id=UUID(self.owners[by]), park_code=self.owners[park])
        deal.in_programme = True
        accounts = Accounts(
            limit=self.accounts[by][AccountRole.AVAILABLE],
            limit_used=self.accounts[by][AccountRole.OUTSTANDING],
            quota=self.accounts[park][AccountRole.AVAILABLE],
            quota_used=self.accounts[park][AccountRole.OUTSTANDING],
        )

        async def take(session: AsyncSession) -> room.Reservation:
            return await room.reserve(
                session, deal_id=deal.id, amount=Money(fen), ttl=TTL, accounts=accounts
            )

        short = [name for name in (by, park) if self.model[name]["free"] < fen]
        got = self.unchanged(take) if short else self.commit(take)

        lacking = {str(self.accounts[name][AccountRole.AVAILABLE]) for name in short}
        assert set(got.lacks) == lacking
        if short:
            return multiple()
        self.shift((by, park), "free", "held", fen)
        assert got.hold_id is not None
        assert got.quota_hold_id is not None
        return Guarantee(deal, park, by, [got.hold_id, got.quota_hold_id], fen, [])

    @rule(target=drawn, of=consumes(reserved), part=st.integers(0, 100))
    def draw_down(self, of: Guarantee, part: int) -> Guarantee:
        """Post a part of both holds, linked; the rest is free again."""
        fen = max(1, of.held * part // 100)
        of.last = [ledger.post("drawdown", id_, Money(fen), of.deal.id) for id_ in of.holds]
        self.apply(of.last)
        self.shift(of.limits, "held", "free", of.held)
        self.shift(of.limits, "free", "outstanding", fen)
        of.held, of.outstanding = 0, fen
        return of

    @rule(target=done, of=consumes(reserved), expired=st.booleans())
    def give_back(self, of: Guarantee, expired: bool) -> Guarantee:
        resolve = ledger.expire if expired else ledger.void
        of.last = [resolve("over", id_, of.deal.id) for id_ in of.holds]
        self.apply(of.last)
        self.shift(of.limits, "held", "free", of.held)
        of.held = 0
        return of

    @rule(of=drawn, fen=AMOUNTS)
    def repay(self, of: Guarantee, fen: int) -> None:
        fen = min(fen, of.outstanding)
        if fen:
            self.commit(
                lambda session: liability.free(
                    session, of.deal, amount=Money(fen), reference=of.deal.id
                )
            )
            self.shift(of.limits, "outstanding", "free", fen)
            of.outstanding -= fen

    @rule(target=called, of=drawn, fen=AMOUNTS)
    def call(self, of: Guarantee, fen: int) -> Any:
        fen = min(fen, of.outstanding)
        if not fen:
            return multiple()
        self.commit(
            lambda session: liability.call(
                session, of.deal, amount=Money(fen), reference=of.deal.id
            )
        )
        self.shift(of.limits, "outstanding", "called", fen)
        of.outstanding -= fen
        of.called += fen
        return of

    @rule(of=called, fen=AMOUNTS)
    def recover(self, of: Guarantee, fen: int) -> None:
        """Money that comes in is not headroom; a decision is, and at most what was called."""
        fen = min(fen, of.called)
        if fen:
            self.commit(
                lambda session: liability.return_called(
                    session, of.deal, amount=Money(fen), decision_id=new_id()
                )
            )
            self.shift(of.limits, "called", "free", fen)
            of.called -= fen

    # What happens to the limits.

    @rule(name=st.sampled_from(PARKS), fen=AMOUNTS, back=st.booleans())
    def move_allocation(self, name: str, fen: int, back: bool) -> None:
        """Between the reserve and an account, as far as each has it free."""
        ends = [self.pool, self.accounts[name][AccountRole.AVAILABLE]]
        debit, credit = reversed(ends) if back else ends
        step = ledger.transfer("allocate", debit, credit, Money(fen), new_id())
        if fen > (self.model[name]["free"] if back else self.reserve):
            self.refused("exceeds", [step])
            return
        self.apply([step])
        self.model[name]["free"] += -fen if back else fen
        self.reserve += fen if back else -fen

    @rule(fen=AMOUNTS, southwards=st.booleans())
    def reallocate(self, fen: int, southwards: bool) -> None:
        """From one park by way of the reserve to the other, both steps or neither."""
        source, target = PARKS if southwards else PARKS[::-1]
        ends = [self.accounts[name][AccountRole.AVAILABLE] for name in (source, target)]
        steps = [
            ledger.transfer("reallocate", ends[0], self.pool, Money(fen), self.pool),
            ledger.transfer("reallocate", self.pool, ends[1], Money(fen), self.pool),
        ]
        if fen > self.model[source]["free"]:
            self.refused("exceeds", steps)
            return
        self.apply(steps)
        self.model[source]["free"] -= fen
        self.model[target]["free"] += fen

    # What must be refused, or done once.

    @rule(of=reserved, more=AMOUNTS)
    def draw_down_too_much(self, of: Guarantee, more: int) -> None:
        steps = [
            ledger.post("drawdown", of.holds[0], Money(of.held), of.deal.id),
            ledger.post("drawdown", of.holds[1], Money(of.held + more), of.deal.id),
        ]
        self.refused("exceeds_hold", steps)

    @rule(of=st.one_of(drawn, done))
    def resolve_again(self, of: Guarantee) -> None:
        self.refused("already_resolved", [ledger.void("late", of.holds[1], of.deal.id)])

    @rule(of=st.one_of(drawn, done))
    def send_again(self, of: Guarantee) -> None:
        async def send(session: AsyncSession) -> Outcome:
            return await ledger.apply(session, of.last)

        assert self.unchanged(send) is Outcome.EXISTS

    @rule(of=drawn, more=AMOUNTS)
    def call_too_much(self, of: Guarantee, more: int) -> None:
        everything = self.model[of.guarantor]["outstanding"]

        async def call_more(session: AsyncSession) -> str:
            with pytest.raises(LedgerRefused) as refusal:
                await liability.call(
                    session, of.deal, amount=Money(everything + more), reference=of.deal.id
                )
            return refusal.value.reason

        assert self.unchanged(call_more) == "exceeds"

    @rule(park=st.sampled_from(PARKS), amounts=st.lists(AMOUNTS, min_size=2, max_size=6))
    def batch(self, park: str, amounts: list[int]) -> None:
        """Each list takes and gives back, or is refused; none disturbs the next."""
        available = self.accounts[park][AccountRole.AVAILABLE]
        used = self.accounts[park][AccountRole.OUTSTANDING]
        lists = []
        for fen in amounts:
            held = ledger.hold("batch", available, used, Money(fen * 3), new_id())
            lists.append([held, ledger.void("batch", held.id, new_id())])

        async def send(session: AsyncSession) -> list[Outcome | LedgerRefused]:
            return await ledger.apply_batch(session, lists)

        got = self.commit(send)

        free = self.model[park]["free"]
        assert [isinstance(outcome, LedgerRefused) for outcome in got] == [
            fen * 3 > free for fen in amounts
        ]

    @invariant()
    def balances_agree_with_the_model(self) -> None:
        assert self.figures() == self.model

    # How.

    def figures(self) -> dict[str, dict[str, int]]:
        async def read(session: AsyncSession) -> dict[str, dict[str, int]]:
            rows = {row[0]: row for row in await self.rows(session)}
            found = {}
            for name, accounts in self.accounts.items():
                posted = {role: rows[id_][3] - rows[id_][1] for role, id_ in accounts.items()}
                held = rows[accounts[AccountRole.AVAILABLE]][2]
                found[name] = {
                    "free": posted[AccountRole.AVAILABLE] - held,
                    "held": held,
                    "outstanding": posted[AccountRole.OUTSTANDING],
                    "called": posted[AccountRole.CALLED],
                }
            return found

        return self.commit(read) if hasattr(self, "accounts") else self.model

    async def rows(self, session: AsyncSession) -> list[tuple[Any, ...]]:
        rows = await session.execute(
            text(
                "SELECT id, debits_posted, debits_pending, credits_posted, credits_pending,"
                " version, at FROM ledger_accounts WHERE id = ANY (:ids) ORDER BY id"
            ),
            {
                "ids": [
                    self.pool,
                    *(id_ for each in self.accounts.values() for id_ in each.values()),
                ]
            },
        )
        return [tuple(row) for row in rows]

    def shift(self, names: tuple[str, ...], source: str, target: str, fen: int) -> None:
        for name in names:
            self.model[name][source] -= fen
            self.model[name][target] += fen

    def apply(self, operations: list[Operation]) -> None:
        async def send(session: AsyncSession) -> Outcome:
            return await ledger.apply(session, operations)

        assert self.commit(send) is Outcome.CREATED

    def refused(self, reason: str, operations: list[Operation]) -> None:
        async def send(session: AsyncSession) -> str:
            with pytest.raises(LedgerRefused) as refusal:
                await ledger.apply(session, operations)
            return refusal.value.reason

        assert self.unchanged(send) == reason

    def unchanged(self, act: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        """Commit what ``act`` did, which must be nothing."""

        async def watched(session: AsyncSession) -> T:
            before = await self.rows(session)
            got = await act(session)
            assert await self.rows(session) == before
            return got

        return self.commit(watched)

    def commit(self, act: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        async def transact() -> T:
            async with acting(self.sessions) as session:
                return await act(session)

        return self.run(transact())


@pytest.fixture
def audited(database: str) -> Iterator[str]:
    assert database  # the template is made
    with cloned("machine") as (owner_url, app_url):

        async def install() -> None:
            async with connected(owner_url) as owner:
                await owner.execute(AUDIT)

        asyncio.run(install())
        yield app_url


def test_any_sequence_agrees_with_the_model(audited: str) -> None:
    with asyncio.Runner() as runner:
        engine = create_async_engine(audited, pool_size=1)
        sessions = async_sessionmaker(engine, expire_on_commit=False)

        class OnThisDatabase(Ledger):
            pass

        OnThisDatabase.run = staticmethod(runner.run)
        OnThisDatabase.sessions = sessions
        try:
            run_state_machine_as_test(
                OnThisDatabase,
                settings=hypothesis.settings(
                    max_examples=50,
                    stateful_step_count=30,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
            commits, faults = runner.run(_judge(sessions))
        finally:
            runner.run(engine.dispose())
    assert commits > 1000
    assert faults == []


async def _judge(sessions: async_sessionmaker[AsyncSession]) -> tuple[int, list[str]]:
    async with acting(sessions) as session:
        commits = await session.scalar(text("SELECT count(*) FROM audit"))
        faults = await session.scalars(text("SELECT fault FROM audit WHERE fault IS NOT NULL"))
        while await sealing.seal(session):
            pass
        findings = await sealing.verify(session)
        return commits or 0, [*faults, *map(str, findings)]
