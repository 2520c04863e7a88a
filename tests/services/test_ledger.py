"""Linked lists and batches: done or refused, once, with both balances; and any past balance."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.money import ZERO, Money
from app.models.ledger import LedgerAccount, LedgerEntry, LedgerTransfer
from app.services import ledger, sealing
from app.services.ledger import (
    AccountRole,
    Balance,
    LedgerRefused,
    NoSuchAccount,
    Operation,
    OperationKind,
    Outcome,
)
from tests.make.ledger import make_accounts, snapshot

AVAILABLE, OUTSTANDING = AccountRole.AVAILABLE, AccountRole.OUTSTANDING
Accounts = dict[AccountRole, LedgerAccount]


def hold(accounts: Accounts, amount: int) -> Operation:
    return ledger.hold(
        "accept", accounts[AVAILABLE].id, accounts[OUTSTANDING].id, Money(amount), new_id()
    )


def move(accounts: Accounts, amount: int) -> Operation:
    return ledger.transfer(
        "move", accounts[AVAILABLE].id, accounts[OUTSTANDING].id, Money(amount), new_id()
    )


def with_other(operation: Operation, **fields: Any) -> Operation:
    known = {name: getattr(operation, name) for name in Operation.__slots__}
    return Operation(**known | fields)


async def balance(session: AsyncSession, account: LedgerAccount) -> Balance:
    found = await ledger.balances_at(session, [account.id], datetime(9999, 1, 1, tzinfo=UTC))
    return found[account.id]


def reasons(outcomes: list[Outcome | LedgerRefused]) -> list[str]:
    return [
        outcome.reason if isinstance(outcome, LedgerRefused) else outcome.value
        for outcome in outcomes
    ]


async def test_an_entry_keeps_the_balance_before_and_after_it(session: AsyncSession) -> None:
    accounts = await make_accounts(session, room=100)
    first, second = hold(accounts, 70), move(accounts, 30)

    await ledger.apply(session, [first])
    await ledger.apply(session, [second])

    entries = await session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.account_id == accounts[AVAILABLE].id)
        .order_by(LedgerEntry.version)
    )
    assert [
        (
            entry.version,
            entry.previous_debits_posted,
            entry.previous_debits_pending,
            entry.debits_posted,
            entry.debits_pending,
        )
        for entry in entries
    ] == [(1, 0, 0, 0, 0), (2, 0, 0, 0, 70), (3, 0, 70, 30, 70)]


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"amount": Money(101)}, "exceeds"),
            ({"amount": ZERO}, "amount_out_of_range"),
            ({"amount": Money(-1)}, "amount_out_of_range"),
            ({"amount": Money(10**15 + 1)}, "amount_out_of_range"),
            ({"amount": None}, "amount_out_of_range"),
            ({"debit": UUID(int=1)}, "no_such_account"),
            ({"credit": UUID(int=1)}, "no_such_account"),
            ({"credit": None}, "no_such_account"),
            ({"kind": OperationKind.VOID, "hold": UUID(int=1)}, "no_such_hold"),
        ],
    )
    @pytest.mark.parametrize("linked", [False, True])
    async def test_each_says_why_and_changes_nothing(
        self, session: AsyncSession, change: dict[str, Any], reason: str, linked: bool
    ) -> None:
        accounts = await make_accounts(session, room=100)
        operations = [with_other(move(accounts, 1), **change)]
        if linked:
            operations.insert(0, hold(accounts, 10))
            if reason == "exceeds":
                operations[1] = move(accounts, 91)
        before = await snapshot(session)

        with pytest.raises(LedgerRefused) as refused:
            await ledger.apply(session, operations)

        assert (refused.value.reason, refused.value.operation) == (reason, len(operations) - 1)
        assert await snapshot(session) == before
        assert await sealing.verify(session) == []

    async def test_an_account_is_no_partner_of_itself(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        id_ = accounts[AVAILABLE].id

        with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "same_account"):
            await ledger.apply(session, [ledger.transfer("x", id_, id_, Money(1), id_)])

    async def test_exceeds_names_the_account_whichever_of_the_two_is_locked_first(
        self, session: AsyncSession
    ) -> None:
        accounts = await make_accounts(session, room=100)
        ends = [accounts[OUTSTANDING].id, accounts[AccountRole.CALLED].id]
        before = await snapshot(session)

        for debit, credit in (ends, ends[::-1]):
            with pytest.raises(LedgerRefused) as refused:
                await ledger.apply(session, [ledger.transfer("x", debit, credit, Money(1), debit)])
            assert refused.value.account == str(debit)
        assert await snapshot(session) == before

    async def test_a_post_is_at_most_its_hold(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        held = hold(accounts, 60)
        await ledger.apply(session, [held])

        with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "exceeds_hold"):
            await ledger.apply(session, [ledger.post("drawdown", held.id, Money(61), new_id())])

        await ledger.apply(session, [ledger.post("drawdown", held.id, Money(25), new_id())])
        assert (await balance(session, accounts[AVAILABLE])).available == Money(75)


class TestIdempotency:
    """The same id again: the same content is done once, any other is named."""

    @pytest.mark.parametrize("linked", [False, True])
    async def test_the_same_again_exists(self, session: AsyncSession, linked: bool) -> None:
        accounts = await make_accounts(session, room=100)
        operations = [hold(accounts, 60), move(accounts, 10)][: 1 + linked]
        assert await ledger.apply(session, operations) is Outcome.CREATED
        before = await snapshot(session)

        assert await ledger.apply(session, operations) is Outcome.EXISTS

        assert await snapshot(session) == before

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("kind", OperationKind.TRANSFER),
            ("code", "other"),
            ("reference", UUID(int=2)),
            ("debit", UUID(int=2)),
            ("credit", UUID(int=2)),
            ("amount", Money(61)),
        ],
    )
    async def test_other_content_names_the_field(
        self, session: AsyncSession, field: str, value: object
    ) -> None:
        accounts = await make_accounts(session, room=200)
        operation = hold(accounts, 60)
        await ledger.apply(session, [operation])
        before = await snapshot(session)

        with pytest.raises(LedgerRefused) as refused:
            await ledger.apply(session, [with_other(operation, **{field: value})])

        assert refused.value.reason == f"exists_with_different_{field}"
        assert await snapshot(session) == before

    async def test_a_resolution_again_exists_and_another_is_refused(
        self, session: AsyncSession
    ) -> None:
        accounts = await make_accounts(session, room=100)
        first, second = hold(accounts, 10), hold(accounts, 20)
        posted = ledger.post("drawdown", first.id, Money(4), new_id())
        await ledger.apply(session, [first, second, posted])

        assert await ledger.apply(session, [posted]) is Outcome.EXISTS
        for other, reason in (
            (with_other(posted, hold=second.id), "exists_with_different_hold"),
            (with_other(posted, amount=Money(5)), "exists_with_different_amount"),
            (ledger.void("void", first.id, new_id()), "already_resolved"),
        ):
            with pytest.raises(LedgerRefused) as refused:
                await ledger.apply(session, [other])
            assert refused.value.reason == reason

    async def test_twice_inside_one_batch(self, session: AsyncSession) -> None:
        """formancehq/stack 1633: the same key twice in one bulk crashed it."""
        accounts = await make_accounts(session, room=100)
        operation = hold(accounts, 60)

        outcomes = await ledger.apply_batch(
            session, [[operation], [operation], [with_other(operation, amount=Money(1))]]
        )

        assert reasons(outcomes) == ["created", "exists", "exists_with_different_amount"]
        assert (await balance(session, accounts[AVAILABLE])).debits_pending == Money(60)

    async def test_a_list_of_which_a_part_was_done_is_refused(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        done, new = hold(accounts, 10), hold(accounts, 20)
        await ledger.apply(session, [done])
        before = await snapshot(session)

        outcomes = await ledger.apply_batch(session, [[done, new], [new, done], [new, new]])

        assert reasons(outcomes) == ["exists_in_part"] * 3
        assert await snapshot(session) == before


class TestBatch:
    async def test_a_refused_list_leaves_the_others_done(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        other = await make_accounts(session, room=5)
        lists = [
            [hold(accounts, 60)],
            [hold(accounts, 30), hold(other, 6)],  # the second half has no room
            [move(accounts, 40)],
            [hold(other, 5)],
        ]

        outcomes = await ledger.apply_batch(session, lists)

        assert reasons(outcomes) == ["created", "exceeds", "created", "created"]
        assert (await balance(session, accounts[AVAILABLE])).available == ZERO
        assert (await balance(session, other[AVAILABLE])).available == ZERO
        assert await sealing.verify(session) == []

    async def test_what_a_refused_list_moved_is_taken_back_before_the_next(
        self, session: AsyncSession
    ) -> None:
        accounts = await make_accounts(session, room=100)
        other = await make_accounts(session, room=5)
        held = hold(other, 2)
        refused = [
            hold(accounts, 20),
            move(accounts, 30),
            held,
            ledger.post("drawdown", held.id, Money(1), new_id()),
            hold(other, 5),
        ]

        outcomes = await ledger.apply_batch(
            session, [refused, [hold(accounts, 100)], [move(other, 5)]]
        )

        assert reasons(outcomes) == ["exceeds", "created", "created"]
        assert await sealing.verify(session) == []

    async def test_a_refused_last_list_leaves_no_trace(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        refused = [move(accounts, 10), move(accounts, 100)]

        outcomes = await ledger.apply_batch(session, [[move(accounts, 10)], refused])

        assert reasons(outcomes) == ["created", "exceeds"]
        assert await sealing.verify(session) == []

    async def test_holds_made_before_the_batch_count(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        await ledger.apply(session, [hold(accounts, 60)])

        outcomes = await ledger.apply_batch(session, [[hold(accounts, 41)], [hold(accounts, 40)]])

        assert reasons(outcomes) == ["exceeds", "created"]

    async def test_a_later_list_uses_what_an_earlier_one_made(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        held, drawn = hold(accounts, 100), new_id()
        repaid = ledger.transfer(
            "repay", accounts[OUTSTANDING].id, accounts[AVAILABLE].id, Money(70), drawn
        )

        outcomes = await ledger.apply_batch(
            session,
            [
                [held],
                [hold(accounts, 1)],
                [ledger.post("drawdown", held.id, Money(70), drawn)],
                [ledger.void("again", held.id, drawn)],
                [repaid],
                [hold(accounts, 100)],
            ],
        )

        assert reasons(outcomes) == [
            "created", "exceeds", "created", "already_resolved", "created", "created",
        ]  # fmt: skip
        assert await sealing.verify(session) == []

    async def test_plain_lists_are_set_based_and_give_the_same(self, session: AsyncSession) -> None:
        """The quick road and the general one leave the same balances and versions."""
        quick = await make_accounts(session, room=1000)
        general = await make_accounts(session, room=1000)
        amounts = (5, 40, 300, 2, 100)

        def lists(accounts: Accounts) -> list[list[Operation]]:
            return [[hold(accounts, amount), move(accounts, amount + 1)] for amount in amounts]

        await ledger.apply_batch(session, lists(quick))
        await ledger.apply_batch(session, [*lists(general), [hold(general, 1000)]])

        for role in (AVAILABLE, OUTSTANDING):
            await session.refresh(quick[role])
            await session.refresh(general[role])
            assert quick[role].version == general[role].version
            assert await balance(session, quick[role]) == await balance(session, general[role])
        assert await sealing.verify(session) == []

    async def test_an_empty_batch_has_no_answers(self, session: AsyncSession) -> None:
        assert await ledger.apply_batch(session, []) == []

    async def test_instants_rise_strictly_on_every_account(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=1000)
        for _ in range(3):
            await ledger.apply_batch(session, [[hold(accounts, 1)] for _ in range(50)])
            await ledger.apply(session, [move(accounts, 1)])

        falls = await session.scalar(
            text(
                "SELECT count(*) FROM (SELECT at - lag(at) OVER (PARTITION BY account_id"
                " ORDER BY version) AS step FROM ledger_entries) s WHERE step <= interval '0'"
            )
        )
        assert falls == 0
        assert await sealing.verify(session) == []


class TestBlnkRegressions:
    """What users of other ledgers met: risk.md §1.2."""

    async def test_181_reservations_count_against_available_funds(
        self, session: AsyncSession
    ) -> None:
        """Six holds of 1,000 on 5,000: the sixth has no room."""
        accounts = await make_accounts(session, room=5000)

        outcomes = await ledger.apply_batch(session, [[hold(accounts, 1000)] for _ in range(6)])

        assert reasons(outcomes) == ["created"] * 5 + ["exceeds"]

    async def test_182_a_refused_hold_cannot_be_posted(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=5)
        refused = hold(accounts, 6)
        with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "exceeds"):
            await ledger.apply(session, [refused])

        with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "no_such_hold"):
            await ledger.apply(session, [ledger.post("drawdown", refused.id, Money(1), new_id())])

    async def test_240_a_row_and_its_balance_come_and_go_together(
        self, session: AsyncSession
    ) -> None:
        accounts = await make_accounts(session, room=100)
        operation = hold(accounts, 60)
        before = await snapshot(session)
        savepoint = await session.begin_nested()
        await ledger.apply(session, [operation])

        await savepoint.rollback()

        assert await snapshot(session) == before
        assert await session.get(LedgerTransfer, operation.id) is None

    async def test_formance_445_a_list_is_reverted_whole_or_not(
        self, session: AsyncSession
    ) -> None:
        accounts = await make_accounts(session, room=100)
        await ledger.apply(session, [move(accounts, 30)])
        back = [
            ledger.transfer(
                "reverse", accounts[OUTSTANDING].id, accounts[AVAILABLE].id, Money(20), new_id()
            )
            for _ in range(2)
        ]
        before = await snapshot(session)

        with pytest.raises(LedgerRefused, check=lambda refused: refused.reason == "exceeds"):
            await ledger.apply(session, back)

        assert await snapshot(session) == before


class TestPastBalances:
    async def test_every_instant_has_its_balance(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=100)
        used = accounts[OUTSTANDING]
        await ledger.apply(session, [move(accounts, 30)])
        await ledger.apply(session, [move(accounts, 5)])
        first, second = (
            await session.scalars(
                select(LedgerEntry.at)
                .where(LedgerEntry.account_id == used.id)
                .order_by(LedgerEntry.at)
            )
        ).all()

        async def posted(at: datetime) -> Money:
            return (await ledger.balances_at(session, [used.id], at))[used.id].posted

        tick = timedelta(microseconds=1)
        assert await posted(first - tick) == ZERO
        assert await posted(first) == await posted(second - tick) == Money(30)
        assert await posted(second) == Money(35)

    async def test_an_unknown_account_is_an_error_and_not_left_out(
        self, session: AsyncSession
    ) -> None:
        """formancehq/ledger 1416: an empty answer reconciled to zero."""
        accounts = await make_accounts(session, room=100)
        unknown = new_id()

        with pytest.raises(NoSuchAccount, match=str(unknown)):
            await ledger.balances_at(session, [accounts[AVAILABLE].id, unknown], datetime.now(UTC))

    async def test_it_is_an_index_look_up(self, session: AsyncSession) -> None:
        accounts = await make_accounts(session, room=10_000)
        for _ in range(3):
            await ledger.apply_batch(session, [[move(accounts, 1)] for _ in range(500)])
        await session.execute(text("ANALYZE ledger_entries, ledger_accounts"))

        plan = await session.scalars(
            text(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {ledger.BALANCES_AT.text}"),
            {"ids": [accounts[AVAILABLE].id], "at": datetime.now(UTC)},
        )

        lines = "\n".join(plan)
        assert "Index Scan Backward using pk_ledger_entries" in lines
        assert "(at <= " in lines
        assert "Seq Scan on ledger_entries" not in lines
