"""Many clients on one hold, on one id, and against each other's locks: real commits."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import text

from app.core.db import Sessions, connect, new_id
from app.core.money import Money
from app.models.ledger import LedgerAccount
from app.services import ledger, sealing
from app.services.ledger import AccountRole, LedgerRefused, Operation, Outcome
from tests.make.ledger import acting, make_accounts

CLIENTS = 64
ROUNDS = 5
AVAILABLE, OUTSTANDING = AccountRole.AVAILABLE, AccountRole.OUTSTANDING

Accounts = dict[AccountRole, LedgerAccount]


async def together(clients: int, act: Callable[[int], Awaitable[str]]) -> Counter[str]:
    """What ``act`` says to each client, all of them at once."""
    ready = asyncio.Barrier(clients)

    async def run(number: int) -> str:
        await ready.wait()
        return await act(number)

    return Counter(await asyncio.gather(*(run(number) for number in range(clients))))


async def attempt(sessions: Sessions, *operations: Operation) -> str:
    try:
        async with acting(sessions) as session:
            return (await ledger.apply(session, operations)).value
    except LedgerRefused as refused:
        return refused.reason


def hold(accounts: Accounts, amount: int) -> Operation:
    return ledger.hold(
        "race", accounts[AVAILABLE].id, accounts[OUTSTANDING].id, Money(amount), new_id()
    )


async def available(sessions: Sessions, accounts: Accounts) -> int:
    async with acting(sessions) as session:
        row = (
            await session.execute(
                text(
                    "SELECT credits_posted - debits_posted, debits_pending FROM ledger_accounts"
                    " WHERE id = :id"
                ),
                {"id": accounts[AVAILABLE].id},
            )
        ).one()
        assert row[1] == 0
        return int(row[0])


async def test_one_of_64_resolves_a_hold(fresh_database: str) -> None:
    """Post, void and expire at once: exactly one wins, and the balance is what the winner says."""
    left = {"post": 1000 - 40, "void": 1000, "expire": 1000}
    async with connect(fresh_database, pool_size=CLIENTS) as sessions:
        for _ in range(ROUNDS):
            async with acting(sessions) as session:
                accounts = await make_accounts(session, room=1000)
                held = hold(accounts, 60)
                await ledger.apply(session, [held])
            winners: list[str] = []

            async def resolve(number: int, id_: UUID = held.id, won: list[str] = winners) -> str:
                kind = ("post", "void", "expire")[number % 3]
                operation = {
                    "post": ledger.post("race", id_, Money(40), id_),
                    "void": ledger.void("race", id_, id_),
                    "expire": ledger.expire("race", id_, id_),
                }[kind]
                said = await attempt(sessions, operation)
                if said == Outcome.CREATED:
                    won.append(kind)
                return said

            said = await together(CLIENTS, resolve)

            assert said == {Outcome.CREATED: 1, "already_resolved": CLIENTS - 1}
            assert await available(sessions, accounts) == left[winners[0]]
        async with acting(sessions) as session:
            assert await sealing.verify(session) == []


async def test_one_id_from_many_clients_is_done_once(fresh_database: str) -> None:
    async with connect(fresh_database, pool_size=16) as sessions:
        async with acting(sessions) as session:
            accounts = await make_accounts(session, room=1000)
        for operations in ([hold(accounts, 60)], [hold(accounts, 30), hold(accounts, 10)]):

            async def send(_: int, same: list[Operation] = operations) -> str:
                return await attempt(sessions, *same)

            said = await together(16, send)

            assert said == {Outcome.CREATED: 1, Outcome.EXISTS: 15}
        async with acting(sessions) as session:
            assert await sealing.verify(session) == []


async def test_one_id_on_accounts_with_nothing_in_common_is_done_once(fresh_database: str) -> None:
    """No lock is shared, so the key decides; whoever loses is told that its content differs."""
    async with connect(fresh_database, pool_size=8) as sessions:
        async with acting(sessions) as session:
            pairs = [await make_accounts(session, room=1000) for _ in range(8)]
        for length in (1, 2):
            ids = [new_id() for _ in range(length)]

            async def send(number: int, same: list[UUID] = ids) -> str:
                debit, credit = (pairs[number][role].id for role in (AVAILABLE, OUTSTANDING))
                operations = [
                    Operation(ledger.OperationKind.HOLD, "race", id_, id_, debit, credit, Money(1))
                    for id_ in same
                ]
                return await attempt(sessions, *operations)

            said = await together(8, send)

            assert said[Outcome.CREATED] == 1
            assert {reason for reason in said if reason != Outcome.CREATED} <= {
                "exists_with_different_reference",
                "exists_with_different_debit",
            }
        async with acting(sessions) as session:
            assert await sealing.verify(session) == []


async def test_blnk_238_239_both_accounts_are_locked_and_read_inside(fresh_database: str) -> None:
    """Opposite directions over few accounts: no deadlock, no credit lost, no version twice."""
    async with connect(fresh_database, pool_size=CLIENTS) as sessions:
        async with acting(sessions) as session:
            accounts = await make_accounts(session, room=1_000_000)
            half = ledger.transfer(
                "half",
                accounts[AVAILABLE].id,
                accounts[OUTSTANDING].id,
                Money(500_000),
                new_id(),
            )
            await ledger.apply(session, [half])
        ends = [accounts[AVAILABLE].id, accounts[OUTSTANDING].id]

        async def swap(number: int) -> str:
            debit, credit = ends[:: 1 if number % 2 else -1]
            amount = Money(1 + number)
            steps = [ledger.transfer("swap", debit, credit, amount, new_id()) for _ in range(3)]
            if number % 3 == 0:
                async with acting(sessions) as session:
                    await ledger.apply_batch(session, [[step] for step in steps])
                return "created"
            return await attempt(sessions, *steps[: number % 3])

        assert await together(CLIENTS, swap) == {"created": CLIENTS}

        def moved(number: int) -> int:
            count = number % 3 or 3
            return (-1 if number % 2 else 1) * count * (1 + number)

        expected = 500_000 + sum(moved(number) for number in range(CLIENTS))
        assert await available(sessions, accounts) == expected
        async with acting(sessions) as session:
            assert await sealing.verify(session) == []
